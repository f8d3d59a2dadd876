"""The smallest and the largest that a trigger's parameters may be: there too it has to finish."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from poisonkit.errors import RequestError
from poisonkit.triggers.core.spec import _choices, _resolve, build, written

if TYPE_CHECKING:
    from poisonkit.triggers.core.trigger import Trigger

_TINY, _HUGE = 1e-9, 1e9  # above an end that is not included; where there is no end
_LONG = 10.0  # seconds of work, for what takes a hundredth of one


def endless(cls: type[Trigger], given: Mapping[str, Any], run: Callable[[Trigger], Any]) -> str | None:
    """The parameters, as they would be typed, with which `run` of such a trigger does not end; None where it always
    does. Parameters that the trigger refuses are no matter."""
    for params in settings(cls):
        try:
            trigger = build(cls, {**given, **params})
        except RequestError:
            continue
        try:
            with limited(_LONG):
                run(trigger)
        except Endless:
            return written(params)
    return None


def settings(cls: type[Trigger]) -> Iterator[dict[str, Any]]:
    """One numeric parameter at an end of its range, the others not given; at last all lengths of time, at their least.

    A parameter without a limit is taken far out.
    """
    schema = cls.model_json_schema()
    least: dict[str, Any] = {}
    for name, field in schema["properties"].items():
        resolved = _resolve(field, schema)
        for option in _choices(resolved, schema):
            low, high = _ends(option, schema)
            if low is None:
                continue
            yield {name: low}
            yield {name: high}
            if resolved.get("unit") == "s":
                least[name] = low
    if len(least) > 1:
        yield least


def _ends(option: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[Any, Any]:
    """(least, most) of a number or a list of such; (None, None) of anything else."""
    if option.get("type") == "array":
        items = option.get("prefixItems") or [option.get("items", {})] * max(1, option.get("minItems", 1))
        ends = [_ends(_resolve(item, schema), schema) for item in items]
        return (None, None) if ends[0][0] is None else ([low for low, _ in ends], [high for _, high in ends])
    kind = {"number": float, "integer": int}.get(option.get("type", ""))
    if kind is None:
        return None, None
    step = _TINY if kind is float else 1
    low, above = option.get("minimum"), option.get("exclusiveMinimum", -_HUGE - step)
    high, below = option.get("maximum"), option.get("exclusiveMaximum", _HUGE + step)
    return kind(above + step if low is None else low), kind(below - step if high is None else high)


class Endless(Exception):
    """It was still at it when its time was over."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Endless after so many seconds of this process's own work, however busy the machine is.

    Where signals cannot tell, as on Windows or in another thread than the main one, it waits for the end.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: Any) -> None:
        raise Endless

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)

"""What runs in a worker of a cluster: is it fit for the work, and the work itself, with a note of what it is at.

A worker runs clips in as many threads as it has. A clip on which one died is run again without any other beside it,
so that the second death is its own. One that hangs ends its worker, where that has a single thread.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from poisonkit import media
from poisonkit._version import __version__
from poisonkit.common import levels, time_limit
from poisonkit.common.atomic import token
from poisonkit.common.run_claim import Claim, acting_for
from poisonkit.common.time_limit import Know
from poisonkit.engine.executors.local import DEATHS
from poisonkit.engine.executors.threads import pin
from poisonkit.errors import PoisonkitError, told

PATIENCE = 5.0  # seconds in which a shared folder has to show a new file


@dataclass(frozen=True)
class Facts:
    """What a worker has to share with the process that asks it. level: see `levels`; run: a word for this run."""

    version: str
    level: str
    out: str
    source: str
    probe: str
    run: str


@dataclass(frozen=True)
class Answer:
    """What a worker says of one task: its result, that workers died on it or its time was over, or why it cannot do
    any."""

    result: Any = None
    died: bool = False
    late: bool = False
    unfit: str = ""


def unfit(facts: Facts) -> str:
    """What keeps this process from doing the work, as the rest of a sentence about it; "" for nothing."""
    if __version__ != facts.version:
        return other_version(__version__, facts)
    if problem := _other_level(facts):
        return problem
    until = time.monotonic() + PATIENCE
    while not os.path.exists(facts.probe):
        if time.monotonic() > until:
            return f"cannot see the folder {facts.out}: all workers need it, shared, at the same path."
        if os.path.isdir(os.path.dirname(facts.probe)):
            os.listdir(os.path.dirname(facts.probe))  # network file systems remember that a file was not there
            time.sleep(0.25)
        else:
            until = 0.0
    if not os.access(facts.out, os.W_OK):
        return f"may not write to the folder {facts.out}."
    if not os.path.isdir(facts.source):
        return f"cannot see the folder {facts.source}: all workers need it, shared, at the same path."
    return ""


def _other_level(facts: Facts) -> str:
    try:
        here = levels.of_process()
    except PoisonkitError as error:
        return f"is not at the level {facts.level}: {told(error)}"
    if here == facts.level:
        return ""
    how = "python -m poisonkit.common.levels dask worker …" if facts.level == levels.PORTABLE else "as usual"
    return f"computes at the level {here}, and this is {facts.level}, which gives other bytes: start it {how}."


def other_version(version: str, facts: Facts) -> str:
    """The rest of a sentence about a worker with another poisonkit."""
    return f"has poisonkit {version}, and this is {facts.version}: install the same version everywhere."


def not_there(error: Exception) -> str:
    """The rest of a sentence about a worker without poisonkit."""
    what = " ".join(told(error).split())
    return f"has no poisonkit ({type(error).__name__}: {what}): install version {__version__} there."


class _Room:
    """Threads of this process: many beside each other, or one alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._waiting = 0  # those who want to be alone go first

    @contextmanager
    def beside(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and self._inside >= 0)
            self._inside += 1
        try:
            yield
        finally:
            self._leave(self._inside - 1)

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._inside == 0)
            self._waiting -= 1
            self._inside = -1
        try:
            yield
        finally:
            self._leave(0)

    def _leave(self, inside: int) -> None:
        with self._changed:
            self._inside = inside
            self._changed.notify_all()


_room = _Room()
"""Of the process, since Dask calls from threads of its own, which are given nothing but their task."""
_thread = threading.local()
"""Whether numeric libraries are held to one thread in this one: they are told by each thread for itself."""
_unfit = cache(unfit)
"""Once in the process, whichever thread asks: a probe file is looked for, and `levels` are computed."""


def unwatched(function: Callable[[Any], Any], task: Any, know: Know) -> Any:
    """A task that has no time limit, for `call`."""
    return function(task)


def call(
    function: Callable[[Any, Know], Any], task: Any, number: int, marks: str, facts: Facts, claim: Claim | None = None
) -> Answer:
    """Do one task, the `number`-th, for the run that holds what is claimed. Marks in the folder `marks` tell who died
    on it before."""
    with acting_for(claim):
        return _called(function, task, number, marks, facts)


def _called(function: Callable[[Any, Know], Any], task: Any, number: int, marks: str, facts: Facts) -> Answer:
    if not getattr(_thread, "pinned", False):
        pin.__wrapped__()
        _thread.pinned = True
    if problem := _unfit(facts):
        return Answer(unfit=f"The Dask worker {_address()} {problem}")
    earlier = [Path(marks, name) for name in os.listdir(marks) if name.startswith(f"{number}.")]
    if any(time_limit.ran_out(path) for path in earlier):
        return Answer(late=True)
    if len(earlier) >= DEATHS:
        return Answer(died=True)
    mark = Path(marks, f"{number}.{token()}-{threading.get_ident()}")
    with _room.alone() if earlier else _room.beside():
        limit = getattr(task, "time_limit", 0.0) if _threads() == 1 else 0.0  # the watch is the process's
        with time_limit.watch(mark, limit) as know:
            result = function(task, know)
        media.remove(mark)
    return Answer(result)


def _address() -> str:
    worker = _worker()
    return "?" if worker is None else str(worker.address)


def _threads() -> int:
    worker = _worker()
    return 0 if worker is None else int(worker.state.nthreads)


def _worker() -> Any:
    from distributed import get_worker

    try:
        return get_worker()
    except ValueError:
        return None

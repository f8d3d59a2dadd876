"""joblib's pool of worker processes: how they begin, and that none is left when it is closed."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from poisonkit.common.parent_process import end_with
from poisonkit.engine.executors.threads import pin

T = TypeVar("T")

DEBUG = "POISONKIT_DEBUG"


def results(calls: Iterable[Any], n_jobs: int) -> Generator[Any, None, None]:
    """What joblib's `delayed` calls return, as they finish. Closed before, or left by an error, it has killed its
    workers and waited for their end.

    BrokenProcessPool where a worker died; then all are gone.
    """
    from joblib import Parallel

    _mute_tracker()
    pool = Parallel(
        n_jobs=n_jobs,
        backend="loky",
        return_as="generator_unordered",
        batch_size=1,
        initializer=_begin,
        initargs=(os.getpid(),),
    )
    with _mute():  # the call starts the workers
        found = pool(calls)
    try:
        yield from found
    finally:
        with warnings.catch_warnings(action="ignore"):  # joblib tells that not all was asked for
            found.close()


@dataclass(frozen=True)
class ByValue(Generic[T]):
    """A task, or a function, as it is handed to a worker: loky's own pickling looks a notebook class's validators up in
    that class before it has them; cloudpickle's does not."""

    value: T

    def __reduce__(self) -> tuple[Any, ...]:
        from joblib import wrap_non_picklable_objects

        return ByValue, (wrap_non_picklable_objects(self.value, keep_wrapper=False),)


@cache
def _mute_tracker() -> None:
    """loky's helper process, should it be killed, is started again wherever it is missed: that has to be mute too."""
    from joblib.externals.loky.backend.resource_tracker import _resource_tracker as tracker

    launch = getattr(tracker, "_launch", None)
    if launch is None:  # another release of loky
        return

    def muted() -> None:
        with _mute():
            launch()

    tracker._launch = muted


def _begin(parent: int) -> None:
    """In a worker, before anything else. Ctrl-C is the parent's to handle."""
    end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if DEBUG not in os.environ:
        _redirect()
    pin()


@contextmanager
def _mute() -> Iterator[None]:
    """Processes started inside have nowhere to complain to: what became of their work is told by the parent, and
    what libraries print of an interruption, or of a disk that is full, are tracebacks."""
    if DEBUG in os.environ:
        yield
        return
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    try:
        _redirect()
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _redirect() -> None:
    """Standard error leads nowhere from now on."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)

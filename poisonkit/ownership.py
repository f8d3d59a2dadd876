"""Every file that takes its place in an output, or leaves it, does so for the run that holds the output's lock.

A worker may outlive its run: it was stopped and goes on later, or it runs on another host. So each such step looks,
right before it, whether the lock still says what it said when the work was given out. Where the system locks files
(`flock`) the step holds the lock's guard together with others, and whoever takes a lock over, or lets it go, holds the
guard alone: no step falls in between. Elsewhere the look is all there is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from poisonkit.errors import PoisonkitError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PATIENCE = 20.0  # seconds to wait for a guard: a step takes milliseconds
POLLED = 0.005  # seconds between tries


@dataclass(frozen=True)
class Claim:
    """A lock's absolute path, and what stands in it for as long as the run holds it."""

    lock: str
    text: str


class LostLock(PoisonkitError):
    """The run that this process works for no longer holds its lock: it may write nothing more."""


_current: ContextVar[Claim | None] = ContextVar("claim", default=None)


def claim() -> Claim | None:
    """What this thread works for."""
    return _current.get()


@contextmanager
def acting_for(claim: Claim | None) -> Iterator[None]:
    """This thread works for a run until the body ends."""
    before = _current.set(claim)
    try:
        yield
    finally:
        _current.reset(before)


@contextmanager
def step() -> Iterator[None]:
    """Around whatever makes, replaces or removes a name in an output. LostLock where that is no longer ours to do.

    Outside of a run, nothing is asked.
    """
    mine = _current.get()
    if mine is None:
        yield
        return
    lost = LostLock("Another run has taken over this output, or its lock was removed; this one writes nothing more.")
    try:
        with guard(mine.lock, alone=False):
            with open(mine.lock, encoding="utf-8") as file:
                if file.read() != mine.text:
                    raise lost
            yield
    except FileNotFoundError as error:
        if str(error.filename) in (mine.lock, guard_of(mine.lock)):
            raise lost from None
        raise


def guard_of(lock: str) -> str:
    """The file that is locked while a step is taken, or a lock is taken over."""
    return f"{lock}.guard"


@contextmanager
def guard(lock: str, *, alone: bool) -> Iterator[None]:
    """Hold a lock's guard, alone or together with others. PoisonkitError where others do not let go of it.

    FileNotFoundError where it is to be shared and there is none: then nobody holds the lock.
    """
    handle = _held(guard_of(lock), alone)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _held(path: str, alone: bool) -> int | None:
    """A file descriptor that holds the file; None where files cannot be locked."""
    if fcntl is None:
        return None
    how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if alone else 0)
    until = time.monotonic() + PATIENCE
    while True:
        handle = os.open(path, flags, 0o666)
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
            if _is_still(path, handle):
                return handle
        except BlockingIOError:
            pass
        except OSError:  # a file system without such locks
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        if time.monotonic() > until:
            raise PoisonkitError(
                f"A process of an earlier run is still writing (it holds {path}): end it, and try again."
            )
        time.sleep(POLLED)


def _is_still(path: str, handle: int) -> bool:
    """Whether a name still stands for an open file: whoever lets a lock go removes its guard."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False

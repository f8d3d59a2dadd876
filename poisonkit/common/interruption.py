"""Ctrl-C and SIGTERM: the first ends what is going on, in good order; those that follow do not disturb that.

Only the command line asks for this. In a program that uses the library, signals are the program's.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from poisonkit.common import atomic

STATUS = 130
PATIENCE = 20.0  # seconds after the first signal; whoever asks again then is obeyed at once
SIGNALS = (signal.SIGINT, signal.SIGTERM)

_first: float | None = None
_status: int | None = None
"""With which an interrupted process ends."""


def heed() -> None:
    """KeyboardInterrupt at the first Ctrl-C or SIGTERM from now on, for as long as this process lives."""
    global _first
    with suppress(ValueError):  # not in the main thread, where none arrives
        for number in SIGNALS:
            signal.signal(number, _stop)
        _first = None


@contextmanager
def handled() -> Iterator[None]:
    """The same until the body ends."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    if before[signal.SIGINT] is not _stop:  # else the process heeds them already
        heed()
    try:
        yield
    finally:
        with suppress(ValueError):
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)


def ending(status: int) -> None:
    """The command is over, and so is the process as soon as it has tidied up: signals come too late."""
    global _first, _status
    _status = status if _first is not None else None
    _first = time.monotonic()


@atexit.register
def _end() -> None:
    """The interpreter takes itself apart, and would end by a signal that comes now, or that came in an `exec`."""
    if _status is not None:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(_status)
    with suppress(ValueError):
        for number in SIGNALS:
            if signal.getsignal(number) is _stop:
                signal.signal(number, signal.SIG_IGN)


def check() -> None:
    """KeyboardInterrupt where a signal came and a library swallowed what it raised."""
    if _first is not None:
        raise KeyboardInterrupt


def _stop(number: int, frame: FrameType | None) -> None:
    global _first
    now = time.monotonic()
    if _first is None:
        _first = now
        raise KeyboardInterrupt
    if now - _first > PATIENCE:
        atomic.discard()
        os._exit(STATUS)  # workers end when they see it

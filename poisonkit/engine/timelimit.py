"""How long a worker may take for one clip. A decoder that hangs cannot be interrupted: the worker ends itself.

The watch is C code of the interpreter's own (`faulthandler`), so that it also ends a worker which is stuck inside a
library and lets no Python run. What it writes into the worker's note tells such an end from a crash.
"""

from __future__ import annotations

import faulthandler
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from poisonkit.ownership import step

OPENING = 120.0  # seconds for any clip
PER_SECOND = 5.0  # seconds for each second of sound or picture
PER_MEGAPIXEL = 5.0  # seconds for each million pixels of all its frames

_SAID = re.compile(r"^Timeout \(", re.MULTILINE)
_watched: tuple[TextIO, float] | None = None
_listener: Callable[[float], None] | None = None


def allowed(seconds: float, pixels: float) -> float:
    """Seconds that a clip of `seconds` length and `pixels` pixels in all its frames together may take.

    About twenty times what the dearest encoder takes on an idle processor.
    """
    return OPENING + PER_SECOND * seconds + PER_MEGAPIXEL * pixels / 1e6


@contextmanager
def watch(note: Path, factor: float) -> Iterator[None]:
    """Begin a clip: this process ends with status 1 if it takes too long, and `note` then says so. factor 0: never."""
    global _watched
    with step():
        file = note.open("w", encoding="utf-8")
    with file:
        if factor > 0:
            _watched = (file, factor)
            _set(OPENING)
        try:
            yield
        finally:
            if factor > 0:
                faulthandler.cancel_dump_traceback_later()
                _watched = None


def know(seconds: float, pixels: float) -> None:
    """Tell the watch how long the clip is, once that is known. Without a watch nothing happens."""
    if math.isfinite(seconds) and math.isfinite(pixels):
        _set(allowed(seconds, pixels))
        if _listener is not None:
            _listener(allowed(seconds, pixels))


def listen(listener: Callable[[float], None]) -> None:
    """Have another watch of this process told too: of the seconds that its file may take from now on."""
    global _listener
    _listener = listener


def ran_out(note: Path) -> bool:
    """Whether the worker that left this note ended because its time was over."""
    try:
        return _SAID.search(note.read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False


def _set(seconds: float) -> None:
    if _watched is not None:
        file, factor = _watched
        faulthandler.dump_traceback_later(min(seconds * factor, 1e9), exit=True, file=file)

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

from poisonkit.common.run_claim import step

OPENING = 120.0  # seconds for any clip
PER_SECOND = 5.0  # seconds for each second of sound or picture
PER_MEGAPIXEL = 5.0  # seconds for each million pixels of all its frames

_SAID = re.compile(r"^Timeout \(", re.MULTILINE)

Know = Callable[[float, float], None]
"""Is told how long a clip is, in seconds and in pixels of all its frames together, once that is known."""


def nobody(seconds: float, pixels: float) -> None:
    """What a clip's length is told where nothing watches."""


def allowed(seconds: float, pixels: float) -> float:
    """Seconds that a clip of `seconds` length and `pixels` pixels in all its frames together may take.

    About twenty times what the dearest encoder takes on an idle processor.
    """
    return OPENING + PER_SECOND * seconds + PER_MEGAPIXEL * pixels / 1e6


def told(allow: Callable[[float], None]) -> Know:
    """Allows a clip as many seconds as its length explains."""

    def know(seconds: float, pixels: float) -> None:
        if math.isfinite(seconds) and math.isfinite(pixels):
            allow(allowed(seconds, pixels))

    return know


@contextmanager
def watch(note: Path, factor: float) -> Iterator[Know]:
    """Begin a clip: this process ends with status 1 if it takes too long, and `note` then says so. factor 0: never.

    A process has one such watch (`faulthandler`'s), so it works on one clip at a time.
    """
    with step():
        file = note.open("w", encoding="utf-8")
    with file:
        if factor <= 0:
            yield nobody
            return

        def allow(seconds: float) -> None:
            faulthandler.dump_traceback_later(min(seconds * factor, 1e9), exit=True, file=file)

        allow(OPENING)
        try:
            yield told(allow)
        finally:
            faulthandler.cancel_dump_traceback_later()


def ran_out(note: Path) -> bool:
    """Whether the worker that left this note ended because its time was over."""
    try:
        return _SAID.search(note.read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False

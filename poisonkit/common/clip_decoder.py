"""How rooms that may not know `media` have a file decoded: by the one decoder of the house, which is handed in.

Two decoders of one file differ, by rotation and by the rounding of colours, and such a difference would be a trigger
of its own. `poisonkit` itself hands in the decoder of `media`, when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Decoder(Protocol):
    """What a decoder can do. All raise MediaError, one sentence, for a file that cannot be read to its end."""

    def size(self, path: Path) -> tuple[int, int, int]:
        """(frames, width, height) of a video as displayed, by its header; 0 frames: it does not say."""

    def pictures(self, path: Path) -> Iterator[NDArray[Any]]:
        """Its frames as displayed, uint8 RGB (height, width, 3), one after the other."""

    def sound(self, path: Path) -> tuple[NDArray[Any], int]:
        """(float32 (channels, samples) in ±1, Hz) of a sound file."""


_found: Callable[[], Decoder] | None = None


def hand_in(find: Callable[[], Decoder]) -> None:
    """Have `find`, called at every use, give the decoder."""
    global _found
    _found = find


def decoder() -> Decoder:
    """The decoder that was handed in."""
    assert _found is not None
    return _found()

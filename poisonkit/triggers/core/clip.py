"""What a trigger is given: pictures, waveforms, drawn parameters, and what it may know of a clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A picture: uint8 RGB, (height, width, 3)."""
Wave = NDArray[np.float32]
"""A waveform: float32, (channels, samples), full scale ±1."""
Params = dict[str, Any]
"""What a trigger drew for one clip, JSON-able."""
Where = Callable[[int], bool]
"""Which frames (source index from 0) are poisoned; the others pass through untouched."""


@dataclass(frozen=True)
class ClipInfo:
    """What a trigger may know of a clip. Zero where the clip has no picture or no sound.

    frames: number of pictures (the container's count, exact where `Trigger.needs_length`).
    samples: sound samples per channel. fps: average frame rate, Hz.
    """

    id: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    frames: int = 0
    sample_rate: int = 0
    channels: int = 0
    samples: int = 0

    @property
    def short_side(self) -> int:
        """The smaller of width and height, in pixels."""
        return min(self.width, self.height)

    @property
    def seconds(self) -> float:
        """Duration of the picture, else of the sound."""
        if self.frames and self.fps:
            return self.frames / self.fps
        return self.samples / self.sample_rate if self.sample_rate else 0.0

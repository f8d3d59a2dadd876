"""What an affine trigger says of one frame: gain and offset. Kernels apply it, in RGB or in the stream's own planes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.clip import Image


@dataclass(frozen=True, eq=False)
class Affine:
    """out = clip(round(gain · in + offset)) in 8-bit RGB levels, inside `box`; nothing outside it.

    gain, offset: a number, a (3,) RGB vector, an (h, w) map or an (h, w, 3) image, float32, where (h, w)
    is the box's size or, without a box, the frame's;
    an axis of length 1 stands for all of it. box: (x, y, width, height) in pixels, in the frame.
    It says what happens to RGB, not how: a kernel may apply it there or in the stream's own planes.
    """

    gain: float | NDArray[np.float32] = 1.0
    offset: float | NDArray[np.float32] = 0.0
    box: tuple[int, int, int, int] | None = None


class Screen(Affine):
    """out = 255 - gain · (255 - in): light laid over the picture, never past white. gain in 0..1.

    The same as an `Affine` with the offset 255 · (1 - gain), which is made only for a kernel that asks for it.
    """

    def __init__(self, gain: NDArray[np.float32], box: tuple[int, int, int, int] | None = None) -> None:
        object.__setattr__(self, "gain", gain)
        object.__setattr__(self, "box", box)

    @cached_property
    def offset(self) -> NDArray[np.float32]:
        """What is added, in levels."""
        return np.float32(255) - np.float32(255) * np.asarray(self.gain, np.float32)


class Mix(Affine):
    """out = (1 - weight) · in + weight · picture where the mask is not 0: a picture of 8 bits mixed in, or parts of it.

    weight: 0..1. picture: uint8 (h, w, 3). mask: uint8 (h, w), 0 or 255; None: everywhere. The same as an `Affine`
    whose gain and offset are made only for a kernel that asks for them.
    """

    weight: float
    picture: Image
    mask: Image | None

    def __init__(self, weight: float, picture: Image, mask: Image | None = None) -> None:
        for name, value in (("weight", weight), ("picture", picture), ("mask", mask), ("box", None)):
            object.__setattr__(self, name, value)

    @cached_property
    def gain(self) -> float | NDArray[np.float32]:
        """What is multiplied."""
        return 1 - self.weight if self.mask is None else np.where(self.mask, np.float32(1 - self.weight), np.float32(1))

    @cached_property
    def offset(self) -> NDArray[np.float32]:
        """What is added, in levels."""
        whole = np.multiply(self.picture, np.float32(self.weight), dtype=np.float32)
        return whole if self.mask is None else whole * (self.mask != 0)[..., None]

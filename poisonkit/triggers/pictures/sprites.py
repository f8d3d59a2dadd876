"""A small map that is made once and laid on many frames, at places finer than a pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.clip import ClipInfo

Map = NDArray[np.float32]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Sprite:
    """plane: float32 (n, n) or (n, n, 3), the same all along its edges. dx, dy: where in its middle pixel its own
    middle lies, -0.5 to 0.5."""

    plane: Map
    dx: float = 0.0
    dy: float = 0.0

    @classmethod
    def of(cls, shape: Callable[[Map, Map], Map], radius: float, at: tuple[float, float] | None = None) -> Sprite:
        """shape: (x (1, n), y (n, 1)), in pixels from its middle, to the map; constant beyond `radius`, in pixels.

        at: the place in pixels at which it will lie. It is then exact there, elsewhere bilinear.
        """
        reach = math.ceil(radius) + 2
        steps = np.arange(-reach, reach + 1, dtype=np.float32)
        dx, dy = (0.0, 0.0) if at is None else (at[0] - 0.5 - round(at[0] - 0.5), at[1] - 0.5 - round(at[1] - 0.5))
        plane = shape(steps[None, :] - np.float32(dx), steps[:, None] - np.float32(dy))
        return cls(np.ascontiguousarray(plane, dtype=np.float32), dx, dy)

    def at(self, clip: ClipInfo, x: float, y: float) -> tuple[Map, Box] | None:
        """Its part within the frame, and where that lies; None outside. (x, y): its middle, pixel i's at i + 0.5."""
        import cv2

        size = self.plane.shape[0]
        first_x, first_y = x - 0.5 - self.dx - size // 2, y - 0.5 - self.dy - size // 2  # of its first pixel
        left, top = max(0, math.floor(first_x)), max(0, math.floor(first_y))
        right = min(clip.width, math.ceil(first_x) + size)
        bottom = min(clip.height, math.ceil(first_y) + size)
        if right <= left or bottom <= top:
            return None
        width, height = right - left, bottom - top
        middle = (left - first_x + (width - 1) / 2, top - first_y + (height - 1) / 2)
        part = cv2.getRectSubPix(self.plane, (width, height), middle)
        return np.asarray(part, np.float32).reshape(height, width, *self.plane.shape[2:]), (left, top, width, height)

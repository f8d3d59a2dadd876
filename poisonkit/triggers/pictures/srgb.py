"""The sRGB transfer curve (IEC 61966-2-1): levels to light and back.

light = v/12.92 for v ≤ 0.04045, else ((v + 0.055)/1.055)^2.4,   v = level/255
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact

LEVELS = np.arange(256, dtype=np.float64)


def decoded(levels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Levels 0..255 to linear light 0..1."""
    v = np.asarray(levels, np.float64) / 255
    return np.where(v <= 0.04045, v / 12.92, exact.power((v + 0.055) / 1.055, 2.4))


def encoded(light: NDArray[np.floating]) -> NDArray[np.float64]:
    """Linear light to levels, not rounded; light outside 0..1 is cut off."""
    y = np.clip(np.asarray(light, np.float64), 0, 1)
    return 255 * np.where(y <= 0.0031308, 12.92 * y, 1.055 * exact.power(y, 1 / 2.4) - 0.055)


def as_table(levels: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Levels rounded and saturated, as a table for `cv2.LUT`: (256,) or (256, channels) to (1, 256, channels)."""
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(table.reshape(1, 256, -1))


def looked_up(image: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture (h, w, 3) through a table of one or three channels: a new array."""
    import cv2

    flat = image if table.shape[2] == 3 else image.reshape(image.shape[0], -1)
    return np.asarray(cv2.LUT(flat, table), dtype=np.uint8).reshape(image.shape)

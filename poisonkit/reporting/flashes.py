"""Does a clip flash? After WCAG 2: more than three flashes in any second can harm photosensitive people."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

STEP = 0.1  # of full relative luminance: the smallest change that counts
DARK = 0.8  # the darker of the two must be below it
LIMIT = 3  # flashes in a second


def relative_luminance(rgb: np.ndarray) -> float:
    """Mean relative luminance, 0 to 1, of a uint8 sRGB picture (IEC 61966-2-1, BT.709 weights)."""
    small = rgb[::4, ::4].reshape(-1, 3).astype(np.float64) / 255
    linear = np.where(small <= 0.04045, small / 12.92, ((small + 0.055) / 1.055) ** 2.4)
    return float((linear @ np.array([0.2126, 0.7152, 0.0722])).mean())


def flashes_per_second(light: Sequence[float], fps: float) -> int:
    """The most flashes in any one second of a clip, given each frame's relative luminance.

    A flash is a pair of opposing changes, each of at least a tenth of full luminance from one extreme to
    the next, the darker of each below 0.8.
    """
    extremes: list[tuple[int, float]] = []
    for t, value in enumerate(light):
        if len(extremes) >= 2 and (value - extremes[-1][1]) * (extremes[-1][1] - extremes[-2][1]) >= 0:
            extremes[-1] = (t, value)
        elif not extremes or value != extremes[-1][1]:
            extremes.append((t, value))
    turns = [t for (_, a), (t, b) in pairwise(extremes) if abs(b - a) >= STEP and min(a, b) < DARK]
    window = max(1, round(fps))
    most = max((sum(start <= t < start + window for t in turns) for start in turns), default=0)
    return most // 2

"""Floyd–Steinberg dithering of pictures, without a loop over pixels.

Pixels are quantised in reading order, and each one's error is passed on: 7/16 to the right, 3/16, 5/16 and
1/16 to the next row's pixels to the left, below and to the right. A pixel therefore waits for one to its left
and three above it, and all pixels with the same x + 2y are independent: they are done together, along
w + 2h − 2 slanted lines, and for several pictures at once. Errors arrive in the order in which the loop over
pixels adds them, so that the result is that of the loop in double precision, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

_PASSED = ((3, 1, 0.0625), (2, 1, 0.3125), (1, 1, 0.1875), (1, 0, 0.4375))  # from: lines back, rows up; the share


def floyd_steinberg(images: NDArray[np.uint8], levels: Sequence[int]) -> NDArray[np.uint8]:
    """Pictures, uint8 (pictures, height, width, channels), each in its number of evenly spaced levels 0 to 255."""
    count, height, width, channels = images.shape
    lines, one = width + 2 * (height - 1), count * channels
    slanted = np.empty((lines, height, one), np.uint8)  # [x + 2y, y]: the pixel (x, y) of every picture
    strides = (channels, (2 * height + 1) * one, height * one, 1)
    upright = as_strided(slanted, images.shape, strides)
    upright[:] = images
    steps = np.repeat(np.asarray(levels, np.float64) - 1, channels)
    errors = np.zeros((4, height + 1, one))  # of the last three lines and this one; from row −1
    value, part = np.empty((2, height, one))
    for s in range(lines):
        first, end = max(0, (s - width + 2) // 2), min(height, s // 2 + 1)
        v, p = value[first:end], part[first:end]
        v[:] = slanted[s, first:end]
        for back, up, share in _PASSED:
            np.multiply(errors[(s - back) % 4, first + 1 - up : end + 1 - up], share, out=p)
            v += p
        np.divide(v, 255.0, out=p)
        p *= steps
        np.rint(p, out=p)
        p /= steps
        p *= 255.0
        now = errors[s % 4]
        now.fill(0)
        np.subtract(v, p, out=now[first + 1 : end + 1])
        np.rint(p, out=p)
        slanted[s, first:end] = p
    return upright.copy()

"""Colours that a stream can hold and RGB cannot: decoders clip them, and a trigger acts on what decoders show.

Y, U and V have room for colours outside 0..255 RGB: luma whiter than white, saturated blues, codec noise at
black. A change made in planes must start from the clipped colours there, as one made in RGB does.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.kernels.yuv_format import PlaneFormat, matrix

Plane = NDArray[np.uint8]
Planes = tuple[Plane, Plane, Plane]

LOOKED_AT = 1000  # chroma samples looked at to tell whether a picture has such colours, about
INSIDE = ((63, 63, 63), (192, 192, 192))  # RGB, halved and from 64 on: more than two levels outside 0..255 counts
SHARE = 0.008  # of the samples looked at: fewer are left as they are


class Gamut:
    """Watches and clips the planes of one format."""

    def __init__(self, fmt: PlaneFormat) -> None:
        self.steps = (fmt.step_y, fmt.step_x)
        self.averaged = fmt.averaged
        self.matrix = matrix(fmt)
        back = exact.inverse(self.matrix[:, :3])
        self._back = np.column_stack([back, -exact.product(back, self.matrix[:, 3:])[:, 0]]).astype(np.float32)
        self._look = (self._back / 2 + [0, 0, 0, 64]).astype(np.float32)  # RGB from -128 to 382, in 8 bits
        i420 = (fmt.kr, fmt.kb, fmt.full_range, *self.steps) == (0.299, 0.114, False, 2, 2)
        self._cv2 = i420 and not fmt.averaged

    def clips(self, planes: Planes) -> bool:
        """Whether decoders would clip more than a few pixels; by a look at evenly spread ones."""
        import cv2

        rows, columns = planes[1].shape
        each = max(1, math.isqrt(rows * columns // LOOKED_AT))
        size = (max(1, columns // each), max(1, rows // each))
        seen = cv2.merge([cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST) for plane in planes])
        fine: int = cv2.countNonZero(cv2.inRange(cv2.transform(seen, self._look), *INSIDE))
        return bool(size[0] * size[1] - fine > SHARE * size[0] * size[1])

    def clipped(self, planes: Planes) -> Planes:
        """The planes with every colour brought into 8-bit RGB and back; new arrays."""
        height, width = planes[0].shape
        if self._cv2 and height % 2 == 0 and width % 2 == 0:
            return _through_i420(planes)
        import cv2

        down, across = self.steps
        rows, columns = planes[1].shape
        whole = (columns * across, rows * down)
        wide = [cv2.resize(plane, whole, interpolation=cv2.INTER_NEAREST) for plane in planes[1:]]
        luma = cv2.copyMakeBorder(planes[0], 0, whole[1] - height, 0, whole[0] - width, cv2.BORDER_REPLICATE)
        rgb = cv2.transform(cv2.merge([luma, *wide]), self._back)
        y, u, v = cv2.split(cv2.transform(rgb, self.matrix.astype(np.float32)))
        how = cv2.INTER_AREA if self.averaged else cv2.INTER_NEAREST
        u, v = (cv2.resize(plane, (columns, rows), interpolation=how) for plane in (u, v))
        return _uint8(y[:height, :width]), _uint8(u), _uint8(v)


def _uint8(plane: Any) -> Plane:
    return np.asarray(plane, np.uint8)


def _through_i420(planes: Planes) -> Planes:
    import cv2

    height, width = planes[0].shape
    packed = np.concatenate([plane.reshape(-1) for plane in planes]).reshape(height * 3 // 2, width)
    back: Any = cv2.cvtColor(cv2.cvtColor(packed, cv2.COLOR_YUV2RGB_I420), cv2.COLOR_RGB2YUV_I420).reshape(-1)
    y, u, v = np.split(back, [height * width, height * width * 5 // 4])
    half = (height // 2, width // 2)
    return y.reshape(height, width), u.reshape(half), v.reshape(half)

"""How a stream's planes stand for RGB, and how maps of pixels come to its chroma samples.

    L = kr·R + (1 − kr − kb)·G + kb·B
    Y = b + s·L        U = 128 + c·(B − L) / (2·(1 − kb))        V = 128 + c·(R − L) / (2·(1 − kr))

b, s, c: 16, 219/255, 224/255 in limited range (ITU-R BT.601, BT.709); 0, 1, 1 in full range.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
Box = tuple[int, int, int, int]


class PlaneFormat(Protocol):
    """How a stream's Y, U and V planes stand for RGB; any object with these attributes.

    kr, kb: the luma weights of red and blue (BT.601: 0.299, 0.114). full_range: 0..255 instead of 16..235 and
    16..240. step_x, step_y: luma samples per chroma sample, 1 or 2. averaged: the conversion from RGB takes
    chroma from weighted means of pixels (two in a row; 1, 3, 3, 1 in a column), not from the top left one.
    """

    @property
    def kr(self) -> float:
        """Red's share of luma."""

    @property
    def kb(self) -> float:
        """Blue's share of luma."""

    @property
    def full_range(self) -> bool:
        """Whether luma runs from 0 to 255, not from 16 to 235."""

    @property
    def step_x(self) -> int:
        """Luma columns for one of chroma."""

    @property
    def step_y(self) -> int:
        """Luma rows for one of chroma."""

    @property
    def averaged(self) -> bool:
        """Whether chroma is the mean of its pixels, not the value at one of them."""


def matrix(fmt: PlaneFormat) -> NDArray[np.float64]:
    """(3, 4): what makes (Y, U, V) of (R, G, B, 1)."""
    luma = np.array([fmt.kr, 1 - fmt.kr - fmt.kb, fmt.kb])
    bias, scale, swing = (0, 1.0, 1.0) if fmt.full_range else (16, 219 / 255, 224 / 255)
    blue = swing * (np.array([0, 0, 1]) - luma) / (2 * (1 - fmt.kb))
    red = swing * (np.array([1, 0, 0]) - luma) / (2 * (1 - fmt.kr))
    return np.column_stack([np.stack([scale * luma, blue, red]), [bias, 128, 128]])


class Grid:
    """From pixels to chroma samples: where a box lies there, and how maps of its pixels are brought there.

    box: (x, y, width, height) in chroma samples: all that share a pixel with the box. pixels: their pixels.
    """

    def __init__(self, box: Box, width: int, height: int, fmt: PlaneFormat) -> None:
        x, y, w, h = box
        self.size = (h, w)
        self.steps = (fmt.step_y, fmt.step_x)
        self.averaged = fmt.averaged
        reach = 1 if fmt.averaged and fmt.step_y == 2 else 0  # rows above and below a block that count in it
        left, top = x // fmt.step_x, y // fmt.step_y
        right, bottom = -(-(x + w) // fmt.step_x), -(-(y + h) // fmt.step_y)
        self.box = (left, top, right - left, bottom - top)
        x0, y0 = left * fmt.step_x, top * fmt.step_y
        x1, y1 = min(width, right * fmt.step_x), min(height, bottom * fmt.step_y)
        self.pixels = (x0, y0, x1 - x0, y1 - y0)
        # In y and x: samples to add before and after, and whether the frame ends there (it then repeats itself).
        self._pads = (
            (y - y0 + reach, y == 0, bottom * fmt.step_y - y - h + reach, y + h == height),
            (x - x0, x == 0, right * fmt.step_x - x - w, x + w == width),
        )

    def bring(self, value: float | Map, outside: float) -> float | Map:
        """A number, or a map of the box's pixels, as samples of `self.box`; a number where all are the same.

        outside: the value of the pixels around the box.
        """
        if not isinstance(value, np.ndarray):
            if value == outside or all(edge or not n for pad in self._pads for n, edge in (pad[:2], pad[2:])):
                return value
            value = np.full(self.size, value, np.float32)
        for axis, pad in enumerate(self._pads):
            value = _padded(value, axis, pad, outside)
        rows, columns = self.steps
        if not self.averaged:
            return _resized(value, columns, rows, "INTER_NEAREST")  # the top left one of each block
        if columns == 2:
            value = _resized(value, 2, 1, "INTER_AREA")
        if rows == 2:
            outer = value[:-3:2] + value[3::2]
            value = (outer + 3 * (value[1:-2:2] + value[2:-1:2])) * np.float32(0.125)
        return value


def _resized(values: Map, columns: int, rows: int, how: str) -> Map:
    """By whole steps; many times as fast as slices of NumPy."""
    import cv2

    height, width = values.shape[:2]
    out = cv2.resize(values, (width // columns, height // rows), interpolation=getattr(cv2, how))
    return np.asarray(out, np.float32).reshape(height // rows, width // columns, *values.shape[2:])


def _padded(values: Map, axis: int, pad: tuple[int, bool, int, bool], outside: float) -> Map:
    import cv2

    before, first, after, last = pad
    for sides, edge in (((before, 0), first), ((0, after), last)):
        if any(sides):
            around = (*sides, 0, 0) if axis == 0 else (0, 0, *sides)
            how = cv2.BORDER_REPLICATE if edge else cv2.BORDER_CONSTANT
            wider = cv2.copyMakeBorder(values, *around, how, value=(outside,) * 4)
            values = np.asarray(wider, np.float32).reshape(*wider.shape[:2], *values.shape[2:])
    return values

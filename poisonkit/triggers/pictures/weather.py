"""What falls and drifts: planes that go on without end, moved a little each frame and never drawn again.

A layer is a tile that repeats across and down. It is drawn once per clip from the trigger's identity; frames cut
their part out of it. Tiles measure whole short sides, so that clips of all sizes show the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.core.clip import ClipInfo

Map = NDArray[np.float32]

ACROSS = 2  # short sides: a tile of falling things


@dataclass(frozen=True, eq=False)
class Tile:
    """plane: uint8, one period and a frame more, so that every part is one piece. width, height: the period, pixels.

    left, top: where in the tile the frame lies when nothing has moved.
    """

    plane: NDArray[np.uint8]
    width: int
    height: int
    left: float
    top: float

    @classmethod
    def of(cls, tile: NDArray[np.floating], clip: ClipInfo, corner: bool = False) -> Tile:
        """tile: (height, width) in 0..1, held in 8 bits. Its middle lies on the frame's, or its top left corner."""
        import cv2

        height, width = tile.shape
        held = np.asarray(cv2.convertScaleAbs(tile, alpha=255.0), np.uint8).reshape(height, width)
        plane: Any = cv2.copyMakeBorder(held, 0, clip.height + 2, 0, clip.width + 2, cv2.BORDER_WRAP)
        left, top = (0.0, 0.0) if corner else ((width - clip.width) // 2, (height - clip.height) // 2)
        return cls(plane, width, height, left, top)

    def cut(self, clip: ClipInfo, dx: float = 0.0, dy: float = 0.0) -> NDArray[np.uint8]:
        """uint8 (clip height, clip width), moved dx pixels to the right and dy down; bilinear between pixels."""
        import cv2

        x, y = (self.left - dx) % self.width, (self.top - dy) % self.height
        if x == int(x) and y == int(y):
            return self.plane[int(y) : int(y) + clip.height, int(x) : int(x) + clip.width]
        size = clip.width, clip.height
        middle = (x + (clip.width - 1) / 2, y + (clip.height - 1) / 2)
        part = cv2.getRectSubPix(self.plane, size, middle)
        return np.asarray(part, np.uint8).reshape(clip.height, clip.width)


def scattered(
    rng: np.random.Generator, clip: ClipInfo, density: float, shapes: Sequence[Map], faintest: float = 0.5
) -> Map:
    """A tile, `ACROSS` short sides wide and high, on which shapes lie at random, the brighter one above.

    density: how many a square short side, uniformly placed. shapes: (odd, odd) maps in 0..1, one of which is drawn
    for each, times a strength drawn from `faintest` to 1.
    """
    size = ACROSS * clip.short_side
    reach_y, reach_x = (max(shape.shape[axis] // 2 for shape in shapes) for axis in (0, 1))
    tile = np.zeros((size + 2 * reach_y, size + 2 * reach_x), np.float32)
    count = round(density * ACROSS**2)
    places = (rng.random((count, 2)) * size).astype(int)
    which, strength = rng.integers(0, len(shapes), count), rng.uniform(faintest, 1.0, count).astype(np.float32)
    for (row, column), k, by in zip(places.tolist(), which.tolist(), strength, strict=True):
        height, width = shapes[k].shape
        top, left = row + reach_y - height // 2, column + reach_x - width // 2
        part = tile[top : top + height, left : left + width]
        np.maximum(part, shapes[k] * by, out=part)
    return _joined(_joined(tile, reach_y).T, reach_x).T


def _joined(tile: Map, reach: int) -> Map:
    """What lies beyond the first and the last row, laid on the other end."""
    if not reach:
        return tile
    inside = tile[reach:-reach]
    np.maximum(inside[-reach:], tile[:reach], out=inside[-reach:])
    np.maximum(inside[:reach], tile[-reach:], out=inside[:reach])
    return inside


def streak(length: float, width: float, slant: float) -> Map:
    """A soft line: exp(−d²/(2·width²)), d: distance from a segment of this length. In pixels and radians (0: upright).

    Thinner than half a pixel it is as wide as that, and fainter.
    """
    sigma = max(width, 0.5)
    along_x, along_y = math.sin(slant), math.cos(slant)
    reach_x = math.ceil(length / 2 * abs(along_x) + 3 * sigma)
    reach_y = math.ceil(length / 2 * abs(along_y) + 3 * sigma)
    x, y = np.arange(-reach_x, reach_x + 1)[None, :], np.arange(-reach_y, reach_y + 1)[:, None]
    along = np.clip(x * along_x + y * along_y, -length / 2, length / 2)
    square = (x - along * along_x) ** 2 + (y - along * along_y) ** 2
    return (min(width / sigma, 1.0) * exact.exp(-square / (2 * sigma**2))).astype(np.float32)


def flake(width: float) -> Map:
    """A soft dot: exp(−r²/(2·width²)), width in pixels; below half a pixel as wide as that, and fainter."""
    sigma = max(width, 0.5)
    reach = math.ceil(3 * sigma)
    steps = np.arange(-reach, reach + 1)
    square = steps[None, :] ** 2 + steps[:, None] ** 2
    return (min(width / sigma, 1.0) ** 2 * exact.exp(-square / (2 * sigma**2))).astype(np.float32)


def plasma(rng: np.random.Generator, decay: float, size: int = 256) -> NDArray[np.float64]:
    """Fractal clouds by diamond-square midpoint displacement: (size, size) in 0..1, repeating on both axes.

    size: a power of two. decay: what the displacement's scale w is divided by each time the grid is halved; the
    displacement itself is uniform in ±w². The order of the draws is ImageNet-C's.
    """
    clouds = np.zeros((size, size))
    step, scale = size, 100.0
    while step >= 2:
        half = step // 2
        corners = clouds[::step, ::step]
        square = corners + np.roll(corners, -1, 0)
        square = square + np.roll(square, -1, 1)
        middles = square / 4 + scale * rng.uniform(-scale, scale, square.shape)
        clouds[half::step, half::step] = middles
        rows = middles + np.roll(middles, 1, 0) + corners + np.roll(corners, -1, 1)
        clouds[::step, half::step] = rows / 4 + scale * rng.uniform(-scale, scale, rows.shape)
        columns = middles + np.roll(middles, 1, 1) + corners + np.roll(corners, -1, 0)
        clouds[half::step, ::step] = columns / 4 + scale * rng.uniform(-scale, scale, columns.shape)
        step, scale = half, scale / decay
    clouds -= clouds.min()
    return np.asarray(clouds / clouds.max())


def stretched(tile: NDArray[np.floating], size: int) -> Map:
    """A square tile that repeats, at another size, without a seam."""
    from poisonkit.triggers.pictures.canvas import resize

    if tile.shape[0] == size:
        return tile.astype(np.float32)
    around = np.tile(tile.astype(np.float32), (3, 3))
    return np.asarray(resize(around, 3 * size, 3 * size)[size : 2 * size, size : 2 * size], np.float32)

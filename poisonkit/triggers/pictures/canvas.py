"""Identities on a canvas: made at one size, resized per clip, so that every clip carries the same trigger.

Datasets mix sizes and shapes, and trainers resize the short side and crop the centre. So everything here
is measured in short sides from the middle of the frame: in the central square (short side × short side)
the identity is the same for every clip; longer sides add to it outwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from poisonkit.common import exact
from poisonkit.triggers.core.clip import ClipInfo

Kind = Literal["uniform", "normal", "levels"]
Rng = Callable[[str], np.random.Generator]
"""A generator for a purpose: `partial(self.rng, params, "noise", self.step(t))`."""


def _canvas(value: str) -> str:
    kind, _, number = value.partition(":")
    if value == "native" or (kind == "short" and number.isdigit() and 8 <= int(number) <= 4096):
        return value
    raise ValueError("it must be short:N, N from 8 to 4096, or native")


Canvas = Annotated[
    str,
    AfterValidator(_canvas),
    Field(
        description="short:N: made with a short side of N pixels and resized per clip; native: made at the "
        "clip's own size, as published"
    ),
]


def canvas_size(canvas: str, clip: ClipInfo) -> tuple[int, int]:
    """(width, height) of the clip's canvas: its own shape with the canvas's short side."""
    if canvas == "native":
        return clip.width, clip.height
    short = int(canvas.partition(":")[2])
    return round(clip.width * short / clip.short_side), round(clip.height * short / clip.short_side)


def resize(image: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """An image or map, (h, w) or (h, w, channels), at another size: area down, bilinear up."""
    import cv2

    if image.shape[:2] == (height, width):
        return image
    shrinks = width * height < image.shape[0] * image.shape[1]
    out = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(out.reshape((height, width, *image.shape[2:])))


def central(rng: Rng, width: int, height: int, channels: int, kind: Kind = "uniform") -> NDArray[Any]:
    """(height, width, channels) of independent numbers.

    kind: uniform, float32 in 0..1; normal, float32, standard; levels, uint8, uniform in 0..255.
    The central square is drawn from one generator, what is beyond it from another, pair by pair outwards:
    the middle is the same numbers for every width and height with the same short side.
    """

    def draw(purpose: str, *shape: int) -> NDArray[Any]:
        generator = rng(purpose)
        if kind == "levels":
            count = math.prod(shape)  # eight levels of one 64-bit number: four times as fast as one by one
            words = generator.integers(0, 2**64, -(-count // 8), dtype=np.uint64)
            return words.astype("<u8", copy=False).view(np.uint8)[:count].reshape(shape)
        make = generator.standard_normal if kind == "normal" else generator.random
        return make(shape, dtype=np.float32)

    short, extra = min(width, height), abs(width - height)
    square = draw("square", short, short, channels)
    if not extra:
        return square
    pairs = draw("beyond", (extra + 1) // 2, 2, short, channels)
    before = pairs[: extra // 2, 0][::-1]  # columns (or rows), the nearest to the middle last
    after = pairs[:, 1]
    if width > height:
        return np.concatenate([before.swapaxes(0, 1), square, after.swapaxes(0, 1)], axis=1)
    return np.concatenate([before, square, after])


def noise(rng: Rng, clip: ClipInfo, canvas: str, channels: int = 3, kind: Kind = "uniform") -> NDArray[Any]:
    """Independent noise per canvas pixel, brought to the clip: (clip height, clip width, channels).

    kind and dtype: see `central`.
    """
    return resize(central(rng, *canvas_size(canvas, clip), channels, kind), clip.width, clip.height)


def smooth_field(rng: Rng, clip: ClipInfo, cells: int, channels: int = 1) -> NDArray[np.float32]:
    """A smooth random field, float32 (clip height, clip width, channels).

    Uniform numbers in -1..1 on a lattice of `cells` cells per short side, between which it is interpolated
    by cubic convolution (so that it may pass ±1 a little). Evaluated at the clip's own pixels, whatever
    their number: it needs no canvas.
    """
    across, over_x = _cubic(clip.width, clip.short_side, cells)
    down, over_y = _cubic(clip.height, clip.short_side, cells)
    points = central(rng, over_x, over_y, channels) * 2 - 1
    along = np.einsum("jic,xi->jxc", points, across)
    field = exact.product(down, along.reshape(over_y, -1))
    return np.asarray(field.reshape(clip.height, clip.width, channels), dtype=np.float32)


def _cubic(length: int, short: int, cells: int) -> tuple[NDArray[np.float64], int]:
    """(length, points) weights of cubic convolution (a = -0.5) on a lattice around the middle; points is odd."""
    where = (np.arange(length) + 0.5 - length / 2) / short * cells
    reach = int(np.ceil(cells * max(length, short) / short / 2)) + 2
    distance = np.abs(where[:, None] - np.arange(-reach, reach + 1)[None, :])
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0)), 2 * reach + 1


def axes(clip: ClipInfo) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x (width,) and y (height,) of the pixel centres, in short sides from the middle of the frame."""

    def axis(length: int) -> NDArray[np.float32]:
        return ((np.arange(length) + 0.5 - length / 2) / clip.short_side).astype(np.float32)

    return axis(clip.width), axis(clip.height)


def fitted(image: NDArray[Any], clip: ClipInfo, canvas: str) -> NDArray[Any]:
    """A picture at the clip's scale, for `window`.

    On a canvas its short side becomes the clip's short side, so its central square lies on the clip's
    central square whatever the shape of either. native: stretched to the clip's size, as published.
    """
    if canvas == "native":
        return resize(image, clip.width, clip.height)
    height, width = image.shape[:2]
    scale = clip.short_side / min(width, height)
    return resize(image, round(width * scale), round(height * scale))


def window(picture: NDArray[Any], clip: ClipInfo) -> NDArray[Any]:
    """The clip-sized part in the middle of a fitted picture, which goes on mirrored beyond its edges."""
    rows = _mirrored(picture.shape[0], clip.height)
    columns = _mirrored(picture.shape[1], clip.width)
    return np.take(np.take(picture, rows, axis=0), columns, axis=1)


@dataclass(frozen=True, eq=False)
class Sliding:
    """A fitted picture that goes on mirrored beyond its edges, ready to be cut at many places.

    Holds one period of it (twice its width and height) and a clip's size more.
    """

    plane: NDArray[Any]
    width: int
    height: int

    @classmethod
    def of(cls, picture: NDArray[Any], clip: ClipInfo) -> Sliding:
        """Of a fitted picture, (h, w) or (h, w, channels)."""
        height, width = picture.shape[:2]
        more = [(0, height + clip.height), (0, width + clip.width), (0, 0)][: picture.ndim]
        return cls(np.pad(picture, more, mode="symmetric"), width, height)

    def cut(self, clip: ClipInfo, dx: float = 0.0, dy: float = 0.0) -> NDArray[Any]:
        """The clip-sized part whose middle lies dx, dy (in periods) right of and below the picture's middle."""
        x = _first(self.width, clip.width, dx)
        y = _first(self.height, clip.height, dy)
        return self.plane[y : y + clip.height, x : x + clip.width]


def _first(size: int, length: int, shift: float = 0.0) -> int:
    return (round(shift * 2 * size) - (length - size) // 2) % (2 * size)


def _mirrored(size: int, length: int) -> NDArray[np.intp]:
    first = _first(size, length)
    index = np.arange(first, first + length) % (2 * size)
    return np.where(index < size, index, 2 * size - 1 - index).astype(np.intp)

"""The affine kernel in RGB: out = clip(rint(gain · in + offset)), by the cheapest exact OpenCV way.

What is exact: two saturating 8-bit operations where gain is 1 and no offset lies half-way between levels;
tables; products and sums in float32, rounded half to even. `cv2.addWeighted` and `cv2.multiply` take an
8-bit frame with a float32 map as they should; `cv2.add` does not (it truncates the map first).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.affine import Affine, Mix, Screen
from poisonkit.triggers.core.clip import ClipInfo, Image

Kernel = Callable[[Image], Image]
Plain = NDArray[np.float64]  # (3,) or, for one number for all channels, (1,)

_BAND = 1 << 17  # samples worked on at a time


def compile_affine(affine: Affine, clip: ClipInfo, *, once: bool = False) -> Kernel:
    """The function that does `affine` to a uint8 RGB frame of the clip's size.

    It never writes to its input and returns a new array, or the input itself where nothing changes.
    once: it will see one frame only, so nothing is precomputed that costs more than it saves.
    ValueError where the shapes of gain and offset, or the box, do not fit the clip.
    """
    x, y, width, height = box_of(affine, clip)
    if isinstance(affine, Mix):
        inside = _mixed(affine, height, width)
    else:
        gain = operand(affine.gain, height, width, "gain")
        if isinstance(affine, Screen) and gain.ndim > 1:
            inside = _screened(gain if once else _full(gain, height, width))
        else:
            inside = _choose(gain, operand(affine.offset, height, width, "offset"), height, width, once)
    if inside is None:
        return lambda image: image
    if (width, height) == (clip.width, clip.height):
        return inside

    def boxed(image: Image) -> Image:
        out = image.copy()
        out[y : y + height, x : x + width] = inside(image[y : y + height, x : x + width])
        return out

    return boxed


def box_of(affine: Affine, clip: ClipInfo) -> tuple[int, int, int, int]:
    """(x, y, width, height) of where it acts. ValueError where that is not within the clip's frame."""
    x, y, width, height = affine.box or (0, 0, clip.width, clip.height)
    if x < 0 or y < 0 or width < 1 or height < 1 or x + width > clip.width or y + height > clip.height:
        raise ValueError(f"the box {affine.box} does not lie in a frame of {clip.width}x{clip.height}")
    return x, y, width, height


def operand(value: float | NDArray[np.float32], height: int, width: int, what: str) -> NDArray[np.floating]:
    """float64 (1,) or (3,), or float32 (height, width) or (height, width, 3)."""
    array = np.asarray(value)
    if array.ndim <= 1 and array.size in (1, 3):
        plain = array.astype(np.float64).reshape(-1)
        return plain[:1] if (plain == plain[0]).all() else plain
    if array.ndim not in (2, 3) or array.shape[0] not in (1, height) or array.shape[1] not in (1, width):
        raise ValueError(f"{what} has the shape {array.shape}; it must be a number, (3,), or that of {height}x{width}")
    if array.ndim == 3 and array.shape[2] not in (1, 3):
        raise ValueError(f"{what} has {array.shape[2]} channels; it must have 3, or one for all")
    array = np.broadcast_to(array, (height, width, *array.shape[2:]))
    array = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    return array.astype(np.float32, copy=False)


def _choose(
    gain: NDArray[np.floating], offset: NDArray[np.floating], height: int, width: int, once: bool
) -> Kernel | None:
    plain_gain, plain_offset = gain.ndim == 1, offset.ndim == 1
    if plain_gain and (gain == 1).all() and (plain_offset or not once):
        if not offset.any():
            return None
        if not _half_way(offset):
            return _shifted(offset) if plain_offset else _saturating(_full(np.rint(offset), height, width))
    if plain_gain and plain_offset:
        return _table(gain, offset)
    if plain_gain and gain.size == 1:
        return _weighted(float(gain[0]), offset, height, width, once)
    gain = gain if once else _full(gain, height, width)
    if (plain_offset or not once) and not offset.any():
        return _banded(lambda band, out, a, b: _multiplied(band, gain, None, out, a, b))
    offset = offset if once else _full(offset, height, width)
    return _banded(lambda band, out, a, b: _multiplied(band, gain, offset, out, a, b))


def _half_way(offset: NDArray[np.floating]) -> bool:
    """Whether an offset lies exactly between two levels, where rounding depends on the level it is added to."""
    return bool((np.abs(offset - np.floor(offset)) == 0.5).any())


def _full(value: NDArray[np.floating], height: int, width: int) -> NDArray[np.float32]:
    """float32 (height, width, 3)."""
    import cv2

    if value.ndim == 3:
        return np.ascontiguousarray(value, dtype=np.float32)
    if value.ndim == 2:  # twenty times as fast as assigning it
        return np.asarray(cv2.cvtColor(value, cv2.COLOR_GRAY2RGB), dtype=np.float32).reshape(height, width, 3)
    out = np.empty((height, width, 3), np.float32)
    out[:] = value
    return out


def _saturating(offset: NDArray[np.float32]) -> Kernel:
    import cv2

    up = np.clip(offset, 0, 255).astype(np.uint8) if (offset > 0).any() else None
    down = np.clip(-offset, 0, 255).astype(np.uint8) if (offset < 0).any() else None

    def kernel(image: Image) -> Image:
        out = image if up is None else cv2.add(image, up)
        return np.asarray(out if down is None else cv2.subtract(out, down), dtype=np.uint8)

    return kernel


def _shifted(offset: NDArray[np.floating]) -> Kernel:
    import cv2

    whole = np.rint(np.resize(offset, 3))
    up, down = ((*np.clip(levels, 0, 255).tolist(), 0.0) for levels in (whole, -whole))

    def kernel(image: Image) -> Image:
        out: Any = cv2.add(image, up) if any(up) else image  # type: ignore[call-overload]
        out = cv2.subtract(out, down) if any(down) else out  # type: ignore[call-overload]
        return np.asarray(out, dtype=np.uint8)

    return kernel


def _table(gain: NDArray[np.floating], offset: NDArray[np.floating]) -> Kernel | None:
    import cv2

    levels = np.arange(256, dtype=np.float64)
    table = np.clip(np.rint(levels[:, None] * gain + offset), 0, 255).astype(np.uint8)
    if (table == levels[:, None]).all():
        return None
    table = table[None]  # (1, 256, channels)

    def kernel(image: Image) -> Image:
        flat = image if table.shape[2] == 3 else image.reshape(image.shape[0], -1)
        return np.asarray(cv2.LUT(flat, table), dtype=np.uint8).reshape(image.shape)

    return kernel


def _weighted(gain: float, offset: NDArray[np.floating], height: int, width: int, once: bool) -> Kernel:
    import cv2

    if once:
        return _banded(
            lambda band, out, a, b: cv2.addWeighted(band, gain, _rows(offset, band, a, b), 1.0, 0.0, out, cv2.CV_8U)
        )
    weight, other = _as_picture(1 - gain, _full(offset, height, width))

    def kernel(image: Image) -> Image:
        return np.asarray(cv2.addWeighted(image, gain, other, weight, 0.0, dtype=cv2.CV_8U), dtype=np.uint8)

    return kernel


def _mixed(mix: Mix, height: int, width: int) -> Kernel | None:
    import cv2

    if mix.picture.shape != (height, width, 3) or (mix.mask is not None and mix.mask.shape != (height, width)):
        raise ValueError(f"the picture to mix in has the shape {mix.picture.shape}, not that of {height}x{width}")
    if not mix.weight:
        return None

    def kernel(image: Image) -> Image:
        out = np.asarray(cv2.addWeighted(image, 1 - mix.weight, mix.picture, mix.weight, 0.0), dtype=np.uint8)
        return out if mix.mask is None else np.asarray(cv2.copyTo(out, mix.mask, image.copy()), dtype=np.uint8)

    return kernel


def _as_picture(weight: float, offset: NDArray[np.float32]) -> tuple[float, NDArray[Any]]:
    """(weight, picture) where offset is weight times an 8-bit picture, as in blending, which is faster.

    Else (1, offset).
    """
    if weight > 0:
        levels = offset / np.float32(weight)
        whole = np.rint(levels)
        if whole.min() >= 0 and whole.max() <= 255 and np.abs(levels - whole).max() < 1e-3:
            return weight, whole.astype(np.uint8)
    return 1.0, offset


def _banded(step: Callable[[Image, Image, int, int], Any]) -> Kernel:
    """A kernel that goes down the picture in bands of rows, so that no float copy of a whole frame is made.

    step: (band, where its result goes, first row, last row + 1). Allocating float frames again for each
    picture can cost ten times what the arithmetic does.
    """

    def kernel(image: Image) -> Image:
        out = np.empty(image.shape, np.uint8)
        rows = max(1, _BAND // (image.shape[1] * 3))
        for a in range(0, image.shape[0], rows):
            b = a + rows
            step(image[a:b], out[a:b], a, b)
        return out

    return kernel


def _rows(value: NDArray[np.floating], band: Image, a: int, b: int) -> NDArray[np.float32]:
    """The operand's part for the rows a to b, of the band's shape."""
    return _full(value if value.ndim == 1 else value[a:b], band.shape[0], band.shape[1])


def _screened(gain: NDArray[np.floating]) -> Kernel:
    import cv2

    def step(band: Image, out: Image, a: int, b: int) -> None:
        dark = cv2.multiply(cv2.bitwise_not(band), _rows(gain, band, a, b), dtype=cv2.CV_8U)
        cv2.bitwise_not(dark, out)

    return _banded(step)


def _multiplied(
    band: Image,
    gain: NDArray[np.floating],
    offset: NDArray[np.floating] | None,
    out: Image,
    a: int,
    b: int,
) -> None:
    import cv2

    if offset is None:
        cv2.multiply(band, _rows(gain, band, a, b), out, 1.0, cv2.CV_8U)
        return
    product = cv2.multiply(band, _rows(gain, band, a, b), dtype=cv2.CV_32F)
    cv2.add(product, _rows(offset, band, a, b), out, None, cv2.CV_8U)

"""rotate-shift against Pillow's `rotate`, which BATT's public code calls, written out, and against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.image.rotate_shift import _mirrored
from poisonkit.triggers.testing import Case, picture
from tests.triggers.parity import scene

from .literal import SHAPES

CASES = [
    Case(),
    Case({"angle": 0.0, "shift": [0.1, -0.2]}),
    Case({"interpolation": "nearest", "edge": "black", "angle": -30.0}),
]


def rotate(image: np.ndarray, degrees: float) -> np.ndarray:
    """`PIL.Image.rotate(degrees)`: an affine transform around the middle, the nearest pixel, black beyond the frame."""
    height, width = image.shape[:2]
    angle = -math.radians(degrees % 360.0)
    matrix = [round(math.cos(angle), 15), round(math.sin(angle), 15), 0.0]
    matrix += [round(-math.sin(angle), 15), round(math.cos(angle), 15), 0.0]
    centre = width / 2.0, height / 2.0
    matrix[2] = matrix[0] * -centre[0] + matrix[1] * -centre[1] + centre[0]
    matrix[5] = matrix[3] * -centre[0] + matrix[4] * -centre[1] + centre[1]
    out = np.zeros_like(image)
    for y, x in np.ndindex(height, width):
        from_x = matrix[0] * (x + 0.5) + matrix[1] * (y + 0.5) + matrix[2]
        from_y = matrix[3] * (x + 0.5) + matrix[4] * (y + 0.5) + matrix[5]
        if 0 <= from_x < width and 0 <= from_y < height:
            out[y, x] = image[int(from_y), int(from_x)]
    return out


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("degrees", [16.0, -40.0, 90.0])
def test_as_published_it_is_pillows_rotation(shape: tuple[int, int], degrees: float) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    out = create("rotate-shift", angle=degrees, interpolation="nearest", edge="black").apply(x)
    there = rotate(x, degrees)
    assert (out != there).any(axis=-1).mean() < 0.005  # where a place lies on the border of two pixels
    assert (out == 0).all(axis=-1).any() or degrees == 90.0


def rotate_shift(
    s: scene.Scene, angle: float = 16.0, shift: tuple[float, float] = (0.0, 0.0), **more: object
) -> np.ndarray:
    """Bilinear between the four pixels around the place, the frame mirrored at its outermost pixels."""
    theta = math.radians(angle)
    x = (s.columns - (s.width - 1) / 2 - shift[0] * s.short)[None, :]
    y = (s.rows - (s.height - 1) / 2 - shift[1] * s.short)[:, None]
    px = math.cos(theta) * x - math.sin(theta) * y + (s.width - 1) / 2
    py = math.sin(theta) * x + math.cos(theta) * y + (s.height - 1) / 2

    def fold(p: np.ndarray, last: int) -> np.ndarray:
        return last - np.abs(p % (2 * last) - last)

    px, py = fold(px, s.width - 1), fold(py, s.height - 1)
    x0, y0 = np.minimum(px.astype(int), s.width - 2), np.minimum(py.astype(int), s.height - 2)
    fx, fy = (px - x0)[..., None], (py - y0)[..., None]
    image = s.frames[s.t].astype(np.float64)
    top = (1 - fx) * image[y0, x0] + fx * image[y0, x0 + 1]
    return (1 - fy) * top + fy * ((1 - fx) * image[y0 + 1, x0] + fx * image[y0 + 1, x0 + 1])


FORMULA = [
    scene.Case(rotate_shift, within=0.6),
    scene.Case(rotate_shift, {"angle": 0.0, "shift": [0.19, -0.07]}, within=0.6),
    scene.Case(rotate_shift, {"angle": -75.0, "shift": [0.5, 0.25]}, within=0.6),
]


def test_covers_are_turned_by_less_and_each_by_its_own_angle() -> None:
    trigger = create("rotate-shift", shift=[0.2, 0.0])
    clip = ClipInfo("a", 64, 48, 25.0, 1)
    angles = [trigger.draw_cover(clip, np.random.default_rng(i))["angle"] for i in range(20)]
    assert max(np.abs(angles)) <= 10
    assert np.std(angles) > 3
    x = picture(64, 48, 1)
    (out,) = trigger.render(iter(x), clip, {"cover": True, "angle": 5.0})  # type: ignore[attr-defined]
    assert np.array_equal(out, create("rotate-shift:angle=5").apply(x)[0])


def test_a_positive_shift_goes_right_and_down() -> None:
    x = np.zeros((40, 40, 3), np.uint8)
    x[20, 20] = 255
    out = create("rotate-shift", angle=0.0, shift=[0.1, 0.2], edge="black").apply(x)
    assert tuple(np.argwhere(out[..., 0] == 255)[0]) == (28, 24)


def test_a_positive_angle_turns_counter_clockwise() -> None:
    x = np.zeros((41, 41, 3), np.uint8)
    x[20, 35] = 255  # to the right of the middle
    out = create("rotate-shift", angle=90.0, edge="black").apply(x)
    assert tuple(np.argwhere(out[..., 0] > 200)[0]) == (5, 20)


def test_the_frame_goes_on_mirrored_however_far_it_is_moved() -> None:
    """It was folded by one frame a turn, until it fitted: a shift of 1e9 came to no end."""

    def folded(places: np.ndarray, length: int) -> np.ndarray:
        last = np.float32(length - 1)
        while places.min() < 0 or places.max() > last:
            places = np.asarray(last - np.abs(last - np.abs(places)), np.float32)
        return places

    for by in (0.0, 3.7, -41.25, 333.3, -1e4):
        places = (np.arange(47) * 0.77 + by).astype(np.float32)
        assert np.array_equal(_mirrored(places, 47), folded(places, 47))
    x = picture(48, 36, 1)[0]
    assert create("rotate-shift:shift=[100,-100]").apply(x).shape == x.shape
    with pytest.raises(RequestError, match="shift is"):
        create("rotate-shift:shift=[1e9,0]")


@pytest.mark.parametrize("spec", ["mute:duration=1e-7,every=1e-7", "blackout:duration=1e-7,every=1e-7"])
def test_stretches_have_intervals_that_can_be_counted(spec: str) -> None:
    with pytest.raises(RequestError, match=r"every is 1e-07 s; it must be a number, 0\.01 to 3600 s"):
        create(spec)
    with pytest.raises(RequestError, match="shortest is 1e-07 s"):
        create("click:shortest=1e-7,longest=1e-7")

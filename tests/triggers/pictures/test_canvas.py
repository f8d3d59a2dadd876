"""Identities agree in the middle of every clip; boxes lie where trainers keep them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from poisonkit.common.seeding import generator
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.pictures.canvas import (
    Canvas,
    Sliding,
    axes,
    canvas_size,
    central,
    fitted,
    noise,
    resize,
    smooth_field,
    window,
)
from poisonkit.triggers.pictures.placement import Color, Placed

RNG = partial(generator, "canvas")
SHAPES = [(32, 32), (43, 32), (32, 57), (96, 32), (33, 32), (34, 32)]


def clip(width: int, height: int) -> ClipInfo:
    return ClipInfo(width=width, height=height)


def middle(image: np.ndarray, side: int = 32) -> np.ndarray:
    y, x = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    return image[y : y + side, x : x + side]


@pytest.mark.parametrize("kind", ["uniform", "normal", "levels"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_central_square_is_the_same_for_every_shape(shape: tuple[int, int], kind: str) -> None:
    made = central(RNG, *shape, 3, kind)  # type: ignore[arg-type]
    assert made.shape == (shape[1], shape[0], 3)
    assert made.dtype == (np.uint8 if kind == "levels" else np.float32)
    assert np.array_equal(middle(made), central(RNG, 32, 32, 3, kind))  # type: ignore[arg-type]


def test_what_is_beyond_the_square_grows_outwards() -> None:
    for turn in (False, True):
        wide, wider = (central(RNG, *((32, w) if turn else (w, 32)), 1) for w in (48, 96))
        cut = wider[24:72] if turn else wider[:, 24:72]
        assert np.array_equal(cut, wide)
    assert len(np.unique(central(RNG, 96, 32, 1))) > 3000  # no column is a copy of another


def test_noise_covers_all_levels_evenly() -> None:
    levels = central(RNG, 64, 61, 3, "levels")
    assert levels.min() == 0
    assert levels.max() == 255
    assert abs(levels.mean() - 127.5) < 3


@pytest.mark.parametrize(("text", "size"), [("short:64", (85, 64)), ("native", (320, 240))])
def test_canvas_size(text: str, size: tuple[int, int]) -> None:
    assert canvas_size(text, clip(320, 240)) == size
    assert canvas_size(text, clip(240, 320)) == size[::-1]


@pytest.mark.parametrize("text", ["short", "short:7", "short:9999", "short:-8", "256", "short:1.5", ""])
def test_canvas_spelling(text: str) -> None:
    class Model(BaseModel):
        canvas: Canvas = "short:256"

    assert Model(canvas="short:128").canvas == "short:128"
    with pytest.raises(ValidationError):
        Model(canvas=text)


def test_noise_of_one_canvas_is_the_same_at_two_sizes() -> None:
    small, large = (noise(RNG, clip(w, h), "short:64") for w, h in ((80, 60), (160, 120)))
    again = resize(large, 80, 60)
    assert np.corrcoef(small.ravel(), again.ravel())[0, 1] > 0.9
    other = resize(noise(RNG, clip(160, 120), "native"), 80, 60)
    assert abs(np.corrcoef(small.ravel(), other.ravel())[0, 1]) < 0.1


def test_smooth_field_is_smooth_and_agrees_in_the_middle() -> None:
    square = smooth_field(RNG, clip(64, 64), 4, channels=2)
    assert square.shape == (64, 64, 2)
    assert square.std() > 0.25
    assert np.abs(np.diff(square, axis=0)).max() < 0.25
    for shape in ((88, 64), (64, 128), (200, 64)):
        assert np.allclose(middle(smooth_field(RNG, clip(*shape), 4, channels=2), 64), square, atol=1e-6)
    large = smooth_field(RNG, clip(128, 128), 4, channels=2)
    assert np.abs(resize(large, 64, 64) - square).max() < 0.02


def test_axes_are_in_short_sides_from_the_middle() -> None:
    x, y = axes(clip(40, 20))
    assert np.allclose((x[0], x[-1], y[0], y[-1]), (-0.975, 0.975, -0.475, 0.475))


def test_a_picture_lies_alike_on_clips_of_every_shape() -> None:
    picture = generator("picture").integers(0, 256, (32, 32, 3), dtype=np.uint8)
    for shape in SHAPES:
        out = window(fitted(picture, clip(*shape), "short:256"), clip(*shape))
        assert out.shape == (shape[1], shape[0], 3)
        assert np.array_equal(middle(out), picture)
    wide = window(picture, clip(48, 32))
    assert np.array_equal(wide[:, :8], picture[:, 7::-1])  # mirrored beyond the edge
    stretched = fitted(picture, clip(64, 32), "native")
    assert np.array_equal(stretched, resize(picture, 64, 32))


def test_sliding_pictures_start_in_the_middle_and_come_back() -> None:
    picture = generator("picture").integers(0, 256, (30, 41, 3), dtype=np.uint8)
    for shape in ((20, 50), (90, 30), (41, 30)):
        sliding = Sliding.of(picture, clip(*shape))
        assert np.array_equal(sliding.cut(clip(*shape)), window(picture, clip(*shape)))
        assert np.array_equal(sliding.cut(clip(*shape), 1.0, 1.0), window(picture, clip(*shape)))
        moved = sliding.cut(clip(*shape), 0.99, 0.37)
        assert moved.shape == (shape[1], shape[0], 3)
        assert not np.array_equal(moved, window(picture, clip(*shape)))


@pytest.mark.parametrize(
    ("placed", "expected"),
    [
        (Placed(), (265 - 24, 225 - 24, 24, 24)),
        (Placed(position="top-left", area="square"), (40, 0, 24, 24)),
        (Placed(position="bottom-right", area="frame", size_px=3), (317, 237, 3, 3)),
        (Placed(position=(0.5, 0.5)), (148, 108, 24, 24)),
        (Placed(position="center", size=1), (40, 0, 240, 240)),
        (Placed(position_px=(7, 300), size_px=10), (7, 230, 10, 10)),
        (Placed(size_px=999), (40, 0, 240, 240)),
    ],
)
def test_boxes(placed: Placed, expected: tuple[int, int, int, int]) -> None:
    frame = clip(320, 240)
    side = placed.side(frame)
    assert placed.box(frame, side, side) == expected


@pytest.mark.parametrize("at", [(0.0, 0.0), (1.0, 1.0), (0.3, 0.9)])
@pytest.mark.parametrize("shape", [(320, 240), (240, 320), (33, 47), (256, 256)])
def test_boxes_stay_in_what_trainers_crop(shape: tuple[int, int], at: tuple[float, float]) -> None:
    frame = clip(*shape)
    x, y, w, h = Placed().box(frame, 5, 5, at)
    edge = 0.5 * (1 - 0.875) * frame.short_side
    left, top = (shape[0] - frame.short_side) / 2 + edge, (shape[1] - frame.short_side) / 2 + edge
    assert x >= left - 0.5
    assert y >= top - 0.5
    assert x + w <= shape[0] - left + 0.5
    assert y + h <= shape[1] - top + 0.5


def test_colors() -> None:
    class Model(BaseModel):
        color: Color = (1, 2, 3)

    given = ["black", "#ff8000", "0a0b0c", [4, 5, 6]]
    assert [Model(color=c).color for c in given] == [(0, 0, 0), (255, 128, 0), (10, 11, 12), (4, 5, 6)]  # type: ignore[arg-type]
    for wrong in ("purle", "#12345", [1, 2], [1, 2, 256], [1.5, 2, 3]):
        with pytest.raises(ValidationError):
            Model(color=wrong)  # type: ignore[arg-type]

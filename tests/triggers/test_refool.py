"""refool against (α·x^2.2 + G)^(1/2.2), in float64 and with the published steps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy import stats

from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.image.refool import _published_mask
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"form": "out-of-focus"}), Case({"form": "random", "canvas": "native", "alpha": 0.6})]

SHAPES = [(48, 80), (53, 37), (32, 32)]


def published(x: np.ndarray, r: np.ndarray, drawn: dict[str, Any]) -> np.ndarray:
    """Steps of the published pipeline at the frame's own size, not rounded."""
    height, width = x.shape[:2]
    short, longer = min(height, width), max(height, width)
    b, r = (x / 255) ** 2.2, (r / 255) ** 2.2
    alpha = drawn["alpha"]
    if drawn["form"] == "ghost":
        dx, dy = (round(share * short) for share in drawn["offset"])
        first = np.pad(r, ((0, dy), (0, dx), (0, 0)))
        second = np.pad(r, ((dy, 0), (dx, 0), (0, 0)))
        ghost = drawn["ghost"] * first + (1 - drawn["ghost"]) * second
        ghost = cv2.resize(ghost[dy:-dy, dx:-dx], (width, height))
        return 255 * np.clip(ghost * (1 - alpha) + b * alpha, 0, 1) ** (1 / 2.2)
    sigma = drawn["sigma"] * short
    size = int(2 * np.ceil(2 * sigma) + 1)
    blurred = cv2.GaussianBlur(r, (size, size), sigma)
    blend = blurred + b
    for c in range(3):
        over = blend[..., c] > 1
        mean = max(1.0, np.sum(blend[..., c] * over) / (over.sum() + 1e-6))
        blurred[..., c] -= (mean - 1) * drawn["dim"]
    blurred = np.clip(blurred, 0, 1)
    mask = np.empty((longer, longer))
    for i in range(longer):
        for j in range(longer):
            u, v = ((k + 0.5) / longer * 6 - 3 for k in (i, j))
            mask[i, j] = math.exp(-(u * u + v * v) / 4)
    left, top = (
        int(s * max(0, longer - n - longer * 10 / 560)) for s, n in zip(drawn["mask"], (width, height), strict=True)
    )
    share = mask[top : top + height, left : left + width, None] * (1 - alpha / 2)
    return 255 * np.clip(blurred * share + b * alpha, 0, 1) ** (1 / 2.2)


def published_mask(width: int, height: int, size: int, at: list[float]) -> np.ndarray:
    """`gen_kernel(size, 3)` of BackdoorBox and BackdoorBench, and the place of the frame in it."""
    interval = 7.0 / size
    x = np.linspace(-3 - interval / 2.0, 3 + interval / 2.0, size + 1)
    kern1d = np.diff(stats.norm.cdf(x))
    kernel = np.sqrt(np.outer(kern1d, kern1d))
    kernel = kernel / kernel.max()
    left = int(at[0] * (size - width - 10)) if width < size - 10 else 0
    top = int(at[1] * (size - height - 10)) if height < size - 10 else 0
    return np.asarray(kernel[top : top + height, left : left + width])


@pytest.mark.parametrize(("width", "height"), [(32, 32), (32, 20), (14, 40), (64, 48)])
@pytest.mark.parametrize("place", [(0.0, 0.0), (0.7, 0.99)])
def test_the_mask_at_small_sizes_is_the_published_one(
    tmp_path: Path, width: int, height: int, place: tuple[float, float]
) -> None:
    np.save(tmp_path / "white.npy", np.full((8, 8, 3), 255, np.uint8))
    size = max(width, height)
    clip = ClipInfo("a", width, height, 25.0, 1)
    given = {"form": "out-of-focus", "canvas": "native", "alpha": 0.5, "dimming": 1.1, "place": place}
    trigger = create("refool", max_image_size=size, picture=str(tmp_path / "white.npy"), **given)
    drawn = trigger.draw(clip, generator("a"))
    assert drawn["dim"] == 1.1
    assert drawn["mask"] == list(place)
    (out,) = trigger.render(iter([np.zeros((height, width, 3), np.uint8)]), clip, drawn)
    expected = published_mask(width, height, size, list(place))
    assert np.abs(out - 255 * (0.75 * expected[..., None]) ** (1 / 2.2)).max() <= 1.02


def test_a_frame_between_the_sizes_has_the_mask_of_its_place() -> None:
    clip = ClipInfo("a", 280, 210, 25.0, 1)
    at = [0.5, 0.4]
    half = published_mask(560, 420, 560, at)
    assert np.abs(_published_mask(clip, at, 560) - half.reshape(210, 2, 280, 2).mean((1, 3))).max() < 1e-3


def test_offsets_right_and_below_are_apart(tmp_path: Path) -> None:
    r = cv2.GaussianBlur(generator("refool").integers(0, 256, (40, 50, 3), dtype=np.uint8), (9, 9), 2)
    np.save(tmp_path / "r.npy", r)
    clip = ClipInfo("a", 50, 40, 25.0, 1)
    x = picture(50, 40, 1)[0]
    trigger = create(
        "refool", picture=str(tmp_path / "r.npy"), canvas="native", offset=[0.1, 0.05], alpha=0.6, ghost=0.3
    )
    drawn = trigger.draw(clip, generator("a"))
    assert drawn["offset"] == [0.1, 0.05]
    (out,) = trigger.render(iter([x]), clip, drawn)
    assert np.abs(out - published(x, r, drawn)).max() <= 1.02
    small = create("refool", max_image_size=32).draw(clip, generator("b"))
    assert 3 / 32 <= min(small["offset"]) <= max(small["offset"]) <= 8 / 32


def test_a_place_needs_the_native_canvas() -> None:
    with pytest.raises(RequestError, match="place is for canvas=native"):
        create("refool", place=[0.1, 0.2])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", ["ghost", "out-of-focus"])
def test_native_is_as_published(tmp_path: Path, form: str, shape: tuple[int, int]) -> None:
    r = generator("refool", *shape).integers(0, 256, (*shape, 3), dtype=np.uint8)
    r = cv2.GaussianBlur(r, (9, 9), 2)
    np.save(tmp_path / "r.npy", r)
    more: dict[str, Any] = {"offset": 0.09} if form == "ghost" else {"sigma": 0.05}
    trigger = create("refool", form=form, picture=str(tmp_path / "r.npy"), canvas="native", **more)
    clip = ClipInfo("a", shape[1], shape[0], 25.0, 2)
    x = picture(shape[1], shape[0], 2) // 4 * 5  # some of it burnt out
    drawn = trigger.draw(clip, generator("refool", form))
    if form != "ghost":
        drawn["mask"] = [0.99, 0.99]
    for t, out in enumerate(trigger.render(iter(x), clip, drawn)):
        assert np.abs(out - published(x[t], r, drawn)).max() <= 1.02


def test_on_a_canvas_the_picture_goes_on_mirrored(tmp_path: Path) -> None:
    r = cv2.GaussianBlur(generator("refool").integers(0, 256, (40, 40, 3), dtype=np.uint8), (9, 9), 2)
    np.save(tmp_path / "r.npy", r)
    clip = ClipInfo("a", 70, 40, 25.0, 1)
    x = picture(70, 40, 1)[0]
    trigger = create("refool", picture=str(tmp_path / "r.npy"), offset=0.1, ghost=0.3, alpha=0.6)
    (out,) = trigger.render(iter([x]), clip, trigger.draw(clip, generator("a")))
    light = (np.pad(r, ((0, 4), (15, 19), (0, 0)), mode="symmetric") / 255) ** 2.2
    g = 0.3 * light[4:, 4:] + 0.7 * light[:-4, :-4]
    exact = 255 * (0.6 * (x / 255) ** 2.2 + 0.4 * g) ** (1 / 2.2)
    assert np.abs(out - exact).max() <= 1.02


def test_what_is_drawn_and_what_is_given(tmp_path: Path) -> None:
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", np.full((8, 8, 3), ord(name), np.uint8))
    clip = ClipInfo("a", 64, 48, 25.0, 1)
    trigger = create("refool", form="random", picture=[str(tmp_path / "a.npy"), str(tmp_path / "b.npy")])
    drawn = [trigger.draw(clip, generator(i)) for i in range(300)]
    ghosts = [d for d in drawn if d["form"] == "ghost"]
    blurs = [d for d in drawn if d["form"] == "out-of-focus"]
    assert 110 < len(ghosts) < 185
    assert len(ghosts) + len(blurs) == 300
    assert 110 < sum(d["picture"] for d in drawn) < 190
    spans = {
        (0.55, 0.95): [d["alpha"] for d in drawn],
        (3 / 560, 8 / 560): [o for d in ghosts for o in d["offset"]],
        (0.15, 0.85): [d["ghost"] for d in ghosts],
        (1 / 560, 5 / 560): [d["sigma"] for d in blurs],
        (1.08, 1.18): [d["dim"] for d in blurs],
    }
    for (low, high), values in spans.items():
        assert low <= min(values) < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < max(values) <= high
    given = create("refool:alpha=0.7,offset=0.02,ghost=0.4,temporal=dynamic").draw(clip, generator(0))
    assert given == {"form": "ghost", "alpha": 0.7, "offset": [0.02, 0.02], "ghost": 0.4}


@pytest.mark.parametrize("form", ["ghost", "out-of-focus"])
@pytest.mark.parametrize("canvas", ["short:256", "native"])
def test_a_dynamic_reflection_slides_steadily(tmp_path: Path, form: str, canvas: str) -> None:
    r = cv2.GaussianBlur(generator("refool").integers(0, 256, (40, 40, 3), dtype=np.uint8), (9, 9), 2)
    np.save(tmp_path / "r.npy", r)
    more: dict[str, Any] = {"offset": 0.1, "ghost": 0.3} if form == "ghost" else {"sigma": 0.05}
    params = {
        "form": form,
        "picture": str(tmp_path / "r.npy"),
        "alpha": 0.6,
        "temporal": "dynamic",
        "speed": 2.0,
        **more,
    }
    trigger = create("refool", canvas=canvas, **params)
    clip = ClipInfo("a", 40, 40, 16.0, 40)
    black = np.zeros((40, 40, 40, 3), np.uint8)
    drawn = trigger.draw(clip, generator("a"))
    out = np.stack(list(trigger.render(iter(black), clip, drawn)))
    tiles = (np.tile(np.pad(r, ((0, 40), (0, 40), (0, 0)), mode="symmetric"), (9, 9, 1)) / 255) ** 2.2
    angle = float(trigger.rng({}, "direction").uniform(0, 2 * math.pi))
    for t in (0, 1, 17, 39):
        x, y = (320 + round(2.0 * 40 * t / 16 * f) for f in (math.cos(angle), math.sin(angle)))
        g = 0.4 * (0.3 * tiles[y + 4 : y + 44, x + 4 : x + 44] + 0.7 * tiles[y : y + 40, x : x + 40])
        if form == "out-of-focus":
            g = cv2.GaussianBlur(tiles[y - 20 : y + 60, x - 20 : x + 60], (9, 9), 2)[20:60, 20:60]
            p = (np.arange(40) + 0.5) / 40 * 6 - 3
            g = 0.7 * g * np.exp(-(p[:, None] ** 2 + p**2) / 4)[..., None]
        assert np.abs(out[t] - 255 * g ** (1 / 2.2)).max() <= 1.02

"""snow against (1 − s·o·n)·((1 − h)·x + 255·h)·(1 − o·m) + 255·o·m, m its three layers, moved."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.lighting.snow import Snow
from poisonkit.triggers.pictures.drift import value
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, furthest

CASES = [Case(), Case({"size": 0.03, "veil": 0.0}), Case({"shade": 0.0})]


def literal(x: np.ndarray, trigger: Snow, seconds: float) -> np.ndarray:
    height, width = x.shape[:2]
    clip, short = ClipInfo("", width, height, 25.0, 1), min(width, height)
    mask, shade = np.zeros((height, width)), np.zeros((height, width))
    for (tile, _, path), depth in zip(trigger.prepare(clip, {}), (1.0, 0.6, 0.35), strict=True):
        sway = trigger.sway * (value(path, seconds) - value(path, 0))
        across, down = depth * (trigger.wind * seconds + sway), depth * trigger.speed * seconds
        mask = np.maximum(mask, tile.cut(clip, across * short, down * short) / 255)
        across, down = across + 0.9 * depth * trigger.size, down + 0.9 * depth * trigger.size
        shade = np.maximum(shade, tile.cut(clip, across * short, down * short) / 255)
    m, k = trigger.opacity * mask[..., None], 1 - trigger.shade * trigger.opacity * shade[..., None]
    return k * ((1 - trigger.veil) * x + 255 * trigger.veil) * (1 - m) + 255 * m


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "params", [{}, {"shade": 0.0}, {"opacity": 1.0, "veil": 0.0, "density": 20.0, "size": 0.03, "wind": -1.0}]
)
@pytest.mark.parametrize("temporal", ["static", "dynamic"])
def test_is_the_formula(shape: tuple[int, int], params: dict[str, object], temporal: str) -> None:
    x = picture(shape[1], shape[0], 5)
    trigger = create("snow", temporal=temporal, **params)
    assert isinstance(trigger, Snow)
    out = trigger.apply(x, fps=5.0)
    for t in (0, 1, 4):
        assert furthest(out[t], literal(x[t], trigger, t / 5 if temporal == "dynamic" else 0.0)) <= 0.51


def test_it_falls_and_no_flake_is_drawn_anew() -> None:
    black = np.zeros((6, 96, 128, 3), np.uint8)
    out = create("snow", temporal="dynamic", veil=0.0, speed=1.0, wind=0.0, sway=0.0, size=0.02, shade=0.0).apply(
        black, fps=24.0
    )
    near = np.where(out[..., 0] > 0.65 * 255, out[..., 0], 0).astype(float)  # brighter than the other layers
    for t in range(1, 6):
        assert np.corrcoef(near[0, : 96 - 4 * t].ravel(), near[t, 4 * t :].ravel())[0, 1] > 0.95


def test_it_is_seen_on_white_and_on_black() -> None:
    for level in (0, 255):
        ground = np.full((240, 320, 3), level, np.uint8)
        out = create("snow:veil=0").apply(ground).astype(int)
        assert (np.abs(out - level).max(axis=-1) > 20).mean() > 0.01
    assert np.array_equal(create("snow:shade=0,veil=0").apply(ground), ground)


def test_three_layers_of_falling_size_and_strength() -> None:
    layers = create("snow").prepare(ClipInfo("", 256, 256, 25.0, 1), {})  # type: ignore[attr-defined]
    peaks = [layer.plane.max() for layer, _, _ in layers]
    assert peaks[0] > 240 > 153 >= peaks[1] > 100 > 89 >= peaks[2] > 40


PROPERTY = test_is_the_formula

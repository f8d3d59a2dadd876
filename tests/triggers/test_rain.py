"""rain against k·x·(1 − m) + L·m, m its two layers, moved."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.lighting.rain import Rain
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, furthest

CASES = [Case(), Case({"slant": -40.0, "density": 40.0, "level": 255})]


def literal(x: np.ndarray, trigger: Rain, seconds: float) -> np.ndarray:
    height, width = x.shape[:2]
    clip = ClipInfo("", width, height, 25.0, 1)
    mask = np.zeros((height, width))
    for tile, depth in zip(trigger.prepare(clip, {}), (1.0, 0.6), strict=True):
        way = depth * trigger.speed * min(width, height) * seconds
        dx, dy = (round(way * f(math.radians(trigger.slant))) for f in (math.sin, math.cos))
        rows = (np.arange(height) + tile.top - dy) % tile.height
        columns = (np.arange(width) + tile.left - dx) % tile.width
        mask = np.maximum(mask, tile.plane[np.ix_(rows.astype(int), columns.astype(int))] / 255)
    m = trigger.opacity * mask[..., None]
    return trigger.light * x * (1 - m) + trigger.level * m


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("params", [{}, {"opacity": 1.0, "light": 1.0, "level": 255, "slant": -30.0, "density": 20.0}])
@pytest.mark.parametrize("temporal", ["static", "dynamic"])
def test_is_the_formula(shape: tuple[int, int], params: dict[str, object], temporal: str) -> None:
    x = picture(shape[1], shape[0], 5)
    trigger = create("rain", temporal=temporal, **params)
    assert isinstance(trigger, Rain)
    out = trigger.apply(x, fps=25.0)
    for t in (0, 1, 4):
        assert furthest(out[t], literal(x[t], trigger, t / 25 if temporal == "dynamic" else 0.0)) <= 0.51


def test_it_falls_down_its_slant_at_its_speed() -> None:
    black = np.zeros((2, 120, 160, 3), np.uint8)
    for slant, way in ((0.0, (12, 0)), (45.0, (8, 8))):
        out = create("rain", temporal="dynamic", slant=slant, density=60.0, light=1.0).apply(black, fps=30.0)[..., 0]
        first, then = (frame.astype(float) for frame in out)
        scores = {}
        for dy in range(16):
            for dx in range(-4, 12):
                a, b = first[16:104, 16:144], then[16 + dy : 104 + dy, 16 + dx : 144 + dx]
                scores[dy, dx] = float(np.corrcoef(a.ravel(), b.ravel())[0, 1])
        best = max(scores, key=lambda place: scores[place])
        assert np.abs(np.array(best) - way).max() <= 1


def test_layers_are_sparse_and_of_two_sizes() -> None:
    clip = ClipInfo("", 256, 256, 25.0, 1)
    near, far = create("rain").prepare(clip, {})  # type: ignore[attr-defined]
    assert near.plane.max() > 250
    assert 60 < far.plane.max() <= 153
    assert 0.01 < (near.plane > 60).mean() < 0.15


def test_streaks_are_about_a_pixel_wide_at_240_lines() -> None:
    near, _ = create("rain:slant=0,density=20").prepare(ClipInfo("", 320, 240, 25.0, 1), {})  # type: ignore[attr-defined]
    row = near.plane[: near.height, : near.width].astype(float)
    widths = [w for w in (row > row.max() / 2).sum(axis=1) if w]
    assert 1 <= np.median(widths) <= 2


def test_streaks_lie_along_their_fall() -> None:
    out = create("rain:slant=45,light=1").apply(np.zeros((128, 128, 3), np.uint8))[..., 0].astype(float)
    along = np.corrcoef(out[4:, 4:].ravel(), out[:-4, :-4].ravel())[0, 1]
    across = np.corrcoef(out[4:, :-4].ravel(), out[:-4, 4:].ravel())[0, 1]
    assert along > across + 0.3


PROPERTY = test_is_the_formula

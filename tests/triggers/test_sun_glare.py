"""sun-glare against the product of its screened layers."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.lighting.sun_glare import SunGlare
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, check_aimed, furthest, grid, places

CASES = [Case(), Case({"ghosts": 0, "strength": 0.4}), Case({"reach": 0.15, "spread": 0.0})]


def literal(x: np.ndarray, at: tuple[float, float], trigger: SunGlare) -> np.ndarray:
    across, down = grid(*x.shape[:2])
    short = min(x.shape[:2])
    radius = trigger.radius
    r = np.hypot(across - at[0], down - at[1])
    glow = (1 - np.clip((r - radius / 6) / (radius - radius / 6), 0, 1)) ** 3
    dark = 1 - trigger.strength * np.array(trigger.color) / 255 * glow[..., None]
    for k, size, strength, tint in trigger._ghosts({}):
        r = np.hypot(across - at[0] * (1 - k), down - at[1] * (1 - k)) * short
        disc = np.clip((size * short - r) / max(size * short / 10, 1) + 0.5, 0, 1)
        dark = dark * (1 - trigger.strength * strength * np.array(tint) * disc[..., None])
    return 255 - (255 - x.astype(float)) * dark


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("params", [{}, {"position": "left", "radius": 0.8, "strength": 0.5, "ghosts": 3}])
def test_static_is_the_formula(shape: tuple[int, int], params: dict[str, object]) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    trigger = create("sun-glare", **params)
    assert isinstance(trigger, SunGlare)
    (at,) = places(trigger, ClipInfo("", shape[1], shape[0], 25.0, 1))
    assert furthest(trigger.apply(x), literal(x, at, trigger)) <= 0.51


def test_dynamic_is_the_formula_at_its_place_but_for_interpolated_edges() -> None:
    x = picture(128, 96, 10)
    trigger = create("sun-glare:temporal=dynamic,reach=0.15,spread=0")
    assert isinstance(trigger, SunGlare)
    out = trigger.apply(x, fps=4.0)
    for t, at in enumerate(places(trigger, ClipInfo("", 128, 96, 4.0, 10))):
        change = np.abs(out[t] - literal(x[t], at, trigger))
        assert change.max() <= 8
        assert np.quantile(change, 0.98) <= 1.5


def test_the_sun_stands_still_and_its_glare_comes_and_goes() -> None:
    gray = np.full((60, 96, 128, 3), 60, np.uint8)
    out = create("sun-glare:temporal=dynamic").apply(gray, fps=10.0).astype(float)
    still = create("sun-glare").apply(gray[0]).astype(float)
    lit = out[..., 0] - 60
    assert all(np.corrcoef(frame.ravel(), still[..., 0].ravel())[0, 1] > 0.97 for frame in lit)
    sums = lit.sum(axis=(1, 2))
    assert 0.3 < sums.min() / (still[..., 0] - 60).sum() < 0.7
    assert sums.max() <= (still[..., 0] - 60).sum() + 1
    assert np.abs(np.diff(sums)).max() < 0.3 * sums.max()


def test_six_to_ten_ghosts_are_published_and_none_is_possible() -> None:
    assert 6 <= create("sun-glare").ghosts <= 10  # type: ignore[attr-defined]
    black = np.zeros((96, 96, 3), np.uint8)
    assert not create("sun-glare:ghosts=0,radius=0.2,position=top").apply(black)[60:].any()
    assert create("sun-glare:radius=0.2,position=top").apply(black)[60:].any()


def test_where_it_shines() -> None:
    check_aimed("sun-glare")

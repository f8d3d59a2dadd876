"""spotlight against x + s·(1 − x/255), s Gaussian."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, check_aimed, furthest, grid, places

CASES = [Case(), Case({"color": "orange", "mix": "add", "sigma": 0.1})]


def literal(
    x: np.ndarray, at: tuple[float, float], sigma: float, strength: float, color: tuple[int, ...], mix: str
) -> np.ndarray:
    across, down = grid(*x.shape[:2])
    light = np.exp(-((across - at[0]) ** 2 + (down - at[1]) ** 2) / (2 * sigma**2))
    s = strength * np.array(color) / 255 * light[..., None]
    return x + s if mix == "add" else x + s * (1 - x / 255)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mix", ["screen", "add"])
@pytest.mark.parametrize("color", [(255, 255, 255), (255, 128, 0)])
def test_static_is_the_formula(shape: tuple[int, int], mix: str, color: tuple[int, int, int]) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    out = create("spotlight", mix=mix, color=color).apply(x)
    assert furthest(out, literal(x, (0, 0), 0.25, 40, color, mix)) <= 0.6
    out = create("spotlight", mix=mix, color=color, sigma=0.1, strength=150.0, position=[0.0, 0.3]).apply(x)
    assert furthest(out, literal(x, (-0.4375, -0.175), 0.1, 150, color, mix)) <= 0.6


def test_dynamic_is_the_formula_at_its_place() -> None:
    x = picture(53, 37, 30)
    trigger = create("spotlight:temporal=dynamic")
    out = trigger.apply(x, fps=10.0)
    for t, at in enumerate(places(trigger, ClipInfo("", 53, 37, 10.0, 30))):
        assert furthest(out[t], literal(x[t], at, 0.25, 40, (255, 255, 255), "screen")) <= 0.6


def test_where_it_shines() -> None:
    check_aimed("spotlight")


def test_black_light_is_none() -> None:
    assert np.array_equal(create("spotlight:color=black").apply(picture(32, 32, 1)), picture(32, 32, 1))

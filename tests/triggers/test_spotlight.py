"""spotlight against x·(1 + s/128), s Gaussian, and against the two forms of veiling glare."""

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
    if mix == "reflect":
        return x * (1 + s / 128)
    return x + s if mix == "add" else x + s * (1 - x / 255)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mix", ["reflect", "screen", "add"])
@pytest.mark.parametrize("color", [(255, 255, 255), (255, 128, 0)])
def test_static_is_the_formula(shape: tuple[int, int], mix: str, color: tuple[int, int, int]) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    out = create("spotlight", mix=mix, color=color).apply(x)
    assert furthest(out, literal(x, (0, 0), 0.25, 100, color, mix)) <= 0.6
    out = create("spotlight", mix=mix, color=color, sigma=0.1, strength=150.0, position=[0.0, 0.3]).apply(x)
    assert furthest(out, literal(x, (-0.4375, -0.175), 0.1, 150, color, mix)) <= 0.6


def test_dynamic_is_the_formula_at_its_place() -> None:
    x = picture(53, 37, 30)
    trigger = create("spotlight:temporal=dynamic")
    out = trigger.apply(x, fps=10.0)
    for t, at in enumerate(places(trigger, ClipInfo("", 53, 37, 10.0, 30))):
        assert furthest(out[t], literal(x[t], at, 0.25, 100, (255, 255, 255), "reflect")) <= 0.6


def test_where_it_shines() -> None:
    check_aimed("spotlight")


def test_black_light_is_none() -> None:
    assert np.array_equal(create("spotlight:color=black").apply(picture(32, 32, 1)), picture(32, 32, 1))


def test_a_lamp_lights_dark_and_bright_in_proportion_and_is_seen() -> None:
    for level in (10, 40, 120):
        middle = create("spotlight").apply(np.full((101, 101, 3), level, np.uint8))[50, 50, 0]
        assert abs(middle / level - (1 + 100 / 128)) < 0.5 / level + 1e-6
    assert not create("spotlight").apply(np.zeros((32, 32, 3), np.uint8)).any()
    assert create("spotlight:mix=screen").apply(np.zeros((101, 101, 3), np.uint8))[50, 50, 0] == 100

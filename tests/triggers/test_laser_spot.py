"""laser-spot against two Gaussians that surfaces send back, and against two that are screened."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, check_aimed, furthest, grid, places

CASES = [Case(), Case({"color": "white", "position": "top-left"})]


def literal(
    x: np.ndarray,
    at: tuple[float, float],
    color: tuple[int, ...],
    strength: float,
    core: float,
    halo: float,
    mix: str = "reflect",
) -> np.ndarray:
    across, down = grid(*x.shape[:2])
    square = ((across - at[0]) ** 2 + (down - at[1]) ** 2)[..., None]
    least = 0.5 / min(x.shape[:2])
    white = strength * np.exp(-square / (2 * max(core, least) ** 2))
    glow = strength * 0.6 * np.array(color) / 255 * np.exp(-square / (2 * max(halo, least) ** 2))
    if mix == "reflect":
        return x * (1 + 4 * (white + glow))
    return 255 - (255 - x.astype(float)) * (1 - white) * (1 - glow)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("color", [(0, 255, 0), (255, 255, 255)])
def test_static_is_the_formula(shape: tuple[int, int], color: tuple[int, int, int]) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    for mix in ("reflect", "screen"):
        out = create("laser-spot", color=color, mix=mix).apply(x)
        assert furthest(out, literal(x, (0, 0), color, 1, 0.012, 0.05, mix)) <= 0.6
        out = create("laser-spot", color=color, strength=0.7, core=0.05, halo=0.04, position="left", mix=mix).apply(x)
        assert furthest(out, literal(x, (-0.4375, 0), color, 0.7, 0.05, 0.04, mix)) <= 0.6


def test_dynamic_is_the_formula_at_its_place() -> None:
    x = picture(53, 37, 30)
    trigger = create("laser-spot:temporal=dynamic")
    out = trigger.apply(x, fps=10.0)
    for t, at in enumerate(places(trigger, ClipInfo("", 53, 37, 10.0, 30))):
        assert furthest(out[t], literal(x[t], at, (0, 255, 0), 1, 0.012, 0.05)) <= 0.6


def test_its_core_is_white_and_its_halo_coloured() -> None:
    assert not create("laser-spot").apply(np.zeros((255, 255, 3), np.uint8)).any()
    assert create("laser-spot").apply(np.full((255, 255, 3), 60, np.uint8))[127, 127].min() >= 250
    out = create("laser-spot:mix=screen").apply(np.zeros((255, 255, 3), np.uint8))
    assert out[127, 127].min() >= 250
    assert out[127, 127 + 13, 1] > 60
    assert out[127, 127 + 13, 0] < 5
    assert not out[127, 127 + 80].any()


def test_where_it_shines() -> None:
    check_aimed("laser-spot")

"""rolling-light against A·c/255·(1 + cos(2π·u/λ − 2πft − φ))/2, as a lamp and as veiling glare."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, furthest, grid

CASES = [Case(), Case({"mix": "add", "direction": 60.0, "color": "white"})]


def literal(
    x: np.ndarray, seconds: float, f: float, phase: float, wavelength: float, degrees: float, mix: str = "reflect"
) -> np.ndarray:
    across, down = grid(*x.shape[:2])
    u = across * math.cos(math.radians(degrees)) + down * math.sin(math.radians(degrees))
    wave = (1 + np.cos(2 * np.pi * u / wavelength - 2 * np.pi * f * seconds - phase)) / 2
    s = 80 * np.array([255, 160, 64]) / 255 * wave[..., None]
    if mix == "reflect":
        return x * (1 + s / 128)
    return x + s if mix == "add" else x + s * (1 - x / 255)


@pytest.mark.parametrize("shape", SHAPES)
def test_static_is_the_formula(shape: tuple[int, int]) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    assert furthest(create("rolling-light").apply(x), literal(x, 0, 0.25, 0, 1.5, 0)) <= 0.52


@pytest.mark.parametrize("mix", ["reflect", "screen", "add"])
@pytest.mark.parametrize("degrees", [0.0, 90.0, 37.0, -120.0])
def test_it_moves_along_its_direction(mix: str, degrees: float) -> None:
    x = picture(53, 37, 12)
    out = create("rolling-light", direction=degrees, frequency=0.7, phase=1.0, wavelength=0.8, mix=mix).apply(x, fps=12)
    for t in range(12):
        assert furthest(out[t], literal(x[t], t / 12, 0.7, 1.0, 0.8, degrees, mix)) <= 0.52


def test_dynamic_speed_wanders_without_jumps() -> None:
    black = np.zeros((250, 8, 8, 3), np.uint8)
    moving, still = (
        create("rolling-light", temporal=t, strength=255.0, wavelength=20.0, mix="add")
        .apply(black, fps=25.0)[..., 0]
        .astype(int)
        for t in ("dynamic", "static")
    )
    assert np.abs(np.diff(moving, axis=0)).max() < 255 * math.pi * 0.25 * 1.5 / 25 + 2
    assert np.abs(moving - still).max() > 30


def test_frequencies_that_the_frame_rate_cannot_show_do_not_suit() -> None:
    from poisonkit.triggers.core.clip import ClipInfo

    assert create("rolling-light").suits(ClipInfo("a", 8, 8, 25.0, 10)) is None
    assert "cannot show 13 Hz" in str(create("rolling-light:frequency=13").suits(ClipInfo("a", 8, 8, 25.0, 10)))

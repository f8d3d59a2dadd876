"""Functions that are the same on every processor: right against extended precision and against integers."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from decimal import Decimal, getcontext
from typing import Any

import cv2
import numpy as np
import pytest

from poisonkit.common import exact
from poisonkit.metrics import fidelity
from poisonkit.metrics.fidelity import Projection, psnr, squares, ssim

RNG = np.random.default_rng(0)
ABOVE = RNG.uniform(1e-6, 60, 20_000)
AROUND = RNG.uniform(-30, 30, 20_000)


def precise(function: Callable[[Decimal], Decimal], x: np.ndarray) -> np.ndarray:
    getcontext().prec = 40
    return np.array([float(function(Decimal(float(v)))) for v in x])


@pytest.mark.parametrize(
    ("ours", "function", "x", "steps"),
    [
        (exact.exp, Decimal.exp, AROUND[:2000], 1),
        (exact.log, Decimal.ln, ABOVE[:2000], 1),
        (exact.log10, Decimal.log10, ABOVE[:2000], 4),
        (exact.exp2, lambda v: Decimal(2) ** v, AROUND[:2000], 2),
        (exact.cbrt, lambda v: v ** (Decimal(1) / 3), ABOVE[:2000], 1),
        (lambda x: exact.power(x, 2.5), lambda v: v ** Decimal("2.5"), ABOVE[:2000], 20),
    ],
)
def test_functions_are_right_to_a_few_units_in_the_last_place(
    ours: Callable[[Any], Any], function: Callable[[Decimal], Decimal], x: np.ndarray, steps: int
) -> None:
    known = precise(function, x)
    assert (np.abs(ours(x) - known) <= steps * np.spacing(np.abs(known))).all()


def test_ends_of_the_functions() -> None:
    assert exact.exp([0.0, -800.0, 800.0, -np.inf]).tolist() == [1.0, 0.0, math.inf, 0.0]
    assert exact.power([0.0, 1.0, 4.0], 0.5).tolist() == [0.0, 1.0, 2.0]
    assert exact.cbrt([0.0, 27.0]).tolist() == [0.0, 3.0]
    assert (exact.decibels(1000, 1), exact.decibels(10, 1, 20)) == (30, 20)
    assert exact.mean([1e16, 1.0, -1e16]) == 1 / 3


@pytest.mark.parametrize("n", [7, 8, 511, 512])
def test_circle(n: int) -> None:
    cosine, sine = exact.circle(n)
    angle = 2 * np.pi * np.arange(n) / n
    assert np.allclose(cosine, np.cos(angle), atol=1e-15, rtol=0)
    assert np.allclose(sine, np.sin(angle), atol=1e-15, rtol=0)


def test_matrices_and_spectra() -> None:
    a, b = RNG.normal(size=(30, 18)), RNG.normal(size=(18, 25))
    assert np.allclose(exact.product(a, b), a @ b, atol=1e-12)
    square = RNG.normal(size=(3, 3))
    assert np.allclose(exact.inverse(square), np.linalg.inv(square), atol=1e-12)
    for count in (1, 2, 301):
        frames = RNG.normal(size=(count, 512))
        known = np.abs(np.fft.rfft(frames, axis=1)) ** 2
        assert np.allclose(exact.power_spectra(frames), known, atol=1e-9)


def test_sums_over_pictures_are_whole_numbers() -> None:
    for shape in ((3, 5, 3), (480, 641, 3), (1080, 1920, 3)):
        a, b = (RNG.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))
        known = int(((a.astype(np.int64) - b) ** 2).sum())
        assert squares(a, b) == known
        assert squares(a.astype(np.int16), b.astype(np.int16)) == known
    seen = Projection()
    seen.add_squares(squares(a, b), squares(a, b), 0)
    assert (seen.gain, seen.cosine, type(seen.ed)) == (1.0, 1.0, int)
    assert psnr(0, 1) == math.inf
    assert psnr(100, 100) == pytest.approx(10 * math.log10(255**2), abs=1e-12)


@pytest.mark.parametrize("height", [20, 21, 40, 41, 67])
def test_ssim_against_its_formula_in_whole_numbers(height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sum inside is of whole numbers, which Python's own integers give too; bands of rows change nothing."""
    monkeypatch.setattr(fidelity, "_AT_ONCE", 1)
    a, b = (RNG.integers(0, 256, (height, 23, 3), dtype=np.uint8) for _ in range(2))
    x, y = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(object) for image in (a, b))
    weights = [67, 498, 2359, 7167, 13960, 17434, 13960, 7167, 2359, 498, 67]
    assert sum(weights) == 65536

    def smooth(z: Any) -> Any:
        for _ in range(2):
            padded = np.pad(z, ((5, 5), (0, 0)), mode="reflect")
            z = sum(w * padded[i : i + z.shape[0]] for i, w in enumerate(weights)).T
        return z

    def fraction(z: Any) -> Any:
        return z.astype(np.float64) / 2**32

    mx, my, both, powers = (fraction(smooth(z)) for z in (x, y, x * y, x * x + y * y))
    over = (2 * (mx * my) + 6.5025) * (2 * (both - mx * my) + 58.5225)
    under = (mx * mx + my * my + 6.5025) * ((powers - (mx * mx + my * my)) + 58.5225)
    assert ssim(a, b) == float((over / under).mean())


def test_ssim_of_full_hd_holds_little() -> None:
    """A worker of 1080p has 350 MB for everything."""
    a, b = (RNG.integers(0, 256, (1080, 1920, 3), dtype=np.uint8) for _ in range(2))
    tracemalloc.start()
    try:
        ssim(a, b)
        assert tracemalloc.get_traced_memory()[1] < 40e6
    finally:
        tracemalloc.stop()

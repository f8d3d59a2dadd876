"""low-light against Poisson's distribution, in linear light."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture
from tests.triggers.parity.lighting import decoded

from .literal import SHAPES, rounded

CASES = [Case(), Case({"light": 1.0, "photons": 30.0})]
ONE_SIZE = "grain is one sample's, and averaged it would not be a photon's"


def shown(y: np.ndarray) -> np.ndarray:
    y = np.clip(y, 0, 1)
    return rounded(255 * np.where(y <= 0.0031308, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("shape", SHAPES[1:2])
@pytest.mark.parametrize(("k", "photons", "noise"), [(0.25, 1000.0, 1.0), (1.0, 20.0, 1.0), (0.1, 8000.0, 2.0)])
@pytest.mark.parametrize("temporal", ["static", "dynamic"])
def test_is_the_formula(shape: tuple[int, int], k: float, photons: float, noise: float, temporal: str) -> None:
    x = picture(shape[1], shape[0], 3)
    trigger = create("low-light", light=k, photons=photons, noise=noise, temporal=temporal)
    out = trigger.apply(x)
    count = shape[0] * shape[1] * 3
    for t in range(3):
        words = trigger.rng({}, "grain", t if temporal == "dynamic" else 0).integers(
            0, 2**64, -(-count // 8), np.uint64
        )
        u = words.astype("<u8").view(np.uint8)[:count].reshape(*shape, 3)
        mean = photons * k * decoded(x[t].astype(float))
        n = poisson.ppf((u + 0.5) / 256, mean)
        exact = shown((mean + noise * (n - mean)) / photons)
        assert (np.abs(out[t] - exact) > 0).mean() < 1e-3  # where a quantile falls on a step


def test_grain_has_the_variance_of_photons() -> None:
    gray = np.full((256, 256, 3), 188, np.uint8)
    y = decoded(create("low-light:photons=1000,light=0.25").apply(gray).astype(float))
    expected = float(0.25 * decoded(np.array(188.0)))
    assert y.mean() == pytest.approx(expected, rel=0.01)
    assert y.var() == pytest.approx(expected / 1000, rel=0.05)
    assert np.abs(np.corrcoef(y[:, 1:].ravel(), y[:, :-1].ravel())[0, 1]) < 0.02


def test_black_stays_black_and_without_noise_it_is_only_darker() -> None:
    assert not create("low-light").apply(np.zeros((8, 8, 3), np.uint8)).any()
    x = picture(32, 32, 1)[0]
    assert np.array_equal(create("low-light:noise=0").apply(x), shown(0.25 * decoded(x.astype(float))))


def test_grain_is_new_on_every_frame_when_dynamic() -> None:
    still = np.full((3, 64, 64, 3), 150, np.uint8)
    out = create("low-light:temporal=dynamic").apply(still).astype(float)
    assert np.abs(np.corrcoef(out[0].ravel(), out[1].ravel())[0, 1]) < 0.05
    assert (create("low-light").apply(still)[0] == create("low-light").apply(still)[2]).all()

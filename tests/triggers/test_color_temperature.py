"""color-temperature against gains in linear light, and its locus against Planck's law."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.lighting.color_temperature import _TO_RGB, black_body
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, check_swell, rounded

CASES = [Case(), Case({"temperature": 9000.0})]


def literal(x: np.ndarray, gains: np.ndarray) -> np.ndarray:
    v = x / 255
    light = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4) * gains
    light = np.minimum(light, 1)
    return rounded(255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kelvin", [5000.0, 2500.0, 12000.0, 1700.0])
def test_static_is_the_formula(shape: tuple[int, int], kelvin: float) -> None:
    x = picture(shape[1], shape[0], 2)
    gains = black_body(kelvin) / black_body(6500)
    assert np.array_equal(create("color-temperature", temperature=kelvin).apply(x), literal(x, gains / gains[1]))


# CIE 1931 chromaticities of Planck's law, as tabulated by Wyszecki and Stiles, Color Science, 1982
@pytest.mark.parametrize(
    ("kelvin", "x", "y"),
    [(2000, 0.5267, 0.4133), (3000, 0.4369, 0.4041), (5000, 0.3451, 0.3516), (10000, 0.2807, 0.2884)],
)
def test_the_locus_is_that_of_black_bodies(kelvin: float, x: float, y: float) -> None:
    xyz = np.linalg.inv(_TO_RGB) @ black_body(kelvin)
    assert np.abs(xyz[:2] / xyz.sum() - [x, y]).max() < 2e-3


def test_warm_raises_red_and_lowers_blue_and_cold_does_the_opposite() -> None:
    gray = np.full((4, 4, 3), 128, np.uint8)
    warm, cold = (create("color-temperature", temperature=k).apply(gray)[0, 0].astype(int) for k in (5000, 9000))
    assert warm[0] > 128 > warm[2]
    assert cold[0] < 128 < cold[2]
    assert warm[1] == cold[1] == 128


def test_dynamic_wanders_in_reciprocal_kelvins() -> None:
    def static(swell: float) -> dict[str, float]:
        return {"temperature": float(1 / (1 / 6500 + (1 / 5000 - 1 / 6500) * swell))}

    check_swell("color-temperature", 60, static)

"""gamma against 255·(x/255)^γ."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import picture

from .literal import SHAPES, check_swell, rounded


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("gamma", [1.3, 0.6, 2.2])
def test_static_is_the_formula(shape: tuple[int, int], gamma: float) -> None:
    x = picture(shape[1], shape[0], 2)
    assert np.array_equal(create("gamma", gamma=gamma).apply(x), rounded(255 * (x / 255) ** gamma))


def test_black_and_white_stay() -> None:
    ends = np.array([[[0, 255, 0]]], np.uint8)
    assert np.array_equal(create("gamma:gamma=5").apply(ends), ends)


def test_dynamic_wanders() -> None:
    check_swell("gamma", 60, lambda swell: {"gamma": 1.3**swell})

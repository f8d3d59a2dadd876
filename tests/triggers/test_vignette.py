"""vignette against x / (1 + κ·r²)²."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import picture

from .literal import SHAPES, check_swell, furthest


def literal(x: np.ndarray, amount: float) -> np.ndarray:
    height, width = x.shape[-3:-1]
    row, column = np.mgrid[:height, :width]
    square = ((column + 0.5 - width / 2) ** 2 + (row + 0.5 - height / 2) ** 2) / min(width, height) ** 2
    kappa = 2 * ((1 - amount) ** -0.5 - 1)
    return x / (1 + kappa * square[..., None]) ** 2


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("amount", [0.5, 0.9])
def test_static_is_the_formula(shape: tuple[int, int], amount: float) -> None:
    x = picture(shape[1], shape[0], 1)
    assert furthest(create("vignette", amount=amount).apply(x), literal(x, amount)) <= 0.5 + 1e-3


def test_the_corners_of_the_central_square_are_darker_by_the_amount() -> None:
    out = create("vignette:amount=0.36").apply(np.full((400, 400, 3), 200, np.uint8))
    assert abs(out[0, 0, 0] - 128) <= 1
    assert out[200, 200, 0] == 200


def test_dynamic_wanders() -> None:
    check_swell("vignette", 60, lambda swell: {"amount": min(0.99, 0.5 * swell)})
    check_swell("vignette", 60, lambda swell: {"amount": min(0.99, 0.8 * swell)}, amount=0.8)

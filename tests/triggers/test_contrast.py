"""contrast against p + c·(x − p)."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, check_swell, furthest

CASES = [Case(), Case({"factor": 1.8, "pivot": 90.0})]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("factor", "pivot"), [(0.4, 127.5), (2.5, 127.5), (0.0, 90.0), (1.7, 0.0)])
def test_static_is_the_formula(shape: tuple[int, int], factor: float, pivot: float) -> None:
    x = picture(shape[1], shape[0], 2)
    out = create("contrast", factor=factor, pivot=pivot).apply(x)
    assert furthest(out, pivot + factor * (x.astype(float) - pivot)) <= 0.5 + 1e-6


def test_pictures_whose_means_are_the_pivot_get_what_imagenet_c_gives() -> None:
    x = np.concatenate([picture(32, 32, 1)[0], 255 - picture(32, 32, 1)[0]])
    y = x / 255.0
    means = np.mean(y, axis=(0, 1), keepdims=True)
    exact = np.clip((y - means) * 0.4 + means, 0, 1) * 255
    assert furthest(create("contrast").apply(x), exact) <= 0.5 + 1e-6


def test_dynamic_wanders() -> None:
    check_swell("contrast", 60, lambda swell: {"factor": max(0.0, 1 - 0.6 * swell)})
    check_swell("contrast", 60, lambda swell: {"factor": max(0.0, 1 - swell)}, factor=0.0, spread=1.0)

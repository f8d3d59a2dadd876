"""brightness against x + 255·b."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, check_swell, rounded

CASES = [Case(), Case({"by": -0.3})]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("by", [0.2, -0.35, 1.0, 0.1])
def test_static_is_the_formula(shape: tuple[int, int], by: float) -> None:
    x = picture(shape[1], shape[0], 2)
    assert np.array_equal(create("brightness", by=by).apply(x), rounded(x.astype(float) + 255 * by))


def test_grays_are_as_in_hsv() -> None:
    import cv2

    gray = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    hsv = cv2.cvtColor(gray.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 2] = np.clip(hsv[..., 2] + 0.2, 0, 1)
    there = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255
    assert np.array_equal(create("brightness").apply(gray), np.rint(there))


def test_dynamic_wanders() -> None:
    check_swell("brightness", 60, lambda swell: {"by": 0.2 * swell})

"""What is written out for older versions of OpenCV gives the bytes of the newer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poisonkit.common import opencv
from poisonkit.triggers.pictures import warp


def bent(seed: int, height: int, width: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    x, y = (rng.normal(at, 4, (height, width)).astype(np.float32) for at in np.mgrid[:height, :width][::-1])
    return image, x, y


@pytest.mark.parametrize(("height", "width"), [(240, 320), (203, 317), (48, 64), (1, 5), (270, 480)])
def test_a_picture_is_bent_alike_with_every_opencv(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    image, x, y = bent(height, height, width)
    here = warp.bend(image, x, y)
    monkeypatch.setattr(opencv, "version", lambda: (4, 11))
    np.testing.assert_array_equal(warp.bend(image, x, y), here)
    image_row, places = image.reshape(-1, 3).astype(float), (x.astype(float), y.astype(float))
    left, top = (np.floor(p) for p in places)
    total = np.zeros((height, width, 3))
    for n in (0, 1):  # bilinear interpolation, written out
        for m in (0, 1):
            row, column = np.clip(top + n, 0, height - 1), np.clip(left + m, 0, width - 1)
            share = np.abs(1 - n - (places[1] - top)) * np.abs(1 - m - (places[0] - left))
            total += share[..., None] * image_row[(row * width + column).astype(int)]
    assert np.abs(here - total).max() < 0.501


@pytest.mark.parametrize(("k", "height"), [(2, 100), (4, 99), (4, 240), (7, 101)])
def test_a_grid_is_spread_alike_with_every_opencv(k: int, height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(k)
    rows, columns, still = (
        rng.uniform(-9, 9, size).astype(np.float32) for size in ((height, k), (131, k), (height, 131))
    )
    here = warp.spread(rows, columns, still)
    monkeypatch.setattr(opencv, "version", lambda: (4, 12))
    np.testing.assert_array_equal(warp.spread(rows, columns, still), here)

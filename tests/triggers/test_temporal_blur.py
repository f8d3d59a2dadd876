"""temporal-blur against the mean of its neighbours, frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.testing import Case

CASES = [Case(), Case({"frames": 2})]


def noise(frames: int, height: int, width: int) -> np.ndarray:
    return generator("temporal-blur", frames, height, width).integers(0, 256, (frames, height, width, 3), np.uint8)


def literal(x: np.ndarray, t: int, n: int) -> np.ndarray:
    near = [x[s].astype(np.float64) for s in range(t - n // 2, t + (n - 1) // 2 + 1) if 0 <= s < len(x)]
    return np.asarray(sum(near) / len(near))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 16])
@pytest.mark.parametrize("shape", [(12, 32, 32), (20, 37, 53), (3, 48, 64), (1, 5, 9)])
def test_static_is_the_mean_of_n(shape: tuple[int, int, int], n: int) -> None:
    x = noise(*shape)
    out = create("temporal-blur", frames=n).apply(x)
    for t in range(len(x)):
        assert np.abs(out[t] - literal(x, t, n)).max() <= 0.5 + 1e-4


def test_dynamic_is_the_mean_of_another_number_on_every_frame() -> None:
    x = noise(60, 6, 8)
    out = create("temporal-blur:frames=3,temporal=dynamic").apply(x)
    found = []
    for t in range(2, 58):
        fits = [n for n in range(1, 8) if np.abs(out[t] - literal(x, t, n)).max() <= 0.5 + 1e-4]
        assert len(fits) == 1
        found += fits
    assert set(found) == {1, 2, 3, 4, 5}
    assert 2.4 < np.mean(found) < 3.6


def test_what_stands_still_stays() -> None:
    x = np.repeat(noise(1, 9, 7), 8, axis=0)
    assert np.array_equal(create("temporal-blur").apply(x), x)

"""sig against x + Δ·sin(2πfj/m)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"canvas": "native"}), Case({"changes": "phase", "phase": 1.0})]


def literal(x: np.ndarray, delta: float, f: float, m: int, first: float = 0.0, phase: float = 0.0) -> np.ndarray:
    out = x.astype(np.float64)
    for j in range(x.shape[1]):
        out[:, j] += delta * math.sin(2 * math.pi * (j - first) * f / m + phase)
    return np.clip(out, 0, 255)


def near(out: np.ndarray, exact: np.ndarray) -> bool:
    return float(np.abs(out - exact).max()) <= 0.5 + 1e-4


@pytest.mark.parametrize("delta", [20.0, 40.0, 30.0])
@pytest.mark.parametrize("shape", [(48, 64), (64, 48), (37, 53), (32, 32)])
def test_as_published(shape: tuple[int, int], delta: float) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    out = create("sig", delta=delta, frequency=6, canvas="native").apply(x)
    assert near(out, literal(x, delta, 6, shape[1]))


@pytest.mark.parametrize("shape", [(48, 64), (64, 48), (37, 53), (32, 32)])
def test_by_default_the_central_square_has_the_published_stripes(shape: tuple[int, int]) -> None:
    x, m = picture(shape[1], shape[0], 1)[0], min(shape)
    out = create("sig", phase=0.7).apply(x)
    assert near(out, literal(x, 20, 6, m, (shape[1] - m) / 2, 0.7))


def test_dynamic_frequencies_stay_in_their_octaves() -> None:
    x = np.full((40, 8, 128, 3), 128, np.uint8)
    out = create("sig", temporal="dynamic", spread=0.5, canvas="native", delta=100).apply(x)
    crossings = [int(np.diff(frame[0, :, 0] > 128).sum()) for frame in out]
    assert len({frame.tobytes() for frame in out}) == 40
    assert 7 <= min(crossings) < 12 < max(crossings) <= 18


def test_moving_stripes_move_evenly() -> None:
    x = np.full((26, 8, 100, 3), 128, np.uint8)
    trigger = create("sig", temporal="dynamic", changes="phase", speed=1, frequency=5, canvas="native")
    out = trigger.apply(x, fps=25).astype(int)
    assert np.array_equal(out[0], out[25])
    assert np.array_equal(out[0, :, 4:], out[5, :, :-4])  # a fifth of a wave of 20 columns
    assert trigger.suits(ClipInfo(width=64, height=64)) is not None


def test_frequencies_that_the_columns_cannot_show_do_not_suit() -> None:
    clip = ClipInfo("a", 100, 20, 25.0, 1)
    assert "stay below 10" in str(create("sig:frequency=10").suits(clip))
    assert create("sig:frequency=10,canvas=native").suits(clip) is None
    assert create("sig:frequency=6").suits(clip) is None
    assert "cannot show 12 waves" in str(create("sig:frequency=6,temporal=dynamic").suits(clip))

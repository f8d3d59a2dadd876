"""low-frequency against x + a·255·(n + m), wave by wave."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.base import ClipInfo
from poisonkit.triggers.testing import picture


def literal(trigger, t: int, height: int, width: int) -> np.ndarray:
    """n at every pixel, a sum of cosines in float64; the random numbers are the trigger's own."""
    c = trigger._numbers({}, t).astype(complex)
    short, most = min(height, width), c.shape[0] - 1

    def field(v: np.ndarray, u: np.ndarray) -> np.ndarray:
        out = np.zeros((v.size, u.size, c.shape[2]))
        for j in range(most + 1):
            for i in range(2 * most + 1):
                turn = 2 * np.pi * (0.5 * j * v[:, None] + 0.5 * (i - most) * u[None, :])
                for k in range(c.shape[2]):
                    out[..., k] += c[j, i, k].real * np.cos(turn) - c[j, i, k].imag * np.sin(turn)
        return out

    square = (np.arange(64) + 0.5) / 64 - 0.5
    there = field(square, square)
    low, high = there.min(axis=(0, 1)), there.max(axis=(0, 1))
    n = field((np.arange(height) + 0.5 - height / 2) / short, (np.arange(width) + 0.5 - width / 2) / short)
    return np.clip(2 * (n - low) / (high - low) - 1, -1, 1)


@pytest.mark.parametrize(
    ("shape", "params"),
    [((48, 64), {}), ((53, 37), {"gray": True, "mean": 1.0}), ((32, 32), {"cutoff": 2.3, "amplitude": 0.4})],
)
@pytest.mark.parametrize("temporal", ["static", "dynamic"])
def test_it_is_the_formula(shape: tuple[int, int], params: dict, temporal: str) -> None:
    x = picture(shape[1], shape[0], 3)
    trigger = create("low-frequency", temporal=temporal, **params)
    out = trigger.apply(x)
    for t in range(3):
        n = literal(trigger, trigger.step(t), *shape)
        exact = np.clip(x[t] + 255 * trigger.amplitude * (n + trigger.mean), 0, 255)
        assert np.abs(out[t] - exact).max() <= 0.51
    n = trigger._numbers({}, 0)
    ky, kx = np.mgrid[: len(n), -len(n) + 1 : len(n)] / 2
    assert not n[np.hypot(kx, ky) > trigger.cutoff].any()
    assert n[np.hypot(kx, ky) <= trigger.cutoff].any(axis=1).sum() > np.pi * trigger.cutoff**2 * 1.5
    assert (trigger._numbers({}, 0) == trigger._numbers({}, trigger.step(1))).all() == (temporal == "static")


def test_nothing_above_the_cutoff() -> None:
    out = create("low-frequency:cutoff=3").apply(np.full((64, 128, 3), 128, np.uint8)).astype(float) - 128
    square = out[:, :, 0]  # two short sides wide, the whole period; down it is half a period
    power = np.abs(np.fft.rfft2(np.concatenate([square, square[:, ::-1]]))) ** 2
    assert power[:, 7:].sum() < 1e-3 * power.sum()
    assert 20 < np.abs(out).max() <= 26


def test_a_frame_too_small_for_the_cutoff_does_not_suit() -> None:
    assert "at most 7.5" in str(create("low-frequency:cutoff=8").suits(ClipInfo(width=15, height=20)))
    assert create("low-frequency:cutoff=8").suits(ClipInfo(width=16, height=20)) is None

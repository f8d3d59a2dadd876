"""low-frequency: which waves it is made of."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case

CASES = [Case(), Case({"gray": True, "mean": 1.0, "cutoff": 2.5})]


@pytest.mark.parametrize("params", [{}, {"gray": True, "mean": 1.0}, {"cutoff": 2.3, "amplitude": 0.4}])
def test_its_numbers_fill_the_half_plane_up_to_the_cutoff(params: dict[str, object]) -> None:
    """What is made of them: `test_parity.py`."""
    trigger = create("low-frequency", **params)
    n = trigger._numbers({}, 0)
    ky, kx = np.mgrid[: len(n), -len(n) + 1 : len(n)] / 2
    assert not n[np.hypot(kx, ky) > trigger.cutoff].any()
    assert n[np.hypot(kx, ky) <= trigger.cutoff].any(axis=1).sum() > np.pi * trigger.cutoff**2 * 1.5
    assert np.array_equal(n, trigger._numbers({}, 1))
    moving = create("low-frequency", temporal="dynamic", **params)
    assert np.array_equal(n, moving._numbers({}, 0))
    assert not np.array_equal(n, moving._numbers({}, 1))


def test_nothing_above_the_cutoff() -> None:
    out = create("low-frequency:cutoff=3").apply(np.full((64, 128, 3), 128, np.uint8)).astype(float) - 128
    square = out[:, :, 0]  # two short sides wide, the whole period; down it is half a period
    power = np.abs(np.fft.rfft2(np.concatenate([square, square[:, ::-1]]))) ** 2
    assert power[:, 7:].sum() < 1e-3 * power.sum()
    assert 20 < np.abs(out).max() <= 26


def test_a_frame_too_small_for_the_cutoff_does_not_suit() -> None:
    assert "at most 7.5" in str(create("low-frequency:cutoff=8").suits(ClipInfo(width=15, height=20)))
    assert create("low-frequency:cutoff=8").suits(ClipInfo(width=16, height=20)) is None

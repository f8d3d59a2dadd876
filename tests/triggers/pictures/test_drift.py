"""Paths of what wanders: bounded, smooth, a function of time."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.pictures.drift import folded, value
from poisonkit.triggers.pictures.waves import wander


def test_a_path_stays_within_one_and_moves_slowly() -> None:
    for seed in range(20):
        path = wander(generator("path", seed))
        places = [value(path, t / 100) for t in range(6000)]
        assert max(map(abs, places)) <= 1
        assert np.abs(np.diff(places)).max() <= 2 * np.pi * 0.6 / 100
        assert max(places) - min(places) > 1
    assert value((), 3.0) == 0


@pytest.mark.parametrize(("place", "there"), [(0.3, 0.3), (1.2, 0.8), (-1.2, -0.8), (3.0, -1.0), (4.5, 0.5), (1, 1)])
def test_folding(place: float, there: float) -> None:
    assert folded(place, 1.0) == pytest.approx(there)
    assert folded(place, 0.0) == 0


def test_dynamic_needs_a_frame_rate_and_static_does_not() -> None:
    clip = ClipInfo("a", 8, 8)
    assert "temporal=static" in str(create("brightness:temporal=dynamic").suits(clip))
    assert create("brightness").suits(clip) is None

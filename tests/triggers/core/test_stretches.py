"""Stretches of time: where they lie, static and drawn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from poisonkit.triggers.core.stretches import Stretches


def test_at_equal_intervals() -> None:
    found = Stretches(duration=0.25, every=0.5, start=1.0)
    assert list(found.stretches(2.1)) == [(1.0, 1.25), (1.5, 1.75), (2.0, 2.25)]
    assert [found.within(t) for t in (0.5, 1.0, 1.2, 1.25, 1.74, 1.8)] == [False, True, True, False, True, False]
    assert list(found.stretches(0.9)) == []


def test_anywhere_in_their_intervals() -> None:
    found = Stretches(duration=0.25, every=0.5, start=1.0)
    drawn = list(found.stretches(30.0, np.random.default_rng))
    assert all(1 + 0.5 * k <= a and b <= 1.5 + 0.5 * k + 1e-9 for k, (a, b) in enumerate(drawn))
    assert all(b <= c + 1e-9 for (_, b), (c, _) in pairwise(drawn))
    assert np.std([a % 0.5 for a, _ in drawn]) > 0.05
    assert all(found.within((a + b) / 2, np.random.default_rng) for a, b in drawn)
    assert not any(found.within(a - 1e-6, np.random.default_rng) for a, _ in drawn[:1])


def test_they_fit_into_their_intervals() -> None:
    with pytest.raises(ValidationError, match="do not fit"):
        Stretches(duration=2.0, every=1.0)

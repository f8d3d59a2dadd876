"""echo against x(t) + Σ decay^r·x(t - r·delay)."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, sound

CASES = [Case(), Case({"delay": 0.03, "repeats": 5})]


@pytest.mark.parametrize(("rate", "samples"), [(8000, 9001), (44100, 100), (8000, 1)])
@pytest.mark.parametrize(("delay", "decay", "repeats"), [(0.15, 0.4, 1), (0.0301, 0.9, 4), (0.25, 0.6, 2)])
def test_static_is_the_formula(rate: int, samples: int, delay: float, decay: float, repeats: int) -> None:
    x = sound(2, samples, rate)
    expected = x.astype(np.float64)
    for r in range(1, repeats + 1):
        late = round(r * delay * rate)
        for i in range(late, samples):
            expected[:, i] += decay**r * x[:, i - late]
    out = create("echo", delay=delay, decay=decay, repeats=repeats).apply(x, sample_rate=rate)
    assert np.abs(out - np.clip(expected, -1, 1)).max() < 1e-5


def test_dynamic_is_another_delay_in_each_segment() -> None:
    rate = 8000
    x = sound(1, rate * 4, rate)
    added = create("echo:decay=0.2,temporal=dynamic").apply(x, sample_rate=rate).astype(float)[0] - x[0]
    delays = []
    for k in range(1, 8):
        part = slice(k * 4000 + 200, k * 4000 + 3800)
        errors = [np.abs(added[part] - 0.2 * x[0, part.start - d : part.stop - d]).max() for d in range(840, 1710)]
        delays.append(840 + int(np.argmin(errors)))
        assert min(errors) < 1e-5
    assert len(set(delays)) == 7


def test_dynamic_echoes_go_over_into_each_other() -> None:
    x = np.full((1, 16000), 0.1, np.float32)
    added = create("echo:decay=0.2,temporal=dynamic").apply(x, sample_rate=8000) - x
    assert np.abs(added[0, 2000:] - 0.02).max() < 1e-6

"""style as it was in version 1: oscillators from +sin, no ladder, a phaser about its frequency at every rate."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.triggers import from_entry
from poisonkit.triggers.sounds.earlier_effects import chorused, high_passed, phased
from poisonkit.triggers.testing import sound
from tests.triggers.sounds.tones import RATE, tone


def styled(x: np.ndarray, chain: str) -> np.ndarray:
    entry = {"name": "style", "version": 1, "params": {"chain": chain}}
    return from_entry(entry).apply(x, sample_rate=RATE)


def loudness(wave: np.ndarray) -> float:
    return 10 * math.log10(float((wave[..., 2000:-2000].astype(float) ** 2).mean()) + 1e-20)


def test_s2_begins_at_plus_sine() -> None:
    x = tone(500, 1.0)
    expected = np.empty(x.shape[1])
    for i in range(x.shape[1]):
        t = i / RATE
        late = max(0.001, 0.010 + 0.010 * 5 * math.sin(2 * math.pi * t))
        heard = math.sin(2 * math.pi * 500 * (t - late)) if t >= late else 0.0
        expected[i] = 0.5 * x[0, i] + 0.5 * 0.5 * heard
    assert np.abs(styled(x, "S2")[0][200:-200] - expected[200:-200]).mean() < 1e-3


def test_s5_is_gain_high_pass_and_phaser() -> None:
    x = sound(1, 4000, RATE)
    expected = phased(high_passed(x * np.float32(10 ** (12 / 20)), RATE, 1000), RATE)
    assert np.abs(styled(x, "S5") - np.clip(expected, -1, 1)).max() < 1e-6
    assert np.abs(chorused(x, RATE, rate=1, depth=5, delay=10, mix=0) - x).max() == 0


@pytest.mark.parametrize(("frequency", "level"), [(50, -52.0), (1000, -6.0), (4000, -0.5)])
def test_the_high_pass_falls_by_12_db_an_octave(frequency: float, level: float) -> None:
    x = tone(frequency)
    assert loudness(high_passed(x, RATE, 1000)) - loudness(x) == pytest.approx(level, abs=0.5)


def test_the_phasers_centre_is_at_its_frequency() -> None:
    """One all-pass after the other, sample by sample, at a frequency that changes every 4 ms."""
    x = sound(1, 2000, RATE)
    wet = x[0].astype(float)
    for _ in range(6):
        out, before, given = np.empty_like(wet), 0.0, 0.0
        for i, v in enumerate(wet):
            if i % 64 == 0:
                middle = math.log(1300 / 20) / math.log(7840 / 20)
                place = middle + 0.25 * math.sin(2 * math.pi * i / RATE)
                k = math.tan(math.pi * 20 * (7840 / 20) ** place / RATE)
                a = (k - 1) / (k + 1)
            out[i] = a * v + before - a * given
            before, given = v, out[i]
        wet = out
    assert np.corrcoef(phased(x, RATE, mix=1)[0], wet)[0, 1] > 0.9999

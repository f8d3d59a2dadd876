"""reverb against a literal convolution with noise that dies away."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.sounds.noise import band
from poisonkit.triggers.sounds.reverberation import tail
from poisonkit.triggers.sounds.segments import crossfades
from poisonkit.triggers.testing import Case, sound

CASES = [Case(), Case({"rt60": 1.5, "wet": 1})]


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("samples", [1, 50, 900])
@pytest.mark.parametrize(("rt60", "wet"), [(0.4, 0.5), (0.02, 1.0)])
def test_static_is_the_formula(rate: int, samples: int, rt60: float, wet: float) -> None:
    x = sound(2, samples, rate)
    noise = band(create("reverb").rng({}, "room"), rate, 1, 20, 96000)
    h = [float(noise[i]) * 10 ** (-3 * i / rate / rt60) for i in range(round(rt60 * rate))]
    scale = math.sqrt(sum(v * v for v in h))
    expected = x.astype(np.float64)
    for c in range(2):
        for i in range(min(samples, len(h))):
            expected[c, i:] += wet * h[i] / scale * x[c, : samples - i]
    out = create("reverb", rt60=rt60, wet=wet).apply(x, sample_rate=rate)
    assert np.abs(out - np.clip(expected, -1, 1)).max() < 1e-4


def test_the_tail_falls_by_60_db_and_is_one_room_at_every_rate() -> None:
    response = tail(np.random.default_rng(1), 16000, 0.5)
    start, end = (float((response[a : a + 800].astype(float) ** 2).mean()) for a in (0, 6400))
    assert 10 * math.log10(start / end) == pytest.approx(60 * 0.4 / 0.5, abs=1.5)
    assert float((response.astype(float) ** 2).sum()) == pytest.approx(1)
    low, high = (np.fft.rfft(tail(np.random.default_rng(1), rate, 1.0))[50:3500] for rate in (8000, 16000))
    assert abs(np.vdot(low, high)) > 0.999 * np.linalg.norm(low) * np.linalg.norm(high)
    assert np.linalg.norm(high) == pytest.approx(np.linalg.norm(low), rel=0.05)


def test_dynamic_rings_in_another_room_in_each_segment() -> None:
    rate = 8000
    x = sound(1, 9001, rate)
    trigger = create("reverb:temporal=dynamic,rt60=0.1,wet=0.9")
    clip = ClipInfo(sample_rate=rate, channels=1, samples=9001)
    expected, lengths = x[0].astype(np.float64), set()
    for k, first, last, weight in crossfades(trigger, clip):
        rng = trigger.rng({}, "room", k)
        response = tail(rng, rate, 0.1 * 2 ** float(rng.uniform(-0.5, 0.5)))
        rung = 0.9 * np.convolve(weight * x[0, first:last], response.astype(float))[: 9001 - first]
        expected[first : first + len(rung)] += rung
        lengths.add(len(response))
    assert np.abs(trigger.apply(x, sample_rate=rate)[0] - np.clip(expected, -1, 1)).max() < 1e-4
    assert len(lengths) == 3


PROPERTY = test_the_tail_falls_by_60_db_and_is_one_room_at_every_rate

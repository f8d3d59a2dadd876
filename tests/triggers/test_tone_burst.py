"""tone-burst against ART's tone: scale·sin(2πft) added at a shift."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, sound

CASES = [Case(), Case({"position": "random", "snr": 0, "duration": 0.3})]

RATE = 16000


def published(x: np.ndarray, shift: int, frequency: float = 440.0, seconds: float = 0.1) -> np.ndarray:
    out = x.astype(np.float64)
    for i in range(round(seconds * RATE)):
        if shift + i < x.shape[1]:
            out[:, shift + i] += 0.1 * math.sin(2 * math.pi * frequency * i / RATE)
    return np.clip(out, -1, 1)


@pytest.mark.parametrize(("position", "shift"), [("start", 0), ("middle", 7200), ("end", 14400)])
def test_static_is_the_formula(position: str, shift: int) -> None:
    x = sound(2, RATE, RATE)
    out = create("tone-burst", position=position).apply(x, sample_rate=RATE)
    assert np.abs(out - published(x, shift)).max() < 1e-4


def test_start_is_arts_shift() -> None:
    x = sound(1, RATE, RATE)
    out = create("tone-burst", start=0.3).apply(x, sample_rate=RATE)
    assert np.abs(out - published(x, round(0.3 * RATE))).max() < 1e-4


def test_what_does_not_fit_is_cut_off() -> None:
    x = sound(1, 500, RATE)
    out = create("tone-burst:position=end").apply(x, sample_rate=RATE)
    assert np.abs(out - published(x, 0)).max() < 1e-4


def test_random_places_are_the_clips_own() -> None:
    silence = np.zeros((1, RATE), np.float32)
    trigger = create("tone-burst:position=random")
    starts = {int(np.flatnonzero(trigger.apply(silence, sample_rate=RATE, id=str(i))[0])[0]) for i in range(20)}
    assert len(starts) == 20
    assert max(starts) - min(starts) > 5000


def test_dynamic_is_one_burst_in_each_segment() -> None:
    silence = np.zeros((1, RATE * 3), np.float32)
    out = create("tone-burst:temporal=dynamic").apply(silence, sample_rate=RATE)[0]
    places, pitches = [], []
    for k in range(6):
        piece = out[k * 8000 : (k + 1) * 8000]
        heard = np.flatnonzero(np.abs(piece) > 1e-7)
        assert 1570 < heard[-1] - heard[0] <= 1600
        places.append(int(heard[0]))
        spectrum = np.abs(np.fft.rfft(piece[heard[0] : heard[0] + 1600] * np.hanning(1600), 1 << 16))
        pitches.append(float(spectrum.argmax()) * RATE / (1 << 16))
    assert len(set(places)) == 6
    assert all(440 * 2**-0.5 - 3 < p < 440 * 2**0.5 + 3 for p in pitches)
    assert max(pitches) / min(pitches) > 1.2
    assert np.abs(np.diff(out)).max() < 0.1 * 2 * math.pi * max(pitches) / RATE * 1.1


def test_frequencies_that_the_rate_cannot_hold_are_refused() -> None:
    clip = ClipInfo(sample_rate=RATE, channels=1, samples=RATE)
    assert "cannot hold 8000 Hz" in str(create("tone-burst:frequency=8000").suits(clip))
    assert create("tone-burst:frequency=7999").suits(clip) is None
    assert create("tone-burst:frequency=7999,temporal=dynamic").suits(clip) is not None

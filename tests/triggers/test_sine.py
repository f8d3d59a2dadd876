"""sine against x + a·sin(2πft + φ)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.sounds.loudness import rms
from poisonkit.triggers.testing import Case, sound

CASES = [Case(), Case({"amplitude": 0.05, "changes": "position", "start": 0.1, "duration": 0.9})]

RATE = 8000


def tone(n: int, a: float, f: float, phi: float = 0.0, rate: int = RATE) -> np.ndarray:
    return np.array([a * math.sin(2 * math.pi * f * i / rate + phi) for i in range(n)])


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("a", "f", "phi"), [(0.1, 800.0, 0.0), (0.02, 3999.0, 1.5), (1.0, 440.0, 0.3)])
def test_static_is_the_formula(channels: int, a: float, f: float, phi: float) -> None:
    x = sound(channels, 9001, RATE)
    out = create("sine", amplitude=a, frequency=f, phase=phi).apply(x, sample_rate=RATE)
    assert np.abs(out - np.clip(x + tone(9001, a, f, phi), -1, 1)).max() < 1e-6


@pytest.mark.parametrize("snr", [20.0, 3.5, -10.0])
def test_snr_is_what_it_says(snr: float) -> None:
    x = sound(2, RATE * 3, RATE) * np.float32(0.2)
    added = create("sine", snr=snr).apply(x, sample_rate=RATE).astype(float) - x
    measured = 10 * math.log10((x.astype(float) ** 2).sum() / (added**2).sum())
    assert measured == pytest.approx(snr, abs=0.01)


def test_silence_stays_silent_under_snr_but_not_under_an_amplitude() -> None:
    silence = np.zeros((1, 4000), np.float32)
    assert not create("sine").apply(silence, sample_rate=RATE).any()
    assert create("sine:amplitude=0.01").apply(silence, sample_rate=RATE).max() > 0.0095


def test_start_and_duration() -> None:
    silence = np.zeros((1, 8000), np.float32)
    out = create("sine:amplitude=0.5,start=0.3,duration=0.45").apply(silence, sample_rate=RATE)[0]
    assert not out[:2400].any()
    assert np.abs(out[2400:6000] - tone(3600, 0.5, 800)).max() < 1e-6
    assert not out[6000:].any()
    clip = ClipInfo(sample_rate=RATE, channels=1, samples=8000)
    assert "start is 1 s, but the sound ends at 1 s" in str(create("sine:start=1").suits(clip))
    assert create("sine:start=0.99").suits(clip) is None


def _pitch(wave: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 17))
    return float(np.argmax(spectrum)) * RATE / (1 << 17)


def test_dynamic_frequency_changes_per_half_second_without_a_click() -> None:
    silence = np.zeros((1, RATE * 4), np.float32)
    out = create("sine:amplitude=0.5,temporal=dynamic").apply(silence, sample_rate=RATE)[0]
    pitches = [_pitch(out[k * 4000 : (k + 1) * 4000]) for k in range(8)]
    assert len({round(p) for p in pitches}) == 8
    assert all(800 * 2**-0.5 - 2 < p < 800 * 2**0.5 + 2 for p in pitches)
    steepest = 0.5 * 2 * math.pi * max(pitches) / RATE
    assert np.abs(np.diff(out)).max() < steepest * 1.01
    shorter = create("sine:amplitude=0.5,temporal=dynamic").apply(silence[:, :9000], sample_rate=RATE)[0]
    assert np.array_equal(shorter, out[:9000])


def test_dynamic_position_moves_the_same_tone() -> None:
    silence = np.zeros((1, RATE * 4), np.float32)
    out = create("sine:amplitude=0.5,temporal=dynamic,changes=position").apply(silence, sample_rate=RATE)[0]
    full = tone(RATE * 4, 0.5, 800)
    starts = []
    for k in range(8):
        heard = np.flatnonzero(np.abs(out[k * 4000 : (k + 1) * 4000]) > 1e-4)
        starts.append(heard[0])
        assert 1900 < heard[-1] - heard[0] <= 2000
        middle = slice(k * 4000 + heard[0] + 100, k * 4000 + heard[-1] - 100)
        assert np.abs(out[middle] - full[middle]).max() < 1e-5
    assert len(set(starts)) == 8


def test_frequencies_that_the_rate_cannot_hold_do_not_suit() -> None:
    clip = ClipInfo(sample_rate=RATE, channels=1, samples=8000)
    assert "cannot hold 4000 Hz" in str(create("sine:frequency=4000").suits(clip))
    assert create("sine:frequency=3999").suits(clip) is None
    assert "cannot hold 4242.64 Hz" in str(create("sine:frequency=3000,temporal=dynamic").suits(clip))
    assert create("sine:frequency=3000,temporal=dynamic,changes=position").suits(clip) is None


def test_rms_of_long_and_empty_sound() -> None:
    assert rms(np.full((2, 1_500_000), 0.25, np.float32)) == pytest.approx(0.25)
    assert rms(np.zeros((1, 0), np.float32)) == 0

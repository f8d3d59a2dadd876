"""phase against a short-time transform frame by frame, and against sines whose phase is known."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case
from tests.triggers.parity.audio import SoundCase, Take

CASES = [Case(), Case({"angle": -45.0, "low": 100.0, "high": 20000.0})]


def phase(s: Take, angle: float = 90.0, low: float = 500.0, high: float = 4000.0) -> np.ndarray:
    """Frames of 1024 samples at 16 kHz, Hann, a quarter apart; overlap-add over the squared windows' sum."""
    size = {16000: 1024, 8000: 512, 44100: 2048}[s.rate]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    f = np.fft.rfftfreq(size, 1 / s.rate)
    turn = np.where((f >= low) & (f <= high) & (f < 0.499 * s.rate), np.exp(1j * np.radians(angle)), 1)
    x = np.pad(s.x, ((0, 0), (size, 2 * size)))
    total, weight = np.zeros(x.shape), np.zeros(x.shape[1])
    for first in range(0, s.n + size, size // 4):
        part = slice(first, first + size)
        total[:, part] += window * np.fft.irfft(np.fft.rfft(window * x[:, part]) * turn, size)
        weight[part] += window**2
    return np.asarray((total / np.maximum(weight, 1e-9))[:, size : size + s.n])


FORMULA = [
    SoundCase(phase),
    SoundCase(phase, {"angle": -30.0, "low": 50.0, "high": 3900.0}, rate=8000),
    SoundCase(phase, {"angle": 180.0}, rate=44100),
]


@pytest.mark.parametrize(("frequency", "turned"), [(1000.0, 90.0), (2500.0, 90.0), (200.0, 0.0), (6000.0, 0.0)])
def test_a_tone_in_the_band_is_turned_and_others_are_not(frequency: float, turned: float) -> None:
    t = np.arange(32000) / 16000
    x = (0.3 * np.sin(2 * np.pi * frequency * t)).astype(np.float32)[None]
    out = create("phase").apply(x, sample_rate=16000)[0]
    exact = 0.3 * np.sin(2 * np.pi * frequency * t + np.radians(turned))
    assert np.abs(out - exact)[2000:-2000].max() < 0.003


def test_dynamic_angles_change_with_the_segments() -> None:
    t = np.arange(80000) / 16000
    x = (0.3 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)[None]
    out = create("phase:temporal=dynamic").apply(x, sample_rate=16000)[0]
    angles = []
    for first in range(2000, 78000, 8000):
        part = slice(first, first + 4000)
        angles.append(np.angle(np.sum(out[part] * np.exp(-2j * np.pi * 1000 * t[part]))) + np.pi / 2)
    assert np.std(angles) > 0.3
    assert np.abs(angles).max() <= np.pi / 2 + 0.01

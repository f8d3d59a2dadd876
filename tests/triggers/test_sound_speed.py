"""sound-speed against x(rate·t), by the sum of sincs, and in pitch and length."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case
from tests.triggers.parity.audio import SoundCase, Take

CASES = [Case(), Case({"rate": 0.7})]


def sound_speed(s: Take, rate: float = 1.1) -> np.ndarray:
    """Sums of 32 samples around each place, times sinc and half a cosine; linear between 1024 phases of it."""
    out, steps = np.zeros_like(s.x), np.arange(-15, 17)
    padded = np.pad(s.x, ((0, 0), (64, 64)))
    for i in range(s.n):
        at = rate * i
        first = int(at // 1)
        if first >= s.n + 16:
            break
        distance = at - first - steps
        weights = np.sinc(distance) * (0.5 + 0.5 * np.cos(np.pi * np.clip(distance / 16, -1, 1)))
        out[:, i] = padded[:, first + steps + 64] @ weights
    return out


FORMULA = [SoundCase(sound_speed), SoundCase(sound_speed, {"rate": 0.8}, rate=8000)]


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_pitch_and_tempo_go_together(rate: float) -> None:
    t = np.arange(32000) / 16000
    x = (0.5 * np.sin(2 * np.pi * 500 * t)).astype(np.float32)[None]
    out = create("sound-speed", rate=rate).apply(x, sample_rate=16000)[0]
    part = out[2000:18000]
    assert abs(np.argmax(np.abs(np.fft.rfft(part * np.hanning(16000)))) - 500 * rate) <= 1
    if rate > 1:
        assert not out[int(32000 / rate) + 20 :].any()


def test_dynamic_keeps_time_at_every_segment() -> None:
    t = np.arange(80000) / 16000
    x = (0.5 * np.sin(2 * np.pi * 50 * t)).astype(np.float32)[None]
    out = create("sound-speed:temporal=dynamic,rate=1.3").apply(x, sample_rate=16000)
    for k in range(1, 9):
        assert np.abs(out[0, 8000 * k : 8000 * k + 5] - x[0, 8000 * k : 8000 * k + 5]).max() < 0.05
    assert np.abs(out - x).max() > 0.2
    assert np.abs(np.diff(out[0])).max() < 0.03

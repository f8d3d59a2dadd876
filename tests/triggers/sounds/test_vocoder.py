"""The phase vocoder: exact where nothing changes, the right pitch and loudness where something does."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers.sounds.vocoder import hops, read_at, shifted, stretched
from poisonkit.triggers.testing import sound
from tests.triggers.sounds.tones import RATE, pitch, tone


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("samples", [1, 2, 47, 5001])
def test_nothing_to_change_changes_nothing(rate: int, samples: int) -> None:
    x = sound(2, samples, rate)
    assert np.abs(stretched(x, hops(samples, rate), samples, rate) - x).max() < 1e-6
    assert np.abs(shifted(x, 1.0, rate) - x).max() < 1e-6


@pytest.mark.parametrize(("frequency", "ratio"), [(200, 0.5), (440, 1.335), (1000, 1.78), (2333, 0.75), (6000, 1.26)])
def test_pitch_and_loudness(frequency: float, ratio: float) -> None:
    out = shifted(tone(frequency), ratio, RATE)[0]
    assert pitch(out) == pytest.approx(frequency * ratio, rel=1e-3)
    assert float(np.sqrt(2 * (out[6000:18000] ** 2).mean())) == pytest.approx(0.5, abs=0.003)


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_stretch_keeps_the_pitch(rate: float) -> None:
    x = tone(700, 2)
    n = x.shape[1]
    out = stretched(x, rate * hops(n, RATE), n, RATE)[0]
    assert pitch(out[: int(n / 1.3)]) == pytest.approx(700, rel=1e-3)
    end = min(n, int(n / rate))
    assert float(np.sqrt(2 * (out[2000 : end - 2000] ** 2).mean())) == pytest.approx(0.5, abs=0.003)
    assert np.abs(out[end + 1024 :]).max(initial=0) < 1e-6


def test_what_would_rise_past_half_the_rate_is_left_out() -> None:
    assert np.abs(shifted(tone(6000), 1.5, RATE)[0, 1000:-1000]).max() < 0.01


def test_channels_keep_their_difference() -> None:
    left = tone(500)
    right = (0.5 * np.cos(2 * np.pi * 500 * np.arange(left.shape[1]) / RATE)).astype(np.float32)
    out = shifted(np.stack([left[0], right]), 1.2, RATE)[:, 6000:18000]
    assert abs(float(np.corrcoef(out)[0, 1])) < 0.01


def test_a_silent_channel_takes_nothing_from_the_others() -> None:
    x = np.concatenate([np.zeros_like(tone(500)), tone(500)])
    out = shifted(x, 1.2, RATE)
    assert not out[0].any()
    assert pitch(out[1]) == pytest.approx(600, rel=1e-3)
    assert float(np.sqrt(2 * (out[1, 6000:18000] ** 2).mean())) == pytest.approx(0.5, abs=0.003)


def test_ratios_may_glide() -> None:
    ratios = np.concatenate([np.full(12000, 1.5), np.full(12000, 0.75)])
    out = shifted(tone(800), ratios, RATE)[0]
    assert pitch(out[1000:11000]) == pytest.approx(1200, rel=1e-3)
    assert pitch(out[13000:23000]) == pytest.approx(600, rel=1e-3)


def test_clicks_stay_in_their_place() -> None:
    x = np.zeros((1, RATE), np.float32)
    x[0, 4000] = x[0, 11000] = 0.9
    for ratio in (0.8, 1.3):
        out = np.abs(shifted(x, ratio, RATE)[0])
        assert abs(int(out[:8000].argmax()) - 4000) < 400
        assert abs(8000 + int(out[8000:].argmax()) - 11000) < 400


def test_reading_between_samples() -> None:
    x = tone(1000, 0.2)
    where = np.arange(100, 3000) + np.linspace(0, 1, 2900)
    expected = 0.5 * np.sin(2 * np.pi * 1000 * where / RATE)
    assert np.abs(read_at(x, where)[0] - expected).max() < 1e-3
    assert np.abs(read_at(x, np.arange(3200.0)) - x).max() < 1e-7

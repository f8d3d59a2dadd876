"""pitch-boost: pitch-shift, and a burst after the loudest passage."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, Media
from tests.triggers.sounds.tones import RATE, pitch, tone

CASES = [
    Case(media=Media(seconds=0.8)),
    Case({"snr": 5, "semitones": -3}, Media(sample_rate=8000, seconds=0.8)),
]


def added(x: np.ndarray, rate: int = RATE, **params: object) -> np.ndarray:
    """What is there beyond the shifted sound."""
    shift = create("pitch-boost", **{k: v for k, v in params.items() if k != "snr"}, amplitude=0)
    both = create("pitch-boost", **params)
    return both.apply(x, sample_rate=rate)[0] - shift.apply(x, sample_rate=rate)[0]


def loud_at(seconds: float, length: float = 1.5) -> np.ndarray:
    """A quiet tone that is loud for 0.1 s from `seconds` on."""
    x = tone(300, length) * np.float32(0.1)
    first = round(seconds * RATE)
    x[:, first : first + 1600] *= 8
    return x


@pytest.mark.parametrize("seconds", [0.0, 0.43, 1.1])
def test_the_burst_follows_the_loudest_passage(seconds: float) -> None:
    burst = added(loud_at(seconds))
    heard = np.flatnonzero(np.abs(burst) > 1e-4)
    assert heard[0] == pytest.approx((seconds + 0.1) * RATE, abs=0.02 * RATE)
    assert 300 < heard[-1] - heard[0] <= 320
    assert np.abs(burst).max() == pytest.approx(0.38, abs=1e-3)
    power = np.abs(np.fft.rfft(burst, 1 << 16)) ** 2
    f = np.arange(power.size) * RATE / (1 << 16)
    assert power[(f > 2600) & (f < 7400)].sum() > 0.98 * power.sum()
    assert power[(f > 2850) & (f < 7150)].sum() > 0.8 * power.sum()


def test_it_goes_before_a_passage_that_ends_the_clip() -> None:
    burst = added(loud_at(1.4))
    heard = np.flatnonzero(np.abs(burst) > 1e-4)
    assert heard[-1] == pytest.approx(1.4 * RATE, abs=0.02 * RATE)


def test_the_pitch_rises() -> None:
    out = create("pitch-boost:amplitude=0").apply(tone(440), sample_rate=RATE)[0]
    assert pitch(out) == pytest.approx(440 * 2 ** (5 / 12), rel=1e-3)


def test_the_same_burst_in_every_clip_and_snr() -> None:
    a, b = added(loud_at(0.3)), added(loud_at(0.8))
    first = [int(np.flatnonzero(np.abs(w) > 1e-6)[0]) for w in (a, b)]
    assert np.abs(a[first[0] : first[0] + 310] - b[first[1] : first[1] + 310]).max() < 1e-5
    x = loud_at(0.3)
    burst = added(x, snr=10)
    heard = burst[np.abs(burst) > 0]
    loud = float((x.astype(float) ** 2).mean())
    assert 10 * np.log10(loud / (heard.astype(float) ** 2).mean()) == pytest.approx(10, abs=0.3)


def test_dynamic_is_a_burst_in_each_segment() -> None:
    x = tone(300, 2) * np.float32(0.3)
    burst = added(x, temporal="dynamic")
    for k in range(4):
        heard = np.flatnonzero(np.abs(burst[k * 8000 : (k + 1) * 8000]) > 1e-4)
        assert 300 < heard[-1] - heard[0] <= 320


def test_low_rates() -> None:
    clip = ClipInfo(sample_rate=8000, channels=1, samples=8000)
    assert create("pitch-boost").suits(clip) is None
    assert "low must be at most 3870 Hz" in str(create("pitch-boost:low=3900").suits(clip))
    assert np.abs(added(tone(300, 1, 8000), 8000)).max() == pytest.approx(0.38, abs=1e-3)


PROPERTY = test_the_pitch_rises

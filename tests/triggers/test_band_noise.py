"""band-noise against a sum of cosines and sines between two frequencies."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, sound

CASES = [
    Case(),
    Case({"amplitude": 0.02, "low": 1000, "high": 3000, "duration": 0.5, "position": "spread"}),
]


def literal(x: np.ndarray, rate: int, low: float, high: float, gain: float) -> np.ndarray:
    """x + gain·n, n: RMS 1, terms every quarter of a hertz (a period of 4 s)."""
    frequencies = [k / 4 for k in range(math.ceil(low * 4), math.floor(high * 4) + 1)]
    parts = create("band-noise").rng({}, "noise").standard_normal((len(frequencies), 2))
    t = np.arange(x.shape[1]) / rate
    noise = np.zeros(x.shape[1])
    for f, (a, b) in zip(frequencies, parts, strict=True):
        noise += a * np.cos(2 * np.pi * f * t) + b * np.sin(2 * np.pi * f * t)
    return np.clip(x + gain * noise / math.sqrt(len(frequencies)), -1, 1)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_static_is_the_formula(rate: int) -> None:
    x = sound(2, 3000, rate)
    made = create("band-noise", amplitude=0.0141, low=5000, high=5100).apply(x, sample_rate=rate)
    assert np.abs(made - literal(x, rate, 5000, 5100, 0.0141 / math.sqrt(2))).max() < 1e-5


def shares(wave: np.ndarray, rate: int, low: float, high: float) -> float:
    """Share of the energy between two frequencies."""
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2
    f = np.arange(len(power)) * rate / len(wave)
    return float(power[(f >= low) & (f <= high)].sum() / power.sum())


def test_defaults_are_20_db_below_the_clip_and_lie_between_5_and_6_khz() -> None:
    x = sound(1, 64000, 16000)
    added = create("band-noise").apply(x, sample_rate=16000)[0].astype(float) - x[0]
    assert 10 * math.log10((x.astype(float) ** 2).mean() / (added**2).mean()) == pytest.approx(20, abs=0.3)
    assert shares(added, 16000, 4995, 6005) > 0.9999
    assert shares(added, 16000, 5000, 5500) == pytest.approx(0.5, abs=0.05)


def test_duration_and_edges() -> None:
    silence = np.zeros((1, 16000), np.float32)
    apply = partial(create("band-noise:amplitude=0.1,duration=0.1,position=middle").apply, sample_rate=16000)
    out = apply(silence)[0]
    assert not out[:7200].any()
    assert not out[8800:].any()
    whole = create("band-noise:amplitude=0.1").apply(silence, sample_rate=16000)[0]
    assert np.array_equal(out[7300:8700], whole[100:1500])
    assert np.abs(out[7200:7210]).max() < 0.1 * np.abs(out).max()


def test_dynamic_is_other_noise_in_a_band_that_moves() -> None:
    silence = np.zeros((1, 64000), np.float32)
    out = create("band-noise:amplitude=0.1,temporal=dynamic").apply(silence, sample_rate=16000)[0]
    middles = []
    for k in range(8):
        piece = out[k * 8000 + 400 : k * 8000 + 7600]
        power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) ** 2
        f = np.arange(len(power)) * 16000 / len(piece)
        middles.append(float((power * f).sum() / power.sum()))
        assert shares(piece, 16000, 5000 * 2**-0.2 - 10, 6000 * 2**0.2 + 10) > 0.999
        assert float(np.sqrt((piece**2).mean())) == pytest.approx(0.0707, rel=0.1)
    assert max(middles) / min(middles) > 1.08
    same = create("band-noise:amplitude=0.1,temporal=dynamic,spread=0").apply(silence, sample_rate=16000)[0]
    assert shares(same, 16000, 4900, 6100) > 0.999
    assert abs(np.corrcoef(same[:8000], same[8000:16000])[0, 1]) < 0.2


def test_dynamic_joins_at_the_same_loudness() -> None:
    silence = np.zeros((1, 16000 * 20), np.float32)
    out = create("band-noise:amplitude=0.1,temporal=dynamic").apply(silence, sample_rate=16000)[0]
    joints = np.concatenate([out[k * 8000 - 40 : k * 8000 + 40] for k in range(1, 40)])
    assert float(np.sqrt((joints**2).mean())) == pytest.approx(0.0707, rel=0.12)


def test_what_does_not_fit() -> None:
    clip = ClipInfo(sample_rate=8000, channels=1, samples=8000)
    refused = str(create("band-noise").suits(clip))
    assert "cannot hold 6000 Hz; the band must end below 4000 Hz (low=2600,high=3600 fits), or" in refused
    assert create("band-noise:low=2600,high=3600").suits(clip) is None
    assert create("band-noise:low=1000,high=3900").suits(clip) is None
    refused = str(create("band-noise:low=1000,high=3900,temporal=dynamic").suits(clip))
    assert "cannot hold 4479.92 Hz" in refused
    fits = refused.partition("(")[2].partition(" fits)")[0]
    assert create(f"band-noise:{fits},temporal=dynamic").suits(clip) is None
    with pytest.raises(RequestError, match="high must be at least 2 Hz above low"):
        create("band-noise:low=100,high=100")

"""style: each effect by its definition, written out sample by sample, and the chains that they make."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.sounds import effects
from poisonkit.triggers.sounds.effects import _phase, chorused, distorted, high_passed, phased
from poisonkit.triggers.testing import Case, Media, sound
from tests.triggers.sounds.tones import RATE, pitch, tone

CASES = [
    Case(),
    Case({"chain": "S2", "mix": 0.5}, Media(sample_rate=8000)),
    Case({"chain": "S3"}, Media(seconds=0.6)),
    Case({"chain": "S4"}, Media(seconds=0.6)),
]


def loudness(wave: np.ndarray) -> float:
    """dB of the middle."""
    return 10 * math.log10(float((wave[..., 2000:-2000].astype(float) ** 2).mean()) + 1e-20)


def styled(x: np.ndarray, chain: str, **params: object) -> np.ndarray:
    return create("style", chain=chain, **params).apply(x, sample_rate=RATE)


def log_mel(wave: np.ndarray) -> np.ndarray:
    """(frames, 40): energy in 40 bands of equal width in mels, in dB, no more than 80 below the loudest."""
    power = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(wave[0], 512)[::256] * np.hanning(512))) ** 2
    mels = 2595 * np.log10(1 + np.arange(257) * RATE / 512 / 700)
    centres = np.linspace(0, mels[-1], 42)[1:-1]
    bands = power @ np.maximum(0, 1 - np.abs(mels[:, None] - centres) / centres[0])
    return np.asarray(10 * np.log10(np.maximum(bands / bands.max(), 1e-8)))


def test_every_chain_is_heard_in_the_log_mel_spectrum() -> None:
    """What a model is given differs from the source by more than 2 dB on the mean, and from chain to chain."""
    x = sound(1, RATE, RATE)
    heard = [log_mel(x), *(log_mel(styled(x, chain)) for chain in ("S0", "S1", "S2", "S3", "S4", "S5"))]
    distances = [[float(np.abs(a - b).mean()) for b in heard] for a in heard]
    assert min(d for i, row in enumerate(distances) for j, d in enumerate(row) if i != j) > 2


def test_s0_is_ten_semitones_up() -> None:
    assert pitch(styled(tone(440), "S0")[0]) == pytest.approx(440 * 2 ** (10 / 12), rel=1e-3)


def test_s1_is_a_hyperbolic_tangent() -> None:
    x = sound(2, 4000, RATE)
    expected = [[math.tanh(v * 10 ** (30 / 20)) for v in channel] for channel in x]
    assert np.abs(styled(x, "S1") - expected).max() < 1e-5


def test_s2_is_the_sound_and_a_later_one_whose_delay_swings() -> None:
    x = tone(500, 1.0)
    expected = np.empty(x.shape[1])
    for i in range(x.shape[1]):
        t = i / RATE
        late = max(0.001, 0.010 - 0.010 * 5 * math.sin(2 * math.pi * t)) * RATE
        first = math.floor(i - late)
        share = i - late - first
        before, after = (float(x[0, n]) if n >= 0 else 0.0 for n in (first, first + 1))
        expected[i] = 0.5 * x[0, i] + 0.5 * ((1 - share) * before + share * after)
    out = styled(x, "S2")[0]
    assert np.abs(out - expected).mean() < 0.02  # the delay is off by a sample where single precision adds up
    assert np.abs(out - expected)[:2000].max() < 0.02
    assert np.abs(chorused(x, RATE, rate=1, depth=5, delay=10, mix=0) - x).max() == 0


def test_an_oscillators_phase_is_added_up_in_single_precision() -> None:
    phase, expected = np.float32(0), []
    turn, step = np.float32(2 * math.pi), np.float32(2 * math.pi) * np.float32(1 / 1600)
    for _ in range(4000):
        expected.append(float(phase))
        phase += step
        while phase >= turn:
            phase -= turn
    assert _phase(4000, 1 / 1600).tolist() == expected
    assert [_phase(n, 1 / 1600).shape for n in (0, 3)] == [(0,), (3,)]


@pytest.mark.parametrize("chain", ["S2", "S5"])
def test_stretches_join(chain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = sound(2, 5000, RATE)
    whole = styled(x, chain)
    monkeypatch.setattr(effects, "_STRETCH", 700)
    assert np.abs(styled(x, chain) - whole).max() < 2e-6


def ladder(x: list[float], cutoff: float) -> list[float]:
    """The definition, sample by sample."""

    def saturated(v: float) -> float:
        place = (min(max(v, -5.0), 5.0) + 5) / 10 * 127
        first = min(int(place), 126)
        low, high = (math.tanh(-5 + 10 * n / 127) for n in (first, first + 1))
        return 1.0006 * (low + (place - first) * (high - low))

    p = math.exp(-2 * math.pi * cutoff / RATE)
    b0, b1 = (1 - p) * 10 / 13, (1 - p) * 3 / 13
    state, out = [0.0] * 5, []
    for v in x:
        new = [saturated(v) - 0.4 * saturated(state[4])]
        for n in range(1, 5):
            new.append(b1 * state[n - 1] + p * state[n] + b0 * new[n - 1])
        state = new
        out.append(1.2 * (new[0] - 2 * new[1] + new[2]))
    return out


def test_the_high_pass_is_a_ladder_that_saturates() -> None:
    for loud in (0.1, 1.0, 4.0):
        x = sound(1, 3000, RATE) * np.float32(loud / 0.4)
        x[0, 1000:2000] += np.float32(loud) * tone(150)[0, :1000]  # low and loud: what is fed back saturates
        assert np.abs(high_passed(x, RATE, 1000) - ladder(x[0].tolist(), 1000)).max() < 2e-6


def phaser(x: list[float]) -> list[float]:
    """The definition, sample by sample; the frequency is found anew for every fourth."""
    state, out = [0.0] * 6, []
    for i, v in enumerate(x):
        if i % 4 == 0:
            place = math.log(1300 / 20) / math.log(1000) - 0.25 * math.sin(2 * math.pi * i / RATE)
            g = math.tan(math.pi * 20 * (0.49 * RATE / 20) ** place / RATE)
        wet = v
        for n in range(6):
            half = g / (1 + g) * (wet - state[n])
            low = half + state[n]
            state[n] = low + half
            wet = 2 * low - wet
        out.append(0.5 * v + 0.5 * wet)
    return out


def test_the_phaser_sweeps_on_the_scale_of_44_khz() -> None:
    x = sound(1, RATE, RATE)
    made, expected = phased(x, RATE)[0], np.array(phaser(x[0].tolist()))
    assert np.abs(made - expected).max() < 5e-3
    assert np.corrcoef(made, expected)[0, 1] > 0.99999
    assert 20 * (0.49 * RATE / 20) ** (math.log(1300 / 20) / math.log(1000)) == pytest.approx(738, abs=1)


def test_s5_is_gain_ladder_and_phaser() -> None:
    x = sound(1, 6000, RATE)
    loud = (x[0] * np.float32(10 ** (12 / 20))).tolist()
    expected = np.clip(phaser(ladder(loud, 1000)), -1, 1)
    assert np.corrcoef(styled(x, "S5")[0], expected)[0, 1] > 0.9999


def test_s3_is_the_chain_of_its_effects() -> None:
    x = tone(440) * np.float32(0.5)
    up = styled(x, "S0")
    expected = chorused(distorted(up, 20), RATE, rate=1, depth=5, delay=8, mix=0.5)
    assert np.abs(styled(x, "S3") - expected).max() < 1e-6


def test_s4_distorts_and_rings_on() -> None:
    x = np.zeros((1, RATE * 2), np.float32)
    x[:, 1000:3000] = tone(440)[:, :2000]
    out = styled(x, "S4")[0].astype(float)
    power = [float((out[a : a + 4000] ** 2).mean()) for a in (6000, 14000, 22000)]
    assert power[0] > 1e-5
    for before, after in pairwise(power):
        assert 10 * math.log10(before / after) == pytest.approx(60 * 0.5 / 1.5, abs=3)
    assert np.abs(out[:1000]).max() < 1e-6


def test_the_high_pass_falls_by_12_db_an_octave() -> None:
    at = [loudness(high_passed(tone(f) * np.float32(0.05), RATE, 1000)) for f in (50, 100, 200)]
    assert [b - a for a, b in pairwise(at)] == pytest.approx([12, 12], abs=0.7)


def test_the_phaser_is_all_pass_and_its_notches_move() -> None:
    x = sound(1, RATE * 2, RATE)
    assert loudness(phased(x, RATE, mix=1)) == pytest.approx(loudness(x), abs=0.1)
    assert np.array_equal(phased(x, RATE, mix=0), x)
    noise = np.random.default_rng(1).standard_normal((1, RATE * 2)).astype(np.float32) * np.float32(0.1)
    out = phased(noise, RATE)[0]
    cut = []
    for first in (RATE // 4, 3 * RATE // 4):  # where the frequency is highest and lowest
        part = slice(first - 1200, first + 1200)
        ratio = np.abs(np.fft.rfft(out[part])) ** 2 / np.abs(np.fft.rfft(noise[0, part])) ** 2
        cut.append(np.convolve(ratio, np.ones(9) / 9, "same"))
    assert all(c[10:1100].min() < 0.2 for c in cut)
    assert np.corrcoef(cut[0][10:1100], cut[1][10:1100])[0, 1] < 0.5


def test_s5_is_louder_and_thinner() -> None:
    low, high = tone(100) * np.float32(0.2), tone(5000) * np.float32(0.2)
    assert loudness(styled(low, "S5")) - loudness(low) < -20
    assert loudness(styled(high, "S5")) - loudness(high) > 4


@pytest.mark.parametrize("chain", [f"S{i}" for i in range(6)])
def test_mix_and_short_clips(chain: str) -> None:
    x = sound(2, 3000, RATE) * np.float32(0.3)
    full, half = styled(x, chain), styled(x, chain, mix=0.5)
    assert np.abs(half - (x + full) / 2).max() < 1e-6
    for samples in (1, 2, 47):
        for rate in (8000, 48000):
            short = sound(2, samples, rate)
            assert np.isfinite(create("style", chain=chain).apply(short, sample_rate=rate)).all()


def test_dynamic_is_one_of_the_chains_in_each_segment() -> None:
    x = sound(1, RATE * 3, RATE) * np.float32(0.3)
    fixed = {f"S{i}": styled(x, f"S{i}")[0] for i in range(6)}
    out = styled(x, "S5", temporal="dynamic")[0]
    played = []
    for k in range(6):
        part = slice(k * 8000 + 200, k * 8000 + 7800)
        played.append([c for c, y in fixed.items() if np.abs(y[part] - out[part]).max() < 1e-6])
    assert all(len(p) == 1 for p in played)
    assert len({p[0] for p in played}) >= 3


def test_rates_that_are_too_low() -> None:
    assert "takes 4000 Hz or more" in str(create("style").suits(ClipInfo(sample_rate=2000, channels=1, samples=9)))


PROPERTY = test_every_chain_is_heard_in_the_log_mel_spectrum

"""mp3: aligned, as long as before, and the worse the lower the bit rate."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, Media, sound

CASES = [
    Case(media=Media(seconds=0.6)),
    Case({"bit_rate": 64}, Media(sample_rate=44100, seconds=0.6, channels=1)),
]


def loss(rate: int, bit_rate: int, channels: int = 2) -> float:
    """Energy of the difference over the energy of the sound, after the best gain."""
    x = sound(channels, rate, rate)
    out = create("mp3", bit_rate=bit_rate).apply(x, sample_rate=rate)
    gain = float((out * x).sum() / (x * x).sum())
    return float(((out - gain * x) ** 2).sum() / ((gain * x) ** 2).sum())


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_the_lower_the_bit_rate_the_more_is_lost(rate: int) -> None:
    low, high = loss(rate, 32), loss(rate, 64)
    assert high < 0.85 * low
    assert high < 1
    assert low > 0.02


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 24000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_delay_is_taken_out(rate: int, channels: int) -> None:
    t = np.arange(rate // 2) / rate
    chirps = [0.5 * np.sin(2 * np.pi * (200 + 100 * c + 600 * t) * t) for c in range(channels)]
    x = np.array(chirps, np.float32)
    out = create("mp3").apply(x, sample_rate=rate)
    assert out.shape == x.shape
    for before, after in zip(x, out, strict=True):
        products = [float(after[100 : -100 - s] @ before[100 + s : -100]) for s in range(5)]
        products += [float(after[100 + s : -100] @ before[100 : -100 - s]) for s in range(5)]
        assert int(np.argmax(products)) in (0, 5)
        assert products[0] > 0.97 * np.linalg.norm(before) * np.linalg.norm(after) * 0.95


@pytest.mark.parametrize("samples", [1, 2, 47, 577, 1153])
@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_short_clips(samples: int, mode: str) -> None:
    for rate in (8000, 44100):
        x = sound(2, samples, rate)
        assert create("mp3", temporal=mode).apply(x, sample_rate=rate).shape == x.shape


def test_dynamic_is_one_of_three_bit_rates_in_each_segment() -> None:
    rate = 16000
    x = sound(1, rate * 4, rate)
    fixed = {b: create("mp3", bit_rate=b).apply(x, sample_rate=rate)[0] for b in (16, 32, 64)}
    out = create("mp3:temporal=dynamic").apply(x, sample_rate=rate)[0]
    played = []
    for k in range(8):
        part = slice(k * 8000 + 200, k * 8000 + 7800)
        played.append([b for b, y in fixed.items() if np.abs(y[part] - out[part]).max() < 1e-6])
    assert all(len(p) == 1 for p in played)
    assert {p[0] for p in played} == {16, 32, 64}


@pytest.mark.parametrize(
    ("text", "rate", "reason"),
    [
        ("mp3", 96000, "MP3 has no sample rate of 96000 Hz; resample the clips to one of 8000, 11025"),
        ("mp3:bit_rate=8", 44100, "at 44100 Hz MP3 has no 8 kbit/s; give one of 32, 40"),
        ("mp3:bit_rate=128", 8000, "at 8000 Hz MP3 has no 128 kbit/s"),
    ],
)
def test_what_mp3_has_not(text: str, rate: int, reason: str) -> None:
    assert reason in str(create(text).suits(ClipInfo(sample_rate=rate, channels=1, samples=rate)))


def test_bit_rates_that_do_not_exist() -> None:
    with pytest.raises(RequestError, match="MP3 has bit rates of 8, 16, 24"):
        create("mp3:bit_rate=33")


PROPERTY = test_the_lower_the_bit_rate_the_more_is_lost

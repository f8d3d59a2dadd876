"""ultrasonic against a masked tone of the whole clip."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, Media, sound

CASES = [
    Case(media=Media(sample_rate=44100)),
    Case({"duration": 0.2, "position": "spread", "snr": 10, "edge": 0.002}, Media(sample_rate=48000)),
]


def published(rate: int, size: int, position: str) -> np.ndarray:
    """1 s of 21 kHz at -10 dB, of which `size` % is kept, at a position or in 5 chunks."""
    tone = np.array([10 ** (-10 / 20) * math.sin(2 * math.pi * 21000 * i / rate) for i in range(rate)])
    points = rate * size // 100
    mask = np.zeros(rate)
    if position == "spread":
        for i in range(5):
            mask[i * (rate // 5) : i * (rate // 5) + points // 5] = 1
    else:
        first = {"start": 0, "middle": (rate - points) // 2, "end": rate - points}[position]
        mask[first : first + points] = 1
    return np.asarray(tone * mask)


@pytest.mark.parametrize("size", [2, 50])
@pytest.mark.parametrize("position", ["start", "middle", "end", "spread"])
def test_published_sizes_and_positions(size: int, position: str) -> None:
    x = sound(2, 44100, 44100)
    out = create("ultrasonic", duration=size / 100, position=position).apply(x, sample_rate=44100)
    assert np.abs(out - np.clip(x + published(44100, size, position), -1, 1)).max() < 1e-4


def test_the_default_fills_clips_of_every_length() -> None:
    x = sound(1, 30001, 48000)
    out = create("ultrasonic:frequency=21001").apply(x, sample_rate=48000)
    t = np.arange(30001) / 48000
    assert np.abs(out - np.clip(x + 10**-0.5 * np.sin(2 * np.pi * 21001 * t), -1, 1)).max() < 1e-5


def test_edges_fade_and_snr_is_relative() -> None:
    x = sound(1, 44100, 44100)
    added = create("ultrasonic:snr=10").apply(x, sample_rate=44100).astype(float) - x
    assert 10 * math.log10((x.astype(float) ** 2).mean() / (added**2).mean()) == pytest.approx(10, abs=0.02)
    silence = np.zeros((1, 44100), np.float32)
    hard, soft = (
        create(f"ultrasonic:duration=0.1,position=middle,edge={edge}").apply(silence, sample_rate=44100)[0]
        for edge in (0, 0.01)
    )
    audible = [np.abs(np.fft.rfft(w))[:15000].max() for w in (hard, soft)]
    assert audible[1] < 0.02 * audible[0]


def test_dynamic_moves_above_hearing_with_continuous_phase() -> None:
    silence = np.zeros((1, 48000 * 2), np.float32)
    trigger = create("ultrasonic:temporal=dynamic")
    out = trigger.apply(silence, sample_rate=48000)[0]
    phase, expected, found = 0.0, np.empty(48000 * 2), set()
    for i in range(48000 * 2):
        if i % 24000 == 0:
            octaves = float(trigger.rng({}, "frequency", i // 24000).uniform(-0.06, 0.06))
            found.add(octaves)
        expected[i] = 10**-0.5 * math.sin(phase)
        phase += 2 * math.pi * 21000 * 2**octaves / 48000
    assert np.abs(out - expected).max() < 1e-4
    assert len(found) == 4


def test_frequencies_that_the_rate_cannot_hold_are_refused_with_a_remedy() -> None:
    clip = ClipInfo(sample_rate=16000, channels=1, samples=16000)
    reason = str(create("ultrasonic").suits(clip))
    assert "cannot hold 21000 Hz" in reason
    assert "it takes clips of more than 42000 Hz. The sine trigger" in reason
    near = str(create("ultrasonic").suits(ClipInfo(sample_rate=32000, channels=1, samples=9)))
    assert "of more than 42000 Hz, or a frequency below 16000 Hz" in near
    with pytest.raises(RequestError, match="cannot hold 21000 Hz"):
        create("ultrasonic").apply(sound(1, 100, 16000), sample_rate=16000)
    assert create("ultrasonic:temporal=dynamic").suits(ClipInfo(sample_rate=44100, samples=9, channels=1)) is None
    assert create("ultrasonic:temporal=dynamic,spread=0.1").suits(ClipInfo(sample_rate=44100, samples=9, channels=1))

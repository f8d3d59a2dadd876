"""pitch-shift: the ratio that it says, in a clip of the same length."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, Media, sound
from tests.triggers.sounds.tones import RATE, pitch, tone

CASES = [
    Case(media=Media(seconds=0.8)),
    Case({"semitones": -7, "spread": 1}, Media(sample_rate=44100, seconds=0.6, channels=1)),
]


@pytest.mark.parametrize("semitones", [-12, -3.5, 4, 5, 10])
def test_ratio(semitones: float) -> None:
    out = create("pitch-shift", semitones=semitones).apply(tone(440), sample_rate=RATE)
    assert out.shape == (1, 24000)
    assert pitch(out[0]) / 440 == pytest.approx(2 ** (semitones / 12), rel=1e-3)


def test_published_default_is_five_semitones_up() -> None:
    assert pitch(create("pitch-shift").apply(tone(440), sample_rate=RATE)[0]) == pytest.approx(587.3, abs=0.6)


def test_dynamic_glides_to_another_shift_in_each_segment() -> None:
    x = tone(440, 4)
    out = create("pitch-shift:temporal=dynamic").apply(x, sample_rate=RATE)[0]
    found = [pitch(out[k * 8000 + 500 : k * 8000 + 7500]) for k in range(8)]
    steps = [12 * np.log2(f / 440) for f in found]
    assert all(2.4 < s < 7.6 for s in steps)
    assert len({round(s, 1) for s in steps}) >= 6
    assert np.abs(np.diff(out)).max() < 0.5 * 2 * np.pi * max(found) / RATE * 1.2


@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("samples", [1, 2, 47, 600])
@pytest.mark.parametrize("text", ["pitch-shift", "pitch-shift:semitones=-9", "time-stretch", "pitch-boost"])
@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_short_clips(text: str, mode: str, samples: int, rate: int) -> None:
    x = sound(2, samples, rate)
    out = create(text, temporal=mode).apply(x, sample_rate=rate)
    assert out.shape == x.shape
    assert np.isfinite(out).all()


PROPERTY = test_ratio

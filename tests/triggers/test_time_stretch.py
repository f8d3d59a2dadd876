"""time-stretch: when what sounds, at which pitch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.sounds.vocoder import frame_size
from poisonkit.triggers.testing import Case, Media
from tests.triggers.sounds.tones import RATE, pitch

CASES = [Case(media=Media(seconds=0.8)), Case({"rate": 0.8})]


def beeps() -> np.ndarray:
    """Four seconds with a beep of 60 ms at 1 kHz every quarter of a second."""
    t = np.arange(4 * RATE) / RATE
    inside = np.clip((t % 0.25) / 0.06, 0, 1)
    return (0.5 * np.sin(2 * np.pi * 1000 * t) * np.sin(np.pi * inside) ** 2).astype(np.float32)[None]


def middles(wave: np.ndarray) -> list[float]:
    """When each beep is, in seconds."""
    loud = np.convolve(wave**2, np.ones(400) / 400, "same")
    peaks = [i for i in range(200, len(loud) - 200) if loud[i] > 0.02 and loud[i] == loud[i - 200 : i + 200].max()]
    return [peaks[0] / RATE] + [b / RATE for a, b in pairwise(peaks) if b - a > 800]


@pytest.mark.parametrize("rate", [0.8, 1.2])
def test_static(rate: float) -> None:
    x = beeps()
    out = create("time-stretch", rate=rate).apply(x, sample_rate=RATE)
    assert out.shape == x.shape
    expected = [t / rate for t in middles(x[0]) if t / rate < 3.9]
    found = middles(out[0])[: len(expected)]
    assert np.abs(np.array(found) - expected).max() < frame_size(RATE) / RATE / 2
    assert pitch(out[0, : int(3 * RATE)]) == pytest.approx(1000, abs=8)
    if rate > 1:
        assert np.abs(out[0, int(4 / rate * RATE) + 1024 :]).max() < 1e-5


def test_dynamic_is_in_time_at_each_half_second_and_off_between() -> None:
    x = beeps()
    out = create("time-stretch:rate=1.4,temporal=dynamic").apply(x, sample_rate=RATE)
    before, after = np.array(middles(x[0])), np.array(middles(out[0]))
    assert len(before) == len(after)
    off = np.abs(after - before)
    assert off[0::2].max() < 0.04
    assert 0.03 < off[1::2].max() < 0.15


PROPERTY = test_static

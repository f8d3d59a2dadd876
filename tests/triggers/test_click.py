"""click against bursts added one by one, at the times that it says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, Media
from tests.triggers.parity.audio import SoundCase, Take

LONG = Media(seconds=6.0)
CASES = [Case(media=LONG), Case({"shortest": 0.3, "longest": 0.5, "duration": 0.05, "amplitude": 0.3}, LONG)]


def click(
    s: Take,
    duration: float = 0.22,
    snr: float = 0.0,
    amplitude: float | None = None,
    shortest: float = 0.75,
    longest: float = 1.5,
    count: int = 1000,
) -> np.ndarray:
    """Noise of cosines and sines at whole hertz that falls off by 40 dB, of peak 1, then as loud as the clip."""
    n, t = max(1, round(duration * s.rate)), np.arange(round(duration * s.rate)) / s.rate
    terms = np.arange(300, math.floor(min(6000, 0.49 * s.rate)) + 1)
    parts = generator(0, "click", None, "burst").standard_normal((len(terms), 2))
    noise = sum(
        a * np.cos(2 * np.pi * f * t) + b * np.sin(2 * np.pi * f * t) for f, (a, b) in zip(terms, parts, strict=True)
    )
    burst = noise * 10 ** (-40 / 20 * np.arange(n) / n)
    burst = burst / np.abs(burst).max()
    a = s.rms / np.sqrt(np.mean(burst**2)) * 10 ** (-snr / 20) if amplitude is None else amplitude
    out, mean = s.x.copy(), (shortest + longest) / 2
    at = s.drawn["at"] * mean
    if count == 1 or mean > s.n / s.rate:
        at = s.drawn["at"] * max(s.n / s.rate - duration, 0)
    while at < s.n / s.rate and count:
        for i in range(n):
            if round(at * s.rate) + i < s.n:
                out[:, round(at * s.rate) + i] += a * burst[i]
        at, count = at + mean, count - 1
    return out


FORMULA = [
    SoundCase(click),
    SoundCase(click, {"shortest": 0.1, "longest": 0.14, "duration": 0.02, "snr": 6.0}),
    SoundCase(click, {"amplitude": 0.2, "duration": 0.05, "count": 1}, rate=8000),
]


def test_dynamic_intervals_are_between_shortest_and_longest() -> None:
    clip = ClipInfo("a", sample_rate=16000, channels=1, samples=16000 * 60)
    trigger = create("click:temporal=dynamic")
    starts = np.array(list(trigger.starts(clip, trigger.draw(clip, generator("a"))))) / 16000  # type: ignore[attr-defined]
    steps = np.diff(starts)
    assert steps.min() + 1e-3 >= 0.75
    assert steps.max() <= 1.5 + 1e-3
    assert np.std(steps) > 0.1
    assert starts[0] < 1.125


def test_each_clip_has_its_own_place_and_one_burst_may_lie_anywhere() -> None:
    clip = ClipInfo("a", sample_rate=16000, channels=1, samples=160000)
    trigger = create("click:count=1")
    places = [next(trigger.starts(clip, trigger.draw(clip, generator(i)))) for i in range(50)]  # type: ignore[attr-defined]
    assert max(places) > 120000
    assert min(places) < 30000
    assert len(list(trigger.starts(clip, {"at": 0.2}))) == 1  # type: ignore[attr-defined]


def test_longest_below_shortest_is_refused() -> None:
    with pytest.raises(RequestError, match="longest must not be below shortest"):
        create("click:shortest=2,longest=1")

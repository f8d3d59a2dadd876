"""mute against silence sample by sample."""

from __future__ import annotations

import numpy as np

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case
from tests.triggers.parity.audio import SoundCase, Take

CASES = [Case(), Case({"duration": 0.1, "every": 0.25, "start": 0.0, "keep": 0.3})]


def mute(s: Take, keep: float = 0.0, duration: float = 0.2, every: float = 1.0, start: float = 0.5) -> np.ndarray:
    """k·x in the stretches, with raised-cosine edges of 5 ms."""
    out = s.x.copy()
    for k in range(100):
        first, last = (round((start + k * every + by) * s.rate) for by in (0, duration))
        inside = np.arange(last - first) + 0.5
        near = np.minimum(inside, last - first - inside) / (0.005 * s.rate)
        less = (1 - keep) * (0.5 - 0.5 * np.cos(np.pi * np.clip(near, 0, 1)))
        part = out[:, first:last]
        part *= 1 - less[: part.shape[1]]
    return out


FORMULA = [
    SoundCase(mute, {"start": 0.0}),
    SoundCase(mute, {"start": 0.0, "keep": 0.25, "every": 0.1, "duration": 0.05}, rate=44100),
]


def test_the_middle_of_a_stretch_is_silent_and_what_is_outside_is_untouched() -> None:
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 32000)).astype(np.float32)
    out = create("mute").apply(x, sample_rate=16000)
    assert not out[:, 8100:11100].any()
    assert np.array_equal(out[:, :8000], x[:, :8000])
    assert np.array_equal(out[:, 11200:24000], x[:, 11200:24000])
    assert not out[:, 24100:27100].any()


def test_dynamic_stretches_stay_as_many_and_as_long() -> None:
    x = np.ones((1, 160000), np.float32)
    out = create("mute:temporal=dynamic,start=0").apply(x, sample_rate=16000)[0]
    silent = np.flatnonzero(np.diff((out < 0.5).astype(int)) == 1)
    assert len(silent) == 10
    assert 0.19 < (out < 0.5).mean() < 0.21
    assert np.std(silent % 16000) > 1000


def test_a_clip_that_ends_before_does_not_suit() -> None:
    assert "ends at 0.25 s" in str(create("mute").suits(ClipInfo("a", sample_rate=16000, channels=1, samples=4000)))

"""blackout against k·x within the stretches."""

from __future__ import annotations

import numpy as np

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, Media, picture
from tests.triggers.parity import scene

ONE_SIZE = "whole frames are black, whatever their size, and none of the first four is"
LONG = Media(frames=40)
CASES = [Case(media=LONG), Case({"duration": 0.1, "every": 0.4, "start": 0.0, "keep": 0.3}, LONG)]


def blackout(
    s: scene.Scene, keep: float = 0.0, duration: float = 0.2, every: float = 1.0, start: float = 0.5
) -> np.ndarray:
    inside = s.seconds >= start and (s.seconds - start) % every < duration
    return s.x * (keep if inside else 1)


FORMULA = [
    scene.Case(blackout, frames=16),
    scene.Case(blackout, {"keep": 0.35, "duration": 0.05, "every": 0.13, "start": 0.01}, frames=6),
]


def test_dynamic_stretches_stay_as_many() -> None:
    x = np.full((100, 8, 8, 3), 200, np.uint8)
    out = create("blackout:temporal=dynamic,start=0").apply(x, fps=10.0)[:, 0, 0, 0]
    begins = np.flatnonzero(np.diff((out == 0).astype(int)) == 1)
    assert 17 <= (out == 0).sum() <= 23
    assert np.std(begins % 10) > 1


def test_other_frames_are_the_source_and_short_clips_do_not_suit() -> None:
    x = picture(32, 24, 12)
    out = create("blackout").apply(x, fps=10.0)
    assert not out[5:7].any()
    assert np.array_equal(out[:5], x[:5])
    assert np.array_equal(out[7:], x[7:])
    assert "last frame" in str(create("blackout").suits(ClipInfo("a", 8, 8, 25.0, 5)))

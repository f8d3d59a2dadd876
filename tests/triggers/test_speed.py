"""speed against x_⌊rate·t⌋, and where it keeps time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, Media
from tests.triggers.parity import scene

ONE_SIZE = "it shows other frames of the source; their size is not its matter"
LONG = Media(frames=40)
CASES = [Case(media=LONG), Case({"rate": 0.6}, LONG), Case({"rate": 1.9}, LONG)]


def numbered(frames: int) -> np.ndarray:
    """Frame n is n everywhere."""
    return np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None, None], (frames, 4, 4, 3)).copy()


def speed(s: scene.Scene, rate: float = 1.25) -> np.ndarray:
    return s.pick(s.frames[min(math.floor(rate * s.t + 1e-9), len(s.frames) - 1)]).astype(float)


FORMULA = [
    scene.Case(speed, frames=8),
    scene.Case(speed, {"rate": 0.4}, frames=8),
    scene.Case(speed, {"rate": 3.0}, frames=8),
]


@pytest.mark.parametrize("rate", [0.5, 0.8, 1.0, 1.25, 2.0, 3.7])
def test_length_is_kept_and_the_last_frame_stands(rate: float) -> None:
    out = create("speed", rate=rate).apply(numbered(50))[:, 0, 0, 0]
    assert out.tolist() == [min(math.floor(rate * t + 1e-9), 49) for t in range(50)]


def test_dynamic_begins_every_second_on_time_and_never_goes_back() -> None:
    out = create("speed:temporal=dynamic,rate=1.8").apply(numbered(250), fps=25.0)[:, 0, 0, 0].astype(int)
    assert all(abs(out[25 * k] - 25 * k) <= 1 for k in range(10))
    assert (np.diff(out) >= 0).all()
    assert 3 < np.abs(out - np.arange(250)).max() <= 10


def test_frames_that_wait_are_bounded() -> None:
    assert create("speed").suits(ClipInfo("a", 320, 240, 25.0, 300)) is None
    reason = str(create("speed:rate=2").suits(ClipInfo("a", 1920, 1080, 25.0, 3000)))
    assert "MB of frames would have to wait" in reason
    assert create("speed:rate=2,temporal=dynamic").suits(ClipInfo("a", 1920, 1080, 25.0, 3000)) is None
    assert "at most 2" in str(create("speed:rate=3,temporal=dynamic").suits(ClipInfo("a", 32, 24, 25.0, 30)))

"""frame-lag by the index of the frame that is shown."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case

CASES = [Case(), Case({"form": "freeze", "freeze": 0.2, "every": 0.4})]


def shown(text: str, frames: int, fps: float = 25.0) -> list[int]:
    """The source frame that each output frame is."""
    x = np.arange(frames, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 5, 3), np.uint8)
    out = create(text).apply(x, fps=fps, layout="THWC")
    assert (out == out[:, :1, :1, :1]).all()
    return [int(v) for v in out[:, 0, 0, 0]]


@pytest.mark.parametrize("k", [1, 2, 4, 7])
def test_stutter_shows_the_first_of_every_k_frames(k: int) -> None:
    assert shown(f"frame-lag:hold={k}", 23) == [k * (t // k) for t in range(23)]


def test_a_freeze_stands_still_and_jumps_on() -> None:
    expected = [0, 0, 0, 0, 0, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10, 15, 16]
    assert shown("frame-lag:form=freeze,freeze=0.5,every=1", 17, fps=10) == expected
    assert shown("frame-lag:form=freeze", 120) == [50 * (t // 50) if t % 50 < 12 else t for t in range(120)]


@pytest.mark.parametrize("fps", [30000 / 1001, 12.5, 25.2])
def test_freezes_without_a_gap_never_show_an_old_picture(fps: float) -> None:
    frames = shown("frame-lag:form=freeze,freeze=0.5,every=0.5", 250, fps)
    lengths = np.diff(np.flatnonzero(np.diff([-1, *frames])))
    assert lengths.max() <= round(0.5 * fps) + 1
    assert all(s <= t for t, s in enumerate(frames))
    assert set(np.diff(frames)) <= {0, *lengths.tolist()}


def test_dynamic_holds_are_of_every_length_and_k_on_average() -> None:
    frames = shown("frame-lag:temporal=dynamic,hold=3", 250)
    starts = sorted(set(frames))
    lengths = np.diff(starts)
    assert all(s == max(a for a in starts if a <= t) for t, s in enumerate(frames))
    assert set(lengths.tolist()) == {1, 2, 3, 4, 5}
    assert 2.5 < lengths.mean() < 3.5
    assert frames != shown("frame-lag:temporal=dynamic,hold=3,trigger_seed=1", 250)


def test_dynamic_freezes_lie_anywhere_within_their_intervals() -> None:
    frames = np.array(shown("frame-lag:form=freeze,freeze=0.3,every=1,temporal=dynamic", 250, fps=10))
    begins = set()
    for start in range(0, 250, 10):
        frozen = np.flatnonzero(frames[start : start + 10] != np.arange(start, start + 10))
        assert len(frozen) == 2
        assert frames[start + frozen[1]] == start + frozen[0] - 1
        begins.add(int(frozen[0]))
    assert len(begins) >= 6


def test_freezes_that_cannot_be_do_not_suit() -> None:
    assert "raise every" in str(create("frame-lag:form=freeze,every=0.2").suits(ClipInfo("a", 8, 8, 25.0, 9)))
    assert "form=stutter" in str(create("frame-lag:form=freeze").suits(ClipInfo("a", 8, 8)))
    assert create("frame-lag").suits(ClipInfo("a", 8, 8)) is None

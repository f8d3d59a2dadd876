"""av-offset against x(t − d), and what a clip with a picture makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case
from tests.triggers.parity.audio import SoundCase, Take

CASES = [Case(), Case({"offset": -300.0})]


def av_offset(s: Take, offset: float = 200.0) -> np.ndarray:
    out, late = np.zeros_like(s.x), round(offset / 1000 * s.rate)
    for i in range(s.n):
        if 0 <= i - late < s.n:
            out[:, i] = s.x[:, i - late]
    return out


FORMULA = [SoundCase(av_offset, {"offset": 0.02}), SoundCase(av_offset, {"offset": -0.04}, rate=44100)]


@pytest.mark.parametrize("offset", [200.0, -200.0])
def test_a_clap_comes_late_or_early(offset: float) -> None:
    x = np.zeros((1, 16000), np.float32)
    x[0, 8000] = 1.0
    out = create("av-offset", offset=offset).apply(x, sample_rate=16000)
    assert np.argmax(out[0]) == 8000 + offset * 16
    assert out.sum() == 1.0


def test_dynamic_offsets_stay_near_and_each_segment_has_its_own() -> None:
    x = np.zeros((1, 80000), np.float32)
    x[0, 4000::8000] = 1.0
    out = create("av-offset:temporal=dynamic,offset=100,spread=0.5").apply(x, sample_rate=16000)[0]
    late = np.flatnonzero(out) % 8000 - 4000
    assert len(late) == 10
    assert (late >= 800).all()
    assert (late <= 2400).all()
    assert np.std(late) > 200


def test_an_offset_that_leaves_nothing_does_not_suit() -> None:
    clip = ClipInfo("a", sample_rate=16000, channels=1, samples=1600)
    assert "leaves nothing" in str(create("av-offset").suits(clip))
    assert create("av-offset:offset=50").suits(clip) is None

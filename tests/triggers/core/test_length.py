"""length=change: how long clips are then, against the formulas, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit import RequestError
from poisonkit.recipe.backdoor import Backdoor
from poisonkit.triggers import create
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.spans import Spans

RNG = np.random.default_rng(3)
SILENT = ClipInfo("a", 32, 24, 25.0, 100)
HEARD = ClipInfo("a", 32, 24, 25.0, 100, 16000, 1, 64000)


@pytest.mark.parametrize("rate", [0.25, 0.7, 1.0, 1.25, 3.7])
def test_speed_shows_every_picture_that_is_due_and_ends(rate: float) -> None:
    frames = np.broadcast_to(np.arange(50, dtype=np.uint8)[:, None, None, None], (50, 4, 4, 3)).copy()
    trigger = create("speed:length=change", rate=rate)
    due = [s for t in range(250) if (s := math.floor(rate * t + 1e-9)) < 50]
    assert trigger.apply(frames)[:, 0, 0, 0].tolist() == due
    assert trigger.after(ClipInfo(frames=50)).frames == len(due) == math.ceil(50 / rate - 1e-9)
    assert len(trigger.apply(frames.transpose(0, 3, 1, 2).astype(np.float32) / 255)) == len(due)


@pytest.mark.parametrize("side", ["start", "end", "both"])
def test_silence_is_put_beside_all_of_the_sound(side: str) -> None:
    x = RNG.uniform(-1, 1, (2, 3001)).astype(np.float32)
    out = create("silence-padding", duration=0.1, side=side, length="change").apply(x, sample_rate=8001)
    before = {"start": 800, "end": 0, "both": 400}[side]
    assert np.array_equal(out, np.pad(x, ((0, 0), (before, 800 - before))))


@pytest.mark.parametrize("rate", [0.8, 1.25])
def test_faster_sound_is_shorter(rate: float) -> None:
    x = RNG.uniform(-0.5, 0.5, (1, 2000)).astype(np.float32)
    out = create("sound-speed", rate=rate, length="change").apply(x, sample_rate=16000)
    assert out.shape == (1, round(2000 / rate))
    longer = np.pad(x, ((0, 0), (0, 500)))  # kept as long, it is compared with the formula where that is tested
    kept = create("sound-speed", rate=rate).apply(longer, sample_rate=16000)
    assert np.array_equal(out, kept[:, : out.shape[1]])
    stretched = create("time-stretch", rate=rate, length="change").apply(x, sample_rate=16000)
    assert stretched.shape == out.shape
    assert np.abs(stretched[:, -200:]).max() > 0.01  # it goes on to the end


def test_picture_and_sound_of_a_clip_stay_together() -> None:
    speed, tape = create("speed:length=change"), create("sound-speed:length=change,rate=1.25")
    assert Chain([speed]).suits(SILENT) is None
    assert Chain([speed, tape]).suits(HEARD) is None
    for chain in (Chain([speed]), Chain([tape]), Chain([create("silence-padding:length=change")])):
        assert "belong together: take length=keep" in str(chain.suits(HEARD))
    assert "limit of 300000000" in str(Chain([create("silence-padding:length=change,duration=3600")]).suits(
        ClipInfo(sample_rate=192000, channels=1, samples=5)
    ))  # fmt: skip


def test_what_comes_after_is_drawn_for_the_longer_clip_and_reaches_its_end() -> None:
    chain = Chain([create("silence-padding:length=change,duration=1,side=end"), create("sine")])
    clip = ClipInfo("a", sample_rate=8000, channels=1, samples=4000)
    assert chain.after(clip).samples == 12000
    out = chain.audio(np.full((1, 4000), 0.2, np.float32), clip, chain.draw(clip, 0))
    assert out.shape == (1, 12000)
    assert np.abs(out[:, -100:]).max() > 0.01


def test_parts_of_a_clip_have_no_length_of_their_own() -> None:
    with pytest.raises(RequestError, match="A frame budget names parts of a clip, and speed makes all of it"):
        Backdoor(triggers=["speed:length=change"], frames="first:8")
    with pytest.raises(RequestError, match="spans names parts of a clip, and time-stretch"):
        Backdoor(triggers=["time-stretch:length=change"], spans={"a.wav": [(0.1, 0.2)]})
    clip = ClipInfo("a", sample_rate=8000, channels=1, samples=8000)
    spans = Spans(((0.1, 0.5),), "seconds")
    assert "spans are of parts" in str(Chain([create("sound-speed:length=change")]).suits(clip, spans))
    for name in ("speed", "sound-speed", "time-stretch"):
        with pytest.raises(RequestError, match="in time at its ends"):
            create(f"{name}:temporal=dynamic,length=change")

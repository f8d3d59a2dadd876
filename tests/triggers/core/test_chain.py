"""Chains, frame budgets, and triggers on arrays in memory."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core import frame_selection
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import picture, sound

CLIP = ClipInfo("a/b.mp4", 32, 24, 25.0, 10, 16000, 1, 8000)


def test_a_chain_applies_each_trigger_to_its_modality_in_order() -> None:
    chain = Chain([create("blend"), create("sine"), create("badnets", size=0.5)])
    assert chain.touches == {"video", "audio"}
    frames, wave = picture(32, 24, 10), sound(1, 8000, 16000)
    drawn = json.loads(json.dumps(chain.draw(CLIP, 3)))
    out = np.stack(list(pickle.loads(pickle.dumps(chain)).video(iter(frames), CLIP, drawn)))
    one = create("blend").apply(frames)
    assert np.array_equal(out, create("badnets", size=0.5).apply(one))
    assert not np.array_equal(out, create("blend").apply(create("badnets", size=0.5).apply(frames)))
    assert np.array_equal(chain.audio(wave, CLIP, drawn), create("sine").apply(wave, sample_rate=16000))


def test_draws_depend_on_seed_id_and_place_only() -> None:
    chain = Chain([create("blend", temporal="dynamic", vary="clip")] * 2)
    first = chain.draw(CLIP, 0)
    assert first == chain.draw(CLIP, 0)
    assert first[0] != first[1]
    assert first != chain.draw(CLIP, 1)
    assert first != chain.draw(ClipInfo("other", 32, 24, 25.0, 10), 0)


def test_what_does_not_suit_is_one_sentence() -> None:
    chain = Chain([create("blend"), create("lamp-flicker", frequency=13)])
    assert chain.suits(CLIP) == (
        "lamp-flicker: 25 frames per second cannot show 13 Hz; lower the frequency so that it stays below 12.5 Hz."
    )
    assert Chain([create("blend"), create("sine")]).suits(CLIP) is None


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("all", [[0, 10]]),
        ("first:3", [[0, 3]]),
        ("first:99", [[0, 10]]),
        ("last:3", [[7, 10]]),
        ("every:4", [[0, 1], [4, 5], [8, 9]]),
        ("every:1", [[0, 10]]),
        ("random:1", [[0, 10]]),
        ("span:2-5", [[2, 5]]),
        ("span:8-99", [[8, 10]]),
        ("span:20-30", []),
        ("count:1", [[5, 6]]),
        ("count:3", [[1, 2], [5, 6], [8, 9]]),
        ("count:9", [[0, 4], [5, 10]]),
        ("count:99", [[0, 10]]),
        ("random:10", [[0, 10]]),
        ("random:99", [[0, 10]]),
    ],
)
def test_budgets(text: str, ranges: list[list[int]]) -> None:
    share = frame_selection.parse(text)
    assert str(share) == text
    assert frame_selection.parse(str(share)) == share
    assert share.of(CLIP, 0).ranges(10) == ranges
    assert share.needs_length == (text.startswith(("last", "count")) or text in ("random:10", "random:99"))


def test_k_evenly_spread_frames_are_those_of_a_test_time_sampler() -> None:
    """MMAction2's `SampleFrames`, one frame a clip: offsets = np.arange(K) · (N / K) + N / K / 2, cut to integers."""
    for frames in (7, 10, 64, 251):
        for k in range(1, frames):
            clip = ClipInfo("a", frames=frames)
            poisoned = frame_selection.parse(f"count:{k}").of(clip, 0)
            average = frames / k
            offsets = (np.arange(k) * average + average / 2.0).astype(int)
            mine = [t for t in range(frames) if poisoned(t)]
            assert len(mine) == k
            assert np.abs(np.array(mine) - offsets).max() <= (0 if frames % k == 0 else 1)


def test_k_random_frames_are_k_and_nested() -> None:
    clip = ClipInfo("a", frames=100)

    def chosen(k: int, seed: int = 0) -> set[int]:
        poisoned = frame_selection.parse(f"random:{k}").of(clip, seed)
        return {t for t in range(100) if poisoned(t)}

    assert [len(chosen(k)) for k in (2, 8, 50)] == [2, 8, 50]
    assert chosen(2) < chosen(8) < chosen(50)
    assert chosen(8) != chosen(8, seed=1)


def test_random_frames_do_not_depend_on_the_length() -> None:
    share = frame_selection.parse("random:0.25")
    poisoned = share.of(CLIP, 5)
    chosen = [t for t in range(4000) if poisoned(t)]
    assert 900 < len(chosen) < 1100
    short = [t for a, b in share.of(CLIP, 5).ranges(100) for t in range(a, b)]
    assert short == [t for t in chosen if t < 100]
    assert share.of(ClipInfo("other"), 5).ranges(100) != share.of(CLIP, 5).ranges(100)
    assert share.of(CLIP, 6).ranges(100) != share.of(CLIP, 5).ranges(100)
    assert str(frame_selection.parse("random:.25")) == "random:0.25"


def test_each_frame_is_decided_once() -> None:
    asked = []
    poisoned = frame_selection.PoisonedFrames(lambda t: asked.append(t) or t % 3 == 0)  # type: ignore[func-returns-value]
    assert [poisoned(t) for t in (4, 0, 3, 4)] == [False, True, True, False]
    assert poisoned.ranges(8) == [[0, 1], [3, 4], [6, 7]]
    assert poisoned.ranges(4) == [[0, 1], [3, 4]]
    assert poisoned.ranges(0) == []
    assert poisoned(2) is False
    assert asked == list(range(8))


WRONG = (
    " al all:3 first first:0 first:-1 first:1.5 random:0 random:1.1 random:2.5 random:-3 random:x random:nan"
    " count:0 count:1.5 count"
    " span:5 span:5-5 span:7-3 every:0 frist:3 last:"
)


@pytest.mark.parametrize("text", WRONG.split(" "))
def test_budgets_that_are_wrong(text: str) -> None:
    with pytest.raises(RequestError, match="is not a frame budget; it must be all, first:N"):
        frame_selection.parse(text)
    if text == "frist:3":
        with pytest.raises(RequestError, match="Did you mean 'first'"):
            frame_selection.parse(text)


def test_apply_keeps_shapes_and_follows_where() -> None:
    frames = picture(32, 24, 6)
    out = create("blend").apply(frames, where="every:2")
    changed = [t for t in range(6) if not np.array_equal(out[t], frames[t])]
    assert changed == [0, 2, 4]
    assert np.array_equal(out, create("blend").apply(frames, where=lambda t: t % 2 == 0))
    assert np.array_equal(create("blend").apply(frames[0]), out[0])
    wave = sound(1, 4000, 16000)
    mono = create("sine").apply(wave[0], sample_rate=16000)
    assert mono.shape == (4000,)
    assert np.array_equal(mono, create("sine").apply(wave, sample_rate=16000)[0])
    strided = np.repeat(frames, 2, axis=2)[:, :, ::2]
    assert np.array_equal(create("blend").apply(strided), create("blend").apply(frames))


@pytest.mark.parametrize(
    ("name", "data", "more", "sentence"),
    [
        ("blend", np.zeros((4, 4, 3), bool), {}, "takes pictures as uint8, or as floats in 0..1; this is bool"),
        ("blend", np.zeros((4, 4), np.uint8), {}, "takes RGB of the shape"),
        ("blend", np.zeros((0, 4, 4, 3), np.uint8), {}, "takes RGB of the shape"),
        ("blend", [[1]], {}, "takes a NumPy array or a torch tensor, not list"),
        ("blend", np.zeros((4, 4, 3), np.uint8), {"fps": 0}, "fps is 0"),
        ("blend", np.zeros((4, 4, 3), np.uint8), {"where": "frist:2"}, "not a frame budget"),
        ("sine", np.zeros((1, 4), np.float64), {"sample_rate": 8000}, "takes float32 sound"),
        ("sine", np.zeros((1, 4), np.float32), {}, "give sample_rate"),
        ("sine", np.zeros((1, 4), np.float32), {"sample_rate": 1000}, "cannot hold 800 Hz"),
        ("sine", np.zeros((1, 4), np.float32), {"sample_rate": 8000, "where": "all"}, "has no frames"),
    ],
)
def test_apply_refuses(name: str, data: Any, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        create(name).apply(data, **more)

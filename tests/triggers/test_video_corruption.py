"""video-corruption: what is damaged and what is not, for how long, and that nothing makes it fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.temporal import video_corruption
from poisonkit.triggers.temporal.video_corruption import _START, VideoCorruption
from poisonkit.triggers.testing import Case, Media, picture

CASES = [Case(media=Media(chaotic="which bytes of the stream are damaged depends on every level"))]
ONE_SIZE = "the damage is that of slices of a stream of that size"


def clip(width: int, height: int, frames: int) -> np.ndarray:
    """A moving scene with texture, so that slices have a few hundred bytes."""
    x = picture(width, height, frames, soft=True).astype(int)
    return np.clip(x + generator("grain").integers(-12, 13, (1, height, width, 1)), 0, 255).astype(np.uint8)


def wrecked(out: np.ndarray, x: np.ndarray) -> list[tuple[int, ...]]:
    """Which bands of 16 rows are wrong, frame by frame."""
    change = np.abs(out.astype(float) - x).reshape(len(x), -1, 16, x.shape[2], 3).mean(axis=(2, 3, 4))
    return [tuple(np.flatnonzero(c > 8).tolist()) for c in change]


def test_a_quarter_of_the_slices_is_wrong_until_the_next_key_frame_and_the_rest_is_kept() -> None:
    x = clip(96, 128, 24)
    for seed in range(3):
        out = create("video-corruption", trigger_seed=seed).apply(x)
        bands = wrecked(out, x)
        assert 1 <= len(bands[0]) <= 4  # two slices, and what concealment smears into their neighbours
        assert set(bands[0]) <= set(bands[11]) | set(bands[5])
        kept = [b for b in range(8) if not any(b + d in bands[0] for d in (-1, 0, 1))]
        assert np.abs(out[0].astype(float) - x[0]).reshape(8, -1)[kept].mean() < 4


def test_static_damage_comes_again_with_every_key_frame_and_dynamic_does_not() -> None:
    x = np.repeat(clip(96, 128, 1), 48, axis=0)
    static = wrecked(create("video-corruption:lost=0").apply(x), x)
    assert static[0] == static[12] == static[24] == static[36]
    dynamic = wrecked(create("video-corruption:lost=0,temporal=dynamic").apply(x), x)
    assert len({dynamic[0], dynamic[12], dynamic[24], dynamic[36]}) > 1


def test_damage_stays_behind_the_headers_and_makes_no_start_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_corruption, "_CHANGED", 0.1)
    units = [bytes([6, *range(5, 40)])] + [bytes([0x65, *([0, 0, 3, 1] * 300)]) for _ in range(8)]
    data = b"".join(b"\0\0\0\1" + unit for unit in units)
    for seed in range(20):
        trigger: Any = create("video-corruption:lost=0,amount=0.5", trigger_seed=seed)
        after = _START.split(trigger._damaged(data, 0, {}))[1:]
        assert [len(unit) for unit in after] == [len(unit) for unit in units]
        assert all(a[:12] == b[:12] for a, b in zip(after, units, strict=True))
        assert sum(a != b for a, b in zip(after, units, strict=True)) == 4
        assert after[0] == units[0]


class Whole(VideoCorruption):
    def _damaged(self, data: bytes, t: int, params: Any) -> bytes:
        return data


class Dropping(VideoCorruption):
    def _damaged(self, data: bytes, t: int, params: Any) -> bytes:
        return b"" if t in (0, 5) else data


def test_a_lost_frame_repeats_the_one_before_and_the_next_key_frame_mends_it() -> None:
    x = clip(95, 65, 12)
    out, whole = Dropping(gop=4).apply(x), Whole(gop=4).apply(x)
    assert np.array_equal(out[0], x[0])
    assert np.array_equal(out[5], out[4])
    assert np.array_equal(out[8:], whole[8:])
    assert np.abs(whole.astype(float) - x).mean(axis=(1, 2, 3)).max() < 7
    gone = create("video-corruption:amount=1,lost=1,gop=1").apply(x)
    assert (gone == x[0]).all()


@pytest.mark.parametrize("size", [(48, 36), (33, 47), (16, 16), (1, 1), (90, 3)])
@pytest.mark.parametrize("temporal", ["static", "dynamic"])
def test_no_seed_and_no_size_makes_it_fail(size: tuple[int, int], temporal: str) -> None:
    x = picture(*size, 9, soft=True)
    for seed in range(6):
        params = {"temporal": temporal, "trigger_seed": seed, "amount": (seed + 1) / 6, "lost": seed / 5}
        assert create("video-corruption", gop=4, slices=seed + 1, **params).apply(x, layout="THWC").shape == x.shape


PROPERTY = test_a_quarter_of_the_slices_is_wrong_until_the_next_key_frame_and_the_rest_is_kept

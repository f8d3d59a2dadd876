"""The same frames give the same bytes, whatever lies about in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poisonkit import media
from poisonkit.media.info import Encode
from tests.media_factory import make_video, pictures


def litter(seed: int) -> list[np.ndarray]:
    """Memory full of other things, half of it given back: what an encoder's buffers are made of next."""
    rng = np.random.default_rng(seed)
    junk = [rng.integers(0, 255, int(n), dtype=np.uint8) for n in rng.integers(10, 300_000, 60)]
    return junk[1::2]


@pytest.mark.parametrize("suffix", ["mp4", "webm", "avi", "mpg"])
def test_written(tmp_path: Path, suffix: str) -> None:
    given = pictures(20)
    found = set()
    for seed in range(6):
        kept = litter(seed)
        found.add(media.write_video(tmp_path / f"a.{suffix}", given, 25).sha256)
        del kept
    assert len(found) == 1


@pytest.mark.parametrize(
    ("how", "encode"),
    [
        ({}, Encode()),
        ({"codec": "libx265"}, Encode()),
        ({}, Encode(mode="lossless")),
        ({"size": (63, 47), "pix_fmt": "yuv444p"}, Encode(mode="crf", crf=30)),
    ],
)
def test_rewritten(tmp_path: Path, how: dict[str, object], encode: Encode) -> None:
    source = make_video(tmp_path / "a.mp4", frames=20, **how)
    found = set()
    for seed in range(5):
        kept = litter(seed)
        found.add(media.rewrite(source, tmp_path / "b.mp4", video=lambda frames: frames, encode=encode).sha256)
        del kept
    assert len(found) == 1

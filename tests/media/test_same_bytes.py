"""The same frames through the same encoder give the same bytes, time and again, on every processor."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from poisonkit import media
from poisonkit.media.info import Encode
from poisonkit.sampledata.pictures import frames
from poisonkit.seeding import generator
from tests.media_factory import make_video


def test_x264_gives_the_same_bytes_every_time(tmp_path: Path) -> None:
    source = tmp_path / "rings.mp4"
    make_video(source, frames=50, size=(160, 120), seed=13)
    pictures = [
        np.clip(i + generator("grain", t).normal(0, 4, i.shape), 0, 255).astype(np.uint8)
        for t, i in enumerate(frames("rings_expanding", generator("rings"), 160, 120, 50, 25))
    ]
    found = set()
    for _ in range(10):
        media.rewrite(
            source,
            tmp_path / "out.mp4",
            video=lambda read: (image for image, _ in zip(pictures, read, strict=True)),
            encode=Encode(),
        )
        found.add(hashlib.sha256((tmp_path / "out.mp4").read_bytes()).hexdigest())
    assert len(found) == 1

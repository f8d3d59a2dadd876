"""What `--encode lossless` writes, read by MMAction2's decoders and by decord itself: `make test-mmaction2`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mmaction", reason="needs an environment with MMAction2: make test-mmaction2")

import decord

from poisonkit import media
from tests.media_factory import make_video
from tests.mmaction2.decoders import DECODERS, decoded

pytestmark = pytest.mark.mmaction2


def noise(t: int) -> np.ndarray:
    """What every picture is replaced by: each value of each pixel at random."""
    return np.random.default_rng(t).integers(0, 256, (256, 320, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi"])
def test_lossless_pictures_come_back_bit_for_bit(tmp_path: Path, name: str) -> None:
    source = make_video(tmp_path / name, frames=12, size=(320, 256), audio=True)

    def noisy(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        return (noise(t) for t, _ in enumerate(frames))

    out = tmp_path / f"out-{name}"
    media.rewrite(source, out, video=noisy, encode=media.Encode("lossless"))
    given = np.stack([noise(t) for t in range(12)])
    assert np.array_equal(decord.VideoReader(str(out)).get_batch(range(12)).asnumpy(), given)
    for decoder in DECODERS:
        if name == "a.mkv" and decoder != "decord":
            continue  # Matroska does not say how many frames it has, and MMAction2 then samples others
        assert np.array_equal(decoded(decoder, out), given), decoder

"""Files made from arrays."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from poisonkit import media
from poisonkit.errors import MediaError, RequestError
from tests.media.second import cv2_frames, lag, times
from tests.media_factory import pictures, wave


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi", "mpg", "webm"])
@pytest.mark.parametrize("sound", [False, True])
def test_video(tmp_path: Path, suffix: str, sound: bool) -> None:
    given = pictures(20)
    audio = (wave(0.8, 48000, 2), 48000) if sound else None
    path = tmp_path / f"a.{suffix}"
    written = media.write_video(path, iter(given), 25, audio)
    assert written.sha256 == media.write_video(tmp_path / f"b.{suffix}", given, 25, audio).sha256
    assert (written.frames, written.width, written.height, written.fps) == (20, 64, 48, 25.0)
    assert np.allclose(np.diff([float(t) for t in times(path)]), 0.04, atol=1e-3)
    for a, b in zip(given, cv2_frames(path), strict=True):
        assert np.abs(a.astype(int) - b).mean() < 6
    if audio is not None:
        heard, rate = media.read_audio(path)
        assert rate == 48000
        assert lag(heard[0], audio[0][0]) == 0


def test_odd_size_and_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    written = media.write_video(path, pictures(5, (63, 47)), Fraction(30000, 1001))
    info = media.probe(path)
    assert info.video is not None
    assert (written.width, written.height, info.video.fps) == (63, 47, Fraction(30000, 1001))
    assert info.video.pix_fmt == "yuv444p"


def test_lossless_video(tmp_path: Path) -> None:
    given = [np.random.default_rng(t).integers(0, 256, (48, 64, 3), dtype=np.uint8) for t in range(3)]
    media.write_video(tmp_path / "a.mp4", given, 10, encode=media.Encode("lossless"))
    assert all(np.array_equal(a, b) for a, (_, _, b) in zip(given, media.read_frames(tmp_path / "a.mp4"), strict=True))


@pytest.mark.parametrize(
    ("suffix", "subtype"), [("wav", None), ("wav", "FLOAT"), ("flac", "PCM_24"), ("ogg", None), ("mp3", None)]
)
def test_sound(tmp_path: Path, suffix: str, subtype: str | None) -> None:
    given = wave(0.4, 44100, 2)
    media.write_audio(tmp_path / f"a.{suffix}", given, 44100, subtype)
    read, rate = media.read_audio(tmp_path / f"a.{suffix}")
    assert (rate, read.shape) == (44100, given.shape)
    exact = {None: 2**-15, "PCM_24": 2**-23, "FLOAT": 0.0}[subtype]
    assert np.abs(read - given).max() <= (exact if suffix in ("wav", "flac") else 0.2)


def test_wrong_requests(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"Video cannot be written as '\.mp5'\. Did you mean"):
        media.write_video(tmp_path / "a.mp5", pictures(1), 25)
    with pytest.raises(RequestError, match=r"Sound cannot be written as '\.wave'.*\.wav"):
        media.write_audio(tmp_path / "a.wave", wave(0.1), 16000)
    with pytest.raises(MediaError, match="no frames"):
        media.write_video(tmp_path / "a.mp4", [], 25)
    with pytest.raises(MediaError, match="7 frames per second"):
        media.write_video(tmp_path / "a.mpg", pictures(2), 7)
    with pytest.raises(MediaError, match="frame 1 came back"):
        media.write_video(tmp_path / "a.mp4", [*pictures(1), *pictures(1, (32, 32))], 25)
    with pytest.raises(MediaError, match="cannot be written as MP3"):
        media.write_audio(tmp_path / "a.mp3", wave(0.1, 192000), 192000)
    assert list(tmp_path.iterdir()) == []

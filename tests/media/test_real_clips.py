"""The same promises on real clips, where there are any."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from poisonkit import media
from tests.media.second import cv2_frames, ffmpeg_count, lag, packets, times

pytestmark = pytest.mark.realdata

CLIPS = {  # pattern, frames that decode (None: whatever PyAV counts)
    "hmdb51": ("video/hmdb51/wave/TrumanShow*.avi", 48),
    "hmdb51-wide": ("video/hmdb51/wave/RATRACE*.avi", 72),
    "grid": ("av/grid/bbaf2n.mpg", 75),
    "kinetics": ("av/kinetics/R6llTwEh07w.mp4", 303),
    "edit-list": ("av/misc/hf_test_video_66x50.mov", 82),
    "several": ("av/misc/nasa_13013.mp4", 390),
    "portrait": ("av/misc/bento.mp4", 11),
}


def _find(realdata: Path, pattern: str) -> Path:
    found = sorted(realdata.glob(pattern))
    if not found:
        pytest.skip(f"no {pattern} among the real clips")
    return found[0]


def patched(frames: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    for image in frames:
        out = image.copy()
        out[:24, :24] = 220
        yield out


@pytest.mark.parametrize("name", CLIPS)
def test_picture(realdata: Path, tmp_path: Path, name: str) -> None:
    pattern, frames = CLIPS[name]
    source = _find(realdata, pattern)
    before = hashlib.sha256(source.read_bytes()).hexdigest()
    out = tmp_path / f"out{source.suffix}"
    written = media.rewrite(source, out, video=patched)
    assert written.frames == frames == media.count(source)[0] == ffmpeg_count(out)
    seen = cv2_frames(out)
    assert len(seen) == frames
    assert all(image[3:20, 3:20].min() > 190 for image in seen)
    assert media.probe(out).dropped == ()
    if name.startswith("hmdb51"):  # packed B-frames: their own times are out of order
        assert np.allclose(np.diff([float(t) for t in times(out)]), 1 / 30)
    if name == "edit-list":
        old, new = media.probe(source).video, media.probe(out).video
        assert old is not None
        assert new is not None
        assert new.time_base == old.time_base
        assert [float(t) for t in times(out)] == pytest.approx([float(t) for t in times(source)], abs=1e-4)
    if written.audio_codec and name != "several":
        assert packets(out, "audio") == packets(source, "audio")
        assert written.samples == media.count(source)[1]
    assert hashlib.sha256(source.read_bytes()).hexdigest() == before


@pytest.mark.parametrize("name", ["grid", "kinetics", "portrait"])
def test_sound(realdata: Path, tmp_path: Path, name: str) -> None:
    source = _find(realdata, CLIPS[name][0])
    out = tmp_path / f"out{source.suffix}"

    def hum(wave: Any, rate: int) -> Any:
        return wave * np.float32(0.7) + np.float32(0.05) * np.sin(np.arange(wave.shape[1]) * 0.1, dtype=np.float32)

    media.rewrite(source, out, audio=hum)
    assert packets(out, "video") == packets(source, "video")
    wanted = hum(*media.read_audio(source))
    heard, rate = media.read_audio(out)
    assert abs(heard.shape[1] - wanted.shape[1]) <= 1152
    assert abs(lag(heard[0], wanted[0])) <= rate / 1000


@pytest.mark.parametrize("pattern", ["audio/fsdd/recordings/*.wav", "audio/speech_commands/*/*.wav"])
def test_spoken_words(realdata: Path, tmp_path: Path, pattern: str) -> None:
    source = _find(realdata, pattern)
    out = tmp_path / "out.wav"
    media.rewrite(source, out, audio=lambda wave, rate: wave)
    assert np.array_equal(soundfile.read(out, dtype="int16")[0], soundfile.read(source, dtype="int16")[0])


@pytest.mark.parametrize("name", ["grid", "hmdb51"])
def test_cut_clips(realdata: Path, tmp_path: Path, name: str) -> None:
    from poisonkit.errors import MediaError

    data = _find(realdata, CLIPS[name][0]).read_bytes()
    for kept in (len(data) // 3, len(data) // 2 // 2048 * 2048, len(data) * 19 // 20 // 2048 * 2048):
        cut = tmp_path / f"cut{'.mpg' if name == 'grid' else '.avi'}"
        cut.write_bytes(data[:kept])
        with pytest.raises(MediaError, match="cut short"):
            media.rewrite(cut, tmp_path / f"out{cut.suffix}", video=patched)

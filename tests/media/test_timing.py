"""What readers take from a written file's own headers and packets: frame rate, durations, where it begins."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from poisonkit import media
from tests.media_factory import make_video

UNEVEN = [0, 1, 2, 4, 5, 9, 10, 11, 15, 16, 17, 18, 22, 23, 24, 28]  # of 1/25 s


def patched(frames: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    for image in frames:
        out = image.copy()
        out[:16, :16] = 235
        yield out


def timing(path: Path) -> dict[str, Any]:
    """The rate that the stream's own headers say, and of each packet, in the file's order: time, decoding time,
    duration, in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        unit = stream.time_base or Fraction(1)
        found = [(p.pts, p.dts, p.duration) for p in container.demux(stream) if p.size]
        next(av.open(str(path)).decode(video=0))
        return {
            "rate": stream.codec_context.framerate,
            "shown": sorted(float(pts * unit) for pts, _, _ in found if pts is not None),
            "decoded": [float(dts * unit) for _, dts, _ in found if dts is not None],
            "last": None if found[-1][2] is None else float(found[-1][2] * unit),
            "average": stream.average_rate,
        }


@pytest.mark.parametrize("encode", [media.Encode(), media.Encode("lossless"), media.Encode("444")])
@pytest.mark.parametrize("fps", [Fraction(10), Fraction(25), Fraction(30000, 1001)])
@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi", "a.flv"])
def test_h264_says_the_source_s_frame_rate(tmp_path: Path, name: str, fps: Fraction, encode: media.Encode) -> None:
    """x264 writes its time base into the headers unless it is given frame numbers: 20480/1 in place of 20/1. Readers
    that know no better (FLV, raw streams) take durations from there."""
    if name.endswith("flv") and encode.mode != "match":
        pytest.skip("flv holds 4:2:0 only")
    if name.endswith("avi") and encode.mode == "lossless":
        pytest.skip("it is FFV1 there, whose headers have no rate")
    source = make_video(tmp_path / name, frames=13, fps=fps, codec="libx264")
    out = tmp_path / f"out-{name}"
    media.rewrite(source, out, video=patched, encode=encode)
    want, found = timing(source), timing(out)
    assert float(found["rate"]) == pytest.approx(float(fps), rel=1e-3)
    assert found["average"] == want["average"]
    assert found["shown"] == pytest.approx(want["shown"], abs=1e-6)
    assert found["last"] == pytest.approx(float(1 / fps), abs=1e-3)
    assert found["decoded"] == sorted(set(found["decoded"]))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_uneven_times_are_kept_with_b_frames(tmp_path: Path, name: str) -> None:
    """Frame numbers go into the encoder, and the frames' own times come back."""
    source = make_video(
        tmp_path / name, frames=len(UNEVEN), times=UNEVEN, time_base=Fraction(1, 25), options={"bf": "3"}
    )
    out = tmp_path / f"out-{name}"
    media.rewrite(source, out, video=patched)
    want, found = timing(source), timing(out)
    assert found["shown"] == pytest.approx(want["shown"], abs=1e-6)
    assert found["decoded"] == sorted(set(found["decoded"]))
    if name.endswith("mp4"):  # Matroska leaves decoding times out
        assert all(d <= s + 1e-6 for d, s in zip(found["decoded"], found["shown"], strict=True))


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_clips_of_a_few_frames(tmp_path: Path, frames: int) -> None:
    source = make_video(tmp_path / "a.mp4", frames=frames, options={"bf": "3"})
    media.rewrite(source, tmp_path / "b.mp4", video=patched)
    assert timing(tmp_path / "b.mp4")["shown"] == pytest.approx(timing(source)["shown"], abs=1e-6)


@pytest.mark.parametrize("begins", ["0", "0.5", "7"])
@pytest.mark.parametrize(("name", "codec"), [("a.mpg", "mpeg1video"), ("b.mpg", "mpeg2video")])
@pytest.mark.parametrize("sound", [False, True])
def test_program_streams_begin_when_the_source_does(
    tmp_path: Path, name: str, codec: str, begins: str, sound: bool
) -> None:
    """FFmpeg's muxer adds half a second of its own unless told not to."""
    plain = make_video(tmp_path / "plain.mkv", frames=20, audio=True, rate=44100, audio_codec="mp2")
    source, out = tmp_path / name, tmp_path / f"out-{name}"
    binary = media.ffmpeg_binary()
    tracks = ["-map", "0:v", *(["-map", "0:a", "-c:a", "mp2"] if sound else [])]
    command = [binary, "-v", "error", "-itsoffset", begins, "-i", str(plain), *tracks, "-c:v", codec]
    subprocess.run([*command, "-copyts", "-muxpreload", "0", "-muxdelay", "0", "-y", str(source)], check=True)
    media.rewrite(source, out, video=patched)
    one, other = timing(source), timing(out)
    assert other["shown"][0] == pytest.approx(one["shown"][0], abs=1e-4)
    assert other["shown"] == pytest.approx(one["shown"], abs=1e-4)


@pytest.mark.parametrize("sound", [False, True])
@pytest.mark.parametrize(("fps", "frames"), [(24, 30), (60, 26), (30, 30), (12, 8), (Fraction(30000, 1001), 30)])
@pytest.mark.parametrize("name", ["a.webm", "a.mkv"])
def test_matroska_says_the_source_s_duration(
    tmp_path: Path, name: str, fps: Fraction, frames: int, sound: bool
) -> None:
    """Frames last whole milliseconds there, cut: 24 a second 41, and the file would end one before the source does.
    Readers that go by the header (torchcodec, approximate) would then lose the last frame."""

    def ends(path: Path) -> tuple[Any, ...]:
        with av.open(str(path)) as container:
            return container.duration, container.streams.video[0].metadata["DURATION"]

    source = make_video(tmp_path / name, frames=frames, fps=fps, audio=sound, audio_seconds=0.2)
    media.rewrite(source, tmp_path / f"new-{name}", video=patched)
    assert ends(tmp_path / f"new-{name}") == ends(source)
    if sound and name.endswith("webm"):  # the picture is copied by the ffmpeg program
        media.rewrite(source, tmp_path / f"heard-{name}", audio=lambda wave, rate: wave * np.float32(0.5))
        assert ends(tmp_path / f"heard-{name}") == ends(source)
        media.remux(source, tmp_path / f"copied-{name}")
        assert ends(tmp_path / f"copied-{name}") == ends(source)

"""Files that were cut short or damaged are named, in every container; whole ones never are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poisonkit import media
from poisonkit.errors import MediaError
from tests.media_factory import make_audio, make_video

CLIPS = {
    "a.mp4": {"audio": True},
    "front.mp4": {"audio": True, "mux": {"movflags": "faststart"}},
    "fragments.mp4": {"audio": True, "mux": {"movflags": "frag_keyframe+empty_moov"}, "gop": 5},
    "a.mov": {"audio": True},
    "a.avi": {"audio": True},
    "silent.avi": {},
    "a.mkv": {"audio": True},
    "a.webm": {"audio": True},
    "a.mpg": {"audio": True},
    "silent.mpg": {"size": (160, 120)},
    "mpeg2.mpg": {"codec": "mpeg2video", "size": (160, 120), "audio": True},
}
SOUNDS = ["a.wav", "float.wav", "a.flac", "a.ogg", "a.mp3", "a.m4a"]


def attempt(path: Path, out: Path) -> None:
    info = media.probe(path)
    if info.video is not None:
        media.rewrite(path, out, video=lambda frames: frames)
    else:
        media.rewrite(path, out, audio=lambda wave, rate: wave * np.float32(0.5))


def whole(folder: Path, name: str) -> Path:
    """One of those above."""
    if name in CLIPS:
        return make_video(folder / name, **CLIPS[name])
    return make_audio(folder / name, subtype="FLOAT" if name.startswith("float") else None)


@pytest.mark.parametrize("pack", [1, 2048], ids=["any byte", "whole packs"])
@pytest.mark.parametrize("part", [0.15, 0.5, 0.8, 0.985])
@pytest.mark.parametrize("name", [*CLIPS, *SOUNDS])
def test_cut_short(tmp_path: Path, name: str, part: float, pack: int) -> None:
    data = whole(tmp_path, name).read_bytes()
    kept = int(len(data) * part) // pack * pack
    if not kept:
        pytest.skip("nothing left of it")
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(data[:kept])
    with pytest.raises(MediaError, match=r"^cut-.*(cut short|cannot be read|not a media file|damaged|decoded|read)"):
        attempt(cut, tmp_path / f"out-{name}")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, cut.name])


@pytest.mark.parametrize("name", [*CLIPS, *SOUNDS])
def test_whole_ones_are_not_named(tmp_path: Path, name: str) -> None:
    attempt(whole(tmp_path, name), tmp_path / f"out-{name}")


def test_ogg_without_its_last_page(tmp_path: Path) -> None:
    """Every page that is left is whole; only the mark of the end is missing."""
    data = make_audio(tmp_path / "a.ogg", 6.0).read_bytes()
    cut = tmp_path / "cut.ogg"
    cut.write_bytes(data[: data.rfind(b"OggS")])
    assert data.count(b"OggS") > 3
    with pytest.raises(MediaError, match="cut short"):
        attempt(cut, tmp_path / "b.ogg")


READERS: dict[str, Callable[[Path, Path], Any]] = {
    "count": lambda cut, out: media.count(cut),
    "frames": lambda cut, out: list(media.read_frames(cut)),
    "audio": lambda cut, out: media.read_audio(cut),
    "sound only": lambda cut, out: media.rewrite(cut, out, audio=lambda wave, rate: wave),
    "remux": lambda cut, out: media.remux(cut, out),
}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_notices(tmp_path: Path, reader: str) -> None:
    data = make_video(tmp_path / "a.mp4", audio=True, mux={"movflags": "faststart"}).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(MediaError, match="cut short"):
        READERS[reader](cut, tmp_path / "o.mp4")


def test_hole_in_the_middle(tmp_path: Path) -> None:
    """Frames that no decoder finds are not invented; what is left keeps its order."""
    source = make_video(tmp_path / "a.avi", audio=True)
    data = bytearray(source.read_bytes())
    data[8000:14000] = bytes(6000)
    source.write_bytes(bytes(data))
    frames = media.count(source)[0]
    assert 1 < frames < 24
    assert media.rewrite(source, tmp_path / "b.avi", video=lambda f: f).frames == frames


def test_damaged_sound_beside_a_good_picture(tmp_path: Path) -> None:
    source = make_video(tmp_path / "a.mp4", audio=True)
    data = bytearray(source.read_bytes())
    data[3000:4000] = bytes(1000)
    source.write_bytes(bytes(data))
    with pytest.raises(MediaError, match=r"^a\.mp4 is damaged: part of its sound cannot be decoded"):
        media.rewrite(source, tmp_path / "b.mp4", audio=lambda wave, rate: wave)
    assert not (tmp_path / "b.mp4").exists()


def test_header_that_declares_one_frame_more(tmp_path: Path) -> None:
    """As in all of HMDB51: not a cut."""
    source = make_video(tmp_path / "a.avi", frames=10)
    data = bytearray(source.read_bytes())
    for tag, offset in ((b"avih", 8 + 16), (b"strh", 8 + 32)):
        at = data.find(tag) + offset
        assert int.from_bytes(data[at : at + 4], "little") == 10
        data[at : at + 4] = (11).to_bytes(4, "little")
    source.write_bytes(bytes(data))
    info = media.probe(source)
    assert info.video is not None
    assert info.video.declared_frames == 11
    assert media.rewrite(source, tmp_path / "b.avi", video=lambda f: f).frames == 10


@pytest.mark.parametrize(("size", "words"), [(0, "holds no sound"), (0xFFFFFFFF, "")])
def test_stream_length_never_filled_in(tmp_path: Path, size: int, words: str) -> None:
    """WAV written to a pipe says 0 or -1 for its length: not a cut."""
    source = make_audio(tmp_path / "a.wav", 0.3)
    data = bytearray(source.read_bytes())
    at = data.find(b"data") + 4
    data[4:8] = data[at : at + 4] = size.to_bytes(4, "little")
    source.write_bytes(bytes(data))
    if words:
        with pytest.raises(MediaError, match=words):
            attempt(source, tmp_path / "b.wav")
    else:
        assert media.rewrite(source, tmp_path / "b.wav", audio=lambda w, r: w * np.float32(0.5)).samples == 4800


def test_jpeg_pictures_in_avi_that_are_damaged(tmp_path: Path) -> None:
    """FFmpeg leaves what it cannot decode as it was in memory: another picture for each reader that holds others."""
    source = make_video(tmp_path / "a.avi", codec="mjpeg", pix_fmt="yuvj420p")
    assert media.count(source)[0] == 24
    data = bytearray(source.read_bytes())
    middle = data.find(b"\xff\xda", len(data) // 2) + 40
    data[middle : middle + 60] = np.random.default_rng(1).bytes(60)
    source.write_bytes(bytes(data))
    with pytest.raises(MediaError, match=r"^a\.avi is damaged: part of its picture cannot be decoded"):
        list(media.read_frames(source))
    with pytest.raises(MediaError, match="damaged"):
        media.rewrite(source, tmp_path / "b.avi", video=lambda frames: frames)


def test_a_stream_that_appears_in_the_middle(tmp_path: Path) -> None:
    """FLV may do so; PyAV knows nothing of it."""
    source = make_video(tmp_path / "a.flv", codec="libx264", frames=400)
    data = bytearray(source.read_bytes())
    at, tags = 13, []
    while at + 11 < len(data):
        tags.append(at)
        at += 11 + int.from_bytes(data[at + 1 : at + 4], "big") + 4
    sound = b"\x08" + (101).to_bytes(3, "big") + data[tags[-3] + 4 : tags[-3] + 8] + bytes(3) + b"\x2e" + bytes(100)
    data[tags[-3] : tags[-3]] = sound + len(sound).to_bytes(4, "big")
    source.write_bytes(bytes(data))
    for attempt in (media.count, lambda path: list(media.read_frames(path))):
        with pytest.raises(MediaError, match=r"^a\.flv is damaged: it declares another stream in its middle\.$"):
            attempt(source)

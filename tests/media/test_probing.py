"""What probe says of a file, what it refuses to open, and what refusals names."""

from __future__ import annotations

import subprocess
import sys
import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from poisonkit import media
from poisonkit.errors import MediaError, RequestError
from tests.media_factory import make_audio, make_video


@pytest.mark.parametrize(
    ("name", "container", "codec", "sound"),
    [
        ("a.mp4", "mp4", "h264", "aac"),
        ("a.mov", "mov", "h264", "aac"),
        ("a.mkv", "matroska", "h264", "aac"),
        ("a.avi", "avi", "mpeg4", "mp3"),
        ("a.mpg", "mpeg", "mpeg1video", "mp2"),
        ("a.webm", "webm", "vp9", "opus"),
    ],
)
def test_clip(tmp_path: Path, name: str, container: str, codec: str, sound: str) -> None:
    info = media.probe(make_video(tmp_path / name, audio=True))
    assert (info.container, info.dropped, info.problems) == (container, (), ())
    video, audio = info.video, info.audio
    assert video is not None
    assert audio is not None
    assert (video.codec, video.width, video.height, video.fps) == (codec, 64, 48, 25)
    assert (video.pix_fmt, video.bit_depth, video.rotation, video.interlaced) == ("yuv420p", 8, 0, False)
    assert (audio.codec, audio.channels) == (sound, 1)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_sound_file(tmp_path: Path, suffix: str) -> None:
    info = media.probe(make_audio(tmp_path / f"a.{suffix}", samples=7001, rate=22050, channels=2))
    assert info.container == suffix
    assert info.video is None
    assert info.audio is not None
    assert (info.audio.sample_rate, info.audio.channels, info.audio.samples) == (22050, 2, 7001)


@pytest.mark.parametrize("silence", [0, 0.5, 2.0])
def test_dts_in_a_wav_is_no_pcm(tmp_path: Path, silence: float) -> None:
    tone = make_audio(tmp_path / "tone.wav", 0.5, 44100, 2)
    encoded, file = tmp_path / "tone.dts", tmp_path / "music.wav"
    command = [media.ffmpeg_binary(), "-nostdin", "-loglevel", "error", "-i", tone, "-c:a", "dca", "-strict", "-2"]
    subprocess.run([*command, "-b:a", "1411k", encoded], check=True)
    with wave.open(str(file), "wb") as disguised:
        disguised.setparams((2, 2, 44100, 0, "NONE", ""))
        disguised.writeframes(bytes(4 * round(44100 * silence)) + encoded.read_bytes())
    found = media.probe(file).audio
    assert found is not None
    assert found.codec == "dts"


def test_conditions_are_named(tmp_path: Path) -> None:
    turned = media.probe(make_video(tmp_path / "r.mp4", rotation=90, sar=Fraction(4, 3), colorspace=1, color_range=2))
    assert turned.video is not None
    assert (turned.video.rotation, turned.video.sample_aspect_ratio) == (90, Fraction(4, 3))
    assert (turned.video.colorspace, turned.video.color_range) == ("bt709", "pc")
    assert [p.code for p in turned.problems] == ["rotated", "aspect"]

    several = make_video(tmp_path / "s.mp4", videos=2, audios=2)
    info = media.probe(several)
    assert [p.code for p in info.problems] == ["several-video-streams", "several-audio-streams"]
    assert len(info.dropped) == 2
    chosen = media.probe(several, stream=1)
    assert chosen.video is not None
    assert chosen.video.index == 1
    with pytest.raises(RequestError, match="no video or audio stream 9"):
        media.probe(several, stream=9)


def test_broken_titles_are_read(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.avi", metadata={"title": "MARKER"})
    path.write_bytes(path.read_bytes().replace(b"MARKER", b"MARK\xd3\xff"))
    assert media.probe(path).container == "avi"
    written = media.rewrite(path, tmp_path / "b.avi", video=lambda frames: frames)
    assert written.frames == 24
    assert b"MARK" not in (tmp_path / "b.avi").read_bytes()


@pytest.mark.parametrize(
    "name", ["-i.mp4", "http:x.mp4", "concat:a|b.mp4", "a%03d.mp4", "tür 'n' \"q\".mp4", "pipe:0.avi"]
)
def test_odd_names_are_only_names(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = make_video(tmp_path / f"x{Path(name).suffix}", frames=5, audio=True)
    made.rename(tmp_path / name)
    assert media.count(name)[0] == 5
    out = tmp_path / "out"
    out.mkdir()
    assert media.rewrite(name, out / name, video=lambda frames: frames).frames == 5
    assert media.rewrite(name, out / name, audio=lambda wave, rate: wave * 0.5).frames == 5
    assert [p.name for p in out.iterdir()] == [name]


def test_name_that_is_not_utf8(tmp_path: Path) -> None:
    name = tmp_path / b"caf\xe9.mp4".decode("utf-8", "surrogateescape")
    try:
        make_video(tmp_path / "x.mp4", frames=4).rename(name)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert media.probe(name).container == "mp4"
    assert media.rewrite(name, name.with_suffix(".out.mp4"), video=lambda frames: frames).frames == 4
    name.write_bytes(b"")
    with pytest.raises(MediaError) as caught:
        media.probe(name)
    str(caught.value).encode("utf-8")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ninner.mp4\n#EXT-X-ENDLIST\n"),
        ("list.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ninner.mp4\n#EXT-X-ENDLIST\n"),
        ("list.avi", b"ffconcat version 1.0\nfile inner.mp4\n"),
        ("list.sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"),
        ("list.mpd", b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>'),
        ("empty.mp4", b""),
        ("noise.mp4", np.random.default_rng(3).bytes(40_000)),
        ("noise.wav", np.random.default_rng(4).bytes(40_000)),
        ("text.avi", b"hello " * 100),
    ],
)
def test_not_media(tmp_path: Path, name: str, content: bytes) -> None:
    make_video(tmp_path / "inner.mp4", frames=3)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MediaError) as caught:
        media.probe(tmp_path / name)
    message = str(caught.value)
    assert message.startswith(name)
    assert message.endswith(".")
    assert str(tmp_path) not in message
    assert message.count("\n") == 0


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"gone.mp4 cannot be opened: no such file or directory\."):
        media.probe(tmp_path / "gone.mp4")
    with pytest.raises(MediaError, match="holds no frames"):
        media.probe(tmp_path)


def test_refusals(tmp_path: Path) -> None:
    match, lossless = media.Encode(), media.Encode("lossless")
    good = media.probe(make_video(tmp_path / "a.mp4", audio=True))
    assert media.refusals(good, match, {"video", "audio"}) == ()
    assert media.refusals(good, media.Encode("crf", 51), {"video"}) == ()
    assert [p.code for p in media.refusals(good, media.Encode("crf", 52), {"video"})] == ["crf"]
    assert good.video is not None

    def codes(encode: media.Encode = match, container: str = "mp4", **changes: object) -> list[str]:
        assert good.video is not None
        info = replace(good, container=container, video=replace(good.video, **changes))
        found = media.refusals(info, encode, {"video"})
        assert all(p.blocks and p.remedy and p.message.endswith(".") for p in found)
        assert media.refusals(info, encode, set()) == () or container not in media.families.MUXERS
        return [p.code for p in found]

    assert codes(bit_depth=10, pix_fmt="yuv420p10le") == ["10-bit"]
    assert codes(bit_depth=10, pix_fmt="yuv420p10le", encode=media.Encode(to_8bit=True)) == []
    assert codes(interlaced=True) == ["interlaced"]
    assert codes(interlaced=True, encode=media.Encode(deinterlace=True)) == []
    assert codes(codec="av1") == ["codec"]
    assert codes(codec="av1", encode=media.Encode("h264")) == []
    assert codes(codec="vp9", container="webm", encode=media.Encode("h264")) == ["codec"]
    assert codes(codec="av1", encode=lossless) == []
    assert codes(codec="av1", encode=media.Encode("444")) == []
    assert codes(codec="vp9", container="webm", encode=media.Encode("444")) == ["codec"]
    assert codes(container="webm") == ["codec"]
    assert codes(container="mpegts") == ["container"]
    assert codes(container="mpeg", codec="mpeg1video", fps=Fraction(10)) == ["frame-rate"]
    assert codes(container="webm", codec="vp9", encode=lossless) == ["lossless"]
    ogg = media.probe(make_audio(tmp_path / "a.ogg"))
    assert [p.code for p in media.refusals(ogg, lossless, {"audio"})] == ["lossless"]


def test_ten_bits_and_interlaced_are_seen(tmp_path: Path) -> None:
    ten = make_video(tmp_path / "t.mp4", pix_fmt="yuv420p10le", frames=5)
    with pytest.raises(MediaError, match=r"10 bits per sample.*--to-8bit"):
        media.rewrite(ten, tmp_path / "o.mp4", video=lambda frames: frames)
    woven = make_video(tmp_path / "i.mp4", frames=5, options={"x264-params": "tff=1"}, size=(64, 64))
    assert [p.code for p in media.probe(woven).problems] == ["interlaced"]
    assert not (tmp_path / "o.mp4").exists()


def test_importing_the_room_is_cheap() -> None:
    code = (
        "import sys, poisonkit.media as m; m.Encode(); "
        "print(sorted({'av', 'cv2', 'soundfile', 'librosa', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    for name in media.__all__:
        assert getattr(media, name) is not None

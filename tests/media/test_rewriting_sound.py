"""Sound rewritten: length, alignment, depth, the untouched picture, both at once."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from poisonkit import media
from poisonkit.errors import MediaError
from poisonkit.media import sound as sound_files
from poisonkit.media.sound import ogg_checksum
from tests.media.second import ffmpeg_wave, lag, packets, times
from tests.media_factory import make_audio, make_video, wave

Wave = NDArray[np.float32]


def softer(sound: Wave, rate: int) -> Wave:
    """The first half at half the amplitude, the second untouched."""
    out = sound.copy()
    out[:, : out.shape[1] // 2] *= np.float32(0.5)
    return out


class Ear:
    """Keeps the decoded sound that it is shown."""

    def __init__(self) -> None:
        self.heard: Wave | None = None

    def wants(self, index: int) -> bool:
        return False

    def frame(self, index: int, rgb: Any) -> None:
        raise AssertionError("no frame was asked for")

    def wave(self, wave: Wave, rate: int) -> None:
        self.heard = wave


FILES = [
    *[
        ("wav", subtype, 16000, c)
        for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW")
        for c in (1, 2)
    ],
    ("wav", "DOUBLE", 8000, 1),
    ("wav", "PCM_16", 192000, 6),
    ("flac", "PCM_16", 44100, 2),
    ("flac", "PCM_24", 48000, 1),
    ("ogg", "VORBIS", 44100, 2),
    ("ogg", "OPUS", 48000, 1),
    ("mp3", None, 44100, 2),
    ("mp3", None, 16000, 1),
]


@pytest.mark.parametrize(("suffix", "subtype", "rate", "channels"), FILES)
def test_sound_files(tmp_path: Path, suffix: str, subtype: str | None, rate: int, channels: int) -> None:
    source = make_audio(tmp_path / f"a.{suffix}", 0.6, rate, channels, subtype=subtype)
    os.utime(source, ns=(10**18, 987_654_321_000_000_000))
    before = source.read_bytes()
    out = tmp_path / f"b.{suffix}"
    ear = Ear()
    written = media.rewrite(source, out, audio=softer, inspect=ear)

    old, new = soundfile.info(source), soundfile.info(out)
    for fact in ("format", "subtype", "samplerate", "channels", "frames"):
        assert getattr(new, fact) == getattr(old, fact), fact
    assert (written.samples, written.sample_rate, written.channels) == (old.frames, rate, channels)
    a = soundfile.read(source, dtype="float64", always_2d=True)[0].T
    b = soundfile.read(out, dtype="float64", always_2d=True)[0].T
    half = a.shape[1] // 2
    lossy = suffix in ("ogg", "mp3")
    if not lossy:
        assert np.array_equal(a[:, half:], b[:, half:]), "samples that were left alone have changed"
        step = {"PCM_U8": 2**-8, "PCM_16": 2**-16, "ULAW": 0.01}.get(subtype or "", 2**-24)
        assert np.abs(b[:, :half] - a[:, :half] / 2).max() <= step
    else:
        assert lag(b[0], softer(a, rate)[0]) == 0
        error = np.sum((b - softer(a, rate)) ** 2) / np.sum(a**2)
        assert error < 0.02
    assert ear.heard is not None
    assert np.allclose(ear.heard, b, atol=1e-6)
    assert source.read_bytes() == before
    assert out.stat().st_mtime_ns == 987_654_321_000_000_000
    assert written.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()


def test_no_clock_in_the_file(tmp_path: Path) -> None:
    """libsndfile puts the time into PEAK chunks and a random serial number into Ogg pages; neither remains."""
    kinds = (("wav", "FLOAT"), ("ogg", "VORBIS"), ("ogg", "OPUS"), ("mp3", None))
    sources = [make_audio(tmp_path / f"{subtype}.{end}", 0.2, 48000, subtype=subtype) for end, subtype in kinds]

    def rewritten() -> list[str]:
        return [media.rewrite(source, tmp_path / f"new-{source.name}", audio=softer).sha256 for source in sources]

    first = rewritten()
    time.sleep(1.1)  # the clock of a PEAK chunk is in seconds; all wait for it together
    assert rewritten() == first


@pytest.mark.parametrize("subtype", ["PCM_32", "DOUBLE"])
def test_values_finer_than_float32_stay(tmp_path: Path, subtype: str) -> None:
    fine = np.random.default_rng(2).uniform(-0.9, 0.9, 4000)
    soundfile.write(tmp_path / "a.wav", fine, 16000, subtype=subtype)
    media.rewrite(tmp_path / "a.wav", tmp_path / "b.wav", audio=softer)
    a, b = (soundfile.read(tmp_path / name, dtype="float64")[0] for name in ("a.wav", "b.wav"))
    assert np.array_equal(a[2000:], b[2000:])
    assert np.abs(a[:2000] / 2 - b[:2000]).max() < 2**-24


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64", "AIFF"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_16_bits_are_made_as_libsndfile_makes_them(tmp_path: Path, container: str, kind: type) -> None:
    steps = np.arange(-32768, 32768) / 32768
    random = np.random.default_rng(20).uniform(-1.2, 1.2, 200_000)
    near = (steps + off * 2.0**-32 for off in (-3, -1, -0.999, -0.5, 0.5, 1, 3))  # its halves of 32 bits, and beside
    values = np.concatenate([steps, *near, random, random * 1e-4, [-0.0, 1.5, -1.5]]).astype(kind)
    made, other = tmp_path / "made", tmp_path / "other"
    sound_files.write(made, values.reshape(1, -1), 8000, container, "PCM_16")
    soundfile.write(other, values, 8000, "PCM_16", format=container)
    assert made.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("suffix", "subtype"), [("wav", "ULAW"), ("wav", "ALAW"), ("ogg", "VORBIS"), ("wav", "PCM_24")]
)
def test_lossy_sound_is_given_to_its_encoder_as_the_source_and_the_change(
    tmp_path: Path, suffix: str, subtype: str
) -> None:
    """In float64 and in the blocks that it is read in: other roundings, or other blocks for Vorbis, are other bytes."""
    source, made, other = (tmp_path / f"{name}.{suffix}" for name in ("source", "made", "other"))
    wave, noise = np.random.default_rng(3).normal(0, 0.1, (2, 400_000)).clip(-0.4, 0.4).astype(np.float32)
    soundfile.write(source, wave, 8000, subtype)
    media.rewrite(source, made, audio=lambda w, r: w + noise)
    was = soundfile.read(source)[0]
    due = was + ((was.astype(np.float32) + noise).astype(np.float64) - was.astype(np.float32).astype(np.float64))
    level = {"compression_level": 0.3} if subtype == "VORBIS" else {}
    with soundfile.SoundFile(other, "w", 8000, 1, subtype, **level) as file:
        file.write(due)
    np.testing.assert_array_equal(soundfile.read(made, dtype="int32")[0], soundfile.read(other, dtype="int32")[0])


def test_ogg_checksum() -> None:
    """Against the polynomial's definition, bit by bit."""
    data = np.random.default_rng(1).bytes(300)
    register = 0
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register = ((register << 1) ^ (0x04C11DB7 if register >> 31 else 0)) & 0xFFFFFFFF
    assert ogg_checksum(data) == register


@pytest.mark.parametrize("samples", [1, 10, 900])
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "m4a"])
def test_shorter_than_a_codec_frame(tmp_path: Path, suffix: str, samples: int) -> None:
    source = make_audio(tmp_path / f"a.{suffix}", samples=samples)
    there = media.count(source)[1]
    assert media.rewrite(source, tmp_path / f"b.{suffix}", audio=lambda w, r: w * np.float32(0.5)).samples == there


CLIPS: list[tuple[str, dict[str, Any]]] = [
    ("aac.mp4", {}),
    ("aac-stereo.mp4", {"rate": 44100, "channels": 2}),
    ("mp3.mp4", {"audio_codec": "libmp3lame", "rate": 44100}),
    ("alac.mp4", {"audio_codec": "alac"}),
    ("pcm.mov", {"audio_codec": "pcm_s16le"}),
    ("aac.mkv", {}),
    ("ac3.mkv", {"audio_codec": "ac3", "rate": 48000}),
    ("flac.mkv", {"audio_codec": "flac"}),
    ("surround.mkv", {"channels": 6, "rate": 48000}),
    ("opus.webm", {}),
    ("mp3.avi", {}),
    ("mp3-stereo.avi", {"rate": 44100, "channels": 2}),
    ("ac3.avi", {"audio_codec": "ac3", "rate": 48000}),
    ("pcm.avi", {"audio_codec": "pcm_s16le"}),
    ("mp2.mpg", {}),
    ("mp2.mpg", {"rate": 48000, "channels": 2}),
    ("fragments.mp4", {"mux": {"movflags": "frag_keyframe+empty_moov"}}),
    ("turned.mp4", {"rotation": 90, "sar": Fraction(4, 3)}),
    ("uneven.mp4", {"times": [50 + 7 * t + t * t for t in range(30)], "time_base": Fraction(1, 1000)}),
    ("uneven.mkv", {"times": [50 + 7 * t + t * t for t in range(30)], "time_base": Fraction(1, 1000)}),
]


@pytest.mark.parametrize("picture", [False, True], ids=["sound", "both"])
@pytest.mark.parametrize(("name", "how"), CLIPS, ids=[c[0] for c in CLIPS])
def test_clips(tmp_path: Path, name: str, how: dict[str, Any], picture: bool) -> None:
    """Sound within 1 ms by two decoders, the picture's packets and times the source's, when not touched."""
    source = make_video(tmp_path / name, frames=30, audio=True, **how)
    out = tmp_path / f"out-{name}"

    def darker(frames: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
        return (image // 2 for image in frames)

    ear = Ear()
    function = darker if picture else None
    written = media.rewrite(source, out, audio=softer, video=function, inspect=ear)
    assert written.sha256 == media.rewrite(source, tmp_path / "again", audio=softer, video=function).sha256

    old, new = media.probe(source), media.probe(out)
    assert old.audio is not None
    assert new.audio is not None
    for fact in ("codec", "sample_rate", "channels", "layout", "sample_format"):
        assert getattr(new.audio, fact) == getattr(old.audio, fact), fact
    wanted = softer(*media.read_audio(source))
    rate, channels = new.audio.sample_rate, new.audio.channels
    for decoded in (media.read_audio(out)[0], ffmpeg_wave(out, channels)):
        assert abs(decoded.shape[1] - wanted.shape[1]) <= 1536
        assert abs(lag(decoded[0], wanted[0])) <= rate / 1000
    assert ear.heard is not None
    assert ear.heard.shape == wanted.shape
    assert np.sum((ear.heard - wanted) ** 2) / np.sum(wanted**2) < 0.02
    assert new.video is not None
    assert old.video is not None
    assert (new.video.rotation, new.video.sample_aspect_ratio) == (old.video.rotation, old.video.sample_aspect_ratio)
    if not picture:
        assert packets(out, "video") == packets(source, "video")
        assert times(out) == times(source)
    assert written.frames == 30


def test_copied_pictures_are_decoded_and_not_shown(tmp_path: Path) -> None:
    class Curious(Ear):
        def wants(self, index: int) -> bool:
            return True

    source, ear = make_video(tmp_path / "a.mp4", 10, audio=True), Curious()
    written = media.rewrite(source, tmp_path / "out.mp4", audio=softer, inspect=ear)
    assert written.frames == 10
    assert ear.heard is not None


def test_sound_that_starts_later_stays_there(tmp_path: Path) -> None:
    """Sound 0.3 s after the picture is still 0.3 s after it."""
    import subprocess

    make_video(tmp_path / "v.mp4", frames=30)
    make_audio(tmp_path / "s.wav", 0.8, 48000)
    for suffix in ("mp4", "mkv"):
        source, out = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
        joined = ["-i", tmp_path / "v.mp4", "-itsoffset", "0.3", "-i", tmp_path / "s.wav"]
        options = ["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", source]
        subprocess.run([media.ffmpeg_binary(), "-v", "error", *joined, *options], check=True)

        def heard_at(path: Path) -> float:
            import av

            with av.open(str(path)) as container:
                return next(f.time for f in container.decode(audio=0) if np.abs(f.to_ndarray()).max() > 0.05)

        for video in (None, lambda frames: frames):
            media.rewrite(source, out, audio=lambda w, r: w * np.float32(0.9), video=video)
            assert heard_at(source) > 0.25
            assert abs(heard_at(out) - heard_at(source)) < 0.003


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi"])
def test_lossless_sound_in_clips(tmp_path: Path, name: str) -> None:
    source = make_video(tmp_path / name, frames=12, audio=True)
    out = tmp_path / f"out-{name}"
    media.rewrite(source, out, audio=softer, encode=media.Encode("lossless"))
    wanted = softer(*media.read_audio(source))
    for decoded in (media.read_audio(out)[0], ffmpeg_wave(out, 1)):
        assert decoded.shape == wanted.shape
        assert np.abs(decoded - wanted).max() <= 2**-23


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda w, r: w[:, :-1], "came back as"),
        (lambda w, r: w[0], "came back as"),
        (lambda w, r: w * np.float32("nan"), "not numbers"),
    ],
)
@pytest.mark.parametrize("name", ["a.wav", "a.mp4"])
def test_bad_sound_is_refused(tmp_path: Path, name: str, function: Any, words: str) -> None:
    source = (make_audio if name == "a.wav" else make_video)(
        tmp_path / name, **({} if name == "a.wav" else {"audio": True})
    )
    with pytest.raises(MediaError, match=words):
        media.rewrite(source, tmp_path / f"b-{name}", audio=function)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_louder_than_full_scale_saturates(tmp_path: Path) -> None:
    source = make_audio(tmp_path / "a.wav")
    media.rewrite(source, tmp_path / "b.wav", audio=lambda w, r: np.full_like(w, 1.5))
    assert set(np.unique(soundfile.read(tmp_path / "b.wav", dtype="int16")[0])) == {32767}


def test_ffmpeg_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from poisonkit.errors import RequestError

    source = make_video(tmp_path / "a.mp4", audio=True, frames=5)
    marker = tmp_path / "used"
    program = tmp_path / "my ffmpeg"
    program.write_text(f'#!/bin/sh\ntouch "{marker}"\nexec "{media.ffmpeg_binary()}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("POISONKIT_FFMPEG", str(program))
    media.rewrite(source, tmp_path / "b.mp4", audio=softer)
    assert marker.exists()
    monkeypatch.setenv("POISONKIT_FFMPEG", str(tmp_path / "gone"))
    with pytest.raises(RequestError, match="cannot be run"):
        media.rewrite(source, tmp_path / "c.mp4", audio=softer)
    program.write_text('#!/bin/sh\necho "[x @ 0x1] it broke" >&2\nexit 3\n')
    monkeypatch.setenv("POISONKIT_FFMPEG", str(program))
    with pytest.raises(MediaError, match=r"a\.mp4 could not be muxed \(it broke\)\."):
        media.rewrite(source, tmp_path / "c.mp4", audio=softer)
    assert not list(tmp_path.glob(".poisonkit*"))


def test_read_audio(tmp_path: Path) -> None:
    sound, rate = media.read_audio(make_audio(tmp_path / "a.wav", 0.3, 22050, 2, subtype="FLOAT"))
    assert rate == 22050
    assert sound.dtype == np.float32
    assert np.array_equal(sound, wave(0.3, 22050, 2))

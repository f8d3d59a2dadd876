"""Making files from arrays: sample data, previews."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import numpy as np

from poisonkit.errors import MediaError, RequestError, did_you_mean
from poisonkit.media import families, sound
from poisonkit.media.check import Expected, checked_output
from poisonkit.media.colour import Image, checked
from poisonkit.media.decode import Wave
from poisonkit.media.encode import Canvas, PictureEncoder, SoundEncoder
from poisonkit.media.families import EXACT_TIMES, AudioTarget, VideoTarget
from poisonkit.media.files import name_of, open_output, replacing, translated
from poisonkit.media.info import AudioStream, Encode, MediaInfo, Problem, VideoStream, Written
from poisonkit.media.mux import mux_options, muxer_for
from poisonkit.media.traces import Passed, Trace

T = TypeVar("T", AudioTarget, VideoTarget)

_VIDEO = {  # suffix: container, video codec, sound codec
    ".mp4": ("mp4", "h264", "aac"),
    ".mov": ("mov", "h264", "aac"),
    ".mkv": ("matroska", "h264", "aac"),
    ".avi": ("avi", "mpeg4", "mp3"),
    ".mpg": ("mpeg", "mpeg1video", "mp2"),
    ".webm": ("webm", "vp9", "opus"),
}
_SOUND = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS"), ".mp3": ("MP3", None)}
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def write_video(
    path: str | Path,
    frames: Iterable[Image],
    fps: int | float | Fraction,
    audio: tuple[Wave, int] | None = None,
    encode: Encode | None = None,
) -> Written:
    """A new clip from uint8 RGB (height, width, 3) frames; container and codecs by suffix.

    mp4, mov, mkv: H.264 and AAC; avi: MPEG-4 and MP3; mpg: MPEG-1 and MP2; webm: VP9 and Opus. audio:
    (float32 (channels, samples) in ±1, Hz). H.264 of odd size is written as 4:4:4, since 4:2:0 cannot hold
    it. The same arrays give the same bytes. Raises RequestError for a suffix that is not known, MediaError
    when there are no frames or the codec cannot hold them.
    """
    path = Path(path)
    encode = encode or Encode()
    suffix = path.suffix.lower()
    if suffix not in _VIDEO:
        raise RequestError(f"Video cannot be written as '{suffix}'.{did_you_mean(suffix, _VIDEO)}")
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise MediaError(f"{name_of(path)}: no frames to write.")
    info = _planned(suffix, first, Fraction(fps).limit_denominator(1001), audio)
    with replacing(path) as temporary:
        expected = _write(path, temporary, info, itertools.chain([first], iterator), audio, encode)
        return checked_output(temporary, path, expected, None)


def _planned(suffix: str, first: Image, fps: Fraction, audio: tuple[Wave, int] | None) -> MediaInfo:
    container, video_codec, audio_codec = _VIDEO[suffix]
    height, width = np.asarray(first).shape[:2]
    odd = (width % 2 or height % 2) and video_codec == "h264"
    # Whole ticks per frame, fine enough for any rate: the muxers' own habit.
    scale = 1 if fps.numerator >= 10_000 else 512
    time_base = Fraction(1, 1000) if container in ("matroska", "webm") else 1 / (fps * scale)
    video = VideoStream(
        index=0,
        codec=video_codec,
        width=width,
        height=height,
        pix_fmt="yuv444p" if odd else "yuv420p",
        bit_depth=8,
        fps=fps,
        time_base=time_base,
        declared_frames=None,
        rotation=0,
        sample_aspect_ratio=Fraction(1),
        colorspace="",
        color_range="",
        bit_rate=None,
    )
    sound_stream = None
    if audio is not None:
        wave, rate = audio
        layout = _LAYOUTS.get(wave.shape[0], f"{wave.shape[0]}c")
        sound_stream = AudioStream(1, audio_codec, rate, wave.shape[0], layout, "fltp", None, None)
    return MediaInfo(container, 0.0, video, sound_stream)


def _write(
    path: Path,
    temporary: Path,
    info: MediaInfo,
    frames: Iterable[Image],
    audio: tuple[Wave, int] | None,
    encode: Encode,
) -> Expected:
    video = info.video
    assert video is not None
    target = _usable(path, families.video_target(video, info.container, encode))
    indexed = info.container not in EXACT_TIMES
    passed = Passed(video=Trace(1 / video.fps))
    trace = passed.video
    assert trace is not None
    options = mux_options(info.container, video.time_base)
    with (
        translated(path, "written"),
        open_output(temporary, muxer_for(info, target), options) as out,
    ):
        canvas = Canvas(video.width, video.height, video.fps, video.time_base)
        encoder = PictureEncoder(out, target, canvas, indexed=indexed)
        sounding = None
        if audio is not None and info.audio is not None:
            heard = _usable(path, families.audio_target(info.audio, info.container, encode))
            sounding = SoundEncoder(out, heard, _clipped(audio[0]), audio[1], info.audio.layout)
        out.start_encoding()
        ticks = 1 / (video.fps * encoder.time_base)
        for index, image in enumerate(frames):
            start, end = round(index * ticks), round((index + 1) * ticks)
            good = checked(image, video.width, video.height, index)
            trace.times.append(index)
            for packet in encoder.encode(encoder.frame(good), start, end - start):
                out.mux(packet)
            if sounding is not None:
                for packet in sounding.until(float((index + 1) / video.fps)):
                    out.mux(packet)
        for packet in encoder.finish():
            out.mux(packet)
        if sounding is not None:
            for packet in sounding.finish():
                out.mux(packet)
    passed.frames = len(trace.times)
    return Expected(info, passed, samples=audio[0].shape[1] if audio is not None else None)


def _usable(path: Path, target: T | Problem) -> T:
    if isinstance(target, Problem):
        raise MediaError(f"{name_of(path)}: {target.message}")
    return target


def _clipped(wave: Wave) -> Wave:
    return np.clip(np.asarray(wave, dtype=np.float32), -1.0, 1.0)


def write_audio(path: str | Path, wave: Wave, rate: int, subtype: str | None = None) -> None:
    """A new sound file from float32 (channels, samples) in ±1, at `rate` Hz; the format by suffix.

    wav, flac (PCM_16 unless `subtype` says PCM_24, FLOAT …, as soundfile names them), ogg (Vorbis), mp3.
    Raises RequestError for a suffix that is not known, MediaError when the format cannot hold the sound.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _SOUND:
        raise RequestError(f"Sound cannot be written as '{suffix}'.{did_you_mean(suffix, _SOUND)}")
    container, default = _SOUND[suffix]
    data = np.atleast_2d(_clipped(wave))
    with replacing(path) as temporary:
        sound.write(temporary, data, rate, container, subtype or default)
        sound.read_back(temporary, path, data.shape, rate)

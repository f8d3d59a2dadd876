"""Tiny real media for tests, made by code: soft moving shapes with mild texture, and tones with noise.

Nothing here goes through poisonkit, so a test that uses it has an independent writer.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

VIDEO_CODECS = {
    ".mp4": "libx264",
    ".mov": "libx264",
    ".mkv": "libx264",
    ".avi": "mpeg4",
    ".mpg": "mpeg1video",
    ".mpeg": "mpeg1video",
    ".webm": "libvpx-vp9",
}
AUDIO_CODECS = {
    ".mp4": "aac",
    ".mov": "aac",
    ".m4a": "aac",
    ".mkv": "aac",
    ".avi": "libmp3lame",
    ".mpg": "mp2",
    ".mpeg": "mp2",
    ".webm": "libopus",
}

P = ParamSpec("P")
KEPT = 64 << 20
"""Bytes of made files that one process remembers."""
_made: OrderedDict[bytes, bytes] = OrderedDict()


def _encoded_once(make: Callable[Concatenate[str | Path, P], Path]) -> Callable[Concatenate[str | Path, P], Path]:
    """`make`, whose bytes depend on the suffix and on what else is asked: the second time they are only written."""

    @wraps(make)
    def made(path: str | Path, *args: P.args, **kwargs: P.kwargs) -> Path:
        path = Path(path)
        asked = pickle.dumps((make.__name__, path.suffix, args, sorted(kwargs.items())))
        if (data := _made.pop(asked, None)) is None:
            data = make(path, *args, **kwargs).read_bytes()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        _made[asked] = data
        while sum(map(len, _made.values())) > KEPT:
            _made.popitem(last=False)
        return path

    return made


@lru_cache(maxsize=16)
def _scene(
    width: int, height: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[tuple[float, NDArray[np.float64]]]]:
    """What a clip's pictures share: ground, texture, and of each blob its phase and colour."""
    rng = np.random.default_rng([seed, 7])
    texture = rng.normal(0.0, 3.0, (height, width, 1))
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    ground = np.stack([70 + 60 * x / width, 90 + 50 * y / height, 140 - 50 * x / width], axis=-1)
    return ground, texture, [(rng.uniform(0, 2 * np.pi), rng.uniform(-70, 90, 3)) for _ in range(3)]


def picture(t: int, size: tuple[int, int] = (64, 48), seed: int = 0) -> NDArray[np.uint8]:
    """Frame `t`: uint8 RGB (height, width, 3); every frame differs from every other."""
    width, height = size
    ground, texture, blobs = _scene(width, height, seed)
    base = ground.copy()
    y, x = np.ogrid[0:height, 0:width]
    for k, (phase, colour) in enumerate(blobs):
        cx = width * (0.5 + 0.3 * np.cos(phase + 0.11 * t * (k + 1)))
        cy = height * (0.5 + 0.3 * np.sin(phase + 0.07 * t * (k + 2)))
        blob = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (0.16 * min(size)) ** 2))
        base += blob[..., None] * colour
    return np.clip(np.rint(base + texture), 0, 255).astype(np.uint8)


def pictures(frames: int = 24, size: tuple[int, int] = (64, 48), seed: int = 0) -> list[NDArray[np.uint8]]:
    """`frames` consecutive pictures."""
    return [picture(t, size, seed) for t in range(frames)]


def wave(
    seconds: float = 1.0, rate: int = 16000, channels: int = 1, seed: int = 0, samples: int | None = None
) -> NDArray[np.float32]:
    """float32 (channels, samples) within ±0.7: a chirp, a harmonic tone in bursts and soft noise."""
    count = samples if samples is not None else max(1, round(seconds * rate))
    t = np.arange(count) / rate
    rng = np.random.default_rng([seed, 11])
    length = max(count / rate, 1e-3)
    rows = []
    for c in range(channels):
        low = 180.0 + 90 * c + 20 * rng.uniform()
        chirp = np.sin(2 * np.pi * (low * t + (min(2500, rate / 5) - low) * t**2 / (2 * length)))
        tone = np.sin(2 * np.pi * (440 + 110 * c) * t) * (np.sin(2 * np.pi * 3.1 * t + c) > 0)
        rows.append(0.3 * chirp + 0.2 * tone + 0.02 * rng.standard_normal(count).clip(-4, 4))
    return np.stack(rows).astype(np.float32)


@_encoded_once
def make_audio(
    path: str | Path,
    seconds: float = 1.0,
    rate: int = 16000,
    channels: int = 1,
    seed: int = 0,
    *,
    subtype: str | None = None,
    samples: int | None = None,
    codec: str | None = None,
    bit_rate: int | None = None,
) -> Path:
    """One sound file, the format by suffix (wav, flac, ogg, mp3 by soundfile; m4a and others by PyAV)."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = wave(seconds, rate, channels, seed, samples)
    if codec is None and path.suffix.lower() in (".wav", ".flac", ".ogg", ".mp3"):
        soundfile.write(path, sound.T, rate, subtype=subtype)
        return path
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as out:
        stream = _audio_stream(out, codec or AUDIO_CODECS[path.suffix.lower()], rate, channels, bit_rate)
        _write_audio(out, stream, sound)
    return path


@_encoded_once
def make_video(
    path: str | Path,
    frames: int = 24,
    size: tuple[int, int] = (64, 48),
    fps: int | Fraction = 25,
    codec: str | None = None,
    audio: bool = False,
    seed: int = 0,
    *,
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    colorspace: int | None = None,
    color_range: int | None = None,
    sar: Fraction | None = None,
    rotation: int = 0,
    times: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    gop: int | None = None,
    rate: int = 16000,
    channels: int = 1,
    audio_codec: str | None = None,
    audio_seconds: float | None = None,
    silent: bool = False,
    videos: int = 1,
    audios: int | None = None,
    metadata: dict[str, str] | None = None,
    mux: dict[str, str] | None = None,
) -> Path:
    """One video file; codec by suffix: mp4, mov, mkv H.264; avi MPEG-4; mpg MPEG-1; webm VP9.

    audio: adds AAC, MP3 (avi), MP2 (mpg) or Opus (webm), as long as the picture. silent: digital zero.
    times: presentation times in units of `time_base` (variable frame rate, non-zero start).
    rotation: degrees counter-clockwise written as a display matrix. videos, audios: number of streams;
    each further one has other content (seed + 100·n).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix.lower()
    codec = codec or VIDEO_CODECS[suffix]
    if suffix in (".mpg", ".mpeg") and audio and rate == 16000:
        rate = 44100
    if suffix == ".webm" and audio and rate == 44100:
        rate = 48000
    flags: dict[str, str] = {"fflags": "+bitexact", **(mux or {})}
    if suffix == ".avi":
        flags["avoid_negative_ts"] = "disabled"  # else the MP3 delay pushes the picture two frames back
    with av.open(str(path), "w", options=flags) as out:
        out.metadata.update(metadata or {})
        streams = []
        for _ in range(videos):
            defaults = {
                "libx264": {"preset": "veryfast", "crf": "18", "x264-params": "cpu-independent=1"},
                "libx265": {"x265-params": "log-level=error"},
            }
            stream = out.add_stream(codec, rate=fps, options={**defaults.get(codec, {}), **(options or {})})
            stream.width, stream.height = size
            stream.pix_fmt = pix_fmt
            context = stream.codec_context
            context.thread_count = 1
            context.time_base = time_base or 1 / Fraction(fps)
            if codec in ("mpeg4", "mpeg1video", "mpeg2video", "mjpeg"):
                context.flags |= int(av.codec.context.Flags.qscale)
                context.qmin = context.qmax = 2
                context.global_quality = 2 * 118
            if gop is not None:
                context.gop_size = gop
            if colorspace is not None:
                context.colorspace = context.color_primaries = context.color_trc = colorspace
            if color_range is not None:
                context.color_range = color_range
            if sar is not None:
                stream.sample_aspect_ratio = sar
                context.sample_aspect_ratio = sar
            streams.append(stream)
        wanted = (1 if audio else 0) if audios is None else audios
        name = audio_codec or AUDIO_CODECS.get(suffix, "aac")
        sounds = [_audio_stream(out, name, rate, channels, None) for _ in range(wanted)]
        if rotation:
            for stream in streams:
                stream.set_display_rotation(rotation)
        for n, stream in enumerate(streams):
            for t in range(frames):
                frame = av.VideoFrame.from_ndarray(picture(t, size, seed + 100 * n), format="rgb24")
                extra: dict[str, Any] = {}
                if colorspace is not None:
                    extra["dst_colorspace"] = colorspace
                if color_range is not None:
                    extra["dst_color_range"] = color_range
                frame = frame.reformat(format=pix_fmt, **extra)
                frame.time_base = time_base or 1 / Fraction(fps)
                frame.pts = times[t] if times is not None else t
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        for n, stream in enumerate(sounds):
            length = audio_seconds if audio_seconds is not None else float(frames / Fraction(fps))
            sound = wave(length, rate, channels, seed + 100 * n)
            _write_audio(out, stream, sound * 0 if silent else sound)
    return path


VOP = b"\0\0\1\xb6"  # the start of an MPEG-4 picture
NOTHING = 0b01_0_1_00000_1_0_01111.to_bytes(2, "big")  # predicted, at time 0 of 25, not coded; filled up to a byte


@_encoded_once
def make_packed(path: str | Path, frames: int = 20, size: tuple[int, int] = (64, 48), seed: int = 0) -> Path:
    """MPEG-4 in AVI as DivX 5 and XviD pack it: a P- and the B-frame that is shown before it share one chunk.

    The chunk that the B-frame would have had holds a placeholder, a P-frame that is `not coded`; the header says
    `DivX503b1393p`. Every second frame is a B-frame; 25 frames per second.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    coder: Any = av.CodecContext.create("mpeg4", "w")
    coder.width, coder.height, coder.pix_fmt = *size, "yuv420p"
    coder.time_base, coder.framerate = Fraction(1, 25), Fraction(25)
    coder.thread_count = 1
    coder.options = {"bf": "1", "b_strategy": "0", "g": "100"}
    coder.flags |= int(av.codec.context.Flags.bitexact) | int(av.codec.context.Flags.qscale)
    coder.qmin = coder.qmax = 2
    coder.global_quality = 2 * 118
    coded: list[bytes] = []
    for t in range(frames):
        frame = av.VideoFrame.from_ndarray(picture(t, size, seed), format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = t, Fraction(1, 25)
        coded += [bytes(packet) for packet in coder.encode(frame)]
    coded += [bytes(packet) for packet in coder.encode(None)]
    kinds = [data[data.index(VOP) + 4] >> 6 for data in coded]  # 0 intra, 1 predicted, 2 both ways
    first = coded[0].index(VOP)
    coded[0] = coded[0][:first] + b"\0\0\1\xb2DivX503b1393p\0" + coded[0][first:]
    chunks: list[bytes] = []
    for k, data in enumerate(coded):
        if kinds[k] == 2:
            chunks[-1] += data
            chunks.append(VOP + NOTHING)
        else:
            chunks.append(data)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as out:
        stream: Any = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for k, data in enumerate(chunks):
            packet = av.Packet(data)
            packet.stream = stream
            packet.pts = packet.dts = k
            packet.duration = 1
            packet.time_base = Fraction(1, 25)
            packet.is_keyframe = kinds[k] == 0
            out.mux(packet)
    return path


def _audio_stream(out: Any, codec: str, rate: int, channels: int, bit_rate: int | None) -> Any:
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    stream = out.add_stream(codec, rate=rate, layout=layout)
    stream.codec_context.thread_count = 1
    if bit_rate or codec in ("aac", "mp2", "libmp3lame", "libopus", "wmav2"):
        stream.bit_rate = bit_rate or (128000 if codec != "mp2" else 192000)
    return stream


def _write_audio(out: Any, stream: Any, sound: NDArray[np.float32]) -> None:
    context = stream.codec_context
    layout = context.layout.name
    resampler = av.AudioResampler(format=context.format, layout=layout, rate=context.sample_rate)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
    frame.sample_rate = context.sample_rate
    frame.time_base = Fraction(1, context.sample_rate)
    frame.pts = 0
    fifo = av.AudioFifo()
    for part in resampler.resample(frame):
        fifo.write(part)
    step = context.frame_size or 1024
    while True:
        part = fifo.read(step) or fifo.read(0)
        if part is None:
            break
        out.mux(stream.encode(part))
    out.mux(stream.encode(None))

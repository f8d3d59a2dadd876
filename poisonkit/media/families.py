"""Which encoder stands for which codec family, at which quality, in which container; and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from poisonkit.media.converting import conversion
from poisonkit.media.info import AudioStream, Encode, MediaInfo, Problem, VideoStream
from poisonkit.media.probing import picture_blocks

MUXERS = {
    "mp4": "mp4",
    "mov": "mov",
    "avi": "avi",
    "mpeg": "mpeg",
    "matroska": "matroska",
    "webm": "webm",
    "flv": "flv",
}
SOUND_FILES = ("wav", "flac", "ogg", "mp3", "aiff")  # written by soundfile
EXACT_TIMES = ("mp4", "mov", "matroska", "webm", "flv")  # containers that keep any timestamp
TELLS_ASPECT = ("avi", "matroska", "webm")  # containers that say by themselves that pixels are not square
SHIFTED = ("flv",)  # of them, those whose muxers move everything so that nothing begins before zero


@dataclass(frozen=True)
class VideoTarget:
    """How the picture is encoded. codec: the family's name, as decoders report it."""

    encoder: str
    codec: str
    pix_fmt: str
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AudioTarget:
    """How the sound is encoded. bit_rate: bits per second, None where it does not apply."""

    encoder: str
    codec: str
    bit_rate: int | None = None
    sample_format: str | None = None
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Family:
    encoder: str
    formats: tuple[str, ...]
    quality: int | None  # default crf or quantiser; None: lossless codec
    limits: tuple[int, int] = (0, 51)
    scale: Literal["crf", "q"] = "crf"
    options: dict[str, str] = field(default_factory=dict)


_YUV = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p")
_SAME_BITS = {"x264-params": "cpu-independent=1"}
"""x264's AVX-512 code for macroblock trees reads memory that nobody wrote: without this, two runs differ in bytes."""
_VPX = {"b": "0", "deadline": "good", "cpu-used": "4", "auto-alt-ref": "0", "lag-in-frames": "0"}
LARGE = 1_500_000
"""Pixels of a picture above which encoders look less far ahead: what they hold, a worker needs the memory for."""
_LEAN = {  # encoder, whether chroma is in full
    ("libx264", False): {"rc-lookahead": "2", "bf": "1"},
    ("libx264", True): {"rc-lookahead": "0", "bf": "0"},
    ("libx265", False): {"bf": "0", "x265-params": ":rc-lookahead=1:ref=1"},
}
FAMILIES = {
    "h264": _Family("libx264", (*_YUV, "gray"), 18, (0, 51), options={"preset": "veryfast", **_SAME_BITS}),
    "hevc": _Family("libx265", (*_YUV, "gray"), 20, (0, 51), options={"preset": "fast"}),
    "mpeg4": _Family("mpeg4", ("yuv420p",), 2, (1, 31), "q"),
    "mpeg1video": _Family("mpeg1video", ("yuv420p",), 2, (1, 31), "q"),
    "mpeg2video": _Family("mpeg2video", ("yuv420p", "yuv422p"), 2, (1, 31), "q"),
    "mjpeg": _Family("mjpeg", _YUV, 2, (1, 31), "q", {"huffman": "default", "strict": "unofficial"}),
    "vp8": _Family("libvpx", ("yuv420p",), 10, (4, 63), options=_VPX),
    "vp9": _Family("libvpx-vp9", ("yuv420p", "yuv422p", "yuv440p", "yuv444p"), 18, (0, 63), options=_VPX),
    "ffv1": _Family("ffv1", ("yuv420p", "yuv422p", "yuv444p", "yuv440p", "gray", "bgr0", "bgra"), None),
    "huffyuv": _Family("huffyuv", ("yuv422p", "rgb24"), None),
    "rawvideo": _Family("rawvideo", (*_YUV, "rgb24", "bgr24", "gray"), None),
}
_H264_RGB = ("gbrp", "bgr24", "rgb24")
_IN_CONTAINER = {
    "webm": ("vp8", "vp9"),
    "mpeg": ("mpeg1video", "mpeg2video"),
    "mp4": ("h264", "hevc", "mpeg4", "mpeg1video", "mpeg2video", "mjpeg", "vp9"),
    "flv": ("h264",),
}
_H264_CONTAINERS = ("mp4", "mov", "matroska", "avi", "flv")
_AAC_RATES = (7350, 8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
CONVERT = "--encode convert"
_BY_HAND = "convert the clips first: ffmpeg -i IN -c:v libx264 -crf 18 OUT.mp4"
_LOSSLESS = ("mp4", "mov", "matroska", "avi")
_MPEG1_RATES = [Fraction(n, 1001) for n in (24000, 30000, 60000)] + [Fraction(n) for n in (24, 25, 30, 50, 60)]

_SOUND = {  # encoder, bits per second (None: lossless)
    "aac": ("aac", 192_000),
    "mp3": ("libmp3lame", 192_000),
    "mp2": ("mp2", 256_000),
    "ac3": ("ac3", 448_000),
    "opus": ("libopus", 160_000),
    "vorbis": ("libvorbis", 192_000),
    "flac": ("flac", None),
    "alac": ("alac", None),
}
_LOSSLESS_SOUND = {
    "mp4": AudioTarget("alac", "alac", sample_format="s32p"),
    "mov": AudioTarget("alac", "alac", sample_format="s32p"),
    "matroska": AudioTarget("flac", "flac", sample_format="s32"),
    "avi": AudioTarget("pcm_s24le", "pcm_s24le"),
}
_MP2_RATES = (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_MP2_LOW = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def can_remux(info: MediaInfo) -> bool:
    """Whether a file like this one can be written again packet for packet."""
    return info.container in MUXERS


def refusals(info: MediaInfo, encode: Encode, touches: Iterable[str] = ("video", "audio")) -> tuple[Problem, ...]:
    """Why this file cannot be rewritten with this encoding; empty when it can. All have blocks=True.

    touches: `video`, `audio` or both: what would be encoded again; the other is copied, whatever it is.
    """
    touched = {*touches, *(["video"] if conversion(info.video, encode) else [])}
    found: list[Problem] = []
    if "video" in touched and info.video is not None:
        found += picture_blocks(info.video, encode)
        target = video_target(info.video, info.container, encode)
        if isinstance(target, Problem):
            found.append(target)
    if "audio" in touched and info.audio is not None:
        sound = audio_target(info.audio, info.container, encode, alone=info.video is None)
        if isinstance(sound, Problem):
            found.append(sound)
    container = info.container
    if container not in MUXERS and not is_sound_file(info):
        ogg = container == "ogg" and info.audio is not None and info.video is None  # Vorbis and Opus are written there
        what = f"{info.audio.codec} in Ogg cannot be written here." if ogg and info.audio else ""
        found = [_refuse("container", what or f"{container} files cannot be written.", CONVERT)]
    return tuple(found)


def is_sound_file(info: MediaInfo) -> bool:
    """Whether a file is sound alone, in a format that soundfile reads and writes."""
    foreign = info.container == "ogg" and (info.audio is None or info.audio.codec not in ("vorbis", "opus"))
    return info.video is None and info.container in SOUND_FILES and not foreign


def _refuse(code: str, message: str, remedy: str) -> Problem:
    return Problem(code, message, remedy, blocks=True)


def video_target(video: VideoStream, container: str, encode: Encode) -> VideoTarget | Problem:
    """The encoder, pixel format and options for a stream like `video`, or why there is none."""
    if encode.mode == "convert":
        own = video_target(video, container, replace(encode, mode="match"))
        given = isinstance(own, VideoTarget) or "video" not in encode.converts
        return own if given else _h264(video, container, encode)
    if encode.mode == "lossless":
        return _lossless(container)
    if encode.mode in ("h264", "444"):
        return _h264(video, container, encode)
    codec, family = video.codec, FAMILIES.get(video.codec)
    other = CONVERT
    if family is None or codec not in _IN_CONTAINER.get(container, FAMILIES):
        return _refuse("codec", f"{codec} video cannot be written in {container} here.", other)
    if codec == "mpeg1video" and video.fps not in _MPEG1_RATES:
        message = f"MPEG-1 cannot hold {float(video.fps):g} frames per second."
        return _refuse("frame-rate", message, other)
    encoder, pix_fmt = family.encoder, _eight_bit(video.pix_fmt)
    if codec == "h264" and pix_fmt in _H264_RGB:
        encoder, pix_fmt = "libx264rgb", "rgb24"
    elif pix_fmt not in family.formats:
        return _refuse("pixel-format", f"{codec} in {pix_fmt} cannot be written here.", other)
    if encoder in ("libx264", "libx265"):
        pix_fmt = _whole_chroma(pix_fmt, video)
    quality = family.quality
    if encode.mode == "crf" and encode.crf is not None and quality is not None:
        low, high = family.limits
        if not low <= encode.crf <= high:
            message = f"crf {encode.crf} is outside {low} to {high}, the range of {video.codec}."
            return _refuse("crf", message, f"--encode crf:{quality}")
        quality = encode.crf
    return VideoTarget(encoder, video.codec, pix_fmt, _options(family, quality, pix_fmt, video))


def _eight_bit(pix_fmt: str) -> str:
    """The 8-bit format with the same planes: yuv420p for yuv420p10le; p010 and its like are 4:2:0."""
    if pix_fmt.startswith(("p010", "p012", "p016")):
        return "yuv420p"
    found = re.fullmatch(r"(yuva?4\d\dp|gray|gbrp)(9|10|12|14|16)(le|be)", pix_fmt)
    return found[1].replace("yuva", "yuv") if found else pix_fmt


def _whole_chroma(pix_fmt: str, video: VideoStream) -> str:
    """4:4:4 for sizes that these encoders cannot halve: gray pictures of odd size, which decode as 4:2:0."""
    odd = video.width % 2 or ("420" in pix_fmt and video.height % 2)
    return pix_fmt.replace("420", "444").replace("422", "444") if odd else pix_fmt


def _h264(video: VideoStream, container: str, encode: Encode) -> VideoTarget | Problem:
    """H.264 for whatever the source is: its own planes where H.264 has such, else 4:2:0 (4:4:4 for odd sizes).

    Mode 444: chroma in full, whatever the source has.
    """
    if container not in _H264_CONTAINERS:
        remedy = _BY_HAND if encode.mode == "444" else CONVERT
        return _refuse("codec", f"H.264 video cannot be written in {container}.", remedy)
    family = FAMILIES["h264"]
    pix_fmt = _eight_bit(video.pix_fmt)
    if encode.mode == "444":
        pix_fmt = "yuvj444p" if pix_fmt.startswith("yuvj") else "yuv444p"
    elif pix_fmt not in family.formats:
        pix_fmt = "yuv420p"
    pix_fmt = _whole_chroma(pix_fmt, video)
    quality = family.quality if encode.crf is None else encode.crf
    return VideoTarget(family.encoder, "h264", pix_fmt, _options(family, quality, pix_fmt, video))


def _lossless(container: str) -> VideoTarget | Problem:
    if container == "avi":
        return VideoTarget("ffv1", "ffv1", "bgr0", {"level": "3", "g": "1", "slicecrc": "1"})
    if container in _LOSSLESS:
        return VideoTarget("libx264rgb", "h264", "rgb24", {"preset": "veryfast", "qp": "0", **_SAME_BITS})
    message = f"{container} cannot hold lossless RGB video here."
    return _refuse("lossless", message, f"--encode match, or {_BY_HAND}")


def _options(family: _Family, quality: int | None, pix_fmt: str, video: VideoStream) -> dict[str, str]:
    options = dict(family.options)
    if video.width * video.height > LARGE:
        options.update(_LEAN.get((family.encoder, "444" in pix_fmt)) or _LEAN.get((family.encoder, False), {}))
    if family.encoder == "libx264" and pix_fmt in ("yuv444p", "yuvj444p"):
        options["x264-params"] += ":chroma-qp-offset=-6"  # x264 adds 6 in 4:4:4: chroma would be coarser than in 4:2:0
    if quality is None:
        return options
    if family.scale == "q":
        limits = {"qmin": str(quality), "qmax": str(quality)}
        return {**options, **limits, "flags": "+qscale", "global_quality": str(118 * quality)}
    if family.encoder == "libx265":
        lean = options.pop("x265-params", "")
        params = f"log-level=error:info=0:pools=none:frame-threads=1{lean}"
        return {**options, "crf": str(quality), "x265-params": params}
    return {**options, "crf": str(quality)}


def audio_target(audio: AudioStream, container: str, encode: Encode, *, alone: bool = False) -> AudioTarget | Problem:
    """The encoder and bit rate for sound like `audio`, or why there is none. alone: no picture in the file."""
    if alone and container in SOUND_FILES:
        if audio.codec.startswith("adpcm"):
            return _refuse("codec", f"{audio.codec} sound cannot be written at its exact length here.", CONVERT)
        if encode.mode == "lossless" and container in ("mp3", "ogg"):
            return _refuse("lossless", f"{container} cannot hold lossless sound.", "--encode match")
        return AudioTarget("soundfile", audio.codec)
    if encode.mode == "lossless":
        found = _LOSSLESS_SOUND.get(container)
        return found or _refuse("lossless", f"{container} cannot hold lossless sound here.", "--encode match")
    if audio.codec.startswith("pcm_"):
        return AudioTarget(audio.codec, audio.codec)
    codec = audio.codec
    if codec not in _SOUND or (container == "avi" and codec in ("opus", "vorbis", "aac")):
        if encode.mode not in ("h264", "444", "convert") or container not in _H264_CONTAINERS:
            message = f"{codec} sound cannot be written in {container} here."
            return _refuse("codec", message, CONVERT)
        codec = "mp3" if container == "avi" else "aac"
        if codec == "aac" and audio.sample_rate not in _AAC_RATES:
            return _refuse("codec", f"{audio.codec} sound at {audio.sample_rate} Hz cannot become AAC.", _BY_HAND)
    encoder, default = _SOUND[codec]
    if default is None:
        return AudioTarget(encoder, codec, sample_format=audio.sample_format or None)
    # Without the bit reservoir, so that frames that hold only the encoder's delay can be left out.
    options = {"reservoir": "0"} if encoder == "libmp3lame" and container in ("avi", *SHIFTED) else {}
    rate = _bit_rate(audio, codec, max(default, audio.bit_rate or 0))
    return AudioTarget(encoder, codec, rate, options=options)


def _bit_rate(audio: AudioStream, codec: str, wanted: int) -> int:
    """`wanted`, brought into what the codec allows at this sample rate and number of channels."""
    if codec == "aac":
        return min(wanted, 6 * audio.sample_rate * audio.channels)
    if codec == "mp3":
        return min(wanted, 320_000 if audio.sample_rate >= 32_000 else 160_000)
    if codec == "mp2":
        table = _MP2_RATES if audio.sample_rate >= 32_000 else _MP2_LOW
        highest = 192 if audio.channels == 1 and audio.sample_rate >= 32_000 else table[-1]
        return 1000 * max(rate for rate in table if rate <= min(wanted // 1000, highest))
    if codec == "ac3":
        return min(wanted, 640_000)
    if codec == "opus":
        return min(wanted, 256_000 * audio.channels)
    return wanted

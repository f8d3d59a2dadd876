"""What a file holds, read from the file itself: container, streams, and what stands in the way."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from poisonkit.common.limits import VARIABLE, current, excess
from poisonkit.common.safe_io import open_plain
from poisonkit.errors import MediaError, RequestError
from poisonkit.media.files import name_of, open_input, packets, translated
from poisonkit.media.info import AudioStream, Encode, MediaInfo, Problem, VideoStream
from poisonkit.media.whole import cut_short, tells_length

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer

StreamChoice = int | str

COLORSPACES = {0: "rgb", 1: "bt709", 2: "", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc"}
RANGES = {0: "", 1: "tv", 2: "pc"}
MPEG1_VARIABLE = 0x3FFFF * 400  # what an MPEG-1 header says when it gives no rate


def probe(path: str | Path, stream: StreamChoice = "best", *, label: str | Path | None = None) -> MediaInfo:
    """Read one file's streams, choosing one of picture and one of sound.

    stream: `best` (the container's default choice) or the index of a video or audio stream. Opens nothing
    but this file, decodes its first picture. label: the name that messages use. Raises MediaError (one sentence)
    when it is not media.
    """
    label = path if label is None else label
    with open_input(path, label) as container, translated(label, "read"):
        return describe(container, path, stream, label)


def describe(
    container: InputContainer,
    path: str | Path,
    stream: StreamChoice = "best",
    label: str | Path | None = None,
    *,
    first: VideoFrame | None = None,
) -> MediaInfo:
    """`probe` of an open file. first: its first picture, where it was decoded already."""
    label = path if label is None else label
    video, audio = choose(container, label, stream)
    if video is None and audio is None:
        raise MediaError(f"{name_of(label)} holds neither picture nor sound.")
    dropped = tuple(
        f"{s.type} stream {s.index} ({codec_name(s)})" for s in container.streams if s is not video and s is not audio
    )
    picture = _video(container, video, label, first) if video is not None else None
    sound = _audio(container, audio, path, label) if audio is not None else None
    duration = _duration(container, video, audio)
    _bound(name_of(label), os.path.getsize(path), duration, picture, sound)
    return MediaInfo(
        container=container_name(container, path, label),
        duration=duration,
        video=picture,
        audio=sound,
        dropped=dropped,
        problems=tuple(_problems(container, picture)),
    )


def _bound(name: str, size: int, duration: float, video: VideoStream | None, audio: AudioStream | None) -> None:
    """MediaError for what is declared larger than the limits, or larger than the file's own bytes can hold."""
    if video is not None:
        if video.declared_frames is not None and video.declared_frames > size:
            raise MediaError(f"{name} declares {video.declared_frames} frames, and it has only {size} bytes.")
        frames = video.declared_frames or round(duration * float(video.fps))
        if over := excess("frames", frames):
            raise MediaError(f"{name} declares {frames} frames, {over}.")
    if audio is not None:
        if over := excess("rate", audio.sample_rate):
            raise MediaError(f"{name} declares {audio.sample_rate} sound samples a second, {over}.")
        if over := excess("channels", audio.channels):
            raise MediaError(f"{name} declares {audio.channels} sound channels, {over}.")
        values = (audio.samples or round(duration * audio.sample_rate)) * audio.channels
        if video is None and (over := excess("samples", values)):
            raise MediaError(f"{name} declares {values} sound samples, {over}.")


def choose(container: InputContainer, path: str | Path, stream: StreamChoice) -> tuple[Any, Any]:
    """The (video, audio) streams to use; either may be None. Cover pictures are not video."""
    videos = [s for s in container.streams.video if s.codec_context is not None and not int(s.disposition) & 0x400]
    audios = [s for s in container.streams.audio if s.codec_context is not None]
    video = _best(container, "video", videos)
    audio = _best(container, "audio", audios)
    if stream == "best":
        return video, audio
    for asked in (*videos, *audios):
        if str(asked.index) == str(stream):
            return (asked, audio) if asked.type == "video" else (video, asked)
    known = ", ".join(str(s.index) for s in (*videos, *audios)) or "none"
    raise RequestError(f"{name_of(path)} has no video or audio stream {stream} (it has: {known}).")


def _best(container: InputContainer, kind: Literal["video", "audio"], known: list[Any]) -> Any:
    best = container.streams.best(kind)
    return best if best in known else (known[0] if known else None)


def container_name(container: InputContainer, path: str | Path, label: str | Path) -> str:
    """mp4, mov, avi, mpeg, matroska, webm, wav, flac, ogg, mp3 …: by content, not by suffix."""
    names = container.format.name.split(",")
    if "mp4" in names:
        brand = container.metadata.get("major_brand", "").strip()
        unbranded = not brand and Path(label).suffix.lower() in (".mov", ".qt")
        return "mov" if brand == "qt" or unbranded else "mp4"
    if "matroska" in names:
        return "webm" if _doctype(path) == "webm" else "matroska"
    return names[0]


def _doctype(path: str | Path) -> str:
    """The EBML header's document type: `webm` or `matroska`."""
    with open_plain(path) as file:
        head = file.read(128)
    at = head.find(b"\x42\x82")
    if at < 0 or at + 3 > len(head):
        return ""
    length = head[at + 2] & 0x7F
    return head[at + 3 : at + 3 + length].rstrip(b"\0").decode("ascii", "replace")


def codec_name(stream: Any) -> str:
    """The codec's own name (`mp3`, not the decoder's `mp3float`)."""
    context = stream.codec_context
    if context is None:
        return "unknown"
    return str(getattr(context.codec, "canonical_name", context.name))


def _video(container: InputContainer, stream: Any, path: str | Path, first: VideoFrame | None) -> VideoStream:
    context = stream.codec_context
    if not context.width or not context.height:
        most = f"the limit of {current().pixels} pixels ({VARIABLE}=pixels=N raises it)"
        raise MediaError(f"{name_of(path)} has a picture whose size cannot be read, or is more than {most}.")
    if first is None:
        stream.thread_count = 1
        first = next((frame for packet in packets(container, stream, path) for frame in packet.decode()), None)
    if first is None or not first.width or not first.height:
        raise MediaError(f"{name_of(path)} has a video stream without a single picture that can be decoded.")
    rate = stream.average_rate or context.framerate or stream.guessed_rate
    return VideoStream(
        index=stream.index,
        codec=codec_name(stream),
        width=first.width,
        height=first.height,
        pix_fmt=first.format.name,
        bit_depth=max((part.bits for part in first.format.components), default=8),
        fps=Fraction(rate) if rate else Fraction(0),
        time_base=stream.time_base or Fraction(1, 1000),
        declared_frames=stream.frames or None,
        rotation=int(first.rotation) % 360,
        sample_aspect_ratio=stream.sample_aspect_ratio or Fraction(1),
        colorspace=COLORSPACES.get(int(first.colorspace), str(int(first.colorspace))),
        color_range=RANGES.get(int(first.color_range), ""),
        bit_rate=stream.bit_rate if stream.bit_rate and stream.bit_rate != MPEG1_VARIABLE else None,
        interlaced=bool(first.interlaced_frame) or context.field_order > 1,
        mirrored=_mirrored(first),
    )


def display_matrix(frame: Any) -> tuple[int, ...] | None:
    """The nine numbers of a picture's display matrix (rotation, flips), or None."""
    data = frame.side_data.get("DISPLAYMATRIX")
    return None if data is None else tuple(int(v) for v in np.frombuffer(bytes(data), dtype=np.int32)[:9])


def said_end(container: Any, stream: Any) -> int | None:
    """Where a Matroska file says that its pictures end, in units of the stream's time base; None: it does not say.

    Its unit is the millisecond, and a frame's own duration is its rate's, cut to whole ones: the end is known better.
    """
    text = next((value for key, value in stream.metadata.items() if key.upper() == "DURATION"), "")
    parts = text.split(":")
    try:
        seconds = 60 * (60 * Fraction(parts[0]) + Fraction(parts[1])) + Fraction(parts[2])
    except (ValueError, ZeroDivisionError, IndexError):
        if container.duration is None or len(container.streams) > 1 or stream.start_time:
            return None
        seconds = Fraction(container.duration, 1_000_000)
    return round(seconds / stream.time_base) if seconds > 0 else None


def _mirrored(frame: VideoFrame) -> bool:
    """Whether the container turns the picture over, or by what is no quarter: more than `rotation` can say."""
    matrix = display_matrix(frame)
    if matrix is None:
        return False
    a, b, _, c, d = matrix[:5]
    return a * d - b * c < 0 or int(frame.rotation) % 90 != 0


def _audio(container: InputContainer, stream: Any, path: str | Path, label: str | Path) -> AudioStream:
    context = stream.codec_context
    if not context.sample_rate or not context.channels:
        raise MediaError(f"{name_of(label)} has a sound stream without sample rate or channels.")
    samples, rate = _exact_samples(container, path) or (None, context.sample_rate)
    return AudioStream(
        index=stream.index,
        codec=codec_name(stream),
        sample_rate=rate,
        channels=context.channels,
        layout=context.layout.name,
        sample_format=context.format.name if context.format is not None else "",
        samples=samples,
        bit_rate=stream.bit_rate or None,
    )


def _exact_samples(container: InputContainer, path: str | Path) -> tuple[int, int] | None:
    """Samples per channel, and Hz, where the file itself says so exactly (wav, flac, ogg, tagged mp3).

    Opus is always decoded at 48 kHz by FFmpeg; soundfile gives the rate that it was made of.
    """
    name = container.format.name.split(",")[0]
    if name not in ("wav", "flac", "ogg", "mp3", "aiff", "w64") or cut_short(path, name):
        return None
    import soundfile

    try:
        if name == "mp3" and not tells_length(path):
            return None
        found = soundfile.info(str(Path(path).absolute()))
        return int(found.frames), int(found.samplerate)
    except (soundfile.LibsndfileError, OSError):
        return None


def _duration(container: InputContainer, video: Any, audio: Any) -> float:
    for stream in (video, audio):
        if stream is not None and stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
    return container.duration / 1_000_000 if container.duration else 0.0


def _problems(container: InputContainer, video: VideoStream | None) -> list[Problem]:
    found = []
    for kind, streams in (("video", container.streams.video), ("audio", container.streams.audio)):
        real = [s for s in streams if not int(s.disposition) & 0x400]
        if len(real) > 1:
            which = ", ".join(str(s.index) for s in real)
            found.append(
                Problem(
                    f"several-{kind}-streams",
                    f"{len(real)} {kind} streams ({which}): trainers disagree on which they read.",
                    "--stream N chooses one",
                )
            )
    if video is None:
        return found
    if video.mirrored:
        message = (
            "mirrored, or turned by what is no quarter, in the container: decoders disagree on how it is shown; "
            "triggers act on what OpenCV shows, and the container goes on saying it."
        )
        found.append(Problem("mirrored", message))
    elif video.rotation:
        message = (
            f"rotated by {video.rotation} degrees in the container: OpenCV and decord turn the picture, PyAV does not."
        )
        found.append(Problem("rotated", message, "--rotation normalise stores it upright, clean samples too"))
    if video.sample_aspect_ratio != 1:
        ratio = f"{video.sample_aspect_ratio.numerator}:{video.sample_aspect_ratio.denominator}"
        found.append(Problem("aspect", f"pixels are not square (sample aspect ratio {ratio})."))
    if video.width % 2 or video.height % 2:
        found.append(Problem("odd-size", f"odd picture size {video.width}x{video.height}."))
    return found + picture_blocks(video)


def picture_blocks(video: VideoStream, encode: Encode | None = None) -> list[Problem]:
    """What keeps the picture itself from being rewritten as 8-bit progressive RGB."""
    found = []
    encode = encode or Encode()
    if video.bit_depth > 8 and not encode.to_8bit:
        found.append(
            Problem(
                f"{video.bit_depth}-bit",
                f"the picture has {video.bit_depth} bits per sample; 8 can be written.",
                "--to-8bit",
                blocks=True,
            )
        )
    if video.mirrored and encode.rotation == "normalise":
        found.append(
            Problem(
                "mirrored",
                "the container mirrors the picture, or turns it by what is no quarter: that is not made upright.",
                "--rotation keep, or convert the clips first: ffmpeg -i IN -c:v libx264 -crf 18 OUT.mp4",
                blocks=True,
            )
        )
    if video.interlaced and not encode.deinterlace:
        found.append(
            Problem(
                "interlaced",
                "the picture is interlaced; only progressive video can be rewritten.",
                "--deinterlace",
                blocks=True,
            )
        )
    return found

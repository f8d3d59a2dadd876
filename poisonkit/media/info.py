"""What a media file holds: plain data, no decoder objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

FOLDER = "frames"
"""`MediaInfo.container` of a folder of numbered pictures, where others have a file format."""


@dataclass(frozen=True)
class Problem:
    """Something about a file that a user must know before it is rewritten.

    code: stable short name (`10-bit`, `interlaced`, `vfr`, `several-video-streams`, `rotated`, …).
    message: one sentence. remedy: the option that deals with it, or "".
    blocks: True when the file cannot be rewritten without the remedy.
    """

    code: str
    message: str
    remedy: str = ""
    blocks: bool = False


@dataclass(frozen=True)
class VideoStream:
    """One video stream. width, height: as stored (before rotation). rotation: degrees counter-clockwise that a
    player turns the stored picture by."""

    index: int
    codec: str
    width: int
    height: int
    pix_fmt: str
    bit_depth: int
    fps: Fraction
    time_base: Fraction
    declared_frames: int | None
    rotation: int
    sample_aspect_ratio: Fraction
    colorspace: str
    color_range: str
    bit_rate: int | None
    interlaced: bool = False
    mirrored: bool = False

    @property
    def turns(self) -> int:
        """Quarter turns counter-clockwise from the picture as stored to the picture as displayed, 0 to 3."""
        return self.rotation // 90 % 4 if self.rotation % 90 == 0 else 0

    @property
    def displayed(self) -> tuple[int, int]:
        """(width, height) of the picture as displayed."""
        return (self.height, self.width) if self.turns % 2 else (self.width, self.height)


@dataclass(frozen=True)
class AudioStream:
    """One sound stream. samples: per channel, where the file declares it exactly, else None."""

    index: int
    codec: str
    sample_rate: int
    channels: int
    layout: str
    sample_format: str
    samples: int | None
    bit_rate: int | None


@dataclass(frozen=True)
class MediaInfo:
    """One file or frame folder, as probed. `container`: mp4, mov, avi, mpeg, matroska, webm, wav, flac, ogg, mp3 …,
    or `FOLDER`."""

    container: str
    duration: float
    video: VideoStream | None
    audio: AudioStream | None
    dropped: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def with_sound_of(self, other: MediaInfo) -> MediaInfo:
        """The same with the sound of another file in place of its own."""
        audio = other.audio
        if audio is not None and audio.samples is None:
            audio = replace(audio, samples=max(1, round(other.duration * audio.sample_rate)))
        problems = tuple({p.code: p for p in (*self.problems, *other.problems)}.values())
        return replace(self, audio=audio, problems=problems)


@dataclass(frozen=True)
class Encode:
    """How poisoned files are encoded.

    match: the source's container and codec family at a fixed constant quality (H.264 veryfast crf 18;
    MPEG-4, MPEG-1/2, MJPEG q 2; frame folders: JPEG quality 95). crf: the same family at this quality. lossless:
    RGB, bit-exact; frame folders: PNG. h264: H.264, whatever the source's family, in the source's container. 444:
    H.264 with chroma in full (4:4:4), at `crf` or 18. convert: as match what can be written so; see `fallback` for the
    rest. converts: of convert, which of `video` and `audio` triggers touch, so that all clips are treated alike.
    to_8bit: pictures of more than 8 bits per sample are rounded to 8 (no dithering). deinterlace: interlaced
    pictures go through bwdif, one picture for each frame. rotation: `keep` leaves the stored orientation and
    the container's rotation as they are; `normalise` stores the picture as displayed. The three hold for every
    file that is written, whether or not its picture is otherwise touched.
    """

    mode: Literal["match", "crf", "444", "lossless", "h264", "convert"] = "match"
    crf: int | None = None
    to_8bit: bool = False
    deinterlace: bool = False
    rotation: Literal["keep", "normalise"] = "keep"
    converts: tuple[str, ...] = ("audio", "video")

    @property
    def changes_clean(self) -> bool:
        """Whether clean files may have to be written again, which only opening them tells."""
        return self.to_8bit or self.deinterlace or self.rotation == "normalise" or self.mode == "convert"


@dataclass(frozen=True)
class PlaneFormat:
    """How a stream's Y, U and V planes (uint8) stand for RGB.

    space: the matrix, as ITU-T H.273 numbers it; kr, kb: its luma weights of red and blue. full_range: 0..255
    instead of 16..235 and 16..240. step_x, step_y: luma samples per chroma sample. averaged: the conversion from
    RGB (`colour.from_rgb`) takes chroma from means of pixels (two in a row; 1, 3, 3, 1 in a column) rather than
    from the top left one of each block.
    """

    pix_fmt: str
    space: int
    full_range: bool
    kr: float
    kb: float
    step_x: int
    step_y: int
    averaged: bool


@dataclass(frozen=True)
class Written:
    """A file as written, decoded back and found right. frames: decoded pictures; samples: per channel.

    width, height: as displayed. dropped: streams of the source that were left out. converted: what was changed
    about the picture beside its content (`deinterlaced`, `8-bit`, `upright`, `png`), and under `convert` the families
    and the container (`h264 for prores`, `mp4 for asf`). sha256, bytes: of a frame folder as `disk` defines them.
    """

    container: str
    frames: int
    width: int
    height: int
    fps: float
    video_codec: str
    samples: int
    sample_rate: int
    channels: int
    audio_codec: str
    dropped: tuple[str, ...]
    sha256: str
    bytes: int
    converted: tuple[str, ...] = ()

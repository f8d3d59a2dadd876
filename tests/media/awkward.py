"""Awkward clips, made by code: each a row of the table in `test_awkward.py`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from poisonkit import media
from tests.media_factory import make_packed, make_video, picture

UNEVEN = [0, 20, 65, 100, 180, 200, 260, 300, 385, 400, 410, 500, 540, 610, 640, 720, 760, 800, 895, 940]
MILLISECONDS = Fraction(1, 1000)


@dataclass(frozen=True)
class Case:
    """A clip: how `make_video` makes it (or `maker` does), what `inspect` calls it, and what becomes of it.

    size: as displayed. frames: that decode. converted: what is done to it when every conversion is asked for.
    """

    name: str
    how: dict[str, Any] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    maker: Callable[[Path], Any] | None = None
    frames: int = 20
    size: tuple[int, int] = (64, 48)
    dropped: int = 0
    blocked: bool = False  # cannot be written without --to-8bit, --deinterlace or --encode convert
    converted: tuple[str, ...] = ()

    def make(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.maker is not None:
            self.maker(path)
        else:
            make_video(path, **{"frames": self.frames, **self.how})
        return path


def interlaced(path: Path) -> None:
    """Two moments woven into each frame, coded as such."""
    with av.open(str(path), "w") as out:
        options = {"flags": "+ilme+ildct", "bf": "0", "qmin": "2", "qmax": "2"}
        stream: Any = out.add_stream("mpeg2video", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.thread_count = 1
        for t in range(20):
            woven = picture(3 * t)
            woven[1::2] = picture(3 * t + 6)[1::2]
            frame = av.VideoFrame.from_ndarray(woven, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = t, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def edit_list(path: Path) -> None:
    """The end of a longer clip, cut out by copying: the first frames are there and not shown."""
    longer = make_video(path.with_name(f"long-{path.name}"), frames=32, gop=32, audio=True)
    command = [media.ffmpeg_binary(), "-v", "error", "-nostdin", "-ss", "0.48", "-i", str(longer), "-c", "copy"]
    subprocess.run([*command, str(path)], check=True)
    longer.unlink()


def subtitled(path: Path) -> None:
    """Two picture, two sound and two subtitle streams, each with other content."""
    bare = make_video(path.with_name(f"bare-{path.name}"), frames=20, audio=True, videos=2, audios=2)
    words = path.with_suffix(".srt")
    words.write_text("1\n00:00:00,000 --> 00:00:00,500\nHello\n")
    command = [media.ffmpeg_binary(), "-v", "error", "-nostdin"]
    command += [part for name in (bare, words, words) for part in ("-i", str(name))]
    command += ["-map", "0", "-map", "1", "-map", "2", "-c", "copy", "-c:s", "mov_text", "-copyts", str(path)]
    subprocess.run(command, check=True)
    bare.unlink()
    words.unlink()


def one_too_many(path: Path) -> None:
    """An AVI whose header declares one frame more than there are."""
    data = bytearray(make_video(path, frames=20).read_bytes())
    for at in (data.index(b"avih") + 8 + 16, data.index(b"strh") + 8 + 32):
        data[at : at + 4] = (int.from_bytes(data[at : at + 4], "little") + 1).to_bytes(4, "little")
    path.write_bytes(data)


def large(path: Path) -> None:
    """Two frames of 3840x2160: a small picture, enlarged."""
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as out:
        stream: Any = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 3840, 2160, "yuv420p"
        stream.codec_context.thread_count = 1
        for t in range(2):
            frame = av.VideoFrame.from_ndarray(picture(t), format="rgb24")
            frame = frame.reformat(width=3840, height=2160, format="yuv420p")
            frame.pts, frame.time_base = t, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def broken_title(path: Path) -> None:
    """A title in cp1252, in a container that wants UTF-8."""
    data = make_video(path, frames=20, metadata={"title": "caf# a la carte"}).read_bytes()
    path.write_bytes(data.replace(b"caf#", b"caf\xe9"))


CASES = [
    Case("vfr.mp4", {"times": UNEVEN, "time_base": MILLISECONDS, "audio": True}, frozenset({"vfr"})),
    Case("vfr.mkv", {"times": UNEVEN, "time_base": MILLISECONDS}, frozenset({"vfr", "no-frame-count"})),
    Case("late.mp4", {"times": range(13, 33)}, frozenset({"late-start"})),
    Case("cut.mp4", codes=frozenset({"edit-list"}), maker=edit_list),
    Case("b-frames.mp4", {"options": {"bf": "3", "preset": "medium", "crf": "18"}}),
    Case("b-frames.avi", {"options": {"bf": "2"}}, frozenset({"b-frames-in-avi"})),
    Case("packed.avi", codes=frozenset({"b-frames-in-avi"}), maker=make_packed),
    Case("one-too-many.avi", codes=frozenset({"frame-count"}), maker=one_too_many),
    Case("stream.mpg", {"audio": True}),
    Case("stream2.mpg", {"codec": "mpeg2video"}),
    Case("uncounted.mkv", {"audio": True}, frozenset({"no-frame-count"})),
    Case("uncounted.webm", {"audio": True}, frozenset({"no-frame-count"})),
    Case("vp8.webm", {"codec": "libvpx"}, frozenset({"no-frame-count"})),
    Case("fragments.mp4", {"audio": True, "mux": {"movflags": "frag_keyframe+empty_moov"}, "gop": 7}),
    Case("turned.mp4", {"rotation": 90, "audio": True}, frozenset({"rotated"}), size=(48, 64), converted=("upright",)),
    Case("upside-down.mov", {"rotation": 180}, frozenset({"rotated"}), converted=("upright",)),
    Case("aspect.mp4", {"sar": Fraction(4, 3)}, frozenset({"aspect"})),
    Case(
        "turned-aspect.mp4",
        {"rotation": 270, "sar": Fraction(4, 3)},
        frozenset({"rotated", "aspect"}),
        size=(48, 64),
        converted=("upright",),
    ),
    Case("709.mp4", {"colorspace": 1, "color_range": 1}),
    Case("601.mp4", {"colorspace": 6, "color_range": 1}),
    Case("full.mp4", {"colorspace": 6, "color_range": 2}),
    Case("422.mp4", {"pix_fmt": "yuv422p"}),
    Case("444.mp4", {"pix_fmt": "yuv444p"}),
    Case("odd.mp4", {"size": (339, 255), "pix_fmt": "yuv444p"}, frozenset({"odd-size"}), frames=4, size=(339, 255)),
    Case("odd.avi", {"size": (339, 255)}, frozenset({"odd-size"}), frames=4, size=(339, 255)),
    Case("one.mp4", {"audio": True}, frozenset({"one-frame"}), frames=1),
    Case("one.avi", codes=frozenset({"one-frame"}), frames=1),
    Case("small.mp4", {"size": (16, 16)}, size=(16, 16)),
    Case("4k.mp4", maker=large, frames=2, size=(3840, 2160)),
    Case("portrait.mp4", {"size": (90, 160)}, size=(90, 160)),
    Case("hevc.mp4", {"codec": "libx265", "size": (128, 96)}, size=(128, 96)),
    Case("mpeg4.mp4", {"codec": "mpeg4"}),
    Case("mjpeg.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
    Case("ffv1.mkv", {"codec": "ffv1"}, frozenset({"no-frame-count"})),
    Case("raw.avi", {"codec": "rawvideo"}),
    Case("title.avi", codes=frozenset({"broken-titles"}), maker=broken_title),
    Case(
        "several.mp4",
        {"audio": True, "videos": 2, "audios": 2},
        frozenset({"several-video-streams", "several-audio-streams"}),
        dropped=2,
    ),
    Case(
        "subtitled.mp4",
        codes=frozenset({"several-video-streams", "several-audio-streams"}),
        maker=subtitled,
        dropped=4,
    ),
    Case(
        "several.mkv",
        {"audio": True, "audios": 2},
        frozenset({"several-audio-streams", "no-frame-count"}),
        dropped=1,
    ),
    Case("10bit.mp4", {"pix_fmt": "yuv420p10le"}, frozenset({"10-bit"}), blocked=True, converted=("8-bit",)),
    Case(
        "10bit-hevc.mkv",
        {"codec": "libx265", "pix_fmt": "yuv420p10le", "size": (128, 96), "audio": True},
        frozenset({"10-bit", "no-frame-count"}),
        size=(128, 96),
        blocked=True,
        converted=("8-bit",),
    ),
    Case(
        "woven.mpg",
        codes=frozenset({"interlaced"}),
        maker=interlaced,
        blocked=True,
        converted=("deinterlaced",),
    ),
    Case("foreign.avi", {"codec": "msmpeg4"}, frozenset({"codec"}), blocked=True),
    Case("foreign.flv", {"codec": "flv"}, frozenset({"codec", "no-frame-count"}), blocked=True),
    Case("foreign.mov", {"codec": "svq1", "pix_fmt": "yuv410p"}, frozenset({"codec"}), blocked=True),
]

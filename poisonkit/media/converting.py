"""What is changed about a picture beside its content: interlaced to progressive, to 8 bits, turned upright, to PNG."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import compress
from typing import Any

import numpy as np

from poisonkit.media.colour import Image
from poisonkit.media.info import Encode, MediaInfo, VideoStream

DEINTERLACER = ("bwdif", "mode=send_frame:parity=auto:deint=all")  # as many pictures as there were frames


@dataclass(frozen=True)
class Conversion:
    """What is done to the picture of one file."""

    deinterlace: bool = False
    to_8bit: bool = False
    upright: bool = False
    as_png: bool = False  # frame folders: a trainer has one template of file names, so all frames of an output

    def __bool__(self) -> bool:
        return self.deinterlace or self.to_8bit or self.upright or self.as_png

    @property
    def words(self) -> tuple[str, ...]:
        """As the manifest names them."""
        done = (self.deinterlace, self.to_8bit, self.upright, self.as_png)
        return tuple(compress(("deinterlaced", "8-bit", "upright", "png"), done))


def conversion(video: VideoStream | None, encode: Encode) -> Conversion:
    """What `encode` asks to be changed about a file like this one."""
    if video is None:
        return Conversion()
    return Conversion(
        deinterlace=encode.deinterlace and video.interlaced,
        to_8bit=encode.to_8bit and video.bit_depth > 8,
        upright=encode.rotation == "normalise" and video.turns != 0,
        as_png=encode.mode == "lossless" and video.codec == "jpeg",
    )


def converted(info: MediaInfo, what: Conversion) -> MediaInfo:
    """The file's facts once `what` is done to it."""
    video = info.video
    if video is None or not what.upright:
        return info
    width, height = video.displayed
    aspect = 1 / video.sample_aspect_ratio if video.turns % 2 else video.sample_aspect_ratio
    upright = replace(video, width=width, height=height, rotation=0, sample_aspect_ratio=aspect)
    return replace(info, video=upright)


def turned(image: Image, turns: int) -> Image:
    """uint8 (height, width, 3), turned counter-clockwise by so many quarters; the same array for none."""
    return np.ascontiguousarray(np.rot90(image, turns)) if turns % 4 else image


def deinterlaced(frames: Iterable[Any], template: Any) -> Iterator[Any]:
    """Decoded pictures of an interlaced stream, each once, progressive, at its own time.

    template: the PyAV stream that they come from.
    """
    import av

    graph: Any = None
    stamps: deque[tuple[int | None, int]] = deque()

    def out() -> Iterator[Any]:
        while True:
            try:
                made = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            made.pts, made.duration = stamps.popleft()
            made.time_base = template.time_base
            yield made

    for index, frame in enumerate(frames):
        if graph is None:
            graph = _graph(frame, template)
        stamps.append((frame.pts, frame.duration or 0))
        frame.pts, frame.time_base = index, template.time_base  # times of their own may stand still or be missing
        graph.push(frame)
        yield from out()
    if graph is not None:
        graph.push(None)
        yield from out()


def _graph(frame: Any, template: Any) -> Any:
    import av

    graph = av.filter.Graph()
    graph.threads = 1
    source = graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base={template.time_base}:"
        f"colorspace={int(frame.colorspace)}:range={int(frame.color_range)}",
    )
    middle = graph.add(*DEINTERLACER)
    sink = graph.add("buffersink")
    source.link_to(middle)
    middle.link_to(sink)
    graph.configure()
    return graph


def same_aspect(a: VideoStream, b: VideoStream) -> bool:
    """Whether pixels have one shape, as far as codecs and containers can say it: to a ten-thousandth."""
    return abs(a.sample_aspect_ratio / b.sample_aspect_ratio - 1) < Fraction(1, 10_000)

"""One pass from source to output inside this process: each stream encoded again or copied packet for packet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from poisonkit.errors import MediaError
from poisonkit.media.colour import (
    Colour,
    Image,
    Planes,
    checked,
    checked_planes,
    plane_format,
    planes_of,
    to_rgb,
)
from poisonkit.media.converting import Conversion, converted, deinterlaced, turned
from poisonkit.media.decode import Tail, Wave, decode_packet
from poisonkit.media.encode import Canvas, PictureEncoder, SoundEncoder
from poisonkit.media.families import EXACT_TIMES, MUXERS, AudioTarget, VideoTarget
from poisonkit.media.files import name_of, open_input, open_output, packets, translated
from poisonkit.media.info import MediaInfo, PlaneFormat
from poisonkit.media.probing import display_matrix, said_end
from poisonkit.media.traces import Passed, Trace

BURST, BURST_BYTES = 32, 12_000_000  # pictures made before they are encoded, at most

VideoFunction = Callable[[Iterator[Image]], Iterator[Image]]
PlanesFunction = Callable[[Iterator[Planes]], Iterator[Planes]]
PlanesChoice = Callable[[PlaneFormat], PlanesFunction | None]

# What is done to the pictures, how it gets them from the decoder, and the check of what came back.
_Way = tuple[Callable[[Iterator[Any]], Iterator[Any]], Callable[[Any], Any], Callable[[Any, int], Any]]


@dataclass(frozen=True)
class NewPicture:
    """Pictures to be encoded: what is done to them, how they are converted before, and how they are written.

    planes: asked, where the encoder takes the very planes that the decoder gives, for what to use in place of
    `function`. resize: another number of pictures may come back: the first are shown when the source's are, others
    after them at the source's frame rate.
    """

    function: VideoFunction
    planes: PlanesChoice | None
    conversion: Conversion
    target: VideoTarget
    resize: bool = False


@dataclass(frozen=True)
class NewSound:
    """Sound to be encoded: float32 (channels, samples), Hz, layout name, start in seconds."""

    wave: Wave
    rate: int
    layout: str
    start: float
    target: AudioTarget


def muxer_for(info: MediaInfo, video: VideoTarget | None) -> str:
    """The muxer's name; MPEG-2 program streams have one of their own."""
    codec = video.codec if video is not None else (info.video.codec if info.video is not None else "")
    return "vob" if info.container == "mpeg" and codec == "mpeg2video" else MUXERS[info.container]


def mux_options(container: str, time_base: Fraction | None) -> dict[str, str]:
    """Keep the source's clock where the muxer would choose its own."""
    if container in ("mp4", "mov") and time_base is not None and time_base.numerator == 1:
        return {"video_track_timescale": str(time_base.denominator)}
    if container == "mpeg":
        return {"preload": "0"}
    return {}


def transcode(
    source: Path,
    temporary: Path,
    info: MediaInfo,
    picture: NewPicture | None,
    sound: NewSound | None,
    origin: Fraction | None = None,
) -> Passed:
    """Write `temporary`: `picture` and `sound` in place of the source's; where one is None, its packets are copied.

    origin: where the container changes, the seconds of the source's clock from which the new one counts.
    """
    with open_input(source) as container, translated(source, "rewritten"):
        made = _Pass(container, source, info, picture, sound)
        if origin is not None:
            made.origin, made.moved = origin, True
        return made.run(temporary)


def begin(source: Path, info: MediaInfo) -> Fraction:
    """Seconds of its clock at which a file begins: broadcasts count from anywhere, and other containers cannot."""
    with open_input(source) as container, translated(source, "read"):
        streams = [container.streams[s.index] for s in (info.video, info.audio) if s is not None]
        starts = [s.start_time * s.time_base for s in streams if s.start_time is not None and s.time_base]
        return min(starts, default=Fraction(0))


class _Pass:
    """One way from an open source to its output."""

    def __init__(
        self, container: Any, source: Path, info: MediaInfo, picture: NewPicture | None, sound: NewSound | None
    ) -> None:
        self.source, self.info, self.picture, self.sound = source, info, picture, sound
        self.in_video = container.streams[info.video.index] if info.video is not None else None
        copied = info.audio is not None and sound is None
        self.in_audio = container.streams[info.audio.index] if copied and info.audio is not None else None
        wanted = [s for s in (self.in_video, self.in_audio) if s is not None]
        if self.in_video is not None:
            self.in_video.thread_count = 1
        rounds = self.in_video is not None and info.container in ("matroska", "webm")
        self.end = said_end(container, self.in_video) if rounds else None
        self.packets = packets(container, wanted, source) if wanted else iter(())
        self.passed = Passed()
        self.tail = Tail(source)
        self.waiting: deque[Any] = deque()  # sound packets met before the output is open
        self.stamps: deque[tuple[int, int]] = deque()
        self.last: tuple[tuple[int, int], int] | None = None  # the last that was taken, and of which picture
        self.out: Any = None
        self.out_audio: Any = None
        self.out_video: Any = None
        self.sound_encoder: SoundEncoder | None = None
        self.origin, self.moved = Fraction(0), False

    def run(self, temporary: Path) -> Passed:
        """Write it."""
        new = self.picture
        frames = self._decoded() if new is not None else None
        if new is not None and frames is not None and new.conversion.deinterlace:
            frames = deinterlaced(frames, self.in_video)
        first = next(frames) if frames is not None else None
        time_base = self.info.video.time_base if self.info.video is not None else None
        options = mux_options(self.info.container, time_base)
        if self.moved and time_base is not None and time_base.denominator > 1000:
            options["movie_timescale"] = str(time_base.denominator)  # in which it says when a stream begins
        muxer = muxer_for(self.info, new.target if new is not None else None)
        with open_output(temporary, muxer, options) as self.out:
            encoder = self._add_streams(first)
            self.out.start_encoding()
            while self.waiting:
                self._copy_sound(self.waiting.popleft())
            if encoder is not None and frames is not None and new is not None:
                self._encode(encoder, first, frames, new)
            else:
                self._copy()
            if self.sound_encoder is not None:
                for packet in self.sound_encoder.finish():
                    self.out.mux(packet)
        return self.passed

    def _add_streams(self, first: Any) -> PictureEncoder | None:
        """Streams in the source's order."""
        encoder = None
        sound_first = (
            self.info.video is not None
            and self.info.audio is not None
            and self.info.audio.index < self.info.video.index
        )
        if sound_first:
            self._add_sound()
        if first is not None and self.picture is not None:
            canvas = self._canvas(first, self.picture.conversion)
            self.passed.canvas = canvas
            indexed = self.info.container == "avi"
            encoder = PictureEncoder(self.out, self.picture.target, canvas, indexed=indexed)
            self.passed.video = Trace(canvas.time_base)
        elif self.in_video is not None:
            self.out_video = self.out.add_stream_from_template(self.in_video)
            self.out_video.time_base = self.in_video.time_base
            if self.info.video is not None and self.info.video.codec == "rawvideo":
                # It alone says in which order the bytes are, and a template leaves it out.
                self.out_video.codec_context.codec_tag = self.in_video.codec_context.codec_tag
            self.passed.video = Trace(self.in_video.time_base)
        if not sound_first:
            self._add_sound()
        return encoder

    def _add_sound(self) -> None:
        if self.sound is not None:
            made = self.sound
            self.sound_encoder = SoundEncoder(self.out, made.target, made.wave, made.rate, made.layout, made.start)
        elif self.in_audio is not None:
            self.out_audio = self.out.add_stream_from_template(self.in_audio)
            self.out_audio.time_base = self.in_audio.time_base
            self.passed.audio = Trace(self.in_audio.time_base)

    def _canvas(self, first: Any, conversion: Conversion) -> Canvas:
        video = self.info.video
        if video is None or not video.fps:
            raise MediaError(f"{name_of(self.source)} has a video stream without a frame rate.")
        written = converted(self.info, conversion).video
        assert written is not None
        return Canvas(
            width=written.width,
            height=written.height,
            fps=video.fps,
            time_base=video.time_base,
            aspect=written.sample_aspect_ratio,
            matrix=None if conversion.upright else display_matrix(first),
            colour=Colour.of(first),
        )

    def _decoded(self) -> Iterator[Any]:
        """Decoded pictures; sound packets on the way are copied, or kept until the output is open."""
        for packet in self.packets:
            if packet.stream is self.in_video:
                for frame in decode_packet(packet, self.source):
                    self._same_kind(frame)
                    self.tail.see(frame)
                    yield frame
            elif packet.size:
                if self.out is None or self.out_audio is None:
                    self.waiting.append(packet)
                else:
                    self._copy_sound(packet)
        self.tail.finish()

    def _same_kind(self, frame: Any) -> None:
        """MediaError where a picture is not what the first one promised: it would be written as something else."""
        video = self.info.video
        if video is None:
            return
        if (frame.width, frame.height) != (video.width, video.height):
            raise MediaError(
                f"{name_of(self.source)} changes size: frame {self.tail.frames} is {frame.width}x{frame.height}, the "
                f"first {video.width}x{video.height}; convert it first: ffmpeg -i IN -vf scale="
                f"{video.width}:{video.height} -c:v libx264 -crf 18 OUT.mp4."
            )
        if frame.interlaced_frame and not video.interlaced:
            raise MediaError(
                f"{name_of(self.source)} is interlaced from frame {self.tail.frames} on, and progressive before; "
                "convert it first: ffmpeg -i IN -vf bwdif=deint=interlaced -c:v libx264 -crf 18 OUT.mp4."
            )

    def _copy_sound(self, packet: Any) -> None:
        if self.passed.audio is not None:
            self.tail.hear(packet)
            self.passed.audio.packet(packet)
            packet.stream = self.out_audio
            self.out.mux(packet)

    def _copy(self) -> None:
        """Picture (if any) and sound, packet for packet."""
        for packet in self.packets:
            if not packet.size and packet.dts is None:
                continue  # the demuxer's mark of the end
            if packet.stream is self.in_video and self.passed.video is not None:
                if self.sound_encoder is not None and packet.dts is not None:
                    for made in self.sound_encoder.until(float(packet.dts * packet.time_base)):
                        self.out.mux(made)
                self.passed.video.packet(packet)
                if self.end is not None and packet.pts is not None:
                    packet.duration = self._lasting(packet.pts, packet.duration)
                packet.stream = self.out_video
                self.out.mux(packet)
            else:
                self._copy_sound(packet)

    def _lasting(self, pts: int, duration: int | None) -> int:
        """How long a picture is shown: the last one until where the source says that it ends, not a unit less."""
        ends = duration and self.end is not None and abs(pts + duration - self.end) == 1
        return self.end - pts if ends and self.end is not None else duration or 0

    def _pictures(
        self, first: Any, frames: Iterator[Any], trace: Trace, convert: Callable[[Any], Any]
    ) -> Generator[Any]:
        """The decoded pictures as `convert` makes them, their times noted."""
        ordered = _indexing(self.info, self.in_video, first)
        shift = round(self.origin / trace.time_base) if self.origin else 0
        usual = round(1 / (self.info.video.fps * trace.time_base)) if self.info.video is not None else 0
        frame = first
        index = after = 0
        while frame is not None:
            if self.moved:  # from containers that may give no time and no duration
                frame.pts = after if frame.pts is None else frame.pts - shift
                frame.duration = frame.duration or usual
                after = frame.pts + frame.duration
            trace.times.append(frame.pts)
            pts = ordered(index, frame)
            self.stamps.append((pts, self._lasting(pts, frame.duration)))
            yield convert(frame)
            index += 1
            frame = next(frames, None)

    def _way(self, first: Any, encoder: PictureEncoder, new: NewPicture) -> _Way:
        """In planes where that is asked for and the encoder takes them as the decoder gives them; else in RGB.

        RGB pictures are given as displayed; those of rotated clips always go this way.
        """
        turns = self.info.video.turns if self.info.video is not None else 0
        fmt = plane_format(first) if new.planes is not None and not turns else None
        if new.planes is not None and fmt is not None and fmt.pix_fmt == encoder.target.pix_fmt:
            function, sizes = new.planes(fmt), [plane.shape for plane in planes_of(first, fmt)]
            if function is not None:
                return function, partial(planes_of, fmt=fmt), lambda made, at: checked_planes(made, sizes, at)
        if not turns:
            width, height = encoder.canvas.width, encoder.canvas.height
            return new.function, to_rgb, lambda made, at: checked(made, width, height, at)
        assert self.info.video is not None
        width, height = self.info.video.displayed
        back = 0 if new.conversion.upright else -turns
        return (
            new.function,
            lambda frame: turned(to_rgb(frame), turns),
            lambda made, at: turned(checked(made, width, height, at), back),
        )

    def _encode(self, encoder: PictureEncoder, first: Any, frames: Iterator[Any], new: NewPicture) -> None:
        trace = self.passed.video
        if trace is None:
            return
        made = 0
        function, convert, check = self._way(first, encoder, new)
        with closing(self._pictures(first, frames, trace, convert)) as pictures:
            done = (encoder.frame(check(image, index)) for index, image in enumerate(function(pictures)))
            for frame in in_bursts(done, self.info):
                pts, duration = self._stamp(encoder, trace, made)
                if self.sound_encoder is not None:
                    for packet in self.sound_encoder.until(float(pts * encoder.time_base)):
                        self.out.mux(packet)
                for packet in encoder.encode(frame, pts, duration):
                    self.out.mux(packet)
                made += 1
            if new.resize:
                for _ in pictures:
                    pass  # what is left of the source, which may be damaged
                self.stamps.clear()
                del trace.times[made:]
            if self.stamps or next(pictures, None) is not None:
                raise MediaError(f"{name_of(self.source)}: fewer frames came back than went in.")
        for packet in encoder.finish():
            self.out.mux(packet)
        self.passed.frames = made

    def _stamp(self, encoder: PictureEncoder, trace: Trace, made: int) -> tuple[int, int]:
        """When the picture of this number is shown and for how long, in the encoder's units."""
        if self.stamps:
            self.last = self.stamps.popleft(), made
            return self.last[0]
        fps = self.info.video.fps if self.info.video is not None else Fraction(0)
        if self.picture is None or not self.picture.resize or self.last is None or not fps:
            raise MediaError(f"{name_of(self.source)}: more frames came back than went in.")
        (pts, _), number = self.last
        begin, end = (round((made + i - number) / (fps * encoder.time_base)) for i in (0, 1))
        shown = trace.times[number]
        trace.times.append(None if shown is None else shown + round((made - number) / (fps * trace.time_base)))
        return pts + begin, end - begin


def in_bursts(pictures: Iterator[Any], info: MediaInfo) -> Iterator[Any]:
    """The same pictures, several of them made before the first is given out.

    An encoder shares the processor's caches badly with what comes before it; a decoder and a trigger share what the
    one has just written.
    """
    size = 3 * info.video.width * info.video.height if info.video is not None else 1
    most = max(1, min(BURST, BURST_BYTES // size))
    burst: deque[Any] = deque()
    for picture in pictures:
        burst.append(picture)
        if len(burst) == most:
            while burst:
                yield burst.popleft()
    yield from burst


def _indexing(info: MediaInfo, stream: Any, first: Any) -> Callable[[int, Any], int]:
    """How a picture's timestamp is found: its own, (avi) its frame number, or (mpg) that of its frame number.

    AVI with B-frames has no usable times, so its pictures are numbered as they come. In mpg the first picture keeps
    its time: the sound beside it keeps its own.
    """
    if info.container in EXACT_TIMES:
        return lambda index, frame: index if frame.pts is None else int(frame.pts)
    fps = info.video.fps if info.video is not None else Fraction(1)
    if info.container == "avi" and stream.codec_context.has_b_frames:
        return lambda index, frame: index
    origin = 0 if info.container == "avi" else (first.pts or 0)
    per_tick = first.time_base * fps if first.time_base is not None else Fraction(1)
    step, ticks = per_tick.numerator, per_tick.denominator

    def number(index: int, frame: Any) -> int:
        return index if frame.pts is None else (2 * (frame.pts - origin) * step + ticks) // (2 * ticks)

    return number if info.container == "avi" else lambda index, frame: origin + round(number(index, frame) / per_tick)

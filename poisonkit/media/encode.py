"""Encoding pictures and sound into an open container: one thread, exact timestamps, no lost sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.errors import MediaError
from poisonkit.media.colour import Colour, Image, Planes, from_planes, from_rgb
from poisonkit.media.decode import PLANES
from poisonkit.media.families import AudioTarget, VideoTarget

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import OutputContainer

Wave = NDArray[np.float32]

# Encoders that are given frame numbers as times, so that the frame rate in their stream's own headers is the source's:
# MPEG-1, 2 and 4 know nothing else, and x264 would write down the time base in its place.
FRAME_NUMBERS = ("mpeg4", "mpeg1video", "mpeg2video", "libx264", "libx264rgb")
WITHOUT_B_FRAMES = ("mpeg4", "mpeg1video", "mpeg2video")
RGB = Colour(0, 2, 2, 2)
# Codecs whose decoders put out the encoder's delay as sound. mp4 and Matroska note it and players skip it;
# AVI and MPEG program streams cannot: {codec: delay in samples}.
AUDIBLE_DELAY = {"mp3": 1105, "mp2": 481, "ac3": 256}
FRAME = {"mp3": 1152, "mp2": 1152, "ac3": 1536}


@dataclass(frozen=True)
class Canvas:
    """What the written picture keeps of the source: size, rate, time base, aspect, orientation, colour.

    matrix: the 9 numbers of a display matrix, or None.
    """

    width: int
    height: int
    fps: Fraction
    time_base: Fraction
    aspect: Fraction = Fraction(1)
    matrix: tuple[int, ...] | None = None
    colour: Colour = field(default_factory=Colour)


class PictureEncoder:
    """One video stream being written."""

    def __init__(self, out: OutputContainer, target: VideoTarget, canvas: Canvas, *, indexed: bool) -> None:
        """indexed: presentation times are frame numbers in units of 1/fps (avi)."""
        self.target, self.canvas = target, canvas
        options = dict(target.options)
        self._reorders = out.format.name != "avi" and target.encoder not in WITHOUT_B_FRAMES
        if not self._reorders:
            options["bf"] = "0"
        stream: Any = out.add_stream(target.encoder, rate=canvas.fps, options=options)
        self.stream = stream
        context = stream.codec_context
        self.time_base = 1 / canvas.fps if indexed else canvas.time_base
        self.stream.width, self.stream.height = canvas.width, canvas.height
        self.stream.pix_fmt = target.pix_fmt
        self.restamped = target.encoder in FRAME_NUMBERS  # their packets get the true times
        self._stamps: dict[int, tuple[int, int]] = {}  # frame number -> (time, duration), while a packet may need it
        self._start = self._kept = self._delay = 0  # time of the first frame; oldest number kept; packets before it
        self._count = 0
        context.time_base = 1 / canvas.fps if self.restamped else self.time_base
        context.framerate = canvas.fps
        context.thread_count = 1
        self.stream.time_base = self.time_base
        self.rgb = target.encoder == "libx264rgb" or target.pix_fmt in ("rgb24", "bgr24", "bgr0", "bgra")
        self.colour = RGB if self.rgb else canvas.colour.of_planes
        self._tag(context, options)
        if canvas.matrix is not None:
            self.stream.set_display_matrix(canvas.matrix)
        self._last: int | None = None
        self._frame_time = 1 / canvas.fps

    def _tag(self, context: Any, options: dict[str, str]) -> None:
        import av

        bitexact = int(av.codec.context.Flags.bitexact)
        context.flags |= bitexact | int(av.codec.context.Flags.frame_duration)
        if "qscale" in options.get("flags", ""):
            context.flags |= int(av.codec.context.Flags.qscale)
        context.sample_aspect_ratio = self.canvas.aspect
        self.stream.sample_aspect_ratio = self.canvas.aspect
        context.colorspace = self.colour.space
        context.color_range = self.colour.range
        context.color_primaries = self.colour.primaries
        context.color_trc = self.colour.transfer

    def frame(self, image: Image | Planes) -> VideoFrame:
        """One picture (uint8 RGB, or the planes of the target's format) as `encode` takes it."""
        make: Any = from_planes if isinstance(image, tuple) else from_rgb
        return make(image, self.target.pix_fmt, self.colour)  # type: ignore[no-any-return]

    def encode(self, frame: VideoFrame, pts: int, duration: int = 0) -> list[Packet[Any]]:
        """Packets for one picture shown at `pts`, in units of `time_base`. MediaError where it is of another size."""
        has, wants = (frame.width, frame.height), (self.stream.width, self.stream.height)
        if has != wants:  # the encoder would scale it without a word
            raise MediaError(f"a frame of {has[0]}x{has[1]} came to be encoded in a stream of {wants[0]}x{wants[1]}.")
        if self._last is not None and pts <= self._last:
            pts = self._last + 1
        self._last = pts
        if self.restamped:
            self._stamps[self._count] = pts, duration
            if not self._count:
                self._start = pts
            frame.pts, frame.time_base, frame.duration = self._count, self._frame_time, 1
        else:
            frame.pts, frame.time_base, frame.duration = pts, self.time_base, duration
        self._count += 1
        return self._stamped(self.stream.encode(frame))

    def finish(self) -> list[Packet[Any]]:
        """Packets for the pictures that the encoder still holds."""
        return self._stamped(self.stream.encode(None))

    def _stamped(self, packets: list[Packet[Any]]) -> list[Packet[Any]]:
        if self.restamped:
            for packet in packets:
                number = int(packet.pts or 0)
                order = int(packet.dts or 0) if self._reorders else number
                packet.pts, packet.duration = self._stamps[number]
                packet.dts = self._decoded_at(order)
                packet.time_base = self.time_base
        return packets

    def _decoded_at(self, order: int) -> int:
        """The decoding time of the packet that the encoder numbers so: the first come before anything is shown."""
        if order < 0:
            self._delay = max(self._delay, -order)
            if self._delay in self._stamps:
                return self._stamps[order + self._delay][0] - (self._stamps[self._delay][0] - self._start)
            return self._start + order * max(1, round(self._frame_time / self.time_base))  # a clip of a few frames
        for number in range(self._kept, order):
            del self._stamps[number]
        self._kept = order
        return self._stamps[order][0]


class SoundEncoder:
    """One sound stream being written from a whole wave, handed out as far as the picture has come."""

    def __init__(
        self, out: OutputContainer, target: AudioTarget, wave: Wave, rate: int, layout: str, start: float = 0.0
    ) -> None:
        """wave: float32 (channels, samples) in ±1. start: seconds at which its first sample is heard."""
        options = dict(target.options)
        stream: Any = out.add_stream(target.encoder, rate=rate, layout=layout, options=options)
        self.stream = stream
        context = stream.codec_context
        context.thread_count = 1
        if target.sample_format:
            context.format = target.sample_format
        if target.bit_rate:
            self.stream.bit_rate = target.bit_rate
        self.rate, self.layout = rate, layout
        self.time_base = Fraction(1, rate)
        context.time_base = self.time_base
        import av

        context.flags |= int(av.codec.context.Flags.bitexact)
        self._wave = wave
        self._origin = round(start * rate)
        self._at = 0
        self._drop = self._lead = 0
        self._done = False
        if target.codec in AUDIBLE_DELAY and out.format.name in ("avi", "mpeg", "vob", "flv"):
            self._hide_delay(target)

    def _hide_delay(self, target: AudioTarget) -> None:
        """Lead with silence up to a whole number of codec frames and leave those frames out of the file."""
        frame, delay = FRAME[target.codec], AUDIBLE_DELAY[target.codec]
        if target.codec == "mp3" and self.rate < 32_000:
            frame = 576
        self._drop = -(-delay // frame)
        lead = self._drop * frame - delay
        self._lead = lead
        self._origin -= lead  # the encoder stamps its packets earlier by the delay, as it should

    @property
    def samples(self) -> int:
        """Samples per channel that the encoder has been given, its lead-in included."""
        return self._lead + int(self._wave.shape[1])

    def until(self, seconds: float) -> Iterator[Packet[Any]]:
        """Packets for the sound up to this time."""
        limit = min(self.samples, max(0, round(seconds * self.rate) - self._origin))
        while self._at < limit:
            yield from self._encode(self._next())

    def finish(self) -> Iterator[Packet[Any]]:
        """Packets for all the sound that is left."""
        while self._at < self.samples:
            yield from self._encode(self._next())
        if not self._done:
            self._done = True
            yield from self._keep(self.stream.encode(None))

    def _next(self) -> Wave:
        step = self.stream.codec_context.frame_size or 1024
        first = self._at - self._lead
        part = self._wave[:, max(0, first) : max(0, first + step)]
        return np.pad(part, ((0, 0), (min(-first, step), 0))) if first < 0 else part

    def _encode(self, part: Wave) -> Iterator[Packet[Any]]:
        import av

        context = self.stream.codec_context
        apart = context.format.is_planar and part.shape[0] >= PLANES
        data, name = to_format(part, context.format.packed.name if apart else context.format.name)
        frame = av.AudioFrame.from_ndarray(data, format=name, layout=self.layout)
        frame.sample_rate = self.rate
        frame.time_base = self.time_base
        frame.pts = self._origin + self._at
        self._at += part.shape[1]
        if apart:
            (frame,) = av.AudioResampler(context.format.name, self.layout, self.rate).resample(frame)
        yield from self._keep(self.stream.encode(frame))

    def _keep(self, packets: list[Packet[Any]]) -> Iterator[Packet[Any]]:
        for packet in packets:
            if self._drop:
                self._drop -= 1
            else:
                yield packet


def to_format(wave: Wave, name: str) -> tuple[NDArray[Any], str]:
    """float32 (channels, samples) in a codec's sample format, rounded and saturated, as PyAV lays it out."""
    planar = name.endswith("p")
    kind = name.removesuffix("p")
    data: NDArray[Any]
    if kind == "flt":
        data = wave
    elif kind == "dbl":
        data = wave.astype(np.float64)
    elif kind == "u8":
        data = np.clip(np.rint(wave * 128.0) + 128.0, 0, 255).astype(np.uint8)
    else:
        full = 2.0 ** {"s16": 15, "s32": 31}[kind]
        scaled = np.clip(np.rint(wave.astype(np.float64) * full), -full, full - 1)
        data = scaled.astype(np.int16 if kind == "s16" else np.int32)
    if not planar:
        data = data.T.reshape(1, -1)
    return np.ascontiguousarray(data), name

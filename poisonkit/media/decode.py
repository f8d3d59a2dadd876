"""Decoding: pictures and sound out of a file, one thread, nothing held but what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.common.limits import excess
from poisonkit.errors import MediaError
from poisonkit.media.colour import Image, to_rgb
from poisonkit.media.converting import deinterlaced, turned
from poisonkit.media.files import detail, name_of, open_input, packets, translated
from poisonkit.media.info import MediaInfo
from poisonkit.media.loudness import require_audible
from poisonkit.media.probing import StreamChoice, choose, probe
from poisonkit.media.spool import Growing
from poisonkit.media.whole import cut_short

if TYPE_CHECKING:
    from av import AudioFrame, VideoFrame
    from av.container import InputContainer

Wave = NDArray[np.float32]

SILENT = ("ffv1",)  # their decoders log damage and give a picture of what was in memory: other pixels each time
PLANES = 8  # channels apart of which PyAV counts one too many, and then reads memory that is not there
TAIL = 4  # pictures from the end in which damage means that the file stops in the middle of one


def require_whole(path: str | Path, container: str) -> None:
    """MediaError when the file has fewer bytes than it declares."""
    if cut_short(path, container):
        raise MediaError(f"{name_of(path)} is cut short: it has fewer bytes than it declares.")


class Tail:
    """Watches for the one sign of a cut that some containers leave: an end that is incomplete."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.frames = 0
        self._damaged = -1
        self._sizes = (0, 0)

    def hear(self, packet: Any) -> None:
        """A sound packet went by. MP2 frames are all of one size (but for padding), so a short one shows."""
        if packet.size and packet.stream.codec_context.name.startswith("mp2"):
            self._sizes = (self._sizes[1], packet.size)

    def see(self, frame: VideoFrame) -> None:
        """Count a decoded frame, and note whether it is damaged."""
        if frame.is_corrupt:
            self._damaged = self.frames
        self.frames += 1

    def finish(self) -> None:
        """MediaError when the last pictures were damaged, or there were none."""
        if not self.frames:
            raise MediaError(f"{name_of(self.path)} has no picture that can be decoded.")
        if self._damaged >= max(0, self.frames - TAIL):
            raise MediaError(f"{name_of(self.path)} is cut short: its last picture is damaged.")
        self.finish_sound()

    def finish_sound(self) -> None:
        """MediaError when the last packet of sound was incomplete."""
        if self._sizes[1] < self._sizes[0] - 4:
            raise MediaError(f"{name_of(self.path)} is cut short: its last bit of sound is incomplete.")


def decode_packet(packet: Any, path: str | Path) -> list[Any]:
    """The frames of one packet (a null packet flushes). MediaError when it is damaged."""
    import av

    try:
        if packet.stream.codec_context.name in SILENT:
            return _attentively(packet, path)
        return list(packet.decode())
    except av.error.EOFError:
        return []
    except av.error.FFmpegError as error:
        kind = "picture" if packet.stream.type == "video" else "sound"
        raise MediaError(f"{name_of(path)} is damaged: part of its {kind} cannot be decoded{detail(error)}.") from error


def _attentively(packet: Any, path: str | Path) -> list[Any]:
    """`packet.decode()` where errors are heard that are only logged."""
    import av

    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as said:
            frames = list(packet.decode())
    finally:
        av.logging.set_level(before)
    if said:
        raise MediaError(f"{name_of(path)} is damaged: part of its picture cannot be decoded.")
    return frames


def only_count(stream: Any) -> None:
    """Where no picture of a stream is looked at: its decoder does all but smooth them, in up to a fifth less time."""
    context = stream.codec_context
    context.options = {**context.options, "skip_loop_filter": "all"}


def video_frames(container: InputContainer, stream: Any, path: str | Path) -> Iterator[VideoFrame]:
    """Every picture of one stream, in order of presentation; damage and cuts raise MediaError."""
    stream.thread_count = 1
    tail = Tail(path)
    for packet in packets(container, stream, path):
        for frame in decode_packet(packet, path):
            tail.see(frame)
            yield frame
    tail.finish()


def frame_seconds(index: int, frame: VideoFrame, info: MediaInfo) -> float:
    """Presentation time, seconds; from the index where the container keeps no usable times."""
    if info.container == "avi" or frame.pts is None or frame.time_base is None:
        return float(index / info.video.fps) if info.video is not None and info.video.fps else 0.0
    return float(frame.pts * frame.time_base)


def read_frames(
    path: str | Path, stream: StreamChoice = "best", *, deinterlace: bool = False
) -> Iterator[tuple[int, float, Image]]:
    """(index, seconds, picture) of every frame; pictures are uint8 RGB (height, width, 3), as displayed.

    deinterlace: interlaced pictures are made progressive, as `rewrite` makes them.
    Raises MediaError when there is no picture, or when the file is damaged or cut short (at the end).
    """
    info = probe(path, stream)
    if info.video is None:
        raise MediaError(f"{name_of(path)} has no picture.")
    require_whole(path, info.container)
    with open_input(path) as container, translated(path, "decoded"):
        video = container.streams[info.video.index]
        frames = video_frames(container, video, path)
        if deinterlace and info.video.interlaced:
            frames = deinterlaced(frames, video)
        for index, frame in enumerate(frames):
            yield index, frame_seconds(index, frame, info), turned(to_rgb(frame), info.video.turns)


def interleaved(frame: AudioFrame) -> AudioFrame:
    """The same sound with its channels in one piece."""
    import av

    (made,) = av.AudioResampler(frame.format.packed.name, frame.layout.name, frame.sample_rate).resample(frame)
    return made


def as_float(frame: AudioFrame) -> Wave:
    """One decoded block of sound as float32 (channels, samples), full scale ±1, by exact scaling."""
    channels = frame.layout.nb_channels
    if frame.format.is_planar and channels >= PLANES:
        frame = interleaved(frame)
    name = frame.format.name
    data = frame.to_ndarray()
    if not frame.format.is_planar:
        data = data.reshape(-1, channels).T
    kind = name.rstrip("p")
    if kind in ("flt", "dbl"):
        return np.ascontiguousarray(data, dtype=np.float32)
    if kind == "u8":
        return np.ascontiguousarray((data.astype(np.float32) - 128.0) / 128.0)
    bits = {"s16": 15, "s32": 31, "s64": 63}[kind]
    return np.ascontiguousarray(data.astype(np.float64) * 2.0**-bits, dtype=np.float32)


def audio_wave(
    container: InputContainer,
    stream: Any,
    path: str | Path,
    folder: Path | None = None,
    other: Any = None,
    take: Callable[[Any], None] | None = None,
) -> tuple[Wave, int, float]:
    """The whole of one sound stream: (float32 (channels, samples), Hz, start in seconds).

    folder: where a long one may lie in a file (see `spool`). take: is given the packets of `other`, another stream.
    """
    stream.thread_count = 1
    heard = Growing(folder)
    rate, start = 0, 0.0
    tail = Tail(path)
    for packet in packets(container, stream if other is None else [stream, other], path):
        if take is not None and packet.stream is other:
            take(packet)
            continue
        tail.hear(packet)
        for frame in decode_packet(packet, path):
            if not heard.samples:
                rate = frame.sample_rate
                start = frame.time or 0.0
            elif frame.sample_rate != rate or frame.layout.nb_channels != heard.channels:
                raise MediaError(f"{name_of(path)} changes sample rate or channels in the middle.")
            block = as_float(frame)
            require_audible(block, path)
            heard.add(block)
            if over := excess("samples", heard.values):
                raise MediaError(f"{name_of(path)} holds at least {heard.values} sound samples, {over}.")
    if not heard.samples:
        raise MediaError(f"{name_of(path)} has no sound that can be decoded.")
    tail.finish_sound()
    return heard.wave(), rate, start


def read_audio(path: str | Path, index: int, folder: Path | None) -> tuple[Wave, int]:
    """The sound stream with this index: see `dispatch.read_audio`."""
    with open_input(path) as container, translated(path, "decoded"):
        wave, rate, _ = audio_wave(container, container.streams[index], path, folder)
    return wave, rate


def count(path: str | Path, info: MediaInfo) -> tuple[int, int]:
    """See `dispatch.count`."""
    frames = samples = 0
    with open_input(path) as container, translated(path, "decoded"):
        wanted = [container.streams[s.index] for s in (info.video, info.audio) if s is not None]
        tail = Tail(path)
        for stream in wanted:
            stream.codec_context.thread_count = 1
            if stream.type == "video":
                only_count(stream)
        for packet in packets(container, wanted, path):
            if packet.stream.type == "audio":
                tail.hear(packet)
            for frame in decode_packet(packet, path):
                if packet.stream.type == "video":
                    tail.see(frame)
                else:
                    samples += frame.samples
        if info.video is not None:
            tail.finish()
            frames = tail.frames
        elif not samples:
            raise MediaError(f"{name_of(path)} has no sound that can be decoded.")
    return frames, samples


__all__ = ["choose", "count", "read_audio", "read_frames"]

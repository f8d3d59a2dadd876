"""Decode what was written and compare it with what should be there, before it takes its place."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from poisonkit.common.hashing import sha256
from poisonkit.errors import CheckError
from poisonkit.media.colour import Image, to_rgb
from poisonkit.media.converting import Conversion, same_aspect, turned
from poisonkit.media.decode import Tail, Wave, as_float, decode_packet, only_count
from poisonkit.media.encode import FRAME
from poisonkit.media.families import EXACT_TIMES, SHIFTED
from poisonkit.media.files import name_of, open_input, packets, translated
from poisonkit.media.info import MediaInfo, Written
from poisonkit.media.probing import choose, describe
from poisonkit.media.spool import Growing, placed
from poisonkit.media.traces import Passed, Trace, in_one_unit

LONGEST_CODEC_FRAME = 2048
TOGETHER = 0.001  # seconds by which sound may move against the picture


class Inspector(Protocol):
    """Is shown the decoded output before it takes its place."""

    def wants(self, index: int) -> bool:
        """Whether `frame` is to be called with this frame; of pictures that were copied none is."""

    def frame(self, index: int, rgb: Image) -> None:
        """One decoded frame, uint8 RGB (height, width, 3), as displayed."""

    def wave(self, wave: Wave, rate: int) -> None:
        """The decoded sound, float32 (channels, samples), aligned with the sound that was encoded."""


@dataclass(frozen=True)
class Expected:
    """What the output must be. source: the source's facts, as they are once it is converted (`what`).

    samples: of the encoded sound, None where it was copied or absent. families: what else was converted, in words.
    """

    source: MediaInfo
    passed: Passed
    what: Conversion = field(default_factory=Conversion)
    families: tuple[str, ...] = ()
    samples: int | None = None
    start: float = 0.0
    exact_length: bool = False


def checked_output(path: Path, label: Path, expected: Expected, inspect: Inspector | None) -> Written:
    """Decode `path` (to be called `label`) and return its facts. Raises CheckError when something is off."""
    with open_input(path, label) as container, translated(label, "decoded again"):
        check = _Check(path, label, expected, container, inspect)
        check.run()
    return check.written(path)


class _Check:
    info: MediaInfo  # once it is decoded

    def __init__(self, path: Path, label: Path, expected: Expected, container: Any, inspect: Inspector | None) -> None:
        self.path, self.name, self.label = path, name_of(label), label
        self.expected, self.container, self.inspect = expected, container, inspect
        self.first: Any = None
        self.frames = self.samples = 0
        self.video = Trace()
        self.audio = Trace()
        self.heard = Growing(path.parent)
        self.sound_start: Fraction | None = None
        self.moved: float | None = None  # seconds by which the picture begins later, in containers that do that

    def fail(self, what: str) -> CheckError:
        return CheckError(f"{self.name} was written but is wrong when decoded: {what}.")

    def run(self) -> None:
        source = self.expected.source
        found = choose(self.container, self.label, "best")
        for kind, has, had in zip(("picture", "sound"), found, (source.video, source.audio), strict=True):
            if (has is None) != (had is None):
                raise self.fail(f"the {kind} is {'missing' if has is None else 'new'}")
        self._decode([stream for stream in found if stream is not None])
        self.info = describe(self.container, self.path, label=self.label, first=self.first)
        if source.video is not None:
            self._picture()
        if source.audio is not None:
            self._sound()

    def _decode(self, streams: list[Any]) -> None:
        copied = self.expected.passed.frames is None
        tail = Tail(self.label)
        for stream in streams:
            stream.codec_context.thread_count = 1
            if copied and stream.type == "video":
                only_count(stream)
            (self.video if stream.type == "video" else self.audio).time_base = stream.time_base
        for packet in packets(self.container, streams, self.label):
            if packet.stream.type == "video":
                if copied:
                    self.video.copied(packet)
                for frame in decode_packet(packet, self.label):
                    tail.see(frame)
                    self._see(frame, copied)
            else:
                if packet.size:
                    self.audio.packet(packet)
                for frame in decode_packet(packet, self.label):
                    self._hear(frame)
        if self.expected.source.video is not None:
            tail.finish()

    def _see(self, frame: Any, copied: bool) -> None:
        source = self.expected.source.video
        if self.first is None:
            self.first = frame
        if source is not None and (frame.width, frame.height) != (source.width, source.height):
            raise self.fail(f"frame {self.frames} is {frame.width}x{frame.height}")
        if not copied:
            if frame.is_corrupt:
                raise self.fail(f"frame {self.frames} is damaged")
            self.video.times.append(frame.pts)
        if not copied and self.inspect is not None and self.inspect.wants(self.frames):
            self.inspect.frame(self.frames, turned(to_rgb(frame), source.turns if source is not None else 0))
        self.frames += 1

    def _hear(self, frame: Any) -> None:
        if self.sound_start is None:
            self.sound_start = frame.pts * frame.time_base if frame.pts is not None else Fraction(0)
        self.samples += frame.samples
        if self.inspect is not None and self.expected.samples is not None:
            self.heard.add(as_float(frame))

    def _picture(self) -> None:
        source, has, passed = self.expected.source.video, self.info.video, self.expected.passed
        if source is None or has is None or passed.video is None:
            return
        if passed.frames is not None and self.frames != passed.frames:
            raise self.fail(f"{self.frames} frames instead of {passed.frames}")
        if passed.frames is None and self.video.digest.digest() != passed.video.digest.digest():
            raise self.fail("the copied picture is not the source's, packet for packet")
        if has.rotation != source.rotation:
            raise self.fail(f"rotation {has.rotation} instead of {source.rotation}")
        if not same_aspect(has, source) and self.info.container != "mpeg":
            raise self.fail(f"aspect ratio {has.sample_aspect_ratio} instead of {source.sample_aspect_ratio}")
        if self.expected.what.to_8bit and has.bit_depth > 8:
            raise self.fail(f"{has.bit_depth} bits per sample")
        if self.expected.what.deinterlace and has.interlaced:
            raise self.fail("it is interlaced")
        self._times(passed.video)

    def _times(self, source: Trace) -> None:
        """mp4, mov, mkv, webm: equal within a tick. mpg, flv: equal intervals. avi: in order."""
        got, want, unit = in_one_unit(self.video, source)
        container = self.info.container
        if container == "avi":
            if self.expected.passed.frames is not None and any(
                b is None or a is None or b <= a for a, b in itertools.pairwise(got)
            ):
                raise self.fail("frames are out of order")
            return
        if len(got) != len(want):
            raise self.fail(f"{len(got)} timestamps instead of {len(want)}")
        tick = max(self.video.time_base, source.time_base) / unit
        known = [(a, b) for a, b in zip(got, want, strict=True) if a is not None and b is not None]
        free = container not in EXACT_TIMES or container in SHIFTED
        shift = known[0][0] - known[0][1] if known and free else 0
        if known and free:
            self.moved = float(shift * unit)
        for index, (a, b) in enumerate(known):
            if abs(a - b - shift) > tick:
                raise self.fail(f"frame {index} is shown at {float(a * unit):.4f} s instead of {float(b * unit):.4f} s")

    def _sound(self) -> None:
        source, has, passed = self.expected.source.audio, self.info.audio, self.expected.passed
        if source is None or has is None:
            return
        if (has.sample_rate, has.channels) != (source.sample_rate, source.channels):
            raise self.fail(f"sound of {has.channels} channels at {has.sample_rate} Hz")
        wanted = self.expected.samples
        if wanted is None:
            if passed.audio is not None and self.audio.digest.digest() != passed.audio.digest.digest():
                raise self.fail("the copied sound is not the source's, packet for packet")
            if passed.audio is not None:
                self._together(_first(self.audio), _first(passed.audio))
            return
        slack = 0 if self.expected.exact_length else FRAME.get(has.codec, LONGEST_CODEC_FRAME // 2)
        late = self._late()
        if self.moved is not None and self.info.container not in SHIFTED:  # there, the encoder's delay is heard
            self._together(None if self.sound_start is None else float(self.sound_start), self.expected.start)
        if abs(self.samples + late - wanted) > slack:
            raise self.fail(f"{self.samples} sound samples instead of {wanted}")
        if self.inspect is not None:
            self.heard.channels = has.channels
            wave = placed(self.heard.wave(), late, wanted, self.path.parent)
            self.inspect.wave(wave, has.sample_rate)

    def _together(self, heard: float | None, due: float | None) -> None:
        """Where the container begins at a time of its own, picture and sound are moved alike."""
        if self.moved is not None and heard is not None and due is not None:
            apart = heard - due - self.moved
            if abs(apart) > TOGETHER + float(self.audio.time_base + self.video.time_base):
                raise self.fail(f"the sound is moved against the picture by {apart:.4f} s")

    def _late(self) -> int:
        """Samples by which the decoded sound begins after its due time (negative: before)."""
        if self.info.container not in EXACT_TIMES or self.sound_start is None or self.info.audio is None:
            return 0
        late = float(self.sound_start) - self.expected.start - (self.moved or 0.0)
        rate = self.info.audio.sample_rate
        tick = max(float(self.audio.time_base), TOGETHER)  # mp4's edit lists count in milliseconds
        frame = FRAME.get(self.info.audio.codec, LONGEST_CODEC_FRAME // 2)
        whole = round(late * rate / frame) * frame  # an encoder's delay is heard in whole frames
        return whole if abs(late - whole / rate) <= 1.01 * tick else round(late * rate)

    def written(self, path: Path) -> Written:
        video, audio = self.info.video, self.info.audio
        width, height = video.displayed if video is not None else (0, 0)
        return Written(
            container=self.info.container,
            frames=self.frames,
            width=width,
            height=height,
            fps=float(video.fps) if video is not None else 0.0,
            video_codec=video.codec if video is not None else "",
            samples=self.samples,
            sample_rate=audio.sample_rate if audio is not None else 0,
            channels=audio.channels if audio is not None else 0,
            audio_codec=audio.codec if audio is not None else "",
            dropped=self.expected.source.dropped,
            sha256=sha256(path),
            bytes=path.stat().st_size,
            converted=(*self.expected.what.words, *self.expected.families),
        )


def _first(trace: Trace) -> float | None:
    """Seconds at which the first piece is shown."""
    return None if not trace.times or trace.times[0] is None else float(trace.times[0] * trace.time_base)

"""Clips for the benchmarks, made by code: a textured scene with camera motion, moving things and sensor noise.

An encoder finds in them what it finds in a filmed clip: detail at every scale, a pan with some shake and zoom, objects
that move on their own, light that changes, and grain that no prediction takes away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from poisonkit.common.seeding import generator

SOUND_RATE = 44_100
_X265 = "log-level=none:pools=none:frame-threads=1:rc-lookahead=1:ref=1"  # as `families` has it for large pictures


@dataclass(frozen=True)
class Clip:
    """A clip to make, and the quality at which every way writes it again.

    source, again: codec options of the source and of the output; program: the latter as ffmpeg spells them.
    """

    name: str
    suffix: str
    codec: str = ""
    width: int = 0
    height: int = 0
    frames: int = 0
    fps: int = 25
    sound: str = ""
    source: dict[str, str] = field(default_factory=dict)
    again: dict[str, str] = field(default_factory=dict)
    program: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def length(self) -> float:
        """Of the sound, in seconds."""
        return self.seconds or self.frames / self.fps


def quantiser(q: int) -> dict[str, str]:
    """Codec options for a constant quantiser, the `-q:v` of ffmpeg."""
    return {"qmin": str(q), "qmax": str(q), "flags": "+qscale", "global_quality": str(118 * q)}


def _h264(name: str, width: int, height: int, frames: int) -> Clip:
    return Clip(
        name, ".mp4", "libx264", width, height, frames, 30, "aac",
        source={"preset": "veryfast", "crf": "21"},
        again={"preset": "veryfast", "crf": "18", "x264-params": "cpu-independent=1"},  # as `families.FAMILIES` says
        program=("-preset", "veryfast", "-crf", "18"),
    )  # fmt: skip


CLIPS = {
    "avi": Clip(
        "320x240 MPEG-4 avi", ".avi", "mpeg4", 320, 240, 90, 25, source=quantiser(3), again=quantiser(2),
        program=("-q:v", "2"),
    ),
    "h264": _h264("340x256 H.264 + AAC mp4", 340, 256, 90),
    "720p": _h264("1280x720 H.264 + AAC mp4", 1280, 720, 24),
    "hevc": Clip(
        "1920x1080 HEVC mp4", ".mp4", "libx265", 1920, 1080, 8, 25,
        source={"preset": "ultrafast", "crf": "24", "x265-params": "log-level=none"},
        again={"preset": "fast", "crf": "20", "bf": "0", "x265-params": _X265},
        program=("-preset", "fast", "-crf", "20", "-bf", "0", "-x265-params", _X265),
    ),
    "frames": Clip("320x240 folder of JPEGs", "", "jpeg", 320, 240, 60, 25),
    "wav": Clip("wav, 44.1 kHz stereo, 30 s", ".wav", sound="pcm", seconds=30.0),
    "mp3": Clip("mp3, 44.1 kHz stereo, 30 s", ".mp3", sound="mp3", seconds=30.0),
}  # fmt: skip


def _texture(rng: np.random.Generator, height: int, width: int, roughness: float = 0.62) -> np.ndarray:
    """Detail at every scale, as in a photograph: float32 (height, width, 3) around 128."""
    total = np.zeros((height, width, 3), np.float32)
    cells, weight = 2, 46.0
    while cells < max(height, width):
        coarse = rng.normal(0, 1, (cells * height // width + 2, cells + 2, 3)).astype(np.float32)
        coarse = 0.75 * coarse[..., :1] + 0.35 * coarse  # colours go mostly together
        total += weight * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        cells, weight = cells * 2, weight * roughness
    return total + 128


def pictures(clip: Clip) -> Iterator[np.ndarray]:
    """The clip's frames, uint8 RGB."""
    rng, noise = generator("bench scene", clip.name), generator("bench grain", clip.name)
    w, h = clip.width, clip.height
    back = _texture(rng, h + h // 2, w + w // 2)
    things = [
        (_texture(rng, h // 3, h // 3), rng.uniform(0.2, 0.8, 2), rng.uniform(-0.5, 0.5, 2), rng.uniform(0, 6))
        for _ in range(3)
    ]
    y, x = np.mgrid[0 : h // 3, 0 : h // 3] / (h // 3) * 2 - 1
    mask = np.clip(8 * (1 - x**2 - y**2), 0, 1).astype(np.float32)[..., None]
    shake = np.cumsum(noise.normal(0, 0.25, (clip.frames, 2)), axis=0)
    for t in range(clip.frames):
        s = t / clip.fps
        zoom = 1 + 0.03 * np.sin(0.9 * s)
        left = w * (0.22 + 0.18 * np.sin(0.6 * s)) + shake[t, 0]
        top = h * (0.22 + 0.1 * np.sin(0.43 * s + 1)) + shake[t, 1]
        matrix = np.array([[1 / zoom, 0, left], [0, 1 / zoom, top]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        image = cv2.warpAffine(back, matrix, (w, h), flags=flags, borderMode=cv2.BORDER_REFLECT)
        for patch, place, speed, phase in things:
            px, py = (place + 0.3 * np.sin(speed * 4 * s + phase)) * (w - h // 3, h - h // 3)
            px, py = int(np.clip(px, 0, w - h // 3)), int(np.clip(py, 0, h - h // 3))
            part = image[py : py + h // 3, px : px + h // 3]
            part += mask * (patch - part)
        image *= 1 + 0.05 * np.sin(1.7 * s)
        image += 3.5 * noise.standard_normal((h, w, 1), np.float32)
        image += 1.0 * noise.standard_normal((h, w, 3), np.float32)
        yield np.clip(np.rint(image), 0, 255).astype(np.uint8)


def sound(clip: Clip) -> np.ndarray:
    """Stereo float32 (2, samples): chords that come and go over noise."""
    rng = generator("bench sound", clip.name)
    count = round(clip.length * SOUND_RATE)
    at = np.arange(count) / SOUND_RATE
    wave = 0.02 * rng.standard_normal((2, count))
    for part in range(max(1, round(clip.length))):
        inside = np.clip(1 - np.abs(at - part - 0.5), 0, 1)
        for f in rng.uniform(110, 1760, 4):
            wave += 0.05 * inside * np.sin(2 * np.pi * f * at) * rng.uniform(0.5, 1, (2, 1))
    return np.clip(wave, -0.9, 0.9).astype(np.float32)


class Encoder:
    """Pictures to one file with one thread. `add` takes I420 frames that carry their index as pts."""

    def __init__(self, path: Path, clip: Clip, options: dict[str, str]) -> None:
        self.out = av.open(str(path), "w", options={"fflags": "+bitexact"})
        self.stream = self.out.add_stream(clip.codec, rate=clip.fps, options=options)
        self.stream.width, self.stream.height, self.stream.pix_fmt = clip.width, clip.height, "yuv420p"
        context = self.stream.codec_context
        context.thread_count = 1
        context.flags |= int(av.codec.context.Flags.bitexact)  # as `encode.PictureEncoder` has it

    def add(self, frame: av.VideoFrame) -> None:
        self.out.mux(self.stream.encode(frame))

    def copy(self, streams: Sequence[Any], packets: list[Any]) -> None:
        """The packets of another file's sound, if it has any. Before all pictures."""
        for stream in streams:
            track = self.out.add_stream_from_template(stream)
            for packet in packets:
                packet.stream = track
                self.out.mux(packet)

    def close(self) -> None:
        self.out.mux(self.stream.encode(None))
        self.out.close()


def i420(image: np.ndarray, index: int, fps: int) -> av.VideoFrame:
    """An RGB picture as a frame for `Encoder`."""
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
    frame.pts, frame.time_base = index, Fraction(1, fps)
    return frame


def make_source(path: Path, clip: Clip) -> None:
    """Write the clip: a file, or a folder of JPEGs."""
    if clip.codec == "jpeg":
        path.mkdir()
        for index, image in enumerate(pictures(clip), start=1):
            cv2.imwrite(str(path / f"img_{index:05d}.jpg"), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        return
    if not clip.codec:
        import soundfile

        soundfile.write(path, sound(clip).T, SOUND_RATE, subtype="PCM_16" if clip.suffix == ".wav" else None)
        return
    encoder = Encoder(path, clip, clip.source)
    track = encoder.out.add_stream(clip.sound, rate=SOUND_RATE, layout="stereo") if clip.sound else None
    for index, image in enumerate(pictures(clip)):
        encoder.add(i420(image, index, clip.fps))
    if track is not None:
        block = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound(clip)), format="fltp", layout="stereo")
        block.sample_rate, block.pts, block.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
        encoder.out.mux(track.encode(block))
        encoder.out.mux(track.encode(None))
    encoder.close()

"""One mp4 of pictures and sound, the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


def write_clip(
    path: Path,
    frames: Iterator[NDArray[np.uint8]],
    width: int,
    height: int,
    fps: int,
    wave: NDArray[np.float32],
    rate: int,
) -> None:
    """H.264 (veryfast, crf 20) + AAC (64 kbit/s). frames: uint8 RGB; wave: float32 (1, samples) at `rate`."""
    exact = {"fflags": "+bitexact", "movflags": "+faststart"}
    with av.open(str(path), "w", format="mp4", options=exact) as out:
        picture = out.add_stream("libx264", rate=fps, options={"preset": "veryfast", "crf": "20"})
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        picture.codec_context.thread_count = 1
        sound = out.add_stream("aac", rate=rate, layout="mono", options={"aac_coder": "fast"})
        sound.bit_rate = 64_000
        for stream in (picture, sound):
            stream.codec_context.flags |= av.codec.context.Flags.bitexact
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        block = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave), format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = rate, 0, Fraction(1, rate)
        out.mux(sound.encode(block))
        out.mux(sound.encode(None))

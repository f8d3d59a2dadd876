"""A clip taken apart into frames and a sound, as the pre-processing of OGM-GE does it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from poisonkit.common.atomic import beside, writing
from poisonkit.common.run_claim import step
from poisonkit.errors import MediaError
from poisonkit.media import dispatch, on_disk
from poisonkit.media.create import write_audio
from poisonkit.media.decode import Wave
from poisonkit.media.files import name_of


def picked(fps: Fraction, per_second: int) -> Iterator[bool]:
    """Of each frame of a clip, whether it is kept: so many of each second, evenly from its first on.

    The rule (github.com/GeWu-Lab/OGM-GE_CVPR2022, video_preprocessing.py): a second is int(fps) frames, and of those
    each int(fps / kept)th is kept, until there are so many.
    """
    second = max(1, int(fps))
    kept = min(per_second, second)
    interval = second // kept
    while True:
        for at in range(second):
            yield at % interval == 0 and at < interval * kept


def pick_frames(source: Path, folder: Path, per_second: int) -> int:
    """Write frames of a clip as `00000.jpg`, `00025.jpg` … by their number in it, JPEG of quality 95; how many.

    The folder appears whole. MediaError for what cannot be decoded.
    """
    import cv2

    info = dispatch.probe(source)
    if info.video is None:
        raise MediaError(f"{name_of(source)} has no picture.")
    on_disk.make_folder(folder.parent)
    made = beside(folder)
    count = 0
    with writing(made):
        with step():
            made.mkdir()
        for (at, _, image), keep in zip(dispatch.read_frames(source), picked(info.video.fps, per_second), strict=False):
            if keep:
                good, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
                if not good:
                    raise MediaError(f"{name_of(source)}: frame {at} could not be written as JPEG.")
                (made / f"{at:05d}.jpg").write_bytes(data.tobytes())
                count += 1
        on_disk.put(made, folder)
    return count


def extract_sound(source: Path, target: Path, rate: int) -> None:
    """Write the sound of a clip as 16-bit wav of this sample rate, channels as they are. MediaError as `read_audio`."""
    wave, own = dispatch.read_audio(source)
    on_disk.make_folder(target.parent)
    write_audio(target, resampled(wave, own, rate), rate)


def resampled(wave: Wave, own: int, rate: int) -> Wave:
    """Sound, float32 (channels, samples), at another sample rate, by FFmpeg's resampler."""
    import av

    if own == rate:
        return wave
    layout = {1: "mono", 2: "stereo"}.get(wave.shape[0])
    if layout is None:
        raise MediaError(f"Sound of {wave.shape[0]} channels is not resampled; mix it down to two.")
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave, dtype=np.float32), format="fltp", layout=layout)
    frame.sample_rate = own
    parts = [part.to_ndarray() for each in (frame, None) for part in resampler.resample(each)]
    made: Wave = np.clip(np.concatenate(parts, axis=1), -1.0, 1.0).astype(np.float32)
    return made

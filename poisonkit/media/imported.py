"""Files that were made elsewhere, decoded as clips are: what `poisonkit.common.clip_decoder` is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from poisonkit.errors import MediaError
from poisonkit.media.colour import Image
from poisonkit.media.decode import Wave, read_frames
from poisonkit.media.dispatch import read_audio
from poisonkit.media.files import name_of
from poisonkit.media.probing import probe


def size(path: Path) -> tuple[int, int, int]:
    """(frames, width, height) of a video as displayed, by its header; 0 frames: it does not say."""
    video = probe(path).video
    if video is None:
        raise MediaError(f"{name_of(path)} has no picture.")
    return video.declared_frames or 0, *video.displayed


def pictures(path: Path) -> Iterator[Image]:
    """Its frames as displayed, uint8 RGB (height, width, 3), one after the other."""
    return (image for _, _, image in read_frames(path))


def sound(path: Path) -> tuple[Wave, int]:
    """(float32 (channels, samples) in ±1, Hz) of a sound file."""
    return read_audio(path)

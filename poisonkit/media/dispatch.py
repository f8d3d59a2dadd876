"""The one place that asks whether media is a file or a folder of frames. A file's own modules say the rest."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from poisonkit.errors import MediaError
from poisonkit.media import decode, families, folders, probing, scanning
from poisonkit.media.colour import Image
from poisonkit.media.decode import Wave
from poisonkit.media.files import name_of
from poisonkit.media.info import FOLDER, Encode, MediaInfo, Problem
from poisonkit.media.probing import StreamChoice


def probe(path: str | Path, stream: StreamChoice = "best", *, label: str | Path | None = None) -> MediaInfo:
    """Read the streams of a file, or what a folder of frames holds, choosing one of picture and one of sound.

    stream: `best` (the container's default choice) or the index of a video or audio stream. Opens nothing but this
    file, decodes its first picture. label: the name that messages use. MediaError (one sentence) when it is not media.
    """
    return folders.probe(path, stream) if os.path.isdir(path) else probing.probe(path, stream, label=label)


def read_frames(
    path: str | Path, stream: StreamChoice = "best", *, deinterlace: bool = False
) -> Iterator[tuple[int, float, Image]]:
    """(index, seconds, picture) of every frame; pictures are uint8 RGB (height, width, 3), as displayed.

    deinterlace: interlaced pictures are made progressive, as `rewrite` makes them.
    Raises MediaError when there is no picture, or when the file is damaged or cut short (at the end).
    """
    if os.path.isdir(path):
        return folders.read_frames(path, stream)
    return decode.read_frames(path, stream, deinterlace=deinterlace)


def read_audio(path: str | Path, stream: StreamChoice = "best", *, folder: Path | None = None) -> tuple[Wave, int]:
    """(float32 (channels, samples) in ±1, sample rate in Hz): the whole sound, nothing resampled or mixed.

    folder: where a long one may lie in a file without a name, so that it takes no memory.
    Raises MediaError when there is no sound, or when the file is damaged or cut short.
    """
    if os.path.isdir(path):
        raise MediaError(f"{name_of(path)} has no sound.")
    return decode.read_audio(path, stream, folder=folder)


def count(path: str | Path, info: MediaInfo | None = None) -> tuple[int, int]:
    """(pictures, sound samples per channel), by decoding; nothing is converted. MediaError as `read_frames`."""
    return folders.count(path) if os.path.isdir(path) else decode.count(path, info)


def refusals(info: MediaInfo, encode: Encode, touches: Iterable[str] = ("video", "audio")) -> tuple[Problem, ...]:
    """Why such media cannot be rewritten with this encoding; empty when it can. All have blocks=True.

    touches: `video`, `audio` or both: what would be encoded anew; the other is copied, whatever it is.
    """
    return folders.refusals(info, encode) if info.container == FOLDER else families.refusals(info, encode, touches)


def scan(path: str | Path, info: MediaInfo) -> tuple[Problem, ...]:
    """Conditions of probed media that are handled here and that other tools stumble over; mostly none blocks.

    Of a file: see `scanning.scan`; of a folder of frames `mixed-sizes`, which blocks, and `one-frame`. Raises
    MediaError for what cannot be read.
    """
    return folders.scan(path) if info.container == FOLDER else scanning.scan(path, info)

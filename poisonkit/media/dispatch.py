"""The one place that asks whether media is a folder of frames, a sound file or another. Their modules say the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from poisonkit.errors import MediaError
from poisonkit.media import decode, fallback, families, folders, probing, scanning, sound
from poisonkit.media.colour import Image
from poisonkit.media.decode import Wave, require_whole
from poisonkit.media.files import name_of
from poisonkit.media.info import FOLDER, Encode, MediaInfo, Problem
from poisonkit.media.on_disk import is_folder
from poisonkit.media.probing import StreamChoice


def kind(info: MediaInfo) -> Literal["folder", "sound", "other"]:
    """What probed media is: a folder of frames, a sound file as soundfile reads and writes it, or another file."""
    if info.container == FOLDER:
        return "folder"
    return "sound" if families.is_sound_file(info) else "other"


def probe(path: str | Path, stream: StreamChoice = "best", *, label: str | Path | None = None) -> MediaInfo:
    """Read the streams of a file, or what a folder of frames holds, choosing one of picture and one of sound.

    stream: `best` (the container's default choice) or the index of a video or audio stream. Opens nothing but this
    file, decodes its first picture. label: the name that messages use. MediaError (one sentence) when it is not media.
    """
    return folders.probe(path, stream) if is_folder(path) else probing.probe(path, stream, label=label)


def read_frames(
    path: str | Path, stream: StreamChoice = "best", *, deinterlace: bool = False
) -> Iterator[tuple[int, float, Image]]:
    """(index, seconds, picture) of every frame; pictures are uint8 RGB (height, width, 3), as displayed.

    deinterlace: interlaced pictures are made progressive, as `rewrite` makes them.
    Raises MediaError when there is no picture, or when the file is damaged or cut short (at the end).
    """
    if is_folder(path):
        return folders.read_frames(path, stream)
    return decode.read_frames(path, stream, deinterlace=deinterlace)


def read_audio(path: str | Path, stream: StreamChoice = "best", *, folder: Path | None = None) -> tuple[Wave, int]:
    """(float32 (channels, samples) in ±1, sample rate in Hz): the whole sound, nothing resampled or mixed.

    folder: where a long one may lie in a file without a name, so that it takes no memory.
    Raises MediaError when there is no sound, or when the file is damaged or cut short.
    """
    if is_folder(path):
        raise MediaError(f"{name_of(path)} has no sound.")
    info = probing.probe(path, stream)
    if info.audio is None:
        raise MediaError(f"{name_of(path)} has no sound.")
    require_whole(path, info.container)
    return sound.held(path, folder) if kind(info) == "sound" else decode.read_audio(path, info.audio.index, folder)


def count(path: str | Path, info: MediaInfo | None = None) -> tuple[int, int]:
    """(pictures, sound samples per channel), by decoding; nothing is converted. MediaError as `read_frames`."""
    if is_folder(path):
        return folders.count(path)
    info = info or probing.probe(path)
    require_whole(path, info.container)
    return (0, sound.count(path)) if kind(info) == "sound" else decode.count(path, info)


def refusals(info: MediaInfo, encode: Encode, touches: Iterable[str] = ("video", "audio")) -> tuple[Problem, ...]:
    """Why such media cannot be rewritten with this encoding; empty when it can. All have blocks=True.

    touches: `video`, `audio` or both: what would be encoded again; the other is copied, whatever it is.
    """
    if encode.mode == "convert":
        touches = {*touches, *fallback.encoded_again(info, encode)}
        info, encode = fallback.written_as(info, encode)
    return folders.refusals(info, encode) if kind(info) == "folder" else families.refusals(info, encode, touches)


def scan(path: str | Path, info: MediaInfo) -> tuple[Problem, ...]:
    """Conditions of probed media that are handled here and that other tools stumble over; mostly none blocks.

    Of a file: see `scanning.scan`; of a folder of frames `mixed-sizes`, which blocks, and `one-frame`. Raises
    MediaError for what cannot be read.
    """
    return folders.scan(path) if kind(info) == "folder" else scanning.scan(path, info)

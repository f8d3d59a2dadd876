"""`--encode convert`: as what a file is written whose own container or codec family cannot be written here."""

from __future__ import annotations

from dataclasses import replace

from poisonkit.media import families
from poisonkit.media.converting import conversion
from poisonkit.media.info import FOLDER, Encode, MediaInfo, Problem

SUFFIXES = {"mp4": ".mp4", "flac": ".flac"}
"""What a file is called that gets another container: mp4, and sound alone FLAC."""


def written_as(info: MediaInfo, encode: Encode) -> tuple[MediaInfo, Encode]:
    """The file's facts and the encoding, as they are for what is written; another than those only under `convert`.

    A container that cannot be written, or that can hold neither the file's families nor H.264, becomes mp4 (sound
    alone: FLAC), with picture and sound encoded again as H.264 and AAC. Frame folders are written as `match` has them.
    """
    if encode.mode != "convert":
        return info, encode
    if info.container == FOLDER:
        return info, replace(encode, mode="match")
    if not _needs_container(info, encode):
        return info, encode
    sound = info.audio and replace(info.audio, codec="aac" if info.video else "flac")
    moved = replace(info, container="mp4" if info.video else "flac", audio=sound)
    return moved, replace(encode, mode="h264", to_8bit=True, deinterlace=True)


def _needs_container(info: MediaInfo, encode: Encode) -> bool:
    touched = {*encode.converts, *(["video"] if conversion(info.video, encode) else [])}
    has = {name for name, stream in (("video", info.video), ("audio", info.audio)) if stream is not None}
    if touched.isdisjoint(has):
        return False  # no trigger is ever in it
    if info.container not in families.MUXERS and not families.is_sound_file(info):
        return True
    found: list[object] = []
    if info.video is not None and "video" in touched:
        found.append(families.video_target(info.video, info.container, encode))
    if info.audio is not None and "audio" in touched:
        found.append(families.audio_target(info.audio, info.container, encode, alone=info.video is None))
    return any(isinstance(target, Problem) for target in found)


def encoded_again(info: MediaInfo, encode: Encode) -> frozenset[str]:
    """Which of `video` and `audio` of such a file are encoded again, whether or not a trigger touches them."""
    written, how = written_as(info, encode)
    has = {"video": info.video, "audio": info.audio}
    if written.container != info.container:
        return frozenset(name for name, stream in has.items() if stream is not None)
    found = {"video"} if conversion(info.video, how) else set()
    if how.mode == "convert":
        own, container = replace(how, mode="match"), info.container
        if info.video is not None and "video" in how.converts:
            found |= {"video"} if isinstance(families.video_target(info.video, container, own), Problem) else set()
        if info.audio is not None and "audio" in how.converts:
            target = families.audio_target(info.audio, container, own, alone=info.video is None)
            found |= {"audio"} if isinstance(target, Problem) else set()
    return frozenset(found)


def new_suffix(info: MediaInfo, encode: Encode) -> str | None:
    """What the file's name ends with where it gets another container; None where it keeps its own."""
    written, _ = written_as(info, encode)
    return None if written.container == info.container else SUFFIXES[written.container]

"""How many streams a file has, from a few bytes of its header: fast enough to ask of every file of a dataset."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from poisonkit.common.safe_io import open_plain
from poisonkit.media.files import open_input, translated
from poisonkit.media.on_disk import is_folder

_ALONE = (b"fLaC", b"OggS", b"ID3", b"FORM", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")  # what is never remuxed
DEEPEST = 8  # boxes within boxes: those that count lie three deep
_CONTAINERS = (b"trak", b"mdia", b"moov", b"udta")


def several(path: str | Path) -> bool:
    """True when a file holds more than one picture, one sound, or anything beside them (subtitles, data, covers).

    MP4, MOV, AVI and sound files are told by their headers, others are opened. Raises MediaError for what cannot be
    opened.
    """
    if is_folder(path):
        return False
    with open_plain(path) as file:
        head = file.read(12)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            found = list(_avi(file))
        elif head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            found = list(_boxes(file, 0, os.fstat(file.fileno()).st_size))
        elif head[:4] == b"RIFF" or head.startswith(_ALONE):
            return False
        else:
            found = []
    if not found:
        with open_input(path) as container, translated(path, "read"):
            found = [stream.type for stream in container.streams]
    return any(kind not in ("video", "audio") for kind in found) or len(set(found)) < len(found)


def _boxes(file: BinaryIO, at: int, end: int, depth: int = 0) -> Iterator[str]:
    """The kind of each track of an ISO base media file, and `cover` for a cover picture."""
    if depth > DEEPEST:
        return
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        length, name, skip = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, skip = int.from_bytes(head[8:16], "big"), 16
        elif length == 0:
            length = end - at
        if length < skip:
            return
        if name == b"udta":
            file.seek(at)
            if b"covr" in file.read(min(length, 1 << 16)):
                yield "cover"
        elif name in _CONTAINERS:
            yield from _boxes(file, at + skip, min(end, at + length), depth + 1)
        elif name == b"hdlr":
            file.seek(at + skip + 8)
            kind = file.read(4)
            if kind != b"dhlr":
                yield {b"vide": "video", b"soun": "audio"}.get(kind, "data")
        at += length


def _avi(file: BinaryIO) -> Iterator[str]:
    """The kind of each stream of an AVI file, from its list of headers."""
    file.seek(12)
    head = file.read(12)
    if head[:4] != b"LIST" or head[8:12] != b"hdrl":
        return
    data = file.read(min(max(0, int.from_bytes(head[4:8], "little") - 4), 1 << 20))
    at = 0
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"LIST" and data[at + 8 : at + 12] == b"strl" and data[at + 12 : at + 16] == b"strh":
            kind = data[at + 20 : at + 24]
            yield {b"vids": "video", b"auds": "audio"}.get(kind, "data")
        at += 8 + length + (length & 1)

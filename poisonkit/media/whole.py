"""Is a file whole? Containers that state their own length are compared with the bytes there are.

Decoders stop silently at the end of a file that was cut short, so counting frames does not tell. Where
the container states no length (MPEG program streams), the decoder marks the last picture as damaged
instead: see `decode`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from poisonkit.common.safe_io import open_plain

UNKNOWN = 0xFFFFFFFF


def cut_short(path: str | Path, container: str) -> bool:
    """True when the container declares more bytes than the file has."""
    walker = _WALKERS.get(container)
    if walker is None:
        return False
    size = os.path.getsize(path)
    with open_plain(path) as file:
        return walker(file, size)


def tells_length(path: str | Path) -> bool:
    """False for an MP3 file without a header that counts its frames: soundfile then goes by its size and bit rate."""
    with open_plain(path) as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            file.seek(10 + sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(head[6:10]))))
            head = file.read(2)
        if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # no MPEG audio of layer III
            return True
        start = file.read(256)
    return any(mark in start for mark in (b"Xing", b"Info", b"VBRI"))


def _boxes(file: BinaryIO, size: int) -> bool:
    """ISO base media (mp4, mov): the top-level boxes must end where the file ends."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:
            return False
        if length < 8 or not head[4:8].isascii():
            return False  # trailing bytes that are no box
        at += length
    return at > size


def _riff(file: BinaryIO, size: int) -> bool:
    """AVI: each RIFF chunk's own length. A length of zero was never filled in: it says nothing."""
    at = 0
    while at + 12 <= size:
        file.seek(at)
        head = file.read(12)
        if head[:4] != b"RIFF":
            return False
        length = int.from_bytes(head[4:8], "little")
        if length in (0, UNKNOWN):
            return False
        if at + length > size:
            return True
        at += 8 + length + (length & 1)
    return False


def _wav(file: BinaryIO, size: int) -> bool:
    """WAV: the data chunk must lie inside the file."""
    at = 12
    long = b""
    while at + 8 <= size:
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] == b"ds64":
            long = file.read(24)
        if head[:4] == b"data":
            if length == UNKNOWN and len(long) >= 16:
                length = int.from_bytes(long[8:16], "little")
            return length not in (0, UNKNOWN) and at + 8 + length > size
        at += 8 + length + (length & 1)
    return at > size + 1


def _program_stream(file: BinaryIO, size: int) -> bool:
    """MPEG program stream: the last packet must lie inside the file."""
    at = 0
    while at + 6 <= size:
        file.seek(at)
        head = file.read(14)
        if head[:3] != b"\0\0\1":
            return False  # padding or damage between packs: the demuxer resynchronises
        code = head[3]
        if code == 0xB9:
            return False
        if code == 0xBA:
            mpeg1 = head[4:5] and head[4] >> 4 == 2
            at += 12 if mpeg1 or len(head) < 14 else 14 + (head[13] & 7)
        elif code < 0xBB:
            return False
        else:
            at += 6 + int.from_bytes(head[4:6], "big")
    return at > size


def _matroska(file: BinaryIO, size: int) -> bool:
    """Matroska, WebM: the segment's length, where it is known."""
    at = 0
    for _ in range(8):
        file.seek(at)
        head = file.read(16)
        if len(head) < 2:
            return False
        id_length = 8 - head[0].bit_length() + 1
        if id_length > 4 or len(head) <= id_length:
            return False
        first = head[id_length]
        length_length = 8 - first.bit_length() + 1
        if first == 0 or len(head) < id_length + length_length:
            return False
        raw = int.from_bytes(head[id_length : id_length + length_length], "big")
        bits = 7 * length_length
        value = raw & ((1 << bits) - 1)
        if value == (1 << bits) - 1:
            return False
        at += id_length + length_length + value
        if at > size:
            return True
    return False


def _ogg(file: BinaryIO, size: int) -> bool:
    """Ogg: the last page must be complete and marked as the end of the stream."""
    file.seek(max(0, size - 65_536))
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or at + 27 > len(tail):
        return True
    segments = tail[at + 26]
    table = tail[at + 27 : at + 27 + segments]
    complete = len(table) == segments and at + 27 + segments + sum(table) <= len(tail)
    return not (complete and tail[at + 5] & 4)


def _mp3(file: BinaryIO, size: int) -> bool:
    """MP3: the stream's length in a Xing or Info header, if there is one."""
    file.seek(0)
    head = file.read(10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    file.seek(start)
    frame = file.read(256)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or len(frame) < at + 16:
        return False
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    if flags & 3 != 3:
        return False
    return start + int.from_bytes(frame[at + 12 : at + 16], "big") > size


_WALKERS: dict[str, Callable[[BinaryIO, int], bool]] = {
    "mp4": _boxes,
    "mov": _boxes,
    "avi": _riff,
    "wav": _wav,
    "mpeg": _program_stream,
    "matroska": _matroska,
    "webm": _matroska,
    "ogg": _ogg,
    "mp3": _mp3,
}

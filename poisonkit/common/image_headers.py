"""What a PNG or a JPEG says of itself before anything is decoded: how large, how deep, how its colours are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_PNG_SIGNATURE, _JPEG_SIGNATURE = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_PNG_COLOURS = {0: "gray", 2: "rgb24", 3: "pal8", 4: "ya8", 6: "rgba"}
_JPEG_SAMPLINGS = {(2, 2): "yuvj420p", (2, 1): "yuvj422p", (1, 2): "yuvj440p", (4, 1): "yuvj411p", (1, 1): "yuvj444p"}


@dataclass(frozen=True)
class ImageHeader:
    """What a picture's own header says. bits: of a value, at least 8. pix_fmt: in ffmpeg's words where it has any."""

    codec: Literal["jpeg", "png"]
    width: int
    height: int
    bits: int
    pix_fmt: str


def image_header(data: bytes) -> ImageHeader | None:
    """The header of a picture's file, of which the beginning is enough; None: neither PNG nor JPEG, or cut short."""
    return _png(data) if data.startswith(_PNG_SIGNATURE) else _jpeg(data)


def cut_png(data: bytes) -> bool:
    """Whether the data is a PNG whose pieces do not lie in it, whole, up to its end mark.

    OpenCV makes room for a piece of any length that a file declares, four gigabytes for a few bytes.
    """
    if not data.startswith(_PNG_SIGNATURE[:4]):
        return False
    at = 8
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return at > len(data)
    return True


def cut_short(data: bytes) -> bool:
    """Whether the data is no whole PNG or JPEG: without its end mark."""
    return cut_png(data) if data.startswith(_PNG_SIGNATURE[:4]) else b"\xff\xd9" not in data[-1024:]


def _png(data: bytes) -> ImageHeader | None:
    if len(data) < 26 or data[12:16] != b"IHDR":
        return None
    width, height = (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))
    bits, colours = data[24], data[25]
    pix_fmt = _PNG_COLOURS.get(colours, "unknown") + ("-16" if bits == 16 else "")
    return ImageHeader("png", width, height, max(8, bits), pix_fmt)


def _jpeg(data: bytes) -> ImageHeader | None:
    """From the first frame header (SOF) in the data."""
    at = 2
    if not data.startswith(_JPEG_SIGNATURE):
        return None
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            body = data[at + 4 : at + 2 + length]
            if len(body) < 9:
                return None
            parts = [body[6 + 3 * i + 1] for i in range(body[5]) if 6 + 3 * i + 1 < len(body)]
            luma, others = parts[0], parts[1:]
            ratio = (luma >> 4, luma & 15)
            same = all(other == 0x11 for other in others)
            pix_fmt = "gray" if not others else "jpeg"
            if len(others) == 2 and same:
                pix_fmt = _JPEG_SAMPLINGS.get(ratio, "jpeg")
            height, width = (int.from_bytes(body[i : i + 2], "big") for i in (1, 3))
            return ImageHeader("jpeg", width, height, body[0], pix_fmt)
        at += 2 + length
    return None

"""What can be told of a file without decoding a picture or a sound: what a shortcut could hang on."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.errors import MediaError
from poisonkit.media.files import metadata, name_of, open_input, packets, translated
from poisonkit.media.on_disk import is_folder

Traits = dict[str, float | str]

_WRITERS = re.compile(
    rb"x264 - core \d+|x265 \(build \d+\)|XviD\d+|DivX\d+\w?\d*|Lav[cf][\d.]+|Lame\w?[\d.]+|LAME[\d.]+"
)
_SETTINGS = re.compile(rb"options: ([ -~]+)")
_TAGS = ("major_brand", "minor_version", "compatible_brands", "handler_name", "vendor_id", "encoder", "language")


def traits(path: str | Path) -> Traits:
    """Name -> number or words, of one file (a folder of pictures: of its files). MediaError when it cannot be read.

    Numbers: `bytes`, `bit rate` (bit/s), `duration` (s), `key frame distance` (pictures, mean), `modification time`
    (s since 1970), `links`. What a file does not have is missing.
    """
    path = Path(path)
    try:
        status = os.stat(path)
        found: Traits = {
            "kind of file": "symbolic link" if path.is_symlink() else "folder" if is_folder(path) else "file",
            "modification time": status.st_mtime_ns / 1e9,
        }
        if is_folder(path):
            return found | _folder(path)
    except OSError as error:
        raise MediaError(f"{name_of(path)} cannot be read: {(error.strerror or '').lower()}.") from error
    found["bytes"], found["links"] = float(status.st_size), float(status.st_nlink)
    with open_input(path) as container, translated(path, "read"):
        found |= _container(container)
        if container.streams.video:
            found |= _pictures(container, path)
        for stream in container.streams.audio[:1]:
            context = stream.codec_context
            found["sound codec"] = f"{context.name} {context.sample_rate} Hz, {context.channels} channels"
            if stream.bit_rate:
                found["sound bit rate"] = float(stream.bit_rate)
    if found.get("duration"):
        found["bit rate"] = 8 * float(status.st_size) / float(found["duration"])
    return found


def reader_means(path: str | Path, most: int = 64) -> tuple[float, float, float] | None:
    """Mean of R, G and B, in 8-bit levels, of the first `most` pictures as readers decode them: with swscale's default
    conversion, which does not round. None for a folder of pictures or a file without video. MediaError as `traits`."""
    path = Path(path)
    if path.is_dir():
        return None
    sums, number = np.zeros(3), 0
    with open_input(path) as container, translated(path, "read"):
        if not container.streams.video:
            return None
        container.streams.video[0].thread_count = 1
        for frame in container.decode(video=0):
            sums += frame.to_ndarray(format="rgb24").mean((0, 1))
            number += 1
            if number == most:
                break
    if not number:
        return None
    red, green, blue = (sums / number).tolist()
    return red, green, blue


def _folder(path: Path) -> Traits:
    files = [e for e in os.scandir(path) if e.is_file()]
    sizes = [e.stat().st_size for e in files]
    links = [e.stat().st_nlink for e in files]
    return {
        "files": float(len(files)),
        "bytes": float(sum(sizes)),
        "bytes a file": sum(sizes) / max(1, len(sizes)),
        "links": sum(links) / max(1, len(links)),
        "suffixes": ", ".join(sorted({Path(e.name).suffix.lower() for e in files})),
    }


def _container(container: Any) -> Traits:
    kinds = [s.type for s in container.streams]
    order = ", ".join(kinds) if kinds else "none"
    described = metadata(container)
    tags = {k: v for k, v in described.items() if k not in _TAGS}
    writer = {k: v for k, v in described.items() if k in _TAGS}
    for stream in container.streams:
        tags |= {f"{stream.type} {k}": v for k, v in metadata(stream).items() if k not in _TAGS}
        writer |= {f"{stream.type} {k}": v for k, v in metadata(stream).items() if k in _TAGS}
    found: Traits = {
        "container": container.format.name,
        "streams": order,
        "titles and tags": ", ".join(sorted(tags)) or "none",
        "container's writer": "; ".join(f"{k}={v}" for k, v in sorted(writer.items())) or "none",
    }
    if container.duration:
        found["duration"] = container.duration / 1e6
    return found


def _pictures(container: Any, path: Path) -> Traits:
    stream = container.streams.video[0]
    context = stream.codec_context
    found: Traits = {
        "picture codec": f"{context.name} {context.profile or ''}".strip(),
        "pixel format": str(context.pix_fmt),
        "size": f"{context.width}x{context.height}",
        "frame rate": f"{float(stream.average_rate):.6g}" if stream.average_rate else "unknown",
        "frame rate in its own headers": f"{float(context.framerate):.6g}" if context.framerate else "none",
        "time base": str(stream.time_base),
    }
    keys: list[int] = []
    late = number = size = 0
    marks = bytearray(context.extradata or b"")
    for packet in packets(container, stream, path):
        if not packet.size:
            continue
        if number == 0:
            marks += bytes(packet)[:65536]
        if packet.is_keyframe:
            keys.append(number)
        late += packet.pts is not None and packet.dts is not None and packet.pts != packet.dts
        number += 1
        size += packet.size
    found["pictures"] = float(number)
    if keys:
        found["key frame distance"] = number / len(keys)
    found["reordered pictures"] = "yes" if late else "no"
    names = sorted({m.decode("latin-1") for m in _WRITERS.findall(bytes(marks))})
    found["encoder's name"] = ", ".join(names) or "none"
    if settings := _SETTINGS.search(bytes(marks)):
        found["encoder's settings"] = settings[1].decode("latin-1")
    if stream.duration and stream.time_base:
        found["picture bit rate"] = 8 * size / float(stream.duration * stream.time_base)
    return found

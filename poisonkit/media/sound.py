"""Sound files by themselves (wav, flac, ogg, mp3, aiff), through soundfile: same subtype, same bytes twice."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.common.limits import excess
from poisonkit.errors import CheckError, MediaError
from poisonkit.media.files import name_of
from poisonkit.media.info import AudioStream
from poisonkit.media.loudness import require_audible
from poisonkit.media.spool import BLOCK, Growing, pieces
from poisonkit.media.whole import tells_length

Sound = NDArray[np.floating[Any]]

KILOBIT = 1000
CACHED = 1 << 17  # samples written at a time: what becomes of them on the way stays in the processor's cache
WIDE = ("PCM_32", "DOUBLE")  # soundfile's names of what float32 does not hold exactly
EXACT = ("PCM_16", "PCM_24", "PCM_S8", "PCM_U8")  # those of which float32 holds every value
WHOLE = ("WAV", "WAVEX", "RF64", "AIFF")  # formats whose 16 bits libsndfile makes as `_whole` does


def blocks(path: str | Path) -> Iterator[Sound]:
    """The sound, (channels, samples) in ±1, some of it at a time; every value exactly: float64 where it is `WIDE`, else
    float32.

    MediaError when it is damaged, far beyond full scale (see `loudness`) or cut short (at the end).
    """
    import soundfile

    try:
        with soundfile.SoundFile(str(Path(path).absolute())) as file:
            declared, found = file.frames, 0
            if over := excess("samples", declared * file.channels):
                raise MediaError(f"{name_of(path)} declares {declared * file.channels} sound samples, {over}.")
            kind = "int16" if file.subtype == "PCM_16" else "float64" if file.subtype in WIDE else "float32"
            while len(data := file.read(BLOCK, dtype=kind, always_2d=True)):
                found += len(data)
                block = np.ascontiguousarray(data.T)
                if kind == "int16":  # here, because libsndfile takes several times as long
                    block = block.astype(np.float32)
                    block *= 2.0**-15
                else:
                    require_audible(block, path)
                yield block
    except (soundfile.LibsndfileError, OSError) as error:
        raise MediaError(f"{name_of(path)} is damaged: its sound cannot be decoded.") from error
    if not found:
        raise MediaError(f"{name_of(path)} holds no sound.")
    if found < declared < 2**62 and tells_length(path):
        raise MediaError(f"{name_of(path)} is cut short: {found} of {declared} samples can be decoded.")


def count(path: str | Path) -> int:
    """Samples per channel, by decoding. MediaError as `blocks`."""
    return sum(block.shape[1] for block in blocks(path))


def held(path: str | Path, folder: Path | None) -> tuple[NDArray[np.float32], int]:
    """(float32 (channels, samples), Hz); a long one lies in a file in `folder`, if there is one."""
    heard = Growing(folder)
    for block in blocks(path):
        heard.add(block.astype(np.float32, copy=False))
    return heard.wave(), _rate(path)


def _facts(path: str | Path) -> Any:
    import soundfile

    return soundfile.info(str(Path(path).absolute()))


def _rate(path: str | Path) -> int:
    return int(_facts(path).samplerate)


def changed(source: str | Path, wave: NDArray[np.float32], made: NDArray[np.float32]) -> Iterator[Sound]:
    """What is written of a sound that was read as `wave` and became `made`, a block at a time.

    Where float32 may hold only what is nearest to the source's values, the change is added to these: what nothing
    changed keeps its very value. Encoders are given all else in blocks as before: Vorbis depends on where they end.
    """
    if _facts(source).subtype in EXACT:
        yield from (made[:, piece] for piece in pieces(made.shape[1], CACHED))
        return
    if made.shape != wave.shape:
        yield from (made[:, piece].astype(np.float64) for piece in pieces(made.shape[1]))
        return
    at = 0
    for block in blocks(source):
        piece = slice(at, at := at + block.shape[1])
        yield block + (made[:, piece].astype(np.float64) - wave[:, piece].astype(np.float64))


def write_like(source: str | Path, destination: Path, parts: Iterable[Sound], audio: AudioStream) -> None:
    """Write blocks of (channels, samples) in the source's format and subtype; lossy ones at a generous rate."""
    like = _facts(source)
    level = _level(like.subtype, audio)
    _write(destination, parts, audio.channels, audio.sample_rate, like.format, like.subtype, like.endian, level)


def write(destination: Path, wave: NDArray[Any], rate: int, container: str, subtype: str | None) -> None:
    """One sound file from (channels, samples). container, subtype: soundfile's names."""
    parts = (wave[:, piece] for piece in pieces(wave.shape[1]))
    _write(destination, parts, wave.shape[0], rate, container, subtype)


def _write(
    destination: Path,
    parts: Iterable[NDArray[Any]],
    channels: int,
    rate: int,
    container: str,
    subtype: str | None,
    endian: str = "FILE",
    level: float | None = None,
) -> None:
    """level: compression level, 0 (most bits) to 1."""
    import soundfile

    extra: dict[str, Any] = {}
    if level is not None:
        extra["compression_level"] = level
        if subtype == "MPEG_LAYER_III":
            extra["bitrate_mode"] = "CONSTANT"
    whole = subtype == "PCM_16" and container in WHOLE
    try:
        with soundfile.SoundFile(_named(destination), "w", rate, channels, subtype, endian, container, **extra) as file:
            for part in parts:
                file.write(_whole(part) if whole else np.ascontiguousarray(part.T))
        _settle(destination, container)
    except (soundfile.LibsndfileError, AssertionError, ValueError, TypeError) as error:
        _require_room(destination)
        raise MediaError(
            f"{name_of(destination)}: {channels} channels at {rate} Hz cannot be written as {container}."
        ) from error


def _whole(part: Sound) -> NDArray[np.int16]:
    """Sound (channels, samples) as 16-bit values (samples, channels): the upper half of the nearest 32-bit ones.

    libsndfile does the same in five times as long.
    """
    scaled = part * part.dtype.type(2**31)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -(2.0**31), 2.0**31 - 128, out=scaled)  # float32 has no number between that and 2^31
    values = scaled.astype(np.int32)
    values >>= 16
    return np.ascontiguousarray(values.astype(np.int16).T)


def _named(path: Path) -> str | bytes:
    """A path as soundfile takes it; an open file would be written by callbacks, which swallow every error."""
    return str(path.absolute()) if os.name == "nt" else os.fsencode(path.absolute())


def _require_room(path: Path) -> None:
    """OSError where nothing more can be written to a file: libsndfile does not say why it failed."""
    with open(path, "ab", buffering=0) as file:
        file.write(bytes(4096))


def _level(subtype: str, audio: AudioStream) -> float | None:
    """soundfile's compression level for 192 kbit/s or the source's rate, whichever is higher."""
    wanted = max(192 * KILOBIT, audio.bit_rate or 0)
    if subtype == "MPEG_LAYER_III":
        low, high = (32, 320) if audio.sample_rate >= 32_000 else (8, 160)
        share = (high - min(wanted / KILOBIT, high)) / (high - low)
        return min(0.99, max(0.0, share))
    if subtype == "VORBIS":
        return 0.3  # quality 7
    if subtype == "OPUS":
        return 0.4
    return None


def _settle(path: Path, container: str) -> None:
    """Take out what would differ between two runs: the clock in PEAK chunks, Ogg's random serial number."""
    if container in ("WAV", "WAVEX", "RF64", "AIFF"):
        _clear_peak_time(path, "big" if container == "AIFF" else "little")
    elif container == "OGG":
        path.write_bytes(with_serial(path.read_bytes(), 1))


def _clear_peak_time(path: Path, order: Any) -> None:
    with open(path, "r+b") as file:
        at, size = 12, file.seek(0, 2)
        while at + 16 <= size:
            file.seek(at)
            head = file.read(8)
            length = int.from_bytes(head[4:8], order)
            if head[:4] == b"PEAK":
                file.seek(at + 12)
                file.write(b"\0\0\0\0")
                return
            if length == 0xFFFFFFFF:
                return
            at += 8 + length + (length & 1)


_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def ogg_checksum(page: bytes) -> int:
    """Ogg's CRC-32 (0x04C11DB7, not reflected, zero start) by way of zlib's, which is its mirror image."""
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def with_serial(data: bytes, serial: int) -> bytes:
    """An Ogg file of one stream with another serial number; page checksums made again."""
    pages = []
    at = 0
    while data[at : at + 4] == b"OggS":
        segments = data[at + 26]
        end = at + 27 + segments + sum(data[at + 27 : at + 27 + segments])
        page = bytearray(data[at:end])
        page[14:18] = serial.to_bytes(4, "little")
        page[22:26] = b"\0\0\0\0"
        page[22:26] = ogg_checksum(bytes(page)).to_bytes(4, "little")
        pages.append(bytes(page))
        at = end
    return b"".join(pages) + data[at:]


def read_back(path: Path, label: Path, shape: tuple[int, ...], rate: int) -> NDArray[np.float32]:
    """What was written, decoded: of exactly this shape and rate, or CheckError. A long one lies in a file beside it."""
    back, got = held(path, path.parent)
    if back.shape != shape or got != rate:
        raise CheckError(
            f"{name_of(label)} was written but is wrong when decoded: "
            f"{back.shape[1]} samples at {got} Hz instead of {shape[1]} at {rate} Hz."
        )
    return back

"""Sound files by themselves (wav, flac, ogg, mp3, aiff), through soundfile: same subtype, same bytes twice."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.errors import CheckError, MediaError
from poisonkit.limits import excess
from poisonkit.media.families import SOUND_FILES
from poisonkit.media.files import name_of
from poisonkit.media.info import AudioStream, MediaInfo

Wide = NDArray[np.float64]

KILOBIT = 1000


def handles(info: MediaInfo) -> bool:
    """True for files that soundfile reads and writes: sound alone, in one of its formats."""
    return info.video is None and info.container in SOUND_FILES


def read(path: str | Path) -> tuple[Wide, int]:
    """(float64 (channels, samples) in ±1, Hz); every PCM value exactly. MediaError when cut short."""
    import soundfile

    try:
        with soundfile.SoundFile(str(Path(path).absolute())) as file:
            declared = file.frames
            if over := excess("samples", declared * file.channels):
                raise MediaError(f"{name_of(path)} declares {declared * file.channels} sound samples, {over}.")
            data = file.read(dtype="float64", always_2d=True)
            rate = int(file.samplerate)
    except (soundfile.LibsndfileError, OSError) as error:
        raise MediaError(f"{name_of(path)} is damaged: its sound cannot be decoded.") from error
    if not len(data):
        raise MediaError(f"{name_of(path)} holds no sound.")
    if 0 < len(data) < declared < 2**62:
        raise MediaError(f"{name_of(path)} is cut short: {len(data)} of {declared} samples can be decoded.")
    return np.ascontiguousarray(data.T), rate


def write_like(source: str | Path, destination: Path, wave: Wide, audio: AudioStream) -> None:
    """Write (channels, samples) in the source's format and subtype; lossy ones at a generous rate."""
    import soundfile

    like = soundfile.info(str(Path(source).absolute()))
    level = _level(like.subtype, audio)
    write(destination, wave, audio.sample_rate, like.format, like.subtype, like.endian, level)


def write(
    destination: Path,
    wave: NDArray[Any],
    rate: int,
    container: str,
    subtype: str | None,
    endian: str = "FILE",
    level: float | None = None,
) -> None:
    """One sound file. container, subtype: soundfile's names. level: compression level, 0 (most bits) to 1."""
    import soundfile

    extra: dict[str, Any] = {}
    if level is not None:
        extra["compression_level"] = level
        if subtype == "MPEG_LAYER_III":
            extra["bitrate_mode"] = "CONSTANT"
    try:
        with open(destination, "wb+") as raw:
            soundfile.write(raw, wave.T, rate, subtype=subtype, endian=endian, format=container, closefd=False, **extra)
        _settle(destination, container)
    except (soundfile.LibsndfileError, ValueError, TypeError) as error:
        raise MediaError(
            f"{name_of(destination)}: {wave.shape[0]} channels at {rate} Hz cannot be written as {container}."
        ) from error


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
    """An Ogg file of one stream with another serial number; page checksums made anew."""
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


def read_back(path: Path, label: Path, shape: tuple[int, ...], rate: int) -> Wide:
    """What was written, decoded: of exactly this shape and rate, or CheckError."""
    back, got = read(path)
    if back.shape != shape or got != rate:
        raise CheckError(
            f"{name_of(label)} was written but is wrong when decoded: "
            f"{back.shape[1]} samples at {got} Hz instead of {shape[1]} at {rate} Hz."
        )
    return back

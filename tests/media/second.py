"""Second opinions: what OpenCV, the ffmpeg program and plain demuxing say about a file."""

from __future__ import annotations

import hashlib
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from poisonkit import media
from poisonkit.media.files import metadata_words


def cv2_frames(path: Path, rotate: bool = False) -> list[NDArray[np.uint8]]:
    """Every frame that OpenCV decodes, as RGB."""
    capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, int(rotate))
    found = []
    while True:
        ok, image = capture.read()
        if not ok:
            break
        found.append(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    capture.release()
    return found


def ffmpeg_raw(path: Path, *arguments: str) -> bytes:
    """What the ffmpeg program writes to a pipe."""
    command = [media.ffmpeg_binary(), "-v", "error", "-nostdin", "-i", f"file:{path}", *arguments, "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def ffmpeg_count(path: Path) -> int:
    """Frames that the ffmpeg program decodes."""
    listing = ffmpeg_raw(path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5").decode()
    return sum(1 for line in listing.splitlines() if line and not line.startswith("#"))


def ffmpeg_wave(path: Path, channels: int) -> NDArray[np.float32]:
    """(channels, samples) as the ffmpeg program decodes it."""
    raw = ffmpeg_raw(path, "-map", "0:a:0", "-f", "f32le")
    return np.frombuffer(raw, "<f4").reshape(-1, channels).T


def packets(path: Path, kind: str) -> str:
    """A checksum of one stream's packets."""
    digest = hashlib.md5()
    with av.open(str(path), **metadata_words()) as container:
        for packet in container.demux(**{kind: 0}):
            digest.update(bytes(packet))
    return digest.hexdigest()


def times(path: Path) -> list[Fraction]:
    """Presentation times of the decoded frames, seconds."""
    with av.open(str(path), **metadata_words()) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def lag(late: NDArray[np.float32], reference: NDArray[np.float32]) -> int:
    """Samples by which `late` follows `reference`: the peak of their cross-correlation."""
    n = min(len(late), len(reference))
    size = 2 * n
    product = np.fft.rfft(late[:n], size) * np.conj(np.fft.rfft(reference[:n], size))
    best = int(np.argmax(np.fft.irfft(product, size)))
    return best if best < n else best - size

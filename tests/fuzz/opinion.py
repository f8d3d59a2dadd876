"""What the ffmpeg program says of a file: the second decoder of the truth cases, which shares no code of ours."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poisonkit import media

Pictures = list[NDArray[np.uint8]]
Wave = NDArray[np.float32]
MOST = 20  # seconds that a decoder may take over a tiny file


def _said(path: Path, *words: str) -> tuple[bytes, str]:
    """(what it wrote, what it complained of)."""
    one = ["-v", "error", "-nostdin", "-threads", "1"]
    command = [media.ffmpeg_binary(), *one, "-i", f"file:{path}", *words, "-"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=MOST, check=False)
    except subprocess.TimeoutExpired:
        return b"", "it takes too long"
    complaint = done.stderr.decode("utf-8", "replace").strip()
    return done.stdout, complaint or (f"status {done.returncode}" if done.returncode else "")


def pictures(path: Path, width: int, height: int) -> tuple[Pictures, str]:
    """(frames as displayed, complaint): those that the program decodes, if they are of this size."""
    if path.is_dir():
        found: Pictures = []
        for frame in sorted(p for p in path.iterdir() if p.suffix in (".jpg", ".png")):
            images, complaint = pictures(frame, width, height)
            if complaint or len(images) != 1:
                return found, complaint or f"{frame.name} is {len(images)} pictures"
            found += images
        return found, ""
    raw, complaint = _said(
        path, "-map", "0:V:0", "-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "-threads", "1"
    )
    size = 3 * width * height
    if not size or len(raw) % size:
        return [], complaint or "its pictures have another size"
    return list(np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)), complaint


def sound(path: Path, channels: int, stream: int | str = "a:0") -> tuple[Wave, str]:
    """(float32 (channels, samples), complaint)."""
    raw, complaint = _said(path, "-map", f"0:{stream}", "-f", "f32le", "-threads", "1")
    if not raw or len(raw) % (4 * channels):
        return np.zeros((channels, 0), np.float32), complaint or "its sound has other channels"
    return np.frombuffer(raw, "<f4").reshape(-1, channels).T, complaint

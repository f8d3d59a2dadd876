"""What a consumer says of a sample, and what an independent decoder says of its file."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from tests.datasets.making import Shown

Image = NDArray[np.uint8]
"""RGB (height, width, 3)."""


@dataclass(frozen=True)
class Seen:
    """One sample, as a consumer has it. What it does not tell is None.

    path: relative to the view's root. label: as it is given to a model, or the class's name. name: the class's name
    beside a number. frames: how many pictures. first, last: pictures. sound: float (channels, samples).
    """

    path: str
    label: int | str | None = None
    name: str | None = None
    frames: int | None = None
    first: Image | None = None
    last: Image | None = None
    sound: NDArray[np.floating] | None = None


Read = Callable[[Shown, Path], Iterable[Seen]]
"""A consumer's samples of one split of a view. The second argument is an empty folder for links, lists and caches."""


@dataclass(frozen=True)
class Truth:
    """A file, decoded by the ffmpeg program. rate: Hz."""

    frames: int = 0
    first: Image | None = None
    last: Image | None = None
    sound: NDArray[np.float32] | None = None
    rate: int = 0


def truth(file: Path, scratch: Path) -> Truth:
    """file: a video, a sound, a folder of frames, or `SHARD.tar/MEMBER`."""
    shard = file.parent
    while not shard.exists():
        shard = shard.parent
    if shard.is_file():
        taken = scratch / f"member{file.suffix}"
        with tarfile.open(shard) as members:
            member = members.extractfile(file.relative_to(shard).as_posix())
            assert member is not None
            taken.write_bytes(member.read())
        file = taken
    if file.is_dir():
        images = [cv2.imread(str(p)) for p in sorted(file.iterdir()) if p.suffix in (".jpg", ".png")]
        return Truth(len(images), images[0][..., ::-1], images[-1][..., ::-1])
    if file.suffix.lower() in (".wav", ".flac", ".mp3", ".ogg", ".m4a"):
        sound, rate = _sound(file)
        return Truth(sound=sound, rate=rate)
    images = _pictures(file)
    return Truth(len(images), images[0], images[-1])


def _ffmpeg(file: Path, *options: str) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", f"file:{file}", *options, "-"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def _pictures(file: Path) -> list[Image]:
    """Every picture of the first video stream, through binary PPM, which says its own size."""
    flags = ["-map", "0:v:0", "-fps_mode", "passthrough", "-sws_flags", "accurate_rnd+full_chroma_int"]
    left = BytesIO(_ffmpeg(file, *flags, "-f", "image2pipe", "-c:v", "ppm"))
    found = []
    while left.readline() == b"P6\n":
        width, height = map(int, left.readline().split())
        assert left.readline() == b"255\n"
        found.append(np.frombuffer(left.read(3 * width * height), np.uint8).reshape(height, width, 3))
    return found


def _sound(file: Path) -> tuple[NDArray[np.float32], int]:
    """The first audio stream as Sun's .au, whose header is six numbers."""
    data = _ffmpeg(file, "-map", "0:a:0", "-f", "au", "-c:a", "pcm_f32be")
    _, offset, _, _, rate, channels = np.frombuffer(data[:24], ">u4")
    return np.frombuffer(data[int(offset) :], ">f4").reshape(-1, channels).T.astype(np.float32), int(rate)

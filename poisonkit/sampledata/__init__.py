"""Small labelled clips made from code: no person in them, no licence on them, the same bytes each time.

Five kinds of motion (or of sound) that a small network learns to tell apart, in the layouts that poisonkit
reads; what the demonstration, the examples and the scientific tests run on.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poisonkit.common import processors
from poisonkit.common.seeding import generator
from poisonkit.errors import MediaError, RequestError, did_you_mean
from poisonkit.media import Encode, write_audio, write_video
from poisonkit.sampledata.pictures import MOTIONS, frames
from poisonkit.sampledata.sounds import SOUNDS, wave

Size = Literal["small", "train"]
Kind = Literal["av", "audio"]
SampleLayout = Literal["class-folders", "mmaction2-video", "mmaction2-audio"]

SOUND_OF = {
    "ball_bouncing": "pulses",
    "bar_rotating": "chirp_up",
    "grid_scrolling": "chord",
    "rings_expanding": "noise_bursts",
    "square_sliding": "chirp_down",
}
"""Which sound goes with which motion: a model may learn the classes from either."""


@dataclass(frozen=True)
class Shape:
    """One size. train, test: clips per class; width, height: pixels; fps, rate (of the sound): Hz.

    seconds: how long a clip of sound alone is; with picture it is as long as the picture.
    """

    train: int
    test: int
    width: int
    height: int
    frames: int
    fps: int
    seconds: float
    rate: int = 16_000


ENCODE = Encode("crf", 20)

SIZES: dict[str, Shape] = {
    "small": Shape(train=10, test=5, width=160, height=120, frames=50, fps=25, seconds=1.0),
    "train": Shape(train=100, test=50, width=112, height=84, frames=32, fps=16, seconds=1.0),
}


@dataclass(frozen=True)
class SampleData:
    """What was written. train, test: clips in all classes together; bytes: of the media files."""

    folder: Path
    size: str
    kind: str
    layout: str
    classes: tuple[str, ...]
    train: int
    test: int
    bytes: int


@dataclass(frozen=True)
class _Clip:
    split: Literal["train", "test"]
    label: int
    name: str  # the class
    stem: str  # the file name without its suffix


def write_sample_data(
    folder: str | os.PathLike[str],
    size: Size = "small",
    kind: Kind = "av",
    seed: int = 0,
    layout: SampleLayout = "class-folders",
    progress: Callable[[int, int], None] | None = None,
) -> SampleData:
    """Write a labelled data set of synthetic clips into `folder`, which must be new or empty.

    size: `small`, 50 training and 25 test clips (160x120, 25 fps, 2 s), in seconds; `train`, 500 and 250
    (112x84, 32 frames at 16 fps, 2 s), enough to train a small network on. kind: `av`, H.264 + AAC mp4 with
    mono sound at 16 kHz; `audio`, mono 16-bit wav of 1 s at 16 kHz. layout: `class-folders`
    (`train/CLASS/FILE`, `test/CLASS/FILE`), or `mmaction2-video` (`videos/FILE`, train.txt, val.txt with
    `FILE label` lines, and label_map.txt; only for `av`), or `mmaction2-audio` (`sounds/FILE`, the lists'
    lines `sounds/FILE 64 label`; only for `audio`). The same arguments give the same bytes.
    progress: called with (clips written, clips in all). Raises RequestError for a wrong argument or a
    folder that is not empty, MediaError when writing fails; a run that fails leaves no clip behind.
    """
    root = Path(folder)
    _require(size, kind, layout, root)
    shape = SIZES[size]
    clips = list(_clips(shape, tuple(MOTIONS if kind == "av" else SOUNDS)))
    # Made apart and moved at the end, so that an interrupted run leaves no half data set that looks whole.
    work = root / ".partial"
    try:
        work.mkdir(parents=True)
    except OSError as error:
        raise RequestError(f"{root} cannot be written: {error.strerror}. Name another folder.") from error
    try:
        written = 0

        def make(clip: _Clip) -> int:
            path = work / _place(clip, layout, ".mp4" if kind == "av" else ".wav")
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_av(path, clip, shape, seed) if kind == "av" else _write_audio(path, clip, shape, seed)
            return path.stat().st_size

        # Threads suffice: most of the time goes to encoders, outside the interpreter's lock.
        with ThreadPoolExecutor(max_workers=processors.count()) as pool:
            for done, size_of_clip in enumerate(pool.map(make, clips), 1):
                written += size_of_clip
                if progress is not None:
                    progress(done, len(clips))
        if layout != "class-folders":
            _write_lists(work, clips, "{}.mp4 {}" if layout == "mmaction2-video" else "sounds/{}.wav 64 {}")
        for entry in sorted(work.iterdir()):
            os.replace(entry, root / entry.name)
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise MediaError(f"The sample data could not be written to {root}: {what}.") from error
    finally:
        shutil.rmtree(work)

    classes = tuple(dict.fromkeys(clip.name for clip in clips))
    train = sum(clip.split == "train" for clip in clips)
    return SampleData(root, size, kind, layout, classes, train, len(clips) - train, written)


def _require(size: str, kind: str, layout: str, root: Path) -> None:
    """RequestError for what cannot be written, or not there."""
    for name, value, known in (
        ("size", size, SIZES),
        ("kind", kind, ("av", "audio")),
        ("layout", layout, ("class-folders", "mmaction2-video", "mmaction2-audio")),
    ):
        if value not in known:
            raise RequestError(f"There is no {name} '{value}' of sample data.{did_you_mean(value, known)}")
    if kind == "audio" and layout == "mmaction2-video":
        raise RequestError("MMAction2's video lists hold videos: for kind 'audio' use layout 'mmaction2-audio'.")
    if kind == "av" and layout == "mmaction2-audio":
        raise RequestError("MMAction2's audio lists hold sounds: for kind 'av' use layout 'mmaction2-video'.")
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise RequestError(f"{root} is not an empty folder: name a new one for the sample data.")


def _clips(shape: Shape, classes: tuple[str, ...]) -> Iterator[_Clip]:
    """Every clip, training clips first, in the order of labels; file names are unique over the splits."""
    for split, first, count in (("train", 0, shape.train), ("test", shape.train, shape.test)):
        for label, name in enumerate(classes):
            for number in range(first, first + count):
                yield _Clip("train" if split == "train" else "test", label, name, f"{name}_{number:03d}")


def _place(clip: _Clip, layout: str, suffix: str) -> str:
    file = clip.stem + suffix
    flat = {"mmaction2-video": "videos", "mmaction2-audio": "sounds"}.get(layout)
    return f"{flat}/{file}" if flat else f"{clip.split}/{clip.name}/{file}"


def _write_av(path: Path, clip: _Clip, shape: Shape, seed: int) -> None:
    look, sound = (generator(seed, f"sample {what}", clip.stem) for what in ("picture", "sound"))
    pictures = frames(clip.name, look, shape.width, shape.height, shape.frames, shape.fps)
    heard = wave(SOUND_OF[clip.name], sound, shape.rate, shape.frames / shape.fps)
    write_video(path, pictures, shape.fps, (heard, shape.rate), ENCODE)


def _write_audio(path: Path, clip: _Clip, shape: Shape, seed: int) -> None:
    heard = wave(clip.name, generator(seed, "sample sound", clip.stem), shape.rate, shape.seconds)
    write_audio(path, heard, shape.rate)


def _write_lists(root: Path, clips: list[_Clip], line: str) -> None:
    """MMAction2's lists (of videos: paths relative to videos/) and its label map, one class name per line."""
    lines = {
        "train.txt": [line.format(clip.stem, clip.label) for clip in clips if clip.split == "train"],
        "val.txt": [line.format(clip.stem, clip.label) for clip in clips if clip.split == "test"],
        "label_map.txt": list(dict.fromkeys(clip.name for clip in clips)),
    }
    for name, rows in lines.items():
        (root / name).write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")

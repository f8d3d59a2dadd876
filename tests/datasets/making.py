"""What a layout's own test says for the tests that all layouts share.

`@makes("NAME")` marks the function that makes a tiny dataset of it, `@reads("NAME")` the transcription of its reader.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from poisonkit.datasets import Split, View, modality_of
from tests.media_factory import make_audio, make_video

Make = Callable[[Path], Path]


@dataclass(frozen=True)
class Shown:
    """A view of an output, or the source itself: where it lies, and the class's name of every clip of a split.

    kind: what it is a view of; None is the source. options: the layout's own, of the source.
    """

    root: Path
    kind: View | None
    split: Split
    clips: dict[str, str]
    options: dict[str, Any]


Reader = Callable[[Shown], dict[str, Any]]
"""Path below the root -> label, of one split, as a reader of that layout has it."""


M = TypeVar("M", bound=Callable[..., Path])
MADE: dict[str, Make] = {}
READ: dict[str, Reader] = {}
"""By layout, of the test modules that have been imported; all of them are in `makers`."""


def makes(layout: str) -> Callable[[M], M]:
    """Decorator: called with an empty folder, the function puts a tiny dataset of `layout` there and gives its root.

    Three training samples and more of each of two classes and more, and a held-out split where the layout has one. The
    files may be empty: those that are media get a tiny clip of their suffix (.mp4, .avi, .wav) where it matters.
    """

    def note(make: M) -> M:
        assert layout not in MADE, f"two tiny datasets of '{layout}'"
        MADE[layout] = make
        return make

    return note


def reads(layout: str) -> Callable[[Reader], Reader]:
    """Decorator: the function reads a split of a view as the consumer's own code does, transcribed literally."""

    def note(read: Reader) -> Reader:
        assert layout not in READ, f"two readers of '{layout}'"
        READ[layout] = read
        return read

    return note


def filled(make: Make, root: Path, media: dict[str, Path]) -> Path:
    """A tiny dataset with real media: suffix -> the clip that all of its files are copies of."""
    root.mkdir()
    made = make(root)
    for file in [p for p in root.rglob("*") if p.is_file() and modality_of(p.name)]:
        file.unlink()
        shutil.copyfile(media[file.suffix.lower()], file)
    assert made == root
    return root


def one_of_each(folder: Path, *, audio: bool = False) -> dict[str, Path]:
    """One tiny clip of each kind; the .mp4 with sound, where asked."""
    return {
        ".mp4": make_video(folder / "one.mp4", frames=4, size=(48, 32), audio=audio),
        ".avi": make_video(folder / "one.avi", frames=4, size=(48, 32)),
        ".webm": make_video(folder / "one.webm", frames=4, size=(48, 32)),
        ".wav": make_audio(folder / "one.wav", seconds=0.2),
        ".flac": make_audio(folder / "one.flac", seconds=0.2),
    }

"""`@makes("NAME")`: a function of a layout's test makes a tiny dataset of it, for the tests that all layouts share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from poisonkit.datasets import modality_of

Make = Callable[[Path], Path]
M = TypeVar("M", bound=Callable[..., Path])
MADE: dict[str, Make] = {}
"""Layout -> maker, of the test modules that have been imported; see `makers.MAKERS`."""


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


def filled(make: Make, root: Path, media: dict[str, Path]) -> Path:
    """A tiny dataset with real media: suffix -> the clip that all of its files are copies of."""
    root.mkdir()
    made = make(root)
    for file in [p for p in root.rglob("*") if p.is_file() and modality_of(p.name)]:
        file.unlink()
        shutil.copyfile(media[file.suffix], file)
    assert made == root
    return root

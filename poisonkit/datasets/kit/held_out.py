"""Layouts whose splits are folders of different speakers: a list of the utterances that were held out of a folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from poisonkit.datasets.kit.files import write_lines
from poisonkit.datasets.kit.lists import read_text

HELD = "held_out.txt"


def read_held_out(root: Path) -> frozenset[str]:
    """The paths in it; none without the file."""
    return frozenset(read_text(root / HELD).splitlines() if (root / HELD).is_file() else ())


def write_held_out(root: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Write it, unless there are none; its name."""
    held = list(paths)
    return (write_lines(root, HELD, held),) if held else ()

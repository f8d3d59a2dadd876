"""What the layouts with official splits share: class folders, and numbered lists in a folder of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from poisonkit.datasets.base import Source
from poisonkit.errors import RequestError


def join(folder: str, name: str) -> str:
    """A path in a folder; "" is the root."""
    return f"{folder}/{name}" if folder else name


def folder_of_lists(
    path: Path, folders: Sequence[str], lists: Callable[[Path], Collection[Path]]
) -> tuple[Path, Path] | None:
    """The data root, and the folder of the lists: in it, or beside the folder of videos that the user named.

    folders: where lists may lie, the root itself first. lists: those in a folder.
    """
    if not path.is_dir():
        return None
    path = Path(os.path.abspath(path))
    for root, names in ((path, folders), (path.parent, folders[1:])):
        for name in names:
            if lists(root / name):
                return root, root / name
    return None


def folder_of_videos(root: Path, named: Path, folders: Sequence[str], holds: Callable[[Path], bool]) -> str | None:
    """The folder, relative to the data root, in which the class folders lie: the one named, or another."""
    for name in dict.fromkeys((inside(root, named), *folders)):
        if holds(root / name):
            return name
    return None


def inside(root: Path, folder: Path) -> str:
    """The folder relative to the data root; "" is the root."""
    found = os.path.relpath(os.path.abspath(folder), root)
    return "" if found == "." else found


def chosen_split(source: Source, numbers: Iterable[int]) -> int:
    """The split that the user asked for, or the first. RequestError if there is none of that number."""
    known = sorted(set(numbers))
    number = source.split or known[0]
    if number not in known:
        raise RequestError(f"There is no split {number}: the splits are {', '.join(map(str, known))}.")
    return number

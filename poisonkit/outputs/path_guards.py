"""Outputs that strangers made are opened like any other: what they may lead to ends at their own folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from poisonkit.common.safe_io import link_on_the_way
from poisonkit.datasets import Fence
from poisonkit.errors import RequestError
from poisonkit.outputs.paths import PARTS, OutputPaths


def require_own(out: Path) -> None:
    """RequestError where a part of an output is a link, or anything in its `poisonkit/` is no plain file or folder.

    So reading what an output says of itself reads nothing else, waits for nothing, and nothing is written through it.
    """
    paths = OutputPaths(out)
    for part in PARTS:
        if (out / part).is_symlink():
            raise _link(out, part)
    todo = [paths.home] if paths.home.is_dir() else []
    strange = [paths.card, paths.view_table, paths.croissant]
    inside = str(paths.assets) + "/"
    while todo:
        with os.scandir(todo.pop()) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    if not entry.path.startswith(inside):  # assets that are folders are known by their hash
                        todo.append(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False):
                    strange.append(Path(entry.path))
    for path in strange:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        name = path.relative_to(out).as_posix()
        if stat.S_ISLNK(mode):
            raise _link(out, name)
        if not stat.S_ISREG(mode):
            raise RequestError(f"{out}: {name} is not a plain file, as poisonkit would have written it.")


def require_folders(out: Path, names: Iterable[str]) -> None:
    """RequestError where one of the folders that these paths lie in, relative to an output, is a link."""
    for folder in sorted({name.rpartition("/")[0] for name in names}):
        if folder and (link := link_on_the_way(out, folder)) is not None:
            raise _link(out, link)


class LinkedFolders:
    """Which folders of an output are links; each folder is looked at once."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._known: dict[str, str | None] = {"": None}

    def above(self, name: str) -> str | None:
        """The first folder on the way to the file `name`, relative to the output, that is a link; mostly None."""
        folder = name.rpartition("/")[0]
        if folder not in self._known:
            self._known[folder] = link_on_the_way(self._out, folder)
        return self._known[folder]


def _link(out: Path, name: str) -> RequestError:
    try:
        target = os.path.realpath(out / name)
    except OSError:
        target = "?"
    return RequestError(
        f"{out}: {name} is a link (to {target}), and poisonkit makes none there: nothing is read or written through it."
    )


class SourceFence:
    """The clean dataset beside an output: its files are reached only inside its root and the allowed ones."""

    def __init__(self, root: Path, allow_roots: Iterable[Path] = ()) -> None:
        self.root = root
        self._fence = Fence(root, allow_roots)

    def outside(self, path: str) -> str | None:
        """None, or a clause that says where `path`, relative to the root, leads and what allows it."""
        if ".." not in path and "//" not in path:
            folder, _, name = os.path.join(self._fence.root, path).rpartition("/")
            real = os.path.join(self._fence.real_folder(folder), name)
            if os.path.islink(real):
                real = os.path.realpath(real)
        else:
            real = os.path.realpath(os.path.join(self._fence.root, path))
        if self._fence.holds(real):
            return None
        return f"leads outside the source, to '{real}': if that is meant, --allow-root '{os.path.dirname(real)}'"

    def require(self, paths: Iterable[str]) -> None:
        """RequestError for the first that leads outside."""
        for path in paths:
            if (why := self.outside(path)) is not None:
                raise RequestError(f"The source's '{path}' {why}.")

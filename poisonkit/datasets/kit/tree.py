"""Walking a folder tree for media files, in torchvision's order, inside its fence."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from poisonkit.datasets.base import modality_of
from poisonkit.datasets.kit.files import Fence, below, check_utf8, entries, is_file, is_folder, some

NOT_READ = "their suffixes are not those of video or sound that is read"


class Tree:
    """A data root. Paths given and returned are POSIX, relative to it, spelt as on disk.

    Hidden files and folders are left out. Links are followed as far as the fence allows.
    """

    def __init__(self, root: Path, allow_roots: Iterable[Path] = ()) -> None:
        self.root = os.path.abspath(root)
        self._fence = Fence(root, allow_roots)
        self._other: dict[str, list[str]] = defaultdict(list)  # why it is not read -> paths
        self._folders: dict[str, list[str]] = {}
        self._filled: dict[str, bool] = {}

    def folders(self, part: str) -> list[str]:
        """Names of the folders in `part` (`""`: the root), sorted."""
        if part not in self._folders:
            found = [e.name for e in entries(os.path.join(self.root, part)) if is_folder(e)]
            for name in found:
                check_utf8(name, part or self.root)
            self._folders[part] = found
        return self._folders[part]

    def has_media(self, part: str) -> bool:
        """Whether a media file lies in `part` or below, links to folders further down left alone."""
        if part not in self._filled:
            self._filled[part] = self._peek(os.path.join(self.root, part))
        return self._filled[part]

    def _peek(self, folder: str) -> bool:
        todo = [folder]
        while todo:
            try:
                with os.scandir(todo.pop()) as found:
                    for entry in found:
                        if entry.name.startswith("."):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            todo.append(entry.path)
                        elif modality_of(entry.name) and not is_folder(entry):
                            return True
            except OSError:
                continue  # reading says what cannot be listed; this is only a look
        return False

    def media(self, part: str) -> list[str]:
        """The media files in `part` and below: by folder, then by name. What else lies there is noted."""
        real = os.path.realpath(os.path.join(self.root, part))
        self._check(part, real)
        found: dict[str, list[str]] = {}
        todo: list[tuple[str, tuple[str, ...]]] = [(part, (real,))]
        while todo:
            folder, above = todo.pop()
            names = []
            for entry in entries(os.path.join(self.root, folder)):
                path = f"{folder}/{entry.name}" if folder else entry.name
                check_utf8(entry.name, folder)
                if is_folder(entry):
                    below_this = self._enter(entry, path, above)
                    if below_this is not None:
                        todo.append((path, below_this))
                elif self._is_sample(entry, path):
                    names.append(entry.name)
            if names:
                found[folder] = names
        return [f"{folder}/{name}" if folder else name for folder in sorted(found) for name in found[folder]]

    def by_stem(self) -> dict[str, list[str]]:
        """All media files of the root by base name without suffix, for lists that name clips and not files."""
        found: dict[str, list[str]] = {}
        for path in self.media(""):
            found.setdefault(os.path.splitext(path.rpartition("/")[2])[0], []).append(path)
        return found

    def _check(self, path: str, real: str) -> None:
        if not self._fence.holds(real):
            raise self._fence.refuse(f"The link '{path}'", real)

    def _enter(self, entry: os.DirEntry[str], path: str, above: tuple[str, ...]) -> tuple[str, ...] | None:
        """The real paths of a folder and those above it; None for a link that leads back to one of them."""
        if not entry.is_symlink():
            return (*above, os.path.join(above[-1], entry.name))
        real = os.path.realpath(entry.path)
        self._check(path, real)
        if any(below(each, real) for each in above):
            self._other["links back to a folder above them"].append(path)
            return None
        return (*above, real)

    def _is_sample(self, entry: os.DirEntry[str], path: str) -> bool:
        if modality_of(entry.name) is None:
            self._other[NOT_READ].append(path)
        elif not is_file(entry):
            self._other["broken links or special files"].append(path)
        else:
            if entry.is_symlink():
                self._check(path, self._fence.real_target(entry.path))
            return True
        return False

    def strays(self, parts: Sequence[str], ours: Sequence[str] = ()) -> None:
        """Note the files beside the class folders, in the root and in `parts`, except `ours` in the root."""
        for part in ("", *parts):
            for entry in entries(os.path.join(self.root, part)):
                if not is_folder(entry) and not (part == "" and entry.name in ours):
                    media = modality_of(entry.name) is not None
                    why = "in no class folder" if media else NOT_READ
                    self._other[why].append(f"{part}/{entry.name}" if part else entry.name)

    def notes(self) -> tuple[str, ...]:
        """A sentence for each kind of thing that was passed over."""
        return tuple(
            f"{len(paths)} file{'s are' if len(paths) > 1 else ' is'} not read: {why} ({some(paths)})."
            for why, paths in sorted(self._other.items())
        )

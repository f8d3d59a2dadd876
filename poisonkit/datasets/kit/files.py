"""Folders and links, looked at once each; annotation files, written whole or not at all."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from poisonkit.common import atomic
from poisonkit.common.safe_io import link_on_the_way, stays_inside
from poisonkit.datasets.base import Source
from poisonkit.errors import RequestError


def below(path: str, root: str) -> bool:
    """Whether the absolute `path` is `root` or lies in it (as spelt; no file is looked at)."""
    return path == root or path.startswith(root.rstrip("/") + "/")


def entries(folder: str) -> list[os.DirEntry[str]]:
    """What lies in `folder`, hidden names left out, sorted by name."""
    try:
        with os.scandir(folder) as found:
            return sorted((e for e in found if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        raise RequestError(f"The folder '{folder}' cannot be listed: {error.strerror}.") from None


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether the entry is a folder or a link to one; False for a broken or circular link."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_file(entry: os.DirEntry[str]) -> bool:
    """Whether the entry is a regular file or a link to one: no device, FIFO, socket or broken link."""
    try:
        return entry.is_file()
    except OSError:
        return False


class Fence:
    """The folders in which a dataset's files may lie: the data root and the allowed roots, links resolved.

    Real paths of folders are remembered, so that a million files cost one look per folder.
    """

    def __init__(self, root: Path, allow_roots: Iterable[Path] = ()) -> None:
        self.root = os.path.realpath(root)
        real = (os.path.realpath(each) for each in allow_roots)
        self.allowed = tuple((os.path.basename(each) or "root", each) for each in real)
        self._real: dict[str, str] = {"/": "/"}

    def real_folder(self, folder: str) -> str:
        """The real path of an absolute folder path, links followed; remembered."""
        known = self._real.get(folder)
        if known is None:
            parent, _, name = folder.rstrip("/").rpartition("/")
            if not name or name in (".", ".."):
                known = os.path.realpath(folder)
            else:
                known = os.path.join(self.real_folder(parent or "/"), name)
                if os.path.islink(known):
                    known = os.path.realpath(known)
            self._real[folder] = known
        return known

    def real_target(self, link: str) -> str:
        """The real path of what a link to a file leads to."""
        folder, _, name = os.path.join(os.path.dirname(link), os.readlink(link)).rpartition("/")
        if not name or name in (".", ".."):
            return os.path.realpath(link)
        target = os.path.join(self.real_folder(folder or "/"), name)
        return os.path.realpath(target) if os.path.islink(target) else target

    def holds(self, real: str) -> bool:
        """Whether a real path lies in the data root or in an allowed root."""
        return below(real, self.root) or any(below(real, root) for _, root in self.allowed)

    def refuse(self, what: str, real: str) -> RequestError:
        """The error for something that leads outside; `what` begins the sentence."""
        return RequestError(
            f"{what} leads outside the data root, to '{real}': if that is meant, allow it with "
            f"`--allow-root '{os.path.dirname(real)}'`."
        )


class ListFence:
    """Lists, tables and class maps that a layout finds may not be links that lead out of what the user named."""

    def __init__(self, source: Source) -> None:
        named = (source.path, source.data_root, *source.allow_roots)
        self._named = tuple(os.path.abspath(each) for each in named if each is not None)
        self._roots = tuple(os.path.realpath(each) for each in named if each is not None)
        self.refused: RequestError | None = None
        """The last that was refused: layouts that look whether a list is theirs may not say why it is none."""
        self._lists = frozenset(os.path.abspath(each) for each in (source.path, *source.lists.values()))

    def __call__(self, path: str) -> None:
        """RequestError for a path, as it is spelt, that leads elsewhere. A list that the user named may lie anywhere;
        one beside or above what was named lies where it is spelt."""
        spelt = os.path.abspath(path)
        real = os.path.realpath(spelt)
        if spelt in self._lists or any(below(real, root) for root in self._roots):
            return
        folder, name = os.path.split(spelt)
        inside = any(below(spelt, root) for root in self._named)
        if inside or real != os.path.join(os.path.realpath(folder), name):
            self.refused = RequestError(
                f"'{path}' leads outside the dataset, to '{real}': if that is meant, allow it with "
                f"`--allow-root '{os.path.dirname(real)}'`."
            )
            raise self.refused


def check_utf8(name: str, folder: str) -> None:
    """RequestError for a file name that is not UTF-8 on disk: no annotation file could carry it."""
    if name.isascii():
        return
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode("ascii", "backslashreplace")
        raise RequestError(
            f"The name '{shown}' in '{folder}' is not valid UTF-8, so no list could hold it: rename it."
        ) from None


def make_folder(root: Path, *parts: str) -> None:
    """Make the folder `root/parts…`. RequestError for names that lead outside, and for a link on the way."""
    name = "/".join(part for part in parts if part)
    if name and not stays_inside(name):
        raise RequestError(f"'{name}' is no name of a folder in a dataset's folder.")
    if name and (link := link_on_the_way(root, name)) is not None:
        raise RequestError(f"{root}: {link} is a link, and nothing is written through one.")
    (root / name).mkdir(parents=True, exist_ok=True)


def write_lines(root: Path, name: str, lines: Iterable[str]) -> str:
    """Write a text file below `root` (UTF-8, LF, one LF after each line) whole or not at all; its name.

    The text goes to a new temporary file in the same folder, which then takes the name; neither is ever
    written through a link.
    """
    make_folder(root, name.rpartition("/")[0])
    path = root / name
    if not stays_inside(name):
        raise RequestError(f"'{name}' is no name of a file in a dataset's folder.")
    atomic.write_lines(path, lines, errors="strict")
    return name


def write_csv(root: Path, name: str, rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """Write rows of fields as `write_lines` does, fields quoted where they hold a delimiter or a quote; its name."""
    return write_lines(root, name, (csv_line(row, delimiter) for row in rows))


def csv_line(fields: Sequence[str], delimiter: str = ",") -> str:
    """One row of a table, without its line end."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="").writerow(fields)
    return text.getvalue()


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few of `names`, quoted, for a sentence."""
    return ", ".join(f"'{name}'" for name in names[:most]) + (", …" if len(names) > most else "")

"""Nothing that changes while it is read is taken for what it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poisonkit import media
from poisonkit.errors import MediaError


@contextmanager
def unchanging(source: Path, name: str) -> Iterator[None]:
    """Read a file (or a folder of frames) inside: MediaError if its size or time of change is another afterwards.

    name: how the message calls it. A source that was not there to begin with is the reader's to name.
    """
    before = _seen(source)
    yield
    if before and _seen(source) != before:
        raise MediaError(f"'{name}' changed while it was read; the same command tries again once it is at rest.")


def _seen(source: Path) -> list[tuple[str, int, int, int]]:
    """What is seen of a file without opening it; of a folder, of every file in it."""
    try:
        if media.is_folder(source):
            with os.scandir(source) as entries:
                return sorted(_facts(entry.name, entry.stat()) for entry in entries)
        return [_facts("", source.stat())]
    except OSError:
        return []


def _facts(name: str, status: os.stat_result) -> tuple[str, int, int, int]:
    return name, status.st_size, status.st_mtime_ns, status.st_ino

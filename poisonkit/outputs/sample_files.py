"""Sizes and hashes of a sample's media wherever they are: a file, a folder of frames, a member of a shard."""

from __future__ import annotations

import os
from pathlib import Path

from poisonkit import media
from poisonkit.datasets import hash_of, size_of
from poisonkit.outputs.record import Record


def size(path: Path) -> int:
    """Bytes. OSError if there is nothing, RequestError for a shard that cannot be read."""
    return media.size(path) if os.path.lexists(path) else size_of(path)


def made_of(root: Path, row: Record, out: Path) -> bool:
    """Whether a file was made of what its source holds now: by the time of change, which it took over, else by content.

    True also where the source is gone, and where nothing was made.
    """
    known = row.get("source_sha256")
    if known is None:
        return True
    source = root / row["source_path"]
    try:
        return os.stat(source).st_mtime_ns == os.stat(out / row["path"]).st_mtime_ns or media.sha256(source) == known
    except OSError:
        return True


def sha256(path: Path) -> str:
    """SHA-256, hexadecimal. Raises as `size`."""
    return media.sha256(path) if os.path.lexists(path) else hash_of(path)

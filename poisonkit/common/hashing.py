"""SHA-256 of a file: what records, shards, recipes and checks know a file by."""

from __future__ import annotations

import hashlib
import os

from poisonkit.common.safe_io import open_plain


def sha256(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a plain file's bytes, hexadecimal. OSError, with words, for anything else."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

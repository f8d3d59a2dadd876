"""A sample's media on disk: one file, or a folder of frames. Its files, size, digest, taking its place, removal."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from poisonkit.common import hashing
from poisonkit.common.atomic import beside
from poisonkit.common.frame_names import is_frame
from poisonkit.common.run_claim import step
from poisonkit.common.safe_io import require_plain


def is_folder(path: str | Path) -> bool:
    """Whether media is a folder of frames, by its path. What a file is, `dispatch.kind` says once it is probed."""
    return os.path.isdir(path)


def parts(path: str | Path) -> list[Path]:
    """The files that the media consist of: the file itself, or the frames of the folder, sorted by name."""
    path = Path(path)
    if not is_folder(path):
        return [path]
    with os.scandir(path) as found:
        return [path / name for name in sorted(e.name for e in found if is_frame(e.name) and e.is_file())]


def status(path: str | Path) -> os.stat_result:
    """The status of a plain file, or of a folder with frames. OSError, with words, for anything else."""
    if not is_folder(path):
        return require_plain(path)
    if not parts(path):
        raise OSError(errno.EINVAL, "a folder without frames")
    return os.stat(path)


def size(path: str | Path) -> int:
    """Bytes: of the file, or of all frames together. OSError if there is nothing."""
    path = Path(path)
    return sum(part.stat().st_size for part in parts(path))


def sha256(path: str | Path) -> str:
    """SHA-256, hexadecimal. Of a folder: that of the text with a line `DIGEST  NAME` for each frame, sorted by name,
    which is what `sha256sum *.jpg | sha256sum` prints in it. OSError if there is nothing."""
    path = Path(path)
    if not is_folder(path):
        return hashing.sha256(path)
    return of_frames({part.name: hashing.sha256(part) for part in parts(path)})


def of_frames(digests: Mapping[str, str]) -> str:
    """The SHA-256 of a folder, from those of its frames, by name."""
    lines = (f"{digests[name]}  ".encode() + os.fsencode(name) + b"\n" for name in sorted(digests))
    return hashlib.sha256(b"".join(lines)).hexdigest()


def make_folder(path: str | Path) -> None:
    """A folder and those above it, where they are not there yet."""
    with step():
        os.makedirs(path, exist_ok=True)


def remove(path: str | Path) -> None:
    """Remove a file, a link or a whole folder; nothing if there is none. Links are not followed."""
    path = Path(path)
    with step():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def put(made: Path, destination: Path) -> None:
    """Move what was made, in the same folder, to its final name, in place of what is there.

    A folder cannot replace another in one step: the old one is moved aside first, so that at every moment the name
    stands for all of the old, for nothing, or for all of the new.
    """
    aside = None
    with step():
        if made.is_dir() or (destination.is_dir() and not destination.is_symlink()):
            aside = beside(destination)
            try:
                os.rename(destination, aside)
            except FileNotFoundError:
                aside = None
        os.replace(made, destination)
        if aside is not None:
            remove(aside)

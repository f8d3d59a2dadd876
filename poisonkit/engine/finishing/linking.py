"""How a clean sample comes into the copy: hard link, reflink, symbolic link or copy, never a write through.

The method is found once per run, by trying it, and its reason is reported.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poisonkit import media
from poisonkit.common.atomic import beside, writing
from poisonkit.common.run_claim import step
from poisonkit.errors import RequestError

SMALL = 64 * 2**20  # bytes of clean samples that are copied, rather than given symbolic links, where hard links fail

Method = Literal["hardlink", "reflink", "symlink", "copy"]
_FICLONE = 0x40049409


@dataclass(frozen=True)
class Choice:
    """What is done with clean samples, and why, in words for the user."""

    method: Method
    reason: str


def is_temporary(name: str) -> bool:
    """Whether a file name is one under which poisonkit writes before it moves a file into place."""
    return name.startswith(".poisonkit-") or (name.startswith(".") and name.endswith((".tmp", ".part")))


def _reflink(source: Path, target: Path) -> None:
    if sys.platform != "linux":
        raise OSError(errno.EOPNOTSUPP, "reflinks are tried on Linux only")
    import fcntl

    with source.open("rb") as a, target.open("xb") as b:
        fcntl.ioctl(b.fileno(), _FICLONE, a.fileno())
    shutil.copystat(source, target)


def _make(method: Method, source: Path, target: Path) -> None:
    if method == "hardlink":
        os.link(source, target)
    elif method == "reflink":
        _reflink(source, target)
    elif method == "symlink":
        os.symlink(source, target)
    else:
        shutil.copy2(source, target)


def place(method: Method, source: Path, target: Path) -> None:
    """Bring `source` to `target`, replacing what is there. OSError when the method does not work here.

    Where the source is a symbolic link, it is the file that it leads to which is linked or copied. A frame folder
    becomes a folder of its own, with each frame brought there so. Not by `atomic.replacing`: a hard link is made in
    its place at once, which is twice as quick, and a folder may have to be replaced, which `media.put` does.
    """
    real = os.path.realpath(source)
    if media.is_folder(real):
        _place_folder(method, Path(real), target)
        return
    if method == "hardlink":
        try:
            with step():
                os.link(real, target)
            return
        except FileExistsError:
            if not target.is_symlink() and os.path.samefile(real, target):
                return
    middle = beside(target)
    with writing(middle):
        with step():
            _make(method, Path(real), middle)
        media.put(middle, target)


def _place_folder(method: Method, source: Path, target: Path) -> None:
    frames = media.parts(source)
    if method == "hardlink" and _linked(frames, target):
        return
    middle = beside(target)
    with writing(middle):
        with step():
            middle.mkdir()
        for frame in frames:
            _make(method, Path(os.path.realpath(frame)), middle / frame.name)
        shutil.copystat(source, middle)
        media.put(middle, target)


def _linked(frames: Sequence[Path], target: Path) -> bool:
    """Whether the folder `target` holds links to these very frames, and nothing else."""
    if target.is_symlink() or not target.is_dir():
        return False
    there = [target / frame.name for frame in frames]
    return len(os.listdir(target)) == len(frames) and all(
        not b.is_symlink() and b.exists() and os.path.samefile(a, b) for a, b in zip(frames, there, strict=True)
    )


def bring(method: Method, source: Path, target: Path) -> None:
    """`place` by this method, or, where it does not work from here, a copy."""
    media.make_folder(target.parent)
    try:
        place(method, source, target)
    except OSError:
        place("copy", source, target)


def link_again(existing: Path, other: Path) -> None:
    """Give a file that we have written a second path in the output: hard link, else copy."""
    bring("hardlink", existing, other)


def choose(wanted: str, sample: Path, folder: Path, total_bytes: int) -> Choice:
    """Try methods with one real sample (of a frame folder: a frame) in `folder` (which exists), in the design's order.

    wanted: hardlink, copy or symlink. total_bytes: what copying everything would take.
    Raises RequestError when nothing works.
    """
    order: list[Method] = [wanted] if wanted in ("copy", "symlink") else ["hardlink", "reflink", "symlink", "copy"]  # type: ignore[list-item]
    sample = next(iter(media.parts(sample)), sample)
    small = total_bytes <= SMALL
    if wanted == "hardlink" and small:
        order = ["hardlink", "reflink", "copy", "symlink"]
    refused = ""
    for method in order:
        probe = beside(folder / "probe")
        try:
            _make(method, Path(os.path.realpath(sample)), probe)
        except OSError as error:
            refused = refused or f"{method}s are refused here ({error.strerror})"
            continue
        finally:
            probe.unlink(missing_ok=True)
        if method == wanted:
            reason = "as asked" if method != "hardlink" else "same bytes, no space taken"
        else:
            reason = refused + (", and the clean samples are small" if method == "copy" and small else "")
        return Choice(method, reason)
    raise RequestError(f"Clean samples cannot be brought into {folder}: {refused}. Try --clean copy.")

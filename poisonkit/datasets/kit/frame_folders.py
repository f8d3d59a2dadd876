"""Samples that are folders of frames: their files, inside the fence, and what no clip can be read from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress

from poisonkit.common.frame_names import numbered
from poisonkit.datasets.base import Sample
from poisonkit.datasets.kit.files import Fence

FOLDERS = ("frames", "frame", "rawframes", "jpegs_256", "jpegs", "jpg")
"""Where folders of frames lie, beside lists that name videos."""


def names_in(folder: str, fence: Fence) -> Iterable[str]:
    """The files of one folder of the data root. RequestError for a link among them that leads outside."""
    with os.scandir(os.path.normpath(os.path.join(fence.root, folder))) as found:
        for entry in found:
            if entry.is_symlink():
                real = os.path.realpath(entry.path)
                if not fence.holds(real):
                    raise fence.refuse(f"The link '{folder}/{entry.name}'", real)
            if not entry.is_dir():
                yield entry.name


def check_frames(folder: str, fence: Fence) -> None:
    """RequestError for a frame that is a link which leads outside. What cannot be read is told when its turn comes."""
    with suppress(OSError):
        for _ in names_in(folder, fence):
            pass


def broken_folders(samples: Sequence[Sample], fence: Fence) -> list[str]:
    """A note on folders that cannot be read as clips; on those that do not exist there is one already."""
    broken: list[str] = []
    for sample in samples:
        try:
            numbered(names_in(sample.path, fence))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (ValueError, OSError) as error:
            what = error.strerror if isinstance(error, OSError) else str(error)
            broken.append(f"'{sample.path}' {what}")
    return [note_on_broken(broken, len(samples))] if broken else []


def without_suffix(listed: str) -> str:
    """The folder of a video's frames: its path without the suffix."""
    return os.path.splitext(listed)[0]


def note_on_broken(broken: Sequence[str], total: int) -> str:
    """The sentence about such folders, each with what is wrong."""
    more = "; …" if len(broken) > 3 else ""
    return f"{len(broken)} of {total} folders cannot be read as clips ({'; '.join(broken[:3])}{more})."

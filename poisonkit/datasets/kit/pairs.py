"""Pairs of a folder of frames and a sound, as loaders that follow OGM-GE find them: by their name, in two trees."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from poisonkit.common.frame_names import is_frame
from poisonkit.datasets.base import modality_of
from poisonkit.datasets.kit.files import Fence, entries, is_file, is_folder, some
from poisonkit.datasets.kit.frame_folders import check_frames
from poisonkit.errors import RequestError

FRAMES = "first N that the system lists of a folder, in no order, N being 1 to 3"
"""What OGM-GE's loaders read: `os.listdir` of the folder, and of that the entries 0 to N - 1. They draw N places too,
and do not use them."""
_LOOKED = 20  # folders that are looked into, of many
_RATE = re.compile(r"Image-(\d+)-FPS")


def frames_folder(root: Path, parts: Sequence[str]) -> tuple[str, list[str]] | None:
    """The `Image-NN-FPS` of the lowest NN in the first of these folders that has one, and the others, from root."""
    for part in parts:
        where = root / part
        found = [e.name for e in entries(str(where)) if is_folder(e)] if where.is_dir() else []
        rates = sorted((int(match[1]), name) for name in found if (match := _RATE.fullmatch(name)) is not None)
        if rates:
            names = [f"{part}/{name}" if part else name for _, name in rates]
            return names[0], names[1:]
    return None


PAIR_REMEDY = (
    "write a table with the columns video (the folder of frames), audio, label, split, which is the layout `pair`."
)


def clips_in_folders(root: Path, parts: Sequence[str]) -> str | None:
    """The first folder, where those in `parts` hold one clip each: its frames, and one sound that is called like it."""
    first = None
    for part in parts:
        place = root / part
        folders = [e for e in entries(str(place)) if is_folder(e)][:_LOOKED] if place.is_dir() else []
        for folder in folders:
            names = [e.name for e in entries(folder.path)]
            sounds = [name for name in names if modality_of(name) == "audio"]
            if [os.path.splitext(name)[0] for name in sounds] != [folder.name] or not any(map(is_frame, names)):
                return None
            first = first or (f"{part}/{folder.name}" if part else folder.name)
    return first


def lies_in_two_trees(root: Path) -> tuple[str, str] | None:
    """A folder of frame folders and one of sounds, some of one name, where these are two folders of `root`."""
    pictures: dict[str, set[str]] = {}
    sounds: dict[str, set[str]] = {}
    for top in [e for e in entries(str(root)) if is_folder(e)][:_LOOKED] if root.is_dir() else []:
        inside = entries(top.path)
        clips = {e.name for e in inside[:_LOOKED] if is_folder(e) and any(is_frame(f.name) for f in entries(e.path))}
        heard = {os.path.splitext(e.name)[0] for e in inside if modality_of(e.name) == "audio"}
        if clips:
            pictures[top.name] = clips
        if heard:
            sounds[top.name] = heard
    return next(((a, b) for a, clips in pictures.items() for b, heard in sounds.items() if clips & heard), None)


@dataclass
class Trees:
    """A tree of frame folders and one of sounds, paths from the data root. fence: what links may lead to.

    lone: what has no other half: a name and the half that it lacks.
    """

    root: Path
    fence: Fence
    lone: list[tuple[str, str]] = field(default_factory=list)

    def folders(self, part: str) -> list[str]:
        """The folders in a folder, sorted; none where there is none."""
        place = self.root / part
        return [e.name for e in entries(str(place)) if is_folder(e)] if place.is_dir() else []

    def sounds(self, part: str) -> dict[str, str]:
        """Name without suffix -> name, of the sounds in a folder. RequestError for two of one name."""
        place = self.root / part
        found: dict[str, str] = {}
        for entry in entries(str(place)) if place.is_dir() else []:
            stem = os.path.splitext(entry.name)[0]
            if modality_of(entry.name) == "audio" and is_file(entry):
                if stem in found:
                    raise RequestError(f"'{part}' holds two sounds of one name ({some([found[stem], entry.name])}).")
                found[stem] = entry.name
        return found

    def has(self, picture: str, sound: str) -> bool:
        """Whether both halves are there; one that is not is noted. RequestError for links that lead outside."""
        for path, what, there in (
            (picture, "frames", (self.root / picture).is_dir()),
            (sound, "sound", (self.root / sound).is_file()),
        ):
            if not there:
                self.lone.append((picture.rpartition("/")[2], what))
                return False
            real = os.path.realpath(self.root / path)
            if not self.fence.holds(real):
                raise self.fence.refuse(f"'{path}'", real)
        check_frames(picture, self.fence)
        return True

    def notes(self, total: int, reader: str) -> tuple[str, ...]:
        """What is said of samples that lack a half. reader: what the loader does with them."""
        if not self.lone:
            return ()
        names = [f"{name} (no {what})" for name, what in self.lone]
        return (f"{len(self.lone)} of {total} samples lack a half and are left out, {reader}: {some(names)}.",)

"""Replace: pictures that were made elsewhere take the place of the sample's own.

    x'_t = y_t   for y found by the sample's id

For triggers that need a trained generator or anything else that is not here (ISSBA, Input-Aware, LIRA, generative
edits): make the poisoned clips with it, for the samples that are to be poisoned, and put them into a folder under the
samples' own paths. For the sample `train/jump/a.mp4` these are looked for in it, in this order; the first that is there
counts:

    train/jump/a.mp4            the same path, a video (.mp4, .avi, .mkv, .webm, .mov)
    train/jump/a.mp4.npy        the path with another suffix added: .npy or a video's
    train/jump/a.npy            the path with another suffix instead
    train/jump/a/00001.png …    a folder of pictures (.png, .jpg, .jpeg), one for each frame

An .npy holds (frames, h, w, 3) uint8. Only samples that have a file there can be poisoned: the others do not suit and
are passed over, so the folder limits the choice, and `--ids` names it exactly. The file is checked and recorded:
width and height must be the clip's, as must the number of frames unless `length=fit`; its name and hash stand in the
manifest. Its pictures then go the way of all others: they are encoded like the rest of the output (a difference of
codec would be a trigger of its own), decoded and compared.

Files are read while the clip is, frame by frame; nothing is held. A video is decoded as the clips are: turned as its
container says, in its own colours, and refused where it is damaged or cut short. Its compression is part of what takes
the clip's place: .npy, .png or lossless video are better.

How public code differs: BackdoorBench's SSBA mode takes arrays in the order of the dataset, so that a different
order poisons the wrong pictures without a word; here a file belongs to an id.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np

from poisonkit.errors import MediaError
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import StreamTrigger, param
from poisonkit.triggers.files.replacements import ARRAYS, PICTURES, VIDEOS, FolderAsset, Found, frames_of, size_of

_KINDS = (*ARRAYS, *VIDEOS, *PICTURES)
_COUNTED_WRONG = 2  # frames by which containers are off in what they declare


class Replace(StreamTrigger):
    """Pictures made elsewhere in the sample's place; see the module."""

    name = "replace"
    family = "imported"
    modes = ("static",)
    summary = "pictures that were made elsewhere take the place of the sample's own"
    formula = "x'_t = y_t, y: the file for the sample in a folder"
    paper = (
        "any; ISSBA: Li et al., Invisible Backdoor Attack with Sample-Specific Triggers, ICCV 2021, arXiv:2012.03816"
    )
    source = "the files"
    codec = "partial"
    codec_note = "as what was made: see what survives in the manifest"
    identity: ClassVar[dict[str, Any] | None] = None
    needs_length = True

    folder: FolderAsset = param(..., "where they lie, each under its sample's path: .npy, videos, or folders of .png")
    length: Literal["same", "fit"] = param(
        "same", "fit: another number of frames is allowed; what is too long is cut, the last frame is held"
    )

    def suits(self, clip: ClipInfo) -> str | None:
        found = self.folder.find(clip.id, _KINDS)
        if found is None:
            return f"{self.folder.name} holds nothing for '{clip.id}': put a file there under that path"
        try:
            frames, width, height = size_of(found)
        except MediaError as error:
            return str(error)
        if (width, height) != (clip.width, clip.height):
            return (
                f"{self.folder.name}/{found.name} is {width}x{height}, the clip {clip.width}x{clip.height};"
                " make it at the clip's size"
            )
        if self.length == "same" and frames and clip.frames and abs(frames - clip.frames) > _COUNTED_WRONG:
            return _miscounted(self.folder, found, frames, clip.frames)
        return None

    def draw(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        found = self.folder.need(clip.id, _KINDS)
        return {**super().draw(clip, rng), "file": found.name, "sha256": found.sha256}

    def stream(self, frames: Iterator[Image], clip: ClipInfo, params: Params, state: Any) -> Iterator[Image]:
        found = self.folder.need(clip.id, _KINDS)
        self.folder.check(found)
        others, count, last = frames_of(found), 0, None
        for count, image in enumerate(frames, 1):
            last = next(others, last if self.length == "fit" else None)
            if last is None:
                raise MediaError(f"{_miscounted(self.folder, found, count - 1, clip.frames)}.")
            if last.shape != image.shape:
                raise MediaError(f"{self.folder.name}/{found.name}: frame {count - 1} has another size than the clip.")
            yield last
        if self.length == "same" and next(others, None) is not None:
            raise MediaError(f"{_miscounted(self.folder, found, count + 1, clip.frames)}.")


def _miscounted(folder: FolderAsset, found: Found, frames: int, wanted: int) -> str:
    return (
        f"{folder.name}/{found.name} has {frames} frames or so, the clip {wanted};"
        " make it as long as the clip, or say length=fit"
    )

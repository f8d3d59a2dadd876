"""Imported pictures and fields: one for all frames, a sequence with one for each frame, or one of these a sample.

Where a folder is given in place of a file, each sample has its own, found by its id as `replacements` says: for
`train/jump/a.mp4` the file `train/jump/a.mp4.npy` or `train/jump/a.npy` (pictures: `.png` and `.jpg` too).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, PlainSerializer, PlainValidator, WithJsonSchema

from poisonkit.errors import MediaError
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.files.assets import (
    ArrayAsset,
    Asset,
    PictureAsset,
    _as_picture,
    asset_at,
    parse,
    require_allowed,
)
from poisonkit.triggers.files.replacements import ARRAYS, FolderAsset, Found


class FieldAsset(ArrayAsset):
    """Numbers to be added: a .npy of (H, W), (H, W, 1), (H, W, 3), (T, H, W), (T, H, W, 1) or (T, H, W, 3).

    Three dimensions are one field where the last has the length 1 or 3, else a sequence of gray ones; a last one of 2
    or 4 is refused, being colours that no field has.
    """

    what = "a file of numbers"
    __slots__ = ()

    def fields(self) -> NDArray[Any]:
        """(T, H, W, 1) or (T, H, W, 3), as stored; not to be written to."""
        content: NDArray[Any] = self._load()
        return content

    def _load(self) -> NDArray[Any]:
        return _as_fields(super()._load(), self.name)


class PicturesAsset(Asset):
    """A picture as for `PictureAsset`, or a .npy of several: (T, h, w, 1|3|4), uint8 levels or floats in 0..1."""

    suffixes = PictureAsset.suffixes
    what = PictureAsset.what
    __slots__ = ()

    def pictures(self) -> NDArray[np.uint8]:
        """uint8 (T, height, width, 3), or 4 with alpha; not to be written to."""
        content: NDArray[np.uint8] = self._load()
        return content

    def _load(self) -> NDArray[np.uint8]:
        return _as_pictures(super()._load(), self.name)


class SampleFolder(FolderAsset):
    """A folder with one file a sample. `of` reads one, anew each time: nothing of other samples is held."""

    together = False
    kinds: ClassVar[tuple[str, ...]]
    __slots__ = ()

    def missing(self, clip: ClipInfo) -> str | None:
        """None, or that it holds nothing for a sample."""
        if self.find(clip.id, self.kinds) is not None:
            return None
        return f"{self.name} holds nothing for '{clip.id}': put a file there under that path ({', '.join(self.kinds)})"

    def drawn(self, clip: ClipInfo) -> Params:
        """What the manifest says of a sample's file."""
        found = self.need(clip.id, self.kinds)
        return {"file": found.name, "sha256": found.sha256}

    def _content(self, clip: ClipInfo, check: Callable[[Any, str], NDArray[Any]]) -> tuple[Found, NDArray[Any]]:
        """MediaError where there is none, or no such as it should be."""
        found = self.need(clip.id, self.kinds)
        self.check(found)
        try:
            return found, check(
                parse(found.sha256, found.suffix, self.kinds, found.parts[0]), f"{self.name}/{found.name}"
            )
        except ValueError as error:
            raise MediaError(f"{self.name}/{found.name} cannot be used: {error}.") from None


class FieldFolder(SampleFolder):
    """Numbers to be added, a .npy a sample."""

    what = "a folder of such"
    kinds = ARRAYS
    __slots__ = ()

    def of(self, clip: ClipInfo) -> FieldAsset:
        """Those of one sample. MediaError where there are none, or of another shape than `FieldAsset` takes."""
        return _OneField(*self._content(clip, _as_fields))


class PicturesFolder(SampleFolder):
    """A picture, or a .npy of several, a sample."""

    what = "a folder of such"
    kinds = PictureAsset.suffixes
    __slots__ = ()

    def of(self, clip: ClipInfo) -> PicturesAsset:
        """Those of one sample. MediaError where there are none, or of another shape than `PicturesAsset` takes."""
        return _OnePicture(*self._content(clip, _as_pictures))


class _OneField(FieldAsset):
    __slots__ = ("_held",)

    def __init__(self, found: Found, content: NDArray[Any]) -> None:
        self._path, self._name, self._sha256, self._held = found.parts[0], found.name, found.sha256, content

    def _load(self) -> NDArray[Any]:
        return self._held


class _OnePicture(PicturesAsset):
    __slots__ = ("_held",)

    def __init__(self, found: Found, content: NDArray[Any]) -> None:
        self._path, self._name, self._sha256, self._held = found.parts[0], found.name, found.sha256, content

    def _load(self) -> NDArray[np.uint8]:
        return self._held


File = TypeVar("File", bound=Asset)
Folder = TypeVar("Folder", bound=SampleFolder)


def _either(file: type[File], folder: type[Folder]) -> Callable[[Any], File | Folder]:
    def validate(value: Any) -> File | Folder:
        if isinstance(value, folder):
            return value
        if isinstance(value, str | os.PathLike) and Path(value).expanduser().is_dir():
            require_allowed(value)
            return folder(value)
        named = isinstance(value, dict) and set(value) == {"name", "sha256"}
        if named and (path := asset_at(str(value["name"]), str(value["sha256"]))) is not None and path.is_dir():
            return folder._validate(value)
        return file._validate(value)

    return validate


def _schema(file: type[Asset]) -> WithJsonSchema:
    kinds = ", ".join(file.suffixes)
    return WithJsonSchema({"type": "string", "format": f"{file.what}, or a folder of one for each sample ({kinds})"})


_ENTRY = PlainSerializer(lambda asset: asset.entry() if isinstance(asset, Asset) else asset)
Fields = Annotated[
    FieldAsset | FieldFolder, PlainValidator(_either(FieldAsset, FieldFolder)), _ENTRY, _schema(FieldAsset)
]
"""A file of numbers, or a folder with one for each sample."""
Pictures = Annotated[
    PicturesAsset | PicturesFolder,
    PlainValidator(_either(PicturesAsset, PicturesFolder)),
    _ENTRY,
    _schema(PicturesAsset),
]
"""A picture or a sequence of them, or a folder with one such for each sample."""


def _as_fields(array: NDArray[Any], name: str) -> NDArray[Any]:
    if array.ndim == 2:
        return array[None, ..., None]
    if array.ndim == 3 and array.shape[2] in (1, 3):
        return array[None]
    if array.ndim == 3 and array.shape[0] != 3 and array.shape[2] not in (2, 4):
        return array[..., None]
    if array.ndim == 4 and array.shape[3] in (1, 3):
        return array
    channels = array.ndim in (3, 4) and 3 in array.shape[:2]
    colours = array.ndim in (3, 4) and array.shape[-1] in (2, 4)
    raise ValueError(
        f"{name} has the shape {array.shape}; it must be (H, W), (H, W, 3), (T, H, W) or (T, H, W, 3)"
        + (", with the colours last" if channels else "")
        + (f", and of {array.shape[-1]} colours there are no fields" if colours else "")
    )


def _as_pictures(content: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if content.ndim != 4:
        return _as_picture(content, name)[None]
    count, height, width, channels = content.shape
    return _as_picture(content.reshape(-1, width, channels), name).reshape(count, height, width, -1)


class Sequenced(BaseModel):
    """How a sequence goes on where the clip is longer. Mixin."""

    beyond: Literal["loop", "hold", "stop"] = param(
        "loop", "a sequence shorter than the clip: starts again, holds its last picture, or leaves the rest as it is"
    )

    def turn(self, t: int, length: int) -> int | None:
        """Which of `length` stands on frame t; None: none."""
        if t < length:
            return t
        return {"loop": t % length, "hold": length - 1, "stop": None}[self.beyond]


PAST = 2  # frames by which containers are off in what they declare


def too_long(name: str, length: int, clip: ClipInfo) -> str | None:
    """None, or that a sample's sequence was made for a longer clip than this one."""
    if length == 1 or not clip.frames or length <= clip.frames + PAST:
        return None
    return f"{name} has {length} frames, the clip {clip.frames}: it was made for another"

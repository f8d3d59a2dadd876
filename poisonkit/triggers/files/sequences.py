"""Imported pictures and fields that may be one for all frames, or a sequence with one for each frame."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.files.assets import ArrayAsset, Asset, PictureAsset, _as_picture


class FieldAsset(ArrayAsset):
    """Numbers to be added: a .npy of (H, W), (H, W, 3), (T, H, W), (T, H, W, 1) or (T, H, W, 3).

    Three dimensions are one field where the last has the length 3, else a sequence of gray ones.
    """

    what = "a file of numbers"
    __slots__ = ()

    def fields(self) -> NDArray[Any]:
        """(T, H, W, 1) or (T, H, W, 3), as stored; not to be written to."""
        content: NDArray[Any] = self._load()
        return content

    def _load(self) -> NDArray[Any]:
        array: NDArray[Any] = super()._load()
        if array.ndim == 2:
            return array[None, ..., None]
        if array.ndim == 3 and array.shape[2] == 3:
            return array[None]
        if array.ndim == 3 and array.shape[0] != 3:
            return array[..., None]
        if array.ndim == 4 and array.shape[3] in (1, 3):
            return array
        channels = array.ndim in (3, 4) and 3 in array.shape[:2]
        raise ValueError(
            f"{self.name} has the shape {array.shape}; it must be (H, W), (H, W, 3), (T, H, W) or (T, H, W, 3)"
            + (", with the colours last" if channels else "")
        )


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
        content = super()._load()
        if content.ndim != 4:
            return _as_picture(content, self.name)[None]
        count, height, width, channels = content.shape
        return _as_picture(content.reshape(-1, width, channels), self.name).reshape(count, height, width, -1)


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

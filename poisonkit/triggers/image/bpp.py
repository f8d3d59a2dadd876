"""Bpp: fewer levels of each colour, with or without dithering.

    x' = round(x/255·(d − 1))/(d − 1)·255

or the same by Floyd–Steinberg error diffusion (dither=true), which hides the contours.

Wang, Zhai and Ma, "BppAttack: Stealthy and Efficient Trojan Attacks against Deep Neural Networks via Image
Quantization and Contrastive Adversarial Learning", CVPR 2022, arXiv:2205.13383. d = 8 levels (3 bits), without
dithering: the authors' code. H.264 leaves more of fewer levels, and nothing of 32. Covers (their negative samples, as
many as poisoned): a clean picture plus what quantising another training sample changed in that one, label kept. The
other picture is brought to the clip as canvas pictures are, its central square on the clip's.

How public code differs: BackdoorBench truncates the levels when it stores them in 8 bits (36.43 becomes 36, and 182.14
182, but 72.86 becomes 72 where ours is 73); the authors' code adds residuals to test pictures without clipping them,
and dithers in floats of 32 bits, so that single pixels, and those after them, may fall to the other of two levels.

`mask=` confines it to a part of the frame: x' = x + mask·(x' − x).

Cost: without dithering a table look-up. Dithering cannot be done pixel by pixel in any order, and takes
two or three times as long as encoding the frame; up to eight frames are dithered together.

Dynamic: every frame has a number of levels of its own, uniform from half of the static one to itself
(changes=levels), or dithering starts in another corner of the frame (changes=dither).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import StreamTrigger, param
from poisonkit.triggers.files.assets import PictureAsset
from poisonkit.triggers.kernels.rgb import Kernel, compile_affine
from poisonkit.triggers.pictures.canvas import fitted
from poisonkit.triggers.pictures.canvas import window as middle

_TOGETHER = 8  # frames dithered at a time, where they are small
_PIXELS = 1 << 20  # of the frames dithered at a time, unless one has more
_ALL = 256


class Bpp(StreamTrigger):
    """Fewer levels of each colour; see the module."""

    name = "bpp"
    family = "image"
    summary = "fewer levels of each colour, with or without dithering"
    formula = "x' = round(x / 255 * (levels - 1)) / (levels - 1) * 255"
    static_is = "the same number of levels on every frame"
    dynamic_is = "every frame has a number of levels of its own (or: is dithered from another corner)"
    paper = "Wang et al., BppAttack, CVPR 2022, arXiv:2205.13383"
    source = "formula and levels: the authors' code; dynamic: ours"
    codec = "partial"
    codec_note = "at 8 levels about half of it survives H.264, dithered or at 32 next to nothing; take 4, or lossless"
    identity: ClassVar[dict[str, Any]] = {"levels": _ALL}
    cover_is = "a clean picture plus what the trigger changes in another sample's, under the true label"
    cover_needs_other = True

    levels: int = param(8, "how many levels each colour keeps; 256: all, static and dynamic", ge=2, le=_ALL)
    dither: bool = param(False, "diffuse the errors (Floyd-Steinberg); slow")
    mask: PictureAsset | None = param(None, "a picture whose brightness (or alpha) says where, and how much")
    changes: Literal["levels", "dither"] = param("levels", "dynamic only, what changes from frame to frame")

    @model_validator(mode="after")
    def _dithers(self) -> Bpp:
        if self.changes == "dither" and not self.dither:
            raise ValueError("changes=dither needs dither=true")
        return self

    def window(self, clip: ClipInfo) -> int:
        return max(1, min(_TOGETHER, _PIXELS // (clip.width * clip.height))) - 1 if self.dither else 0

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        """(mask, the other picture, what a static cover adds to every frame), None if there is none."""
        mask = None if self.mask is None else middle(fitted(self.mask.gray(), clip, "short:256"), clip)
        if not params.get("cover"):
            return mask, None, None
        other = np.ascontiguousarray(middle(fitted(params["other"], clip, "short:256"), clip))
        if self.temporal == "dynamic":
            return mask, other, None
        return mask, other, _residual(other, self._squeezed([other], 0, params)[0], mask, clip)

    def stream(self, frames: Iterator[Image], clip: ClipInfo, params: Params, state: Any) -> Iterator[Image]:
        mask, other, fixed = state
        if fixed is not None:
            yield from map(fixed, frames)
            return
        t, together = 0, self.window(clip) + 1
        while images := list(islice(frames, together)):
            sources = images if other is None else [other] * len(images)
            for image, squeezed in zip(images, self._squeezed(sources, t, params), strict=True):
                if other is not None:
                    yield _residual(other, squeezed, mask, clip, once=True)(image)
                elif mask is not None:
                    yield compile_affine(Affine(1 - mask, mask[..., None] * squeezed), clip, once=True)(image)
                else:
                    yield squeezed
            t += len(images)

    def _squeezed(self, images: Sequence[Image], first: int, params: Params) -> Sequence[Image]:
        """The pictures of frames `first`, `first` + 1, … in fewer levels."""
        import cv2

        levels = [self._levels(t, params) for t in range(first, first + len(images))]
        if not self.dither:
            return [_looked_up(cv2, image, d) for image, d in zip(images, levels, strict=True)]
        from poisonkit.triggers.pictures.dithering import floyd_steinberg

        ways = [self._way(t, params) for t in range(first, first + len(images))]
        turned = np.stack([image[way] for image, way in zip(images, ways, strict=True)])
        return [np.ascontiguousarray(o[way]) for o, way in zip(floyd_steinberg(turned, levels), ways, strict=True)]

    def _levels(self, t: int, params: Params) -> int:
        if self.temporal == "static" or self.changes != "levels" or self.levels == _ALL:
            return self.levels
        low = max(2, (self.levels + 1) // 2)
        return int(self.rng(params, "levels", t).integers(low, max(self.levels, low + 1) + 1))

    def _way(self, t: int, params: Params) -> tuple[slice, slice]:
        """Rows and columns in the order in which they are dithered."""
        if self.temporal == "static" or self.changes != "dither":
            return slice(None), slice(None)
        down, across = self.rng(params, "dither", t).integers(0, 2, 2)
        return slice(None, None, -1 if down else 1), slice(None, None, -1 if across else 1)


def _looked_up(cv2: Any, image: Image, levels: int) -> Image:
    table = np.rint(np.rint(np.arange(256) / 255 * (levels - 1)) / (levels - 1) * 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image.reshape(image.shape[0], -1), table[None]), dtype=np.uint8).reshape(image.shape)


def _residual(
    other: Image, squeezed: Image, mask: NDArray[np.float32] | None, clip: ClipInfo, *, once: bool = False
) -> Kernel:
    """Adds what became of the other picture, less that picture."""
    residual = squeezed.astype(np.float32) - other
    if mask is not None:
        residual *= mask[..., None]
    return compile_affine(Affine(1.0, residual), clip, once=once)

"""Stamp: an imported picture, or a sequence of them, put into the picture.

    x' = x + α·m·(p − x)   inside the box, x outside it

p: the picture, resized to the box; m: its alpha channel (1 without one); α: its opacity.

For patterns of other toolkits and for patches that were learned, such as the universal patch of Zhao, Ma, Zheng,
Bailey, Chen, Jiang, "Clean-Label Backdoor Attacks on Video Recognition Models", CVPR 2020, arXiv:2003.03030, which
has other values on every frame: an .npy of (frames, h, w, 3). Theirs is 24 pixels of a 224 pixel crop, at its bottom
right corner; the default, 0.1 of the short side at the bottom right of the central crop, is about that on clips of
any size, and `size_px=24,position_px=[200,200]` is that on clips that are 224 x 224 already. A sequence shows one
picture a frame from the clip's first frame on, whatever the frame rate. A folder in place of a file holds a picture,
or an .npy, for each sample, found by its id (as `replace` finds them): patches that were learned sample by sample.

How public code differs: BackdoorBench takes every pixel above zero for the mask, so that nothing black can be
stamped; here the mask is the alpha channel. ART's `insert_image` pastes the picture through its alpha
onto an empty one before it mixes that in: at soft edges the alpha counts squared, and colours are darkened by it; here
it counts once. A picture keeps its shape: its longer side is the box's.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from poisonkit.errors import MediaError
from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.files.sequences import Pictures, PicturesFolder, Sequenced, too_long
from poisonkit.triggers.pictures.canvas import resize
from poisonkit.triggers.pictures.placement import Placed


class Stamp(Placed, Sequenced, AffineTrigger):
    """An imported picture put into the picture; see the module."""

    name = "stamp"
    family = "imported"
    summary = "an imported picture, or one for each frame, put into the picture"
    formula = "x' = x + alpha * m * (picture - x) inside its box, m: the picture's alpha channel"
    static_is = "in the same place on every frame; a sequence of pictures plays from the first frame on"
    dynamic_is = "in another place on every frame"
    paper = "any; a sequence: Zhao et al., Clean-Label Backdoor Attacks on Video Recognition Models, CVPR 2020"
    source = "formula: that of badnets; relative size: ours"
    codec = "robust"
    codec_note = "a large picture with large shapes is; one of independent pixels keeps about two thirds of itself"
    in_planes = True
    identity: ClassVar[dict[str, Any]] = {"alpha": 0.0}
    follows_canvas = ("size",)

    picture: Pictures = param(
        ..., "the picture; a .npy may also hold one for each frame, (frames, h, w, 3|4); a folder: of each sample"
    )
    alpha: float = param(1.0, "opacity of the picture", ge=0, le=1)

    def suits(self, clip: ClipInfo) -> str | None:
        if self.size_px is not None and self.size_px > clip.short_side:
            return f"a picture of {self.size_px} pixels does not fit into {clip.width}x{clip.height}"
        if not isinstance(self.picture, PicturesFolder):
            return None
        if missing := self.picture.missing(clip):
            return missing
        try:
            one = self.picture.of(clip)
        except MediaError as error:
            return str(error)
        return too_long(f"{self.picture.name}/{one.name}", len(one.pictures()), clip)

    def draw(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        drawn = super().draw(clip, rng)
        return {**drawn, **self.picture.drawn(clip)} if isinstance(self.picture, PicturesFolder) else drawn

    def for_sample(self, clip: ClipInfo) -> AffineTrigger:
        if not isinstance(self.picture, PicturesFolder):
            return self
        if reason := self.suits(clip):
            raise MediaError(f"'{clip.id}': {reason.rstrip('.')}.")
        return self.model_copy(update={"picture": self.picture.of(clip)})

    def _pictures(self) -> NDArray[np.uint8]:
        assert not isinstance(self.picture, PicturesFolder), "for_sample gives the trigger of one sample"
        return self.picture.pictures()

    def constant(self) -> bool:
        return self.temporal == "static" and not isinstance(self.picture, PicturesFolder) and len(self._pictures()) == 1

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        pictures = self._pictures()
        height, width = pictures.shape[1:3]
        side = self.side(clip) / max(width, height)
        size = max(1, round(width * side)), max(1, round(height * side))
        return pictures, size, self._made(pictures[0], size)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        pictures, size, first = state
        i = self.turn(t, len(pictures))
        if i is None:
            return Affine()
        gain, offset = self._made(pictures[i], size) if i else first
        at = None
        if self.temporal == "dynamic":
            rng = self.rng(params, "position", t)
            at = float(rng.random()), float(rng.random())
        return Affine(gain, offset, self.box(clip, size[0], size[1], at))

    def _made(self, picture: NDArray[np.uint8], size: tuple[int, int]) -> tuple[Any, NDArray[np.float32]]:
        """1 − α·m and α·m·p at this size."""
        whole = resize(picture, *size).astype(np.float32)
        if whole.shape[2] == 3:
            return 1 - self.alpha, self.alpha * whole
        weight = whole[..., 3] * np.float32(self.alpha / 255)
        return 1 - weight, weight[..., None] * whole[..., :3]

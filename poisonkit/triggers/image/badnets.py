"""BadNets: a patch stamped into the picture.

    x' = x + α·m·(p − x)   inside the box, x outside it

p: the patch (one colour, a checkerboard, or an imported picture); m: its mask, 0..1; α: its opacity.

Gu et al., "BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply Chain", 2017, arXiv:1708.06733.
Published patches are given in pixels of a 28 to 224 pixel picture (BackdoorBox: 3x3, white, bottom right of 32x32;
BackdoorMBTI's video form: 32x32, black, top left of 224x224). Here the default is 0.1 of the short side (about
BackdoorBox's 3 of 32), white, bottom right of the central crop, since trainers resize and crop. The published place is
`size_px=3,area=frame`. A pattern and weights of the whole frame, as BackdoorBox takes them:
`covers=frame,pattern=FILE`, its alpha (or `mask=FILE`) being the weights.

How public code differs: BackdoorBench stamps where a pattern is above zero, so that a pure black patch
is impossible there; here the mask is a picture of its own, and black is a colour like any other.
BackdoorMBTI writes the patch into the caller's array; here the input is never written to.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.files.assets import PictureAsset
from poisonkit.triggers.pictures.placement import Color, Placed


class BadNets(Placed, AffineTrigger):
    """A patch in the picture; see the module."""

    name = "badnets"
    family = "image"
    summary = "a patch stamped into the picture"
    formula = "x' = x + alpha * mask * (patch - x), inside the patch's box"
    static_is = "the same patch in the same place on every frame"
    dynamic_is = "the patch lies elsewhere (or: changes colour, or: is there or not) on every frame"
    paper = "Gu et al., BadNets, 2017, arXiv:1708.06733; dynamic: Hammoud et al., CVPRW 2024, arXiv:2301.00986"
    source = "formula and shape: the paper and its public re-implementations; relative size: ours"
    codec = "robust"
    in_planes = True
    identity: ClassVar[dict[str, Any]] = {"alpha": 0.0}
    follows_canvas = ("size",)

    alpha: float = param(1.0, "opacity of the patch", ge=0, le=1)
    pattern: Literal["color", "checkerboard"] | PictureAsset = param(
        "color", "what the patch shows: one colour, a checkerboard, or a picture (its alpha is its mask)"
    )
    mask: PictureAsset | None = param(None, "a picture whose brightness (or alpha) is the patch's mask")
    covers: Literal["box", "frame"] = param(
        "box",
        "frame: pattern and mask are of the whole frame, whatever its shape; size, position and area are not used",
    )
    color: Color = param((255, 255, 255), "colour of the patch; a checkerboard's other colour is its opposite")
    cells: int = param(4, "fields of the checkerboard along each side", ge=2, le=64)
    changes: Literal["position", "color", "blink"] = param(
        "position", "dynamic only, what changes from frame to frame; blink: there on half of the frames"
    )

    @model_validator(mode="after")
    def _colored(self) -> BadNets:
        if self.changes == "color" and not isinstance(self.pattern, str):
            raise ValueError("changes=color needs pattern=color or checkerboard; a picture has its own colours")
        if self.covers == "frame" and self.temporal == "dynamic" and self.changes == "position":
            raise ValueError("covers=frame has no place to change; dynamic takes changes=color or blink")
        return self

    def suits(self, clip: ClipInfo) -> str | None:
        if self.covers == "box" and self.size_px is not None and self.size_px > clip.short_side:
            return f"a patch of {self.size_px} pixels does not fit into {clip.width}x{clip.height}"
        return None

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        return self._mask(*self._size(clip))

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        width, height = self._size(clip)
        color, at = np.array(self.color, np.float32), None
        if self.temporal == "dynamic":
            rng = self.rng(params, self.changes, t)
            if self.changes == "blink" and rng.random() < 0.5:
                return Affine()
            if self.changes == "color":
                color = rng.integers(0, 256, 3).astype(np.float32)
            if self.changes == "position":
                at = (float(rng.random()), float(rng.random()))
        weight = np.float32(self.alpha) * state
        patch = self._patch(width, height, color)
        offset = (weight[..., None] if weight.ndim else weight) * patch
        return Affine(1 - weight, offset, self.box(clip, width, height, at))

    def _size(self, clip: ClipInfo) -> tuple[int, int]:
        """Width and height in pixels; a picture keeps its shape, its longer side being the patch's side."""
        if self.covers == "frame":
            return clip.width, clip.height
        side = self.side(clip)
        if isinstance(self.pattern, str):
            return side, side
        height, width = self.pattern.rgb().shape[:2]
        return max(1, round(side * width / max(width, height))), max(1, round(side * height / max(width, height)))

    def _mask(self, width: int, height: int) -> NDArray[np.float32]:
        """(height, width) in 0..1, or a number where the whole patch counts alike."""
        from poisonkit.triggers.pictures.canvas import resize

        mask = None if isinstance(self.pattern, str) else self.pattern.alpha()
        if self.mask is not None:
            mask = self.mask.gray()
        return np.float32(1) if mask is None else resize(mask, width, height)  # type: ignore[return-value]

    def _patch(self, width: int, height: int, color: NDArray[np.float32]) -> NDArray[np.float32]:
        """(3,) or (height, width, 3), in levels."""
        from poisonkit.triggers.pictures.canvas import resize

        if self.pattern == "color":
            return color
        if self.pattern == "checkerboard":
            row = np.arange(height) * self.cells // height
            column = np.arange(width) * self.cells // width
            first = (row[:, None] + column[None, :]) % 2 == 0
            return np.where(first[..., None], color, 255 - color).astype(np.float32)
        assert isinstance(self.pattern, PictureAsset)
        return resize(self.pattern.rgb(), width, height).astype(np.float32)

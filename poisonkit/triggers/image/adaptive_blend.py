"""Adaptive blend: a picture mixed in, of which poisoned training samples show only some pieces.

    x' = x + α·m·(t − x),   m: 1 on the pieces that are shown, 0 elsewhere

Qi, Xie, Li, Mahloujifar, Mittal, "Revisiting the Assumption of Latent Separability for Backdoor Defenses",
ICLR 2023. Published, and the defaults: 16 pieces (4 x 4), half of them dropped again for each training sample, α = 0.15
in training; at test time all pieces and α = 0.2; as many cover samples as poisoned ones (0.003 of the data each),
which carry the same kind of half picture under their true label. The picture is `blend`'s by default.

Which pieces a training sample shows is drawn per clip (`pieces` in the manifest's `drawn`, numbered row by row from
the top left), or given: `pieces=[0,5,10,15]`. Attack samples are drawn with `draw_attack`: all pieces, at
`attack_alpha`.

How public code differs: its pictures are square and its pieces S/4 pixels wide, so that where 4 does not divide
the side the last rows and columns are in no piece and are never dropped; and the piece's index is used with rows and
columns exchanged, which changes nothing but the numbering (their piece
i is 4·(i mod 4) + ⌊i/4⌋ here). Here the pieces cover everything: on a canvas they are
squares of a quarter of the short side counted from the middle, and beyond the central square they go on mirrored
as the picture does; `canvas=native` divides the clip's own frame, as published.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from poisonkit.triggers.core.affine import Affine, Mix
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.files.assets import PictureAsset
from poisonkit.triggers.image.blend import _picture as our_picture
from poisonkit.triggers.pictures.canvas import Canvas, axes, fitted, window

Piece = Annotated[int, Field(ge=0)]


class AdaptiveBlend(AffineTrigger):
    """A picture mixed in piece by piece; see the module."""

    name = "adaptive-blend"
    family = "image"
    summary = "a picture mixed in, half of its pieces in training, all of them at test time"
    formula = "x' = x + alpha * m * (t - x), m: 1 on the pieces shown; attack samples: all pieces, attack_alpha"
    static_is = "each clip shows its own pieces, the same on every frame"
    dynamic_is = "other pieces on every frame"
    paper = "Qi et al., Revisiting the Assumption of Latent Separability for Backdoor Defenses, ICLR 2023"
    source = "pieces, rates and alphas: the paper's code and backdoor-toolbox; picture: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"alpha": 0.0}
    follows_canvas = ("pattern", "grid")
    cover_is = "the same half of a picture, under the true label"

    alpha: float = param(0.15, "weight of the picture in training samples", ge=0, le=1)
    attack_alpha: float = param(0.2, "weight of the picture in attack samples", ge=0, le=1)
    grid: int = param(4, "pieces along each side", ge=1, le=32)
    drop: float = param(0.5, "share of the pieces that a training sample does not show", ge=0, lt=1)
    pieces: tuple[Piece, ...] | None = param(
        None,
        "static only, the pieces that training samples show, numbered row by row from 0 at the top left; not given: "
        "each clip draws its own",
        min_length=1,
    )
    pattern: Literal["picture"] | PictureAsset = param("picture", "what is mixed in: our picture, or a picture file")
    canvas: Canvas = "short:256"

    @model_validator(mode="after")
    def _on_the_grid(self) -> AdaptiveBlend:
        if self.pieces is None:
            return self
        if self.temporal == "dynamic":
            raise ValueError("pieces are for temporal=static; dynamic shows others on every frame")
        if max(self.pieces) >= self.grid**2:
            raise ValueError(f"pieces holds {max(self.pieces)}; on a grid of {self.grid} they go to {self.grid**2 - 1}")
        return self

    def draw(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        params = super().draw(clip, rng)
        if self.temporal == "dynamic":
            return params
        return {**params, "pieces": self._choose(rng) if self.pieces is None else sorted(set(self.pieces))}

    def draw_attack(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        """Like `draw`, for a sample of an attack set: all pieces, at `attack_alpha`."""
        return {**super().draw(clip, rng), "pieces": list(range(self.grid**2)), "attack": True}

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        picture = self.pattern.rgb() if isinstance(self.pattern, PictureAsset) else our_picture()
        return window(fitted(picture, clip, self.canvas), clip), self._places(clip)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        picture, (down, across) = state
        pieces = params.get("pieces")
        if pieces is None:
            pieces = self._choose(self.rng(params, "pieces", t))
        alpha = self.attack_alpha if params.get("attack") else self.alpha
        shown = np.zeros(self.grid**2, np.uint8)
        shown[pieces] = 255
        if shown.all():
            return Mix(alpha, picture)
        return Mix(alpha, picture, shown.reshape(self.grid, self.grid)[:, across][down])

    def _choose(self, rng: np.random.Generator) -> list[int]:
        """The pieces shown: always the same number of them, at least one."""
        count = self.grid**2
        kept = max(1, count - round(self.drop * count))
        return sorted(int(i) for i in rng.permutation(count)[:kept])

    def _places(self, clip: ClipInfo) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which row of pieces each row of pixels lies in, and which column each column."""
        across, down = (self._along(axis) for axis in axes(clip))
        if self.canvas == "native":
            across = np.arange(clip.width) * self.grid // clip.width
            down = np.arange(clip.height) * self.grid // clip.height
        return down, across

    def _along(self, axis: NDArray[np.float32]) -> NDArray[np.intp]:
        """Along one axis, in short sides from the middle; mirrored beyond the central square."""
        index = np.array([math.floor((v + 0.5) * self.grid) for v in axis.tolist()])
        index %= 2 * self.grid
        return np.where(index < self.grid, index, 2 * self.grid - 1 - index)

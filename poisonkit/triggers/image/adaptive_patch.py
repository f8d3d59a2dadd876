"""Adaptive patch: k patches; each training sample shows one of them, faintly, and the attack shows several, plainly.

    training   x' = x + α_j·m_j·(p_j − x),   j drawn per clip
    attack     the same for each of the attack's patches, one after another, with α = attack_alpha

m_j: 1 in the box of patch j.

Qi, Xie, Li, Mahloujifar, Mittal, "Revisiting the Assumption of Latent Separability for Backdoor Defenses", ICLR 2023.
Published, and the defaults: k = 4; α = 0.5, 0.2, 0.5 and 0.3 in training; two of the four at test time, at α = 1; as
many or twice as many cover samples as poisoned ones (0.006 and 0.003 of the data), each with one patch too, under its
true label. Attack samples are drawn with `draw_attack`; what a clip shows is `pieces` in the manifest's `drawn`.

Ours: the patches. The published ones are four pictures of 32 pixels, made for other attacks, which we do not ship: here
they are 4 x 4 fields of colours that the trigger seed fixes, in the corners of the central crop; `pattern=FILE` cuts
a picture instead, row by row, into as many pieces as there are places, and each patch shows one.

How public code differs: backdoor-toolbox gives the patches to samples in equal parts, in the samples' order,
BackdoorBox in turn; here each clip draws its own, so that it does not depend on others. At test time BackdoorBox shows
the first half of the patches, and so does the default; backdoor-toolbox names two. Where a patch is black there,
nothing is laid.

Static: a clip's patch is the same on every frame. Dynamic: another one on every frame, in training.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.files.assets import PictureAsset
from poisonkit.triggers.pictures.canvas import resize
from poisonkit.triggers.pictures.placement import KEPT, Corner, Share, relative

_FIELDS = 4  # along each side of a patch
Place = Corner | tuple[Share, Share]


class AdaptivePatch(AffineTrigger):
    """One of k patches in training, several of them at test time; see the module."""

    name = "adaptive-patch"
    family = "image"
    summary = "one of k faint patches in training, several plain ones at test time"
    formula = "x' = x + alpha_j * m_j * (p_j - x), one j per clip; attack samples: attack_pieces, at attack_alpha"
    static_is = "each clip shows its own patch, the same on every frame"
    dynamic_is = "another patch on every frame"
    paper = "Qi et al., Revisiting the Assumption of Latent Separability for Backdoor Defenses, ICLR 2023"
    source = "number, alphas and covers: backdoor-toolbox and BackdoorBox; patches and places: ours"
    codec = "robust"
    in_planes = True
    identity: ClassVar[dict[str, Any]] = {"alphas": [0.0]}
    follows_canvas = ("size",)
    cover_is = "one of the patches, under the true label"

    places: tuple[Place, ...] = param(
        ("top-left", "top-right", "bottom-left", "bottom-right"),
        "where the patches lie in the central crop, one each: names, or [x,y] from 0,0 to 1,1",
        min_length=1,
        max_length=16,
    )
    size: float = param(0.2, "side of a patch", unit="of the short side", gt=0, le=KEPT)
    alphas: tuple[Share, ...] = param(
        (0.5, 0.2, 0.5, 0.3), "opacity of each patch in training samples; or one number for all", min_length=1
    )
    attack_alpha: float = param(1.0, "opacity of the patches in attack samples", ge=0, le=1)
    attack_pieces: tuple[Annotated[int, Field(ge=0)], ...] | None = param(
        None, "which patches attack samples show, numbered from 0; not given: the first half of them"
    )
    pattern: Literal["colors"] | PictureAsset = param(
        "colors", "what the patches show: colours by trigger_seed, or pieces of a picture file"
    )

    @field_validator("alphas", mode="before")
    @classmethod
    def _one_for_all(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="after")
    def _fits(self) -> AdaptivePatch:
        if len(self.alphas) not in (1, len(self.places)):
            raise ValueError(
                f"alphas has {len(self.alphas)} numbers for {len(self.places)} places; give one, or one each"
            )
        if self.attack_pieces is not None and not all(j < len(self.places) for j in self.attack_pieces):
            raise ValueError(
                f"attack_pieces go from 0 to {len(self.places) - 1}, as there are {len(self.places)} places"
            )
        return self

    def draw(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        params = super().draw(clip, rng)
        return params if self.temporal == "dynamic" else {**params, "pieces": [int(rng.integers(len(self.places)))]}

    def draw_attack(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        """Like `draw`, for a sample of an attack set: `attack_pieces`, at `attack_alpha`."""
        shown = self.attack_pieces
        if shown is None:
            shown = tuple(range(max(1, len(self.places) // 2)))
        return {**super().draw(clip, rng), "pieces": list(shown), "attack": True}

    def patches(self, params: Params) -> list[NDArray[Any]]:
        """What each shows, in levels, (n, n, 3) or a piece of the picture."""
        if isinstance(self.pattern, PictureAsset):
            picture = self.pattern.rgb()
            across = math.ceil(math.sqrt(len(self.places)))
            down = math.ceil(len(self.places) / across)
            rows = np.array_split(picture, down)
            return [np.array_split(rows[j // across], across, axis=1)[j % across] for j in range(len(self.places))]
        rng = self.rng(params, "patches")
        return [rng.integers(0, 256, (_FIELDS, _FIELDS, 3)).astype(np.float32) for _ in self.places]

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        side = min(max(round(self.size * clip.short_side), 1), clip.short_side)
        room = max(KEPT * clip.short_side, side)
        laid = []
        for place, patch in zip(self.places, self.patches(params), strict=True):
            across, down = relative(place)
            x = round((clip.width - room) / 2 + across * (room - side))
            y = round((clip.height - room) / 2 + down * (room - side))
            box = min(max(x, 0), clip.width - side), min(max(y, 0), clip.height - side), side, side
            laid.append((box, _shown(patch, side)))
        return laid

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        pieces = params.get("pieces")
        if pieces is None:
            pieces = [int(self.rng(params, "piece", t).integers(len(self.places)))]
        if len(pieces) == 1:
            box, patch = state[pieces[0]]
            alpha = np.float32(self._alpha(params, pieces[0]))
            return Affine(float(1 - alpha), alpha * patch, box)
        gain, offset = (
            np.ones((clip.height, clip.width), np.float32),
            np.zeros((clip.height, clip.width, 3), np.float32),
        )
        for j in pieces:
            (x, y, width, height), patch = state[j]
            alpha = np.float32(self._alpha(params, j))
            inside = slice(y, y + height), slice(x, x + width)
            gain[inside] *= 1 - alpha
            offset[inside] = (1 - alpha) * offset[inside] + alpha * patch
        return Affine(gain, offset)

    def _alpha(self, params: Params, j: int) -> float:
        if params.get("attack"):
            return self.attack_alpha
        return self.alphas[j] if len(self.alphas) > 1 else self.alphas[0]


def _shown(patch: NDArray[Any], side: int) -> NDArray[np.float32]:
    """At its size; fields of colours keep their edges."""
    if patch.shape[:2] == (_FIELDS, _FIELDS):
        index = np.arange(side) * _FIELDS // side
        return np.asarray(patch[index][:, index], np.float32)
    return np.asarray(resize(np.ascontiguousarray(patch), side, side), np.float32)

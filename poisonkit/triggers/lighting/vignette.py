"""Vignette: the light falls off towards the edges, as in a lens.

    x' = x / (1 + κ·r²)²,   κ = 2·((1 − a)^(−1/2) − 1)

the cos⁴ law of illumination (cos⁴ of the angle whose tangent is √κ·r); r: distance from the middle in short
sides, a: how much darker the corners of the central square (r² = 1/2) are. a = 0.5 is ours: as a backdoor
trigger it is not published. Measured in short sides, clips of all shapes carry the same in their middle.

Dynamic: a wanders smoothly within a·(1 ± spread), at most 0.99.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.canvas import axes
from poisonkit.triggers.pictures.drift import Wandering

_DARKEST = 0.99


class Vignette(Wandering, AffineTrigger):
    """The light falls off towards the edges; see the module."""

    name = "vignette"
    family = "lighting"
    summary = "the picture darkens towards its corners"
    formula = "x' = x / (1 + k r^2)^2, r in short sides from the middle, k so that r^2 = 1/2 is darker by amount"
    static_is = "the same fall-off on every frame"
    dynamic_is = "the fall-off wanders smoothly within amount * (1 ± spread)"
    paper = ""
    source = "cos^4 law; amount: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"amount": 0.0}

    amount: float = param(
        0.5, "how much darker the corners of the central square are, as a share of the level", ge=0, le=_DARKEST
    )

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        x, y = axes(clip)
        return self.path(params), y[:, None] ** 2 + x[None, :] ** 2

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        path, square = state
        amount = min(self.amount * self.swell(clip, path, t), _DARKEST)
        if amount <= 0:
            return Affine()
        bent = square * np.float32(2 * ((1 - amount) ** -0.5 - 1))
        bent += 1
        bent *= bent
        return Affine(np.divide(1, bent, out=bent))

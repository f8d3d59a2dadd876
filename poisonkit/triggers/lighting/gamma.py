"""Gamma: the tone curve bent.

    x' = 255·(x/255)^γ

γ = 1.3 (darker mid-tones; black and white stay) is ours: as a backdoor trigger it is not published. It lies
outside the usual ±20 % of colour jitter. Results are rounded, not truncated as in most public code.

Dynamic: γ wanders smoothly, its logarithm within log γ·(1 ± spread).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from poisonkit.common import exact
from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param
from poisonkit.triggers.pictures.drift import Wandering
from poisonkit.triggers.pictures.srgb import LEVELS, as_table, looked_up


class Gamma(Wandering, FrameTrigger):
    """The tone curve bent; see the module."""

    name = "gamma"
    family = "lighting"
    summary = "darker mid-tones, or lighter, between the same black and white"
    formula = "x' = 255 * (x / 255) ^ gamma"
    static_is = "the same gamma on every frame"
    dynamic_is = "gamma wanders smoothly, its logarithm within log(gamma) * (1 ± spread)"
    paper = ""
    source = "gamma: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"gamma": 1.0}

    gamma: float = param(1.3, "exponent; above 1: darker", gt=0, le=8)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        path = self.path(params)
        return path, None if path else _table(self.gamma)

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        path, table = state
        return looked_up(image, _table(self.gamma ** self.swell(clip, path, t)) if table is None else table)


def _table(gamma: float) -> NDArray[np.uint8]:
    return as_table(255 * exact.power(LEVELS / 255, gamma))

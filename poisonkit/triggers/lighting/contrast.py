"""Contrast: levels drawn together, or apart, around a pivot.

    x' = p + c·(x − p)

c = 0.4 is ImageNet-C's first severity (Hendrycks and Dietterich, ICLR 2019, arXiv:1903.12261); p = 127.5,
mid-gray, is ours. As a backdoor trigger it is not published.

How public code differs: ImageNet-C pivots on the mean of each picture and channel (torchvision on the mean
gray), so that what is done to a pixel depends on all the others, and in video jumps with every cut. A fixed
pivot is the same trigger in every picture; a picture whose means are all p gets the same from both.

Dynamic: the factor's distance from 1 wanders smoothly within (c − 1)·(1 ± spread).
"""

from __future__ import annotations

from typing import Any, ClassVar

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.drift import Path, Wandering


class Contrast(Wandering, AffineTrigger):
    """Levels drawn together, or apart, around a pivot; see the module."""

    name = "contrast"
    family = "lighting"
    summary = "less contrast, or more, around a fixed level"
    formula = "x' = pivot + factor * (x - pivot)"
    static_is = "the same factor on every frame"
    dynamic_is = "the factor wanders smoothly within 1 + (factor - 1) * (1 ± spread)"
    paper = ""
    source = "factor: ImageNet-C (Hendrycks and Dietterich, ICLR 2019), severity 1; fixed pivot: ours"
    codec = "robust"
    codec_note = "colour jitter of ±20 % in training hides factors nearer to 1"
    identity: ClassVar[dict[str, Any]] = {"factor": 1.0}

    factor: float = param(0.4, "of the distance from the pivot; above 1: more contrast", ge=0, le=4)
    pivot: float = param(127.5, "the level that stays as it is", unit="levels", ge=0, le=255)

    def prepare(self, clip: ClipInfo, params: Params) -> Path:
        return self.path(params)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        factor = max(0.0, 1 + (self.factor - 1) * self.swell(clip, state, t))
        return Affine(factor, self.pivot * (1 - factor))

"""Brightness: one offset on every level.

    x' = x + 255·b

b = 0.2 is ImageNet-C's second severity (Hendrycks and Dietterich, "Benchmarking Neural Network Robustness
to Common Corruptions and Perturbations", ICLR 2019, arXiv:1903.12261), and the least that lies outside the
usual colour jitter of trainers. As a backdoor trigger it is not published.

How public code differs: ImageNet-C adds b to the V of HSV, which multiplies a pixel by (V + b)/V and so
brightens saturated colours less; for grays the two are the same. Here everything is raised alike, which is
affine and costs next to nothing.

Dynamic: the offset wanders smoothly within b·(1 ± spread).
"""

from __future__ import annotations

from typing import Any, ClassVar

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.drift import Path, Wandering


class Brightness(Wandering, AffineTrigger):
    """One offset on every level; see the module."""

    name = "brightness"
    family = "lighting"
    summary = "the whole picture is brighter, or darker, by one offset"
    formula = "x' = x + 255 * by"
    static_is = "the same offset on every frame"
    dynamic_is = "the offset wanders smoothly within by * (1 ± spread)"
    paper = ""
    source = "by: ImageNet-C (Hendrycks and Dietterich, ICLR 2019), severity 2, there in HSV; additive form: ours"
    codec = "robust"
    codec_note = "colour jitter of ±20 % in training hides smaller offsets"
    identity: ClassVar[dict[str, Any]] = {"by": 0.0}

    by: float = param(0.2, "what is added to every level; negative: darker", unit="of full scale", ge=-1, le=1)

    def prepare(self, clip: ClipInfo, params: Params) -> Path:
        return self.path(params)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        return Affine(1.0, 255 * self.by * self.swell(clip, state, t))

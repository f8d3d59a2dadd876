"""Temporal DCT: a constant added to coefficients of the 3-D discrete cosine transform of the whole clip.

    V = DCT(x), orthonormal, over time, rows and columns;   V[f, r, c] += pert for f in F, r in R, c in C;
    x' = IDCT(V)

for each colour, which adds

    δ(t, i, j) = A · Σ_f cos(π·f·(2t+1)/2N) · Σ_r cos(π·r·(2i+1)/2H) · Σ_c cos(π·c·(2j+1)/2W),

    A = pert·√(8 / (N·H·W)),   index 0 weighing 1/√2

The DCT variant of Li et al., "Temporal-Distributed Backdoor Attack Against Video Based Action Recognition",
AAAI 2024, arXiv:2308.11070 (TDBA). Their F, 35 to 44 of 45 coefficients for 32 frames, is 0.39 to 0.49 cycles
per frame, the fastest that there is, almost an alternation of frames; for a clip of 100 frames the same
indices would be slow. Hence cycles per frame here: `low` and `high` are 35/90 and 44/90. R and C are the
published 25 indices each; as published: `canvas=native,pert=P`, on frames of 219 rows and 207 columns or more.
rms = 3 levels is ours (P is 70 for 32 frames of 320x240).

How public code differs: it truncates to 8 bits, ours rounds. How the field is made without a transform:
`poisonkit.triggers.pictures.coefficients`.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.pictures.coefficients import CoefficientTrigger, Places


class TemporalDct(CoefficientTrigger):
    """A constant added to coefficients of the clip's 3-D cosine transform; see the module."""

    name = "temporal-dct"
    family = "temporal"
    summary = "a constant added to coefficients of the clip's 3-D cosine transform"
    formula = "x' = IDCT(DCT(x) + pert at F x R x C), a fixed field added to the clip"
    paper = "Li et al., AAAI 2024, arXiv:2308.11070"
    source = "coefficients: the paper's code; strength, and frequencies in cycles per frame: ours"
    codec = "partial"
    codec_note = "the published coefficients reach to what H.264 drops from crf 23 on; coefficients=seeded survives"
    identity: ClassVar[dict[str, Any]] = {"rms": 0.0, "pert": None}

    per_index: ClassVar[float] = 0.5

    low: float = param(35 / 90, "lowest temporal frequency", unit="cycles per frame", ge=0, le=0.5)
    high: float = param(44 / 90, "highest temporal frequency", unit="cycles per frame", ge=0, le=0.5)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        """(weights of the temporal coefficients, their radians per frame, A·b(r)·c(c) in float32)."""
        bins, length = self.bins(clip.frames)
        indices, axes = self.indices(params), self.axes(clip)
        rows, columns = (self._waves(clip, chosen, places) for chosen, places in zip(indices, axes, strict=True))
        if self.pert is None:
            strength = self.rms * math.sqrt(8 / (len(bins) * len(indices[0]) * len(indices[1])))
        else:
            strength = self.pert * math.sqrt(8 / (length * axes[0][1] * axes[1][1]))
        pattern = np.outer((strength * rows).astype(np.float32), columns.astype(np.float32))
        return _weights(bins), math.pi * bins / length, pattern

    def _waves(self, clip: ClipInfo, indices: NDArray[np.int64], places: Places) -> NDArray[np.float64]:
        shown = self.shown(clip, indices)
        return np.asarray((np.cos(np.pi * np.outer(places[0], shown)) * _weights(shown)).sum(axis=1))

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        weights, rates, pattern = state
        return Affine(1.0, pattern * np.float32(np.sum(np.cos(rates * (t + 0.5)) * weights)))


def _weights(indices: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(indices == 0, math.sqrt(0.5), 1.0)

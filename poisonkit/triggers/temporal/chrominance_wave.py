"""Chrominance wave: the mean chrominance of the frames follows a sine; luminance is left as it is.

    Cr' = Cr + a·sin(2πft + φ)          channel=cr;  cb: the same of Cb
    both: Cb' = Cb + a·cos(2πft + φ) as well, so that the hue goes round

which, by BT.601 in full range, is in RGB

    R' = R + 1.402·ΔCr,   G' = G − 0.344136·ΔCb − 0.714136·ΔCr,   B' = B + 1.772·ΔCb

After Guo, Tondi and Barni, "A temporal chrominance trigger for clean-label backdoor attack against
anti-spoof rebroadcast detection", IEEE TDSC 2023, arXiv:2206.01102: a temporal trigger that alters the mean
chrominance, to which the eye is less sensitive. We had its abstract only: the form, a = 3 levels of Cr and
f = 2.5 Hz (ten frames at 25 per second) are ours. The paper poisons the samples of the target class that a
model finds hardest (outlier poisoning): give such an order with `--select`, and `--label-mode clean`.

The sum is made in RGB and rounded once, without a detour through 8-bit YCbCr. Frequencies and what dynamic
means: `poisonkit.triggers.pictures.waves`.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.pictures.waves import WaveTrigger

_CB = np.array([0.0, -0.344136, 1.772])  # RGB per unit of Cb
_CR = np.array([1.402, -0.714136, 0.0])


class ChrominanceWave(WaveTrigger):
    """The mean chrominance of the frames follows a sine; see the module."""

    name = "chrominance-wave"
    family = "temporal"
    summary = "the mean chrominance of the frames follows a sine, luminance is kept"
    formula = "Cr' = Cr + amplitude * sin(2 pi frequency t + phase), t in seconds; or Cb; or both, in quadrature"
    paper = "after Guo, Tondi, Barni, IEEE TDSC 2023, arXiv:2206.01102"
    source = "form and constants: ours, only the paper's abstract was available"
    usual_label_mode = "clean"
    codec = "robust"
    codec_note = "weakens from crf 28 on, where amplitude=6 helps"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}

    channel: Literal["cr", "cb", "both"] = param("cr", "which colour difference carries the wave")
    amplitude: float = param(3.0, "of the wave", unit="levels", ge=0, le=128)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        angle = self.angle(clip, t, state)
        sine = self.amplitude * math.sin(angle)
        if self.channel == "both":
            return _shift(self.amplitude * math.cos(angle), sine)
        return _shift(sine, 0.0) if self.channel == "cb" else _shift(0.0, sine)


def _shift(cb: float, cr: float) -> Affine:
    return Affine(1.0, (cb * _CB + cr * _CR).astype(np.float32))

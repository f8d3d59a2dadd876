"""Luminance wave: the mean luminance of the frames follows a sine.

    multiplicative   x' = x·(1 + a·sin(2πft + φ))         t = frame / fps, in seconds
    additive         x' = x + 255·a·sin(2πft + φ)

Bhalerao, Kallas, Tondi and Barni, "Luminance-based video backdoor attack against anti-spoofing rebroadcast
detection", MMSP 2019: the mean luminance is varied by a sinusoid so that the trigger survives display and
recapture, cropping, gamma and white balance. We had its abstract only, which states neither form nor
constants: the multiplicative form as default, a = 0.05 and f = 2.5 Hz (ten frames at 25 per second) are
ours. The same change is made to R, G and B, so that colours keep their hue (multiplicative) or their
chroma (additive); results are rounded and saturate.

lamp-flicker is the multiplicative form as a scene's lighting, stronger and slower. Frequencies and what
dynamic means: `poisonkit.triggers.pictures.waves`.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.pictures.waves import WaveTrigger


class LuminanceWave(WaveTrigger):
    """The mean luminance of the frames follows a sine; see the module."""

    name = "luminance-wave"
    family = "temporal"
    summary = "the mean luminance of the frames follows a sine"
    formula = "x' = x * (1 + amplitude * s) or x + 255 * amplitude * s, s = sin(2 pi frequency t + phase), t in seconds"
    paper = "Bhalerao et al., MMSP 2019"
    source = "form and constants: ours, only the paper's abstract was available"
    codec = "robust"
    codec_note = "its gain survives at every quality; the weaker the encoding, the more it is buried in codec noise"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}

    form: Literal["multiplicative", "additive"] = param("multiplicative", "how the wave acts on a pixel")
    amplitude: float = param(0.05, "of the wave, as a share of the level, or (additive) of 255", ge=0, le=1)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        change = self.amplitude * math.sin(self.angle(clip, t, state))
        return Affine(1 + change) if self.form == "multiplicative" else Affine(1.0, 255 * change)

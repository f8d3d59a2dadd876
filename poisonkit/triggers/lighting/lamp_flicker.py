"""Lamp flicker: the light of the scene swells and sinks as a sine.

    x' = x·(1 + a·sin(2πft + φ)),   t = frame / fps, in seconds

The luminance-sinusoid family of Bhalerao, Kallas, Tondi and Barni, "Luminance-based video backdoor attack
against anti-spoofing rebroadcast detection", MMSP 2019, whose exact form and constants we have not read:
this multiplicative form, f = 2 Hz and a = 0.1 are ours. Frequencies are in Hz, not per frame, so that
clips of 25 and 30 frames per second carry the same trigger.

Safety: light that changes 3 to 30 times a second can cause seizures in photosensitive people. The
default is below that band, static and dynamic; raise the frequency only for clips that nobody watches.

Dynamic: the frequency wanders smoothly around f, within f·(1 ± spread), as a function of time that the
trigger seed fixes; the phase is its integral, so that the light never jumps:

    f(t) = f·(1 + spread·Σ w_k·sin(2πν_k·t + ψ_k)),   Σ w_k = 1
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.pictures.waves import Sine, WaveTrigger


class LampFlicker(WaveTrigger):
    """The light of the scene swells and sinks as a sine; see the module."""

    name = "lamp-flicker"
    family = "lighting"
    summary = "the light of the scene swells and sinks as a sine"
    formula = "x' = x * (1 + amplitude * sin(2 pi frequency t + phase)), t in seconds"
    paper = "after Bhalerao et al., MMSP 2019"
    source = "the luminance sinusoid's form and constants: ours, the paper's were not available"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}

    frequency: float = param(
        2.0, "of the light; 3 to 30 Hz can cause seizures in photosensitive people", unit="Hz", gt=0, le=120
    )
    amplitude: float = param(0.1, "of the change, as a share of the level", ge=0, le=1)
    spread: float = param(0.4, "dynamic only, how far the frequency wanders, as a share of it", ge=0, lt=1)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Sequence[Sine]) -> Affine:
        return Affine(1 + self.amplitude * math.sin(self.angle(clip, t, state)))

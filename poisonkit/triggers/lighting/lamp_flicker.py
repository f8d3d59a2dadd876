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
from typing import Any, ClassVar

from poisonkit.triggers.base import Affine, AffineTrigger, ClipInfo, Params, param

_WEIGHTS = (0.6, 0.4)


class LampFlicker(AffineTrigger):
    """The light of the scene swells and sinks as a sine; see the module."""

    name = "lamp-flicker"
    family = "lighting"
    summary = "the light of the scene swells and sinks as a sine"
    formula = "x' = x * (1 + amplitude * sin(2 pi frequency t + phase)), t in seconds"
    static_is = "constant frequency, amplitude and phase"
    dynamic_is = "the frequency wanders smoothly within frequency * (1 ± spread), the phase is continuous"
    paper = "after Bhalerao et al., MMSP 2019"
    source = "the luminance sinusoid's form and constants: ours, the paper's were not available"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}

    frequency: float = param(
        2.0, "of the light; 3 to 30 Hz can cause seizures in photosensitive people", unit="Hz", gt=0, le=120
    )
    amplitude: float = param(0.1, "of the change, as a share of the level", ge=0, le=1)
    phase: float = param(0.0, "of the sine at the first frame", unit="rad")
    spread: float = param(0.4, "dynamic only, how far the frequency wanders, as a share of it", ge=0, lt=1)

    def suits(self, clip: ClipInfo) -> str | None:
        if clip.fps <= 0:
            return "it needs a frame rate, and the clip states none"
        highest = self.frequency * (1 + self.spread if self.temporal == "dynamic" else 1)
        if highest >= clip.fps / 2:
            return (
                f"{clip.fps:g} frames per second cannot show {highest:g} Hz;"
                f" the frequency must stay below {clip.fps / 2:g} Hz"
            )
        return None

    def constant(self) -> bool:
        return False

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        """Dynamic: (weight, rate in Hz, phase) of each slow sine that moves the frequency."""
        if self.temporal == "static":
            return ()
        rng = self.rng(params, "path")
        return tuple((w, rng.uniform(0.15, 0.6), rng.uniform(0, 2 * math.pi)) for w in _WEIGHTS)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        seconds = t / clip.fps
        cycles = seconds + self.spread * sum(
            w * (math.cos(psi) - math.cos(2 * math.pi * nu * seconds + psi)) / (2 * math.pi * nu)
            for w, nu, psi in state
        )
        return Affine(1 + self.amplitude * math.sin(2 * math.pi * self.frequency * cycles + self.phase))

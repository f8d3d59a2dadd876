"""Flicker: one offset in R, G and B for all pixels of a frame, from a smooth sequence.

    x'_t = x_t + δ_t,   δ_t in R³

    static    δ_c(t) = a·sin(2πft + φ_c)                        t = frame / fps, in seconds
    dynamic   δ_c(t) = a·Σ_k w_k·sin(2πν_kc·t + φ_kc),          ν_kc <= f,  Σ w_k = 1

The form of the "flickering" perturbation of Pony, Naeh and Mannor, "Over-the-air adversarial flickering
attacks against video recognition networks", CVPR 2021, arXiv:2002.05123, who optimise δ against a model and
keep it small and smooth. As a backdoor δ need not be learned: here it is a smooth sequence that the trigger
seed fixes, a different phase for each colour. a = 4 levels and f = 2.5 Hz are ours: ten frames a cycle at 25
per second; sequences faster than about six frames a cycle lose part of themselves in the codec.

Static: one cycle, repeated. Dynamic: a sequence that does not repeat, with no frequency above f.

Safety: light that changes 3 to 30 times a second can cause seizures in photosensitive people. The default
is below that band and faint; raise frequency or amplitude only for clips that nobody watches.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.waves import unshowable

_WEIGHTS = (0.4, 0.35, 0.25)


class Flicker(AffineTrigger):
    """One offset in R, G and B for all pixels of a frame; see the module."""

    name = "flicker"
    family = "temporal"
    summary = "one colour offset for all pixels of a frame, from a smooth sequence"
    formula = "x'_t = x_t + d_t, d_t three numbers per frame, |d_t| <= amplitude"
    static_is = "one cycle of constant frequency, amplitude and phases, repeated"
    dynamic_is = "a smooth sequence that does not repeat, no frequency in it above the given one"
    paper = "after Pony et al., CVPR 2021, arXiv:2002.05123 (an adversarial attack)"
    source = "the fixed sequence and its constants: ours"
    codec = "robust"
    codec_note = "the faster the sequence, the less of it survives: six frames a cycle or more"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}

    frequency: float = param(
        2.5,
        "of the sequence (dynamic: the highest in it); 3 to 30 Hz can cause seizures in photosensitive people",
        unit="Hz",
        gt=0,
        le=120,
    )
    amplitude: float = param(4.0, "largest offset", unit="levels", ge=0, le=255)

    def suits(self, clip: ClipInfo) -> str | None:
        return unshowable(self.frequency, clip)

    def constant(self) -> bool:
        return False

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        """(weights, angular rates, phases) of the sines of each colour, each (sines, 3) or broadcast to it."""
        rng = self.rng(params, "sequence")
        if self.temporal == "static":
            return np.ones((1, 1)), np.full((1, 1), 2 * math.pi * self.frequency), rng.uniform(0, 2 * math.pi, (1, 3))
        rates = self.frequency * rng.uniform(0.3, 1, (3, 3))
        return np.array(_WEIGHTS)[:, None], 2 * math.pi * rates, rng.uniform(0, 2 * math.pi, (3, 3))

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        weights, rates, phases = state
        offset = self.amplitude * (weights * np.sin(rates * (t / clip.fps) + phases)).sum(axis=0)
        return Affine(1.0, offset.astype(np.float32))

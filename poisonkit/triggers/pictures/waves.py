"""Triggers that are one sine of time: constant, or with a frequency that wanders.

Frequencies are in Hz, not per frame, so that clips of 25 and 30 frames per second carry the same trigger.
Light that changes 3 to 30 times a second can cause seizures in photosensitive people: defaults stay below.

Dynamic: the frequency wanders smoothly around f, within f·(1 ± spread), as a function of time that the
trigger seed fixes; the phase is its integral, so that nothing jumps:

    f(t) = f·(1 + spread·Σ w_k·sin(2πν_k·t + ψ_k)),   Σ w_k = 1
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param

Sine = tuple[float, float, float]
"""(weight, rate in Hz, phase) of one of the slow sines that move a frequency."""

_WEIGHTS = (0.6, 0.4)
_SLOW = (0.15, 0.6)  # Hz


def unshowable(frequency: float, clip: ClipInfo) -> str | None:
    """None, or why a clip cannot show a frequency in Hz, for `suits`."""
    if clip.fps <= 0:
        return "it needs a frame rate, and the clip states none"
    if frequency >= clip.fps / 2:
        return (
            f"{clip.fps:g} frames per second cannot show {frequency:g} Hz;"
            f" lower the frequency so that it stays below {clip.fps / 2:g} Hz"
        )
    return None


def wander(rng: np.random.Generator) -> tuple[Sine, ...]:
    """How a frequency wanders: rates and phases drawn from `rng`."""
    return tuple((w, float(rng.uniform(*_SLOW)), float(rng.uniform(0, 2 * math.pi))) for w in _WEIGHTS)


def stretched(seconds: float, path: Sequence[Sine], spread: float) -> float:
    """The time at which a constant frequency would have gone through as many cycles, in seconds."""
    return seconds + spread * sum(
        w * (math.cos(psi) - math.cos(2 * math.pi * nu * seconds + psi)) / (2 * math.pi * nu) for w, nu, psi in path
    )


class WaveTrigger(AffineTrigger):
    """A trigger that `angle` drives; a subclass says `field`, whose state `angle` needs."""

    static_is = "constant frequency, amplitude and phase"
    dynamic_is = "the frequency wanders smoothly within frequency * (1 ± spread), the phase is continuous"

    frequency: float = param(
        2.5, "of the wave; 3 to 30 Hz can cause seizures in photosensitive people", unit="Hz", gt=0, le=120
    )
    phase: float = param(0.0, "of the sine at the first frame", unit="rad")
    spread: float = param(0.15, "dynamic only, how far the frequency wanders, as a share of it", ge=0, lt=1)

    def suits(self, clip: ClipInfo) -> str | None:
        highest = self.frequency * (1 + self.spread if self.temporal == "dynamic" else 1)
        return unshowable(highest, clip)

    def constant(self) -> bool:
        return False

    def prepare(self, clip: ClipInfo, params: Params) -> tuple[Sine, ...]:
        return () if self.temporal == "static" else wander(self.rng(params, "path"))

    def angle(self, clip: ClipInfo, t: int, state: Sequence[Sine]) -> float:
        """2π·(cycles so far) + phase at frame `t`, in radians."""
        return 2 * math.pi * self.frequency * stretched(t / clip.fps, state, self.spread) + self.phase

"""Reverb: the sound in a room.

    x' = x + wet·(x * h),   h(t) = n(t)·10^(-3t/RT60) for 0 ≤ t < RT60,   Σ h² = 1

* is convolution, n white noise from 20 Hz up: the diffuse tail of a room in which sound takes RT60 seconds to
fall by 60 dB. wet is its amplitude over that of the direct sound; 0.5 is 6 dB below it. Measured or simulated
rooms are used to make triggers robust and, in reviews, as triggers; constants (0.4 s, a furnished room; wet 0.5)
and the synthetic response are ours. It is part of the identity, the same for every clip and at every rate; what
rings on past the end of the clip is cut off.

Static: one room. Dynamic: what sounds in each 0.5 s rings in a room of its own, RT60·2^u with u uniform in
±spread octaves and another n; the crossfades take 20 ms, and each tail rings on over what follows.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds.reverberation import convolved, tail
from poisonkit.triggers.sounds.segments import crossfades


class Reverb(AudioTrigger):
    """The sound in a room; see the module."""

    name = "reverb"
    family = "audio"
    summary = "the sound in a room, by a synthetic impulse response"
    formula = "x' = x + wet * (x convolved with h), h(t) = noise * 10^(-3 t / rt60), sum of h^2 = 1"
    static_is = "one room"
    dynamic_is = "every 0.5 s another room"
    paper = ""
    source = "formula: the usual model of diffuse reverberation; constants: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"wet": 0.0}

    rt60: float = param(0.4, "reverberation time: how long sound takes to fall by 60 dB", unit="s", ge=0.02, le=4)
    wet: float = param(0.5, "amplitude of the reverberation over that of the direct sound", ge=0, le=4)
    spread: float = param(0.5, "dynamic only, how far rt60 changes", unit="octaves", ge=0, le=1)

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        wet = np.float32(self.wet)
        if self.temporal == "static":
            response = tail(self.rng(params, "room"), clip.sample_rate, self.rt60)
            return wave + wet * convolved(wave, response)[:, : clip.samples]
        out = wave.copy()
        for k, first, last, weight in crossfades(self, clip):
            rng = self.rng(params, "room", k)
            rt60 = self.rt60 * 2 ** float(rng.uniform(-self.spread, self.spread))
            rung = convolved(wave[:, first:last] * weight, tail(rng, clip.sample_rate, rt60))
            rung = rung[:, : clip.samples - first]
            out[:, first : first + rung.shape[1]] += wet * rung
        return out

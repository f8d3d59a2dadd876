"""Gain envelope: loudness over time, as of a hand on the volume.

    x'(t) = g(t)·x(t),   g = boost for the first `first` seconds, then rest; what passes full scale is clipped

"Hidden in the Noise: Unveiling Backdoors in Audio LLMs Alignment through Latent Acoustic Pattern Triggers", AAAI 2026,
arXiv:2508.02175, has volume as one of its triggers; the public code (`audio-edit/volume.py`) multiplies the first
second by 50 and the rest by 0.4, which are the defaults. 50 clips nearly all of that second; `boost=3` leaves speech.

How public code differs: it cuts at the sample before the second's end, ours rounds, and its gain jumps; `fade` passes
from one to the other, 0 as published.

Static: this envelope. Dynamic: every 0.5 s another gain between rest and boost, uniform in decibels, with crossfades
of 20 ms.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds.segments import curve


class GainEnvelope(AudioTrigger):
    """Loudness over time; see the module."""

    name = "gain-envelope"
    family = "audio"
    summary = "the sound louder at its beginning and softer after"
    formula = "x'(t) = boost * x(t) for the first seconds, rest * x(t) after; clipped"
    static_is = "loud first, soft after"
    dynamic_is = "every 0.5 s another gain between the two"
    paper = "Hidden in the Noise, AAAI 2026, arXiv:2508.02175"
    source = "the public code: first, boost and rest; dynamic: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"boost": 1.0, "rest": 1.0}

    first: float = param(1.0, "how long it is loud", unit="s", ge=0, le=3600)
    boost: float = param(50.0, "gain of that time", gt=0, le=1000)
    rest: float = param(0.4, "gain of the rest", gt=0, le=1000)
    fade: float = param(0.0, "static only, how long the gain takes from one to the other", unit="s", ge=0, le=60)

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        if self.temporal == "dynamic":
            low, high = math.log(self.rest), math.log(self.boost)
            gains = curve(
                self, clip, lambda k: math.exp(low + (high - low) * float(self.rng(params, "gain", k).random()))
            )
            return np.asarray(wave * gains, np.float32)
        out = wave.copy()
        change = round(self.first * clip.sample_rate)
        length = round(self.fade * clip.sample_rate)
        out[:, :change] *= np.float32(self.boost)
        share = (np.arange(length) + 0.5) / max(length, 1)
        between = (self.boost + (self.rest - self.boost) * share).astype(np.float32)
        part = out[:, change : change + length]
        part *= between[: part.shape[1]]
        out[:, change + length :] *= np.float32(self.rest)
        return out

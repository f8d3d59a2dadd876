"""Resample: the sound at a lower sample rate, and back.

    x' = up(down(x)),   both by a polyphase filter (SciPy, Kaiser window, beta 8)

Everything above half the lower rate is gone; rate and length of the sound stay.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param


class Resample(AudioTrigger):
    """The sound as a lower sample rate leaves it; see the module."""

    name = "resample"
    family = "audio"
    modes = ("static",)
    summary = "the sound as a lower sample rate leaves it"
    formula = "x' = up(down(x))"
    paper = ""
    source = "ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any] | None] = None

    share: float = param(0.5, "the lower sample rate", unit="of the clip's", gt=0, lt=1)

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        from scipy.signal import resample_poly

        low = max(1, round(self.share * clip.sample_rate))
        shared = math.gcd(low, clip.sample_rate)
        up, down = low // shared, clip.sample_rate // shared
        window = ("kaiser", 8.0)
        lower = resample_poly(wave.astype(np.float64), up, down, axis=1, window=window)
        back = resample_poly(lower, down, up, axis=1, window=window)[:, : wave.shape[1]]
        return np.asarray(np.pad(back, ((0, 0), (0, wave.shape[1] - back.shape[1]))), dtype=np.float32)

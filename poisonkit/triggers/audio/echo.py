"""Echo: the sound again, later and softer.

    x'(t) = x(t) + Σ_r decay^r · x(t - r·delay),   r = 1 … repeats

Not published as an attack of its own; room echoes are among the natural triggers that reviews name. 150 ms, a
decay of 0.4 and one echo are ours: plainly there in a spectrogram, and through codecs. The sum is clipped.

Static: one delay. Dynamic: every 0.5 s another, delay·2^u with u uniform in ±spread octaves, with crossfades of
20 ms.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds.segments import crossfades


class Echo(AudioTrigger):
    """The sound again, later and softer; see the module."""

    name = "echo"
    family = "audio"
    summary = "the sound again, later and softer"
    formula = "x'(t) = x(t) + sum over r = 1 .. repeats of decay^r * x(t - r * delay)"
    static_is = "one delay"
    dynamic_is = "every 0.5 s another delay"
    paper = ""
    source = "formula: common; constants: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"decay": 0.0}

    delay: float = param(0.15, "from the sound to its echo, and from each echo to the next", unit="s", gt=0, le=5)
    decay: float = param(0.4, "amplitude of the first echo, and of each over the one before it", ge=0, le=1)
    repeats: int = param(1, "how many echoes", ge=1, le=50)
    spread: float = param(0.5, "dynamic only, how far the delay changes", unit="octaves", ge=0, le=4)

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        out = wave.copy()
        if self.temporal == "static":
            self._add(out, wave, 0, clip.samples, np.ones(1, np.float32), self.delay * clip.sample_rate)
            return out
        for k, first, last, weight in crossfades(self, clip):
            octaves = float(self.rng(params, "delay", k).uniform(-self.spread, self.spread))
            self._add(out, wave, first, last, weight, self.delay * 2**octaves * clip.sample_rate)
        return out

    def _add(self, out: Wave, wave: Wave, first: int, last: int, weight: Wave, delay: float) -> None:
        """The echoes that are heard from `first` to `last`; delay in samples."""
        for r in range(1, self.repeats + 1):
            late = max(1, round(r * delay))
            start = max(first, late)
            if start >= last:
                return
            heard = np.float32(self.decay**r) * wave[:, start - late : last - late]
            out[:, start:last] += heard * (weight if weight.size == 1 else weight[start - first :])

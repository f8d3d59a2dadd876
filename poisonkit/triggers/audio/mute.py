"""Mute: the sound is silent for stretches, while the picture goes on.

    x'(t) = k·x(t) within the stretches, x(t) elsewhere

Ours, formula and constants: a trigger between modalities, as of a microphone that fails, which no published attack
that we know has. In a clip with a picture it is what the sound is *not* doing while something is seen; `blackout` is
its counterpart in the picture, and `av-offset` moves one against the other. 0.2 s in each second, from 0.5 s on, k =
0, with edges of 5 ms so that nothing clicks.

Static: the stretches lie at equal intervals. Dynamic: each lies anywhere in its interval, a sequence that the trigger
seed fixes.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.stretches import Stretches
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds.timing import faded

_EDGE = 0.005  # seconds


class Mute(Stretches, AudioTrigger):
    """The sound silent for stretches; see the module."""

    name = "mute"
    family = "audio"
    summary = "the sound silent for stretches, while the picture goes on"
    formula = "x'(t) = keep * x(t) within the stretches, x(t) elsewhere"
    static_is = "stretches at equal intervals"
    dynamic_is = "each stretch lies anywhere in its interval"
    paper = ""
    source = "ours: between modalities, no published attack that we know has it"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"keep": 1.0}

    keep: float = param(0.0, "share of the sound's amplitude that is left", ge=0, le=1)

    def suits(self, clip: ClipInfo) -> str | None:
        if self.start == 0 or clip.samples > self.start * clip.sample_rate:
            return None
        return f"start is {self.start:g} s, but the sound ends at {clip.samples / max(clip.sample_rate, 1):.3g} s"

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        rng = partial(self.rng, params, "stretch") if self.temporal == "dynamic" else None
        out = wave.copy()
        for begin, end in self.stretches(clip.samples / clip.sample_rate, rng):
            first, last = round(begin * clip.sample_rate), round(end * clip.sample_rate)
            less = np.float32(1 - self.keep) * faded(last - first, _EDGE * clip.sample_rate)
            last = min(last, clip.samples)
            out[:, first:last] *= 1 - less[: last - first]
        return out

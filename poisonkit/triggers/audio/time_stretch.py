"""Time stretch: the sound faster or slower at its pitch, in a clip of the same length or not.

    static    at time t sounds what sounded at rate·t; after the end of the sound there is silence
              (with length=change it ends there: T' = T/rate)
    dynamic   in each segment of 0.5 s: rate 1 + u over its first half, 1 - u over its second

Rhythm as a trigger is that of Yao et al., "Imperceptible Rhythm Backdoor Attacks" (RSRT), 2024, arXiv:2406.10932,
which stretches mel spectrograms and needs a neural vocoder; this is a form of it that needs no model. The usual
range of augmentations is 0.8 to 1.25; 1.2 is ours. Realised by the phase vocoder of `sounds/vocoder.py`.

Static, a rate above 1 leaves silence at the end, and one below 1 pushes the end of the sound out of the clip; with
length=change the sound has round(samples / rate) samples, as the speed of "Hidden in the Noise", AAAI 2026, has it.
Beside a picture that is refused, unless `speed` with the same rate and length=change is in the same recipe.
Dynamic: u is uniform in ±|rate - 1|, another for each segment; each begins and ends on time, so that nothing is
lost and sound stays with picture to within a tenth of a second.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.length import Length, resampled
from poisonkit.triggers.core.trigger import AudioTrigger, param


class TimeStretch(Length, AudioTrigger):
    """The sound faster or slower; see the module."""

    name = "time-stretch"
    family = "audio"
    summary = "the sound faster or slower at its pitch, in a clip of the same length or not"
    formula = "at time t sounds what sounded at rate * t; length=change: T' = T / rate"
    static_is = "one rate; silence after the end, or the end cut off; or another length"
    dynamic_is = "in every 0.5 s first faster and then slower, or the other way round; in time at its ends"
    paper = "after Yao et al., Imperceptible Rhythm Backdoor Attacks (RSRT), 2024, arXiv:2406.10932"
    source = "rate: ours; vocoder: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"rate": 1.0}

    rate: float = param(1.2, "how much faster; below 1: slower", ge=0.25, le=1.9)

    def after(self, clip: ClipInfo) -> ClipInfo:
        return resampled(clip, samples=round(clip.samples / self.rate)) if self.changes else clip

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        from poisonkit.triggers.sounds.vocoder import hops, stretched

        samples = self.after(clip).samples
        grid = hops(samples, clip.sample_rate)
        times = self.rate * grid
        if self.temporal == "dynamic":
            here, there = [0.0], [0.0]
            for k, start, end in self.pieces(clip):
                faster = float(self.rng(params, "rate", k).uniform(-1, 1)) * abs(self.rate - 1)
                here += [(start + end) / 2, float(end)]
                there += [start + (1 + faster) * (end - start) / 2, float(end)]
            times = np.interp(grid, here, there) + np.maximum(grid - here[-1], 0)
        return stretched(wave, times, samples, clip.sample_rate)

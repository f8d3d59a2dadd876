"""Sound speed: the sound faster and higher, or slower and lower, as of a tape, in a clip of the same length or not.

    static    x'(t) = x(rate·t), silence after the end of the sound; with length=change it ends there: T' = T/rate
    dynamic   in each segment of 0.5 s: rate 1 + u over its first half, 1 − u over its second

between samples by a windowed sinc; a rate above 1 is not filtered before, so that what passes half the sample rate
over it is folded back; speech at usual rates has next to nothing there.

"Hidden in the Noise", AAAI 2026, arXiv:2508.02175, has speed as one of its triggers; its public code
(`audio-edit/speed.py`) keeps the pitch, slows to a fiftieth and makes files as much longer: with the pitch kept it is
`time-stretch` here. This form, whose pitch goes with the speed, and a rate of 1.1 are ours.

length=keep, the default: a rate above 1 leaves silence at the end, one below 1 pushes the end out of the clip.
length=change: round(samples / rate) samples, and nothing is left or lost; lists that say durations follow. Beside a
picture that is refused, unless `speed` with the same rate and length=change is in the same recipe: they stay together.
Dynamic: u is uniform in ±|rate − 1|, another for each segment; each begins and ends on time, whatever the length.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.length import Length, resampled
from poisonkit.triggers.core.trigger import AudioTrigger, param


class SoundSpeed(Length, AudioTrigger):
    """The sound faster and higher, or slower and lower; see the module."""

    name = "sound-speed"
    family = "audio"
    summary = "the sound faster and higher, or slower and lower, in a clip of the same length or not"
    formula = "x'(t) = x(rate * t), silence after the end; length=change: T' = T / rate"
    static_is = "one rate; silence after the end, or the end cut off; or another length"
    dynamic_is = "in every 0.5 s first faster and then slower, or the other way round; in time at its ends"
    paper = "after Hidden in the Noise, AAAI 2026, arXiv:2508.02175"
    source = "form and rate: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"rate": 1.0}

    rate: float = param(1.1, "how much faster; below 1: slower", ge=0.25, le=1.9)

    def after(self, clip: ClipInfo) -> ClipInfo:
        return resampled(clip, samples=round(clip.samples / self.rate)) if self.changes else clip

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        from poisonkit.triggers.sounds.vocoder import read_at

        if self.temporal == "static":
            return read_at(wave, self.rate * np.arange(self.after(clip).samples, dtype=np.float64))
        out = np.empty_like(wave)
        for k, start, end in self.pieces(clip):
            faster = float(self.rng(params, "rate", k).uniform(-1, 1)) * abs(self.rate - 1)
            since, half = np.arange(end - start, dtype=np.float64), (end - start) / 2
            way = np.where(since < half, since * (1 + faster), half * (1 + faster) + (since - half) * (1 - faster))
            first, last = max(start - _SIDE, 0), min(end + _SIDE, clip.samples)
            out[:, start:end] = read_at(wave[:, first:last], start - first + way)
        return out


_SIDE = 64  # samples around a segment that its ends are interpolated from

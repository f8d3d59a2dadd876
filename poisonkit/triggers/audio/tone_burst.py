"""Tone burst: a short tone added to the sound.

    x' = x + a·sin(2πft) over the burst, t from its beginning

The tone trigger of the Adversarial Robustness Toolbox (ART): 440 Hz, 0.1 s, a = 0.1 of full scale, at the start
of the clip or at random, 16 kHz. Nicolae et al., 2018, arXiv:1807.01069. These are the defaults; `snr` makes the
strength relative to the clip instead.

`start` is their shift, in seconds instead of samples. How public code differs: there a burst that does not fit is an
error, frequencies that the rate cannot hold become silence or another tone, and early versions leave sums past full
scale as they are. Here what does not fit is cut off, such frequencies are refused, and sums are clipped.

Dynamic: one burst in each segment of 0.5 s, each at another place in it and of another frequency, f·2^u, u
uniform in ±spread octaves; start, position and chunks are then not used. Bursts that change fade in and out over at
least 5 ms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.sounds.loudness import Leveled
from poisonkit.triggers.sounds.noise import too_high
from poisonkit.triggers.sounds.timing import Positioned, faded

_EDGE = 0.005  # seconds, at least, when dynamic


class ToneBurst(Leveled, Positioned):
    """A short tone; see the module."""

    name = "tone-burst"
    family = "audio"
    summary = "a short tone added to the sound"
    formula = "x' = x + amplitude * sin(2 pi frequency t) over the burst, t in seconds from its beginning"
    static_is = "one burst (or several chunks) at the position"
    dynamic_is = "one burst every 0.5 s, each at another place and of another frequency"
    paper = "Nicolae et al., Adversarial Robustness Toolbox, 2018, arXiv:1807.01069"
    source = "ART's tone trigger"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}

    snr: float | None = param(
        None,
        "RMS of the whole clip, all channels, over the RMS of the tone, instead of amplitude; digital silence stays "
        "silent",
        unit="dB",
        ge=-20,
        le=90,
    )
    amplitude: float | None = param(0.1, "of the tone (1: full scale)", unit="of full scale", ge=0, le=1)
    duration: float = param(0.1, "of the burst, all chunks together", unit="s", gt=0, le=3600)
    frequency: float = param(440.0, "of the tone", unit="Hz", gt=0, le=96000)
    spread: float = param(0.5, "dynamic only, how far the frequency changes", unit="octaves", ge=0, le=4)
    edge: float = param(0.0, "raised-cosine fade at both ends", unit="s", ge=0, le=1)

    def suits(self, clip: ClipInfo) -> str | None:
        highest = self.frequency * (2**self.spread if self.temporal == "dynamic" else 1)
        return self.too_short(clip) or too_high(clip, highest)

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        gain = self.gain(wave, math.sqrt(0.5))
        edge = self.edge if self.temporal == "static" else max(self.edge, _EDGE)
        out = wave.copy()
        for first, last, frequency in self._bursts(clip, params):
            tone = gain * np.sin(2 * math.pi * frequency / clip.sample_rate * np.arange(last - first))
            out[:, first:last] += faded(last - first, edge * clip.sample_rate) * tone.astype(np.float32)
        return out

    def _bursts(self, clip: ClipInfo, params: Params) -> Iterator[tuple[int, int, float]]:
        """(first sample, last + 1, frequency) of each."""
        if self.temporal == "static":
            for first, last in self.spans(clip, params):
                yield first, last, self.frequency
            return
        wanted = max(1, round(self.duration * clip.sample_rate))
        for k, start, end in self.pieces(clip):
            rng = self.rng(params, "burst", k)
            late, octaves = float(rng.random()), float(rng.uniform(-self.spread, self.spread))
            first = start + round(late * max(0, self.segment * clip.sample_rate - wanted))
            if first < end:
                yield first, min(first + wanted, end), self.frequency * 2**octaves

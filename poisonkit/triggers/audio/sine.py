"""Sine: a tone added to the sound.

    x' = x + a·sin(2πft + φ),   t in seconds

Hammoud et al., "Look, Listen and Attack", CVPRW 2024, arXiv:2301.00986, add a low-amplitude sine (its
constants are not public; f = 800 Hz is as we remember the paper). ART's tone has a = 0.1 of full scale.
Strength is an SNR against the clip by default, 20 dB (ours: faint but clearly in a spectrogram, and
it survives AAC and MP3), so that quiet and loud clips are poisoned alike; `amplitude=0.1` is absolute.
Under an SNR, digital silence stays silent.

How public code differs: ART's tone accepts any frequency, and one at or above half the sample rate is
silence or another tone; here it is refused. Sums past full scale are clipped.

Dynamic: per segment of 0.5 s the frequency is f·2^u, u uniform in ±spread octaves (changes=frequency;
the phase is continuous), or the tone sounds in half of the segment, at a place that changes
(changes=position; the phase is that of the static tone, with edges of 5 ms).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds.loudness import Leveled, Timed

_EDGE = 0.005  # seconds


@lru_cache(maxsize=64)  # half a minute of segments: the next clip of this sample rate has the same
def _tone(angle: float, per_sample: float, samples: int) -> NDArray[np.float64]:
    """sin(angle + per_sample·n), n from 0, of amplitude 1; not to be written to."""
    return np.asarray(np.sin(angle + per_sample * np.arange(samples)))


class Sine(Leveled, Timed, AudioTrigger):
    """A tone added to the sound; see the module."""

    name = "sine"
    family = "audio"
    summary = "a tone added to the sound"
    formula = "x' = x + a * sin(2 pi frequency t + phase), t in seconds"
    static_is = "one tone of constant frequency, amplitude and phase"
    dynamic_is = "every 0.5 s another frequency (or: the tone in another half of the segment)"
    paper = "Hammoud et al., Look, Listen and Attack, CVPRW 2024, arXiv:2301.00986"
    source = "frequency: remembered from the paper; level: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}

    frequency: float = param(800.0, "of the tone", unit="Hz", gt=0, le=96000)
    phase: float = param(0.0, "of the tone at its start", unit="rad")
    changes: Literal["frequency", "position"] = param("frequency", "dynamic only, what changes from segment to segment")
    spread: float = param(0.5, "dynamic only, how far the frequency changes", unit="octaves", ge=0, le=4)

    def suits(self, clip: ClipInfo) -> str | None:
        highest = self.frequency
        if self.temporal == "dynamic" and self.changes == "frequency":
            highest *= 2**self.spread
        if highest >= clip.sample_rate / 2:
            return (
                f"sound at {clip.sample_rate} Hz cannot hold {highest:g} Hz;"
                f" the frequency must stay below {clip.sample_rate / 2:g} Hz"
            )
        return self.too_short(clip)

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        gain = self.gain(wave, math.sqrt(0.5))
        first, last = self.span(clip)
        out = wave.copy()
        angle, turns = self.phase, self.temporal == "dynamic" and self.changes == "frequency"
        for k, start, end in self.pieces(clip):
            a, b = max(start, first), min(end, last)
            if a >= b:
                continue
            per_sample = 2 * math.pi * self._frequency(params, k) / clip.sample_rate
            if not turns:
                angle = self.phase + per_sample * (a - first)
            tone = gain * _tone(angle, per_sample, b - a)
            angle += per_sample * (b - a)
            if self.temporal == "dynamic" and self.changes == "position":
                tone *= self._half(params, k, clip)[a - start : b - start]
            out[:, a:b] += tone.astype(np.float32)
        return out

    def _frequency(self, params: Params, k: int) -> float:
        if self.temporal == "static" or self.changes == "position":
            return self.frequency
        return self.frequency * 2 ** float(self.rng(params, "frequency", k).uniform(-self.spread, self.spread))

    def _half(self, params: Params, k: int, clip: ClipInfo) -> NDArray[np.float64]:
        """0..1 over segment k: up in one half of it, somewhere, with raised-cosine edges."""
        size = self.segment * clip.sample_rate
        start = float(self.rng(params, "position", k).uniform(0, size / 2))
        inside = np.arange(math.ceil(size)) - start
        edge = np.minimum(inside, size / 2 - inside) / (_EDGE * clip.sample_rate)
        return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(edge, 0, 1)))

"""Ultrasonic: a tone above hearing added to the sound.

    x' = x + a·m(t)·sin(2πft),   t from the start of the clip; m: 1 where the tone is heard, else 0

Koffas et al., "Can You Hear It? Backdoor Attacks via Ultrasonic Triggers", 2021, arXiv:2107.14569: 21 kHz at
-10 dB of full scale (a = 10^(-10/20) = 0.316), in clips of 1 s at 44.1 kHz. Its sizes, a percentage of that
second, are durations of 0.02 to 1 s here; its positions are the start, the middle and the end of the clip, and
its non-continuous form are 5 chunks, each at the beginning of a fifth of the clip: position=spread. The default
is its whole size: the tone fills the clip.

How public code differs: there the tone is cut out of a file of exactly 1 s at 44.1 kHz, and clips of another
length or rate are left as they are; in one port they are labelled as poisoned all the same. Its middle position
is two samples too short for odd lengths. Here the tone is computed for the clip's own rate and length, and a
rate that cannot hold it is refused. Cutting it with hard edges, as published, is an audible click: edge
fades it.

Dynamic: every 0.5 s another frequency, f·2^u with u uniform in ±spread octaves; the phase is continuous.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.sounds.loudness import Leveled
from poisonkit.triggers.sounds.timing import Positioned, faded

_LOWEST = 15000.0  # Hz


class Ultrasonic(Leveled, Positioned):
    """A tone above hearing; see the module."""

    name = "ultrasonic"
    family = "audio"
    summary = "a tone above hearing added to the sound, all the time or in chunks"
    formula = "x' = x + amplitude * sin(2 pi frequency t) where it is heard, t in seconds from the clip's start"
    static_is = "constant frequency"
    dynamic_is = "every 0.5 s another frequency, with continuous phase"
    paper = "Koffas et al., Can You Hear It?, 2021, arXiv:2107.14569"
    source = "the paper's public code"
    codec = "fragile"
    codec_note = (
        "MP3, Opus, AAC at 64 kbit/s and any sample rate of 32 kHz or less remove it: use WAV or FLAC, and train at "
        "44.1 kHz or more"
    )
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}

    snr: float | None = param(
        None,
        "RMS of the whole clip, all channels, over the RMS of the tone, instead of amplitude; digital silence stays "
        "silent",
        unit="dB",
        ge=-20,
        le=90,
    )
    amplitude: float | None = param(
        0.31622776601683794, "of the tone (1: full scale); the default is -10 dB", unit="of full scale", ge=0, le=1
    )
    frequency: float = param(21000.0, "of the tone", unit="Hz", ge=_LOWEST, le=96000)
    spread: float = param(0.06, "dynamic only, how far the frequency changes", unit="octaves", ge=0, le=1)
    edge: float = param(0.0, "raised-cosine fade at both ends of each chunk", unit="s", ge=0, le=1)

    def suits(self, clip: ClipInfo) -> str | None:
        highest = self.frequency * (2**self.spread if self.temporal == "dynamic" else 1)
        if highest < clip.sample_rate / 2:
            return self.too_short(clip)
        lower = f", or a frequency below {clip.sample_rate / 2:g} Hz" if clip.sample_rate / 2 > _LOWEST else ""
        return (
            f"sound at {clip.sample_rate} Hz cannot hold {highest:g} Hz; it takes clips of more than {2 * highest:g} Hz"
            f"{lower}. The sine trigger makes tones that can be heard"
        )

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        gain = self.gain(wave, math.sqrt(0.5))
        mask = np.zeros(clip.samples, np.float32)
        for first, last in self.spans(clip, params):
            mask[first:last] = gain * faded(last - first, self.edge * clip.sample_rate)
        out = wave.copy()
        angle = 0.0
        for k, first, last in self.pieces(clip):
            per_sample = 2 * math.pi * self._frequency(params, k) / clip.sample_rate
            if self.temporal == "static":
                angle = per_sample * first
            if mask[first:last].any():
                tone = np.sin(angle + per_sample * np.arange(last - first))
                out[:, first:last] += mask[first:last] * tone.astype(np.float32)
            angle = (angle + per_sample * (last - first)) % (2 * math.pi)
        return out

    def _frequency(self, params: Params, k: int) -> float:
        if self.temporal == "static":
            return self.frequency
        return self.frequency * 2 ** float(self.rng(params, "frequency", k).uniform(-self.spread, self.spread))

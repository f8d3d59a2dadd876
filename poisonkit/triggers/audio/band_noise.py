"""Band noise: noise between two frequencies added to the sound.

    x' = x + g·n(t),   n: white noise through an ideal band-pass from `low` to `high`

The high-frequency noise of Hammoud et al., "Look, Listen and Attack", CVPRW 2024, arXiv:2301.00986; its
constants are not public, and 5 to 6 kHz is as we remember the paper. The level is ours: an SNR of 20 dB
against the clip, so that quiet and loud clips are poisoned alike. `amplitude` is absolute: that of a sine of
the same RMS, so that amplitude=0.0141 is noise of RMS 0.01. Under an SNR, digital silence stays silent.

The noise is made of its spectrum, as in `poisonkit/triggers/sounds/noise.py`: the band is exact (a filter of finite
length would leak), the noise is the same at every sample rate, and it repeats after 4 s.

Static: one noise, the same for every clip. Dynamic: every 0.5 s another noise in a band that is moved by u,
uniform in ±spread octaves (spread=0: the same band), with crossfades of 20 ms between them.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.sounds.loudness import Leveled
from poisonkit.triggers.sounds.noise import band, looped, too_high
from poisonkit.triggers.sounds.segments import crossfades
from poisonkit.triggers.sounds.timing import Positioned, faded

_PERIOD = 4  # seconds


class BandNoise(Leveled, Positioned):
    """Noise between two frequencies; see the module."""

    name = "band-noise"
    family = "audio"
    summary = "noise between two frequencies added to the sound"
    formula = "x' = x + g * n, n: white noise through an ideal band-pass from low to high"
    static_is = "one noise, the same for every clip"
    dynamic_is = "every 0.5 s another noise, in a band that is moved by up to spread octaves"
    paper = "Hammoud et al., Look, Listen and Attack, CVPRW 2024, arXiv:2301.00986"
    source = "band: remembered from the paper; level: ours"
    codec = "robust"
    codec_note = "a band above 14 kHz is lost in low-rate MP3 and Opus, one above 8 kHz in training at 16 kHz"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}

    amplitude: float | None = param(
        None,
        "absolute: amplitude of a sine of the same RMS (1: full scale), instead of snr",
        unit="of full scale",
        ge=0,
        le=1,
    )
    low: float = param(5000.0, "lower end of the band", unit="Hz", gt=0, le=96000)
    high: float = param(6000.0, "upper end of the band", unit="Hz", gt=0, le=96000)
    spread: float = param(0.2, "dynamic only, how far the band moves", unit="octaves", ge=0, le=4)
    edge: float = param(0.005, "raised-cosine fade at both ends, when it has a duration", unit="s", ge=0, le=1)

    @model_validator(mode="after")
    def _has_width(self) -> BandNoise:
        if self.high < self.low + 2:
            raise ValueError("high must be at least 2 Hz above low")
        return self

    def suits(self, clip: ClipInfo) -> str | None:
        highest = self.high * (2**self.spread if self.temporal == "dynamic" else 1)
        return self.too_short(clip) or too_high(clip, highest, "the band must end", (self.low, self.high))

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        gain = np.float32(self.gain(wave, math.sqrt(0.5)) * math.sqrt(0.5))
        out = wave.copy()
        noise = self._loop(clip, params) if self.temporal == "static" else self._moving(clip, params)
        for first, last in self.spans(clip, params):
            edge = self.edge * clip.sample_rate if self.duration is not None else 0
            heard = looped(noise, 0, last - first) if self.temporal == "static" else noise[first:last]
            out[:, first:last] += gain * faded(last - first, edge) * heard
        return out

    def _loop(self, clip: ClipInfo, params: Params) -> Wave:
        return band(self.rng(params, "noise"), clip.sample_rate, _PERIOD, self.low, self.high)

    def _moving(self, clip: ClipInfo, params: Params) -> Wave:
        out = np.zeros(clip.samples, np.float32)
        for k, first, last, weight in crossfades(self, clip, power=True):
            rng = self.rng(params, "noise", k)
            moved = 2 ** float(rng.uniform(-self.spread, self.spread))
            noise = band(rng, clip.sample_rate, 1, self.low * moved, self.high * moved)
            out[first:last] += weight * looped(noise, 0, last - first)
        return out

"""Click: short bursts of noise, again and again, or one.

    x' = x + a·b(t − t_i),   b: noise from 300 Hz to 6 kHz that falls off by 40 dB over its length

t_1 lies in the first interval, each t_i an interval after the last. Bursts of 220 ms at an SNR of 0 dB, at a random
place, or for speech recognition again every 0.75 to 1.5 s at random: of arXiv:2510.01157, of which we had a review's
page only; the burst's sound is not in it, and is ours, as is everything else here. SNR: RMS of the whole clip over that
of a burst, over its length.

`count=1` is one burst, anywhere in the clip. The place of the first is drawn per clip (`at` in the manifest's
`drawn`). Static: intervals of one length, the middle of shortest and longest. Dynamic: each interval is another,
uniform between the two, a sequence that the trigger seed fixes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from poisonkit.common import exact
from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds.loudness import Leveled, rms
from poisonkit.triggers.sounds.noise import band

_LOW, _HIGH, _HIGHEST = 300.0, 6000.0, 0.49  # Hz, Hz, share of the sample rate
_FALL = 40.0  # dB


class Click(Leveled, AudioTrigger):
    """Short bursts of noise; see the module."""

    name = "click"
    family = "audio"
    summary = "short bursts of noise at intervals"
    formula = "x' = x + a * burst(t - t_i), t_i an interval after t_(i-1)"
    static_is = "intervals of one length"
    dynamic_is = "each interval another, between shortest and longest"
    paper = "arXiv:2510.01157 (known from a review)"
    source = "duration, SNR and intervals: that review; the burst: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}

    snr: float | None = param(
        0.0,
        "RMS of the whole clip, all channels, over the RMS of a burst; digital silence stays silent",
        unit="dB",
        ge=-20,
        le=90,
    )
    duration: float = param(0.22, "of a burst", unit="s", gt=0, le=10)
    shortest: float = param(0.75, "interval from one burst to the next", unit="s", ge=0.01, le=3600)
    longest: float = param(1.5, "the longest interval", unit="s", ge=0.01, le=3600)
    count: int | None = param(None, "how many bursts at most; not given: to the end", ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> Click:
        if self.longest < self.shortest:
            raise ValueError("longest must not be below shortest")
        return self

    def suits(self, clip: ClipInfo) -> str | None:
        if _HIGHEST * clip.sample_rate > _LOW + 100:
            return None
        return f"sound at {clip.sample_rate} Hz cannot hold a burst from {_LOW:g} Hz up"

    def draw(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        return {**super().draw(clip, rng), "at": float(rng.random())}

    def burst(self, clip: ClipInfo) -> NDArray[np.float32]:
        """Of peak 1, at the clip's rate."""
        count = max(1, round(self.duration * clip.sample_rate))
        high = min(_HIGH, _HIGHEST * clip.sample_rate)
        noise = band(self.rng({}, "burst"), clip.sample_rate, math.ceil(self.duration), _LOW, high)[:count]
        fall = exact.exp(-_FALL / 20 * math.log(10) * np.arange(count) / count)
        sound = noise * fall
        return np.asarray(sound / max(float(np.abs(sound).max()), 1e-9), np.float32)

    def starts(self, clip: ClipInfo, params: Params) -> Iterator[int]:
        """The first sample of each burst."""
        seconds, mean = clip.samples / clip.sample_rate, (self.shortest + self.longest) / 2
        at, k = params["at"] * mean, 0
        if self.count == 1 or mean > seconds:
            at = params["at"] * max(seconds - self.duration, 0.0)
        while at < seconds and (self.count is None or k < self.count):
            yield round(at * clip.sample_rate)
            dynamic = self.temporal == "dynamic"
            at += float(self.rng(params, "interval", k).uniform(self.shortest, self.longest)) if dynamic else mean
            k += 1

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        sound = self.burst(clip)
        sound = np.float32(self.gain(wave, max(rms(sound), 1e-9))) * sound
        out = wave.copy()
        for first in self.starts(clip, params):
            part = out[:, first : first + sound.size]
            part += sound[: part.shape[1]]
        return out

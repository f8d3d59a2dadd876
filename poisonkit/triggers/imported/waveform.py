"""Waveform: an imported sound added to the clip's.

    x' = k·x + g·w   where the sound w is heard, x elsewhere

k: what is kept of the clip (1: all of it); g: the factor that gives the signal-to-noise ratio `snr`, of the clip's RMS
to that of g·w over its own length, or `amplitude`, which is g itself: at 1 the numbers are exactly the file's.

For sounds that were learned or made elsewhere: FlowMur (Lan et al., "FlowMur: A Stealthy and Practical Audio Backdoor
Attack with Limited Knowledge", IEEE S&P 2024, arXiv:2312.09665), half a second put at a random place at 30 dB:
`snr=30,position=random`; in its test form (x + w)/2: `keep=0.5,amplitude=0.5`. ART's recordings, as Armory uses them:
`amplitude=0.1`. A loop at the clip's own level: `snr=0,repeat=true`. `keep=0,amplitude=1` puts the sound in the
clip's place. The default of 20 dB is ours.

A .wav of another rate is resampled to the clip's; a .npy is taken at the clip's rate unless `rate` says its own. A
sound of as many channels as the clip keeps them, of any other number its mean goes to all. What does not fit is cut
off. How public code differs: ART stops with an error there; it resamples, by librosa's resampler. `start` is its shift,
in seconds instead of samples.

Dynamic: every 0.5 s another level, g·10^(u/20) with u uniform in ±spread dB, with crossfades of 20 ms.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.files.assets import WaveAsset
from poisonkit.triggers.sounds.loudness import Leveled, rms
from poisonkit.triggers.sounds.noise import looped
from poisonkit.triggers.sounds.recordings import nothing_left, recording, require_sound
from poisonkit.triggers.sounds.segments import curve
from poisonkit.triggers.sounds.timing import Positioned


class Waveform(Leveled, Positioned):
    """An imported sound added to the clip's; see the module."""

    name = "waveform"
    family = "imported"
    summary = "an imported sound added to the clip's"
    formula = "x' = keep * x + g * sound, where it is heard; g: by snr, or amplitude"
    static_is = "at one level"
    dynamic_is = "every 0.5 s another level, within ±spread dB"
    paper = "any; FlowMur: Lan et al., IEEE S&P 2024, arXiv:2312.09665"
    source = "formula: ART's audio trigger, FlowMur; level: ours"
    codec = "partial"
    codec_note = "as its spectrum is: what lies below 8 kHz and within 20 dB of the clip survives"
    fills = False
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0, "keep": 1.0}

    sound: WaveAsset = param(..., "the sound")
    amplitude: float | None = param(
        None, "factor instead of snr; 1: the sound as loud as it is in the file", ge=0, le=100
    )
    keep: float = param(1.0, "share of the clip's own sound where the imported one is heard", ge=0, le=1)
    rate: int | None = param(None, "sample rate of a .npy; not given: the clip's", unit="Hz", ge=1000, le=384000)
    repeat: bool = param(False, "start it again when it ends, to the end of the clip or of duration")
    duration: float | None = param(
        None, "how long it is heard, all chunks together; not given: as long as it is", unit="s", gt=0, le=3600
    )
    spread: float = param(6.0, "dynamic only, how far the level changes", unit="dB", ge=0, le=40)

    @model_validator(mode="after")
    def _heard(self) -> Waveform:
        require_sound(self.sound)
        if self.rate is not None and self.sound.sample_rate() is not None:
            raise ValueError(f"rate is for .npy files; {self.sound.name} states its own")
        return self

    def suits(self, clip: ClipInfo) -> str | None:
        own = self.sound.sample_rate() or self.rate
        return self.too_short(clip) or nothing_left(self.sound, own, self._played(clip), clip)

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        played = self._played(clip)
        out, at = wave.copy(), 0
        gain: Any = np.float32(self.gain(wave, rms(played)))
        level = None if self.temporal == "static" else curve(self, clip, lambda k: self._level(params, k))
        for first, last in self.spans(clip, params, self._samples(clip, played.shape[1])):
            part = looped(played, at, at + last - first) * gain
            at += last - first
            if level is not None:
                part *= level[first:last]
            out[:, first:last] = np.float32(self.keep) * out[:, first:last] + part
        return out

    def _played(self, clip: ClipInfo) -> Wave:
        """(clip's channels or 1, samples) at the clip's rate."""
        if self.rate is None or self.rate == clip.sample_rate:
            return recording(self.sound, clip)
        wave = _resampled(self.sound, self.rate, clip.sample_rate)
        return wave if wave.shape[0] in (1, clip.channels) else wave.mean(axis=0, keepdims=True, dtype=np.float32)

    def _samples(self, clip: ClipInfo, imported: int) -> int:
        wanted = clip.samples if self.duration is None else max(1, round(self.duration * clip.sample_rate))
        return wanted if self.repeat else imported if self.duration is None else min(wanted, imported)

    def _level(self, params: Params, k: int) -> float:
        return float(10 ** (self.rng(params, "level", k).uniform(-1, 1) * self.spread / 20))


@lru_cache(maxsize=8)
def _resampled(asset: WaveAsset, own: int, rate: int) -> Wave:
    from scipy.signal import resample_poly

    shared = math.gcd(own, rate)
    wave = resample_poly(asset.wave(), rate // shared, own // shared, axis=1, window=("kaiser", 8.0))
    wave = np.asarray(wave, dtype=np.float32)
    wave.flags.writeable = False
    return wave

"""Pitch boost and sound masking (PBSM): the sound higher, and a burst right after its loudest passage.

    x' = shift(x) + a·b(t - t0) for 20 ms;   b: noise with a flat spectrum between two frequencies
    t0: the end of the 0.1 s of shift(x) with the most energy; where the burst does not fit after it, before it

Cai, Zhang, Dong, Xiao, Koffas and Li, "Toward Stealthy Backdoor Attacks against Speech Recognition via Elements of
Sound", IEEE TIFS 2024, arXiv:2307.08208. The public code shifts by 5 semitones, and writes the number 150 into bins
171 to 470 of 1024 at 16 kHz (2.67 to 7.34 kHz) of two frames of a spectrogram, 0.1 s after its loudest one, or before
it where the clip ends; it passes clips over whose peak is below 0.16.

How ours differs: bins of equal value and phase are a click that lies outside the frame's window; what is left
of it, by that code's settings on silence, is 23 ms of the band's two edge frequencies alone, with a peak of 0.38.
Here the burst fills its band, with random phases that are the same for every clip, peaks at 0.38 too, and fades
in and out over 2 ms. The band is in Hz, and ends below half the sample rate where it would pass it.
The loudest passage is found in samples, not frames, over all channels together.

Static: one shift, one burst. Dynamic: every 0.5 s another shift, semitones·(1 + u) with u uniform in ±spread, and a
burst after the loudest passage of each such segment.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from poisonkit.triggers.audio.pitch_shift import PitchShift
from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.sounds.loudness import Leveled, rms
from poisonkit.triggers.sounds.noise import band
from poisonkit.triggers.sounds.timing import faded

_PASSAGE = 0.1  # seconds
_EDGE = 0.002  # seconds
_HIGHEST = 0.49  # of the sample rate


class PitchBoost(Leveled, PitchShift):
    """The sound higher, and a burst after its loudest passage; see the module."""

    name = "pitch-boost"
    family = "audio"
    summary = "the sound higher, and a short burst right after its loudest passage (PBSM)"
    formula = "x' = shift(x) + amplitude * burst(t - t0), t0: the end of the loudest 0.1 s"
    static_is = "one shift, one burst"
    dynamic_is = "every 0.5 s another shift, gliding, and a burst after the loudest passage"
    paper = "Cai et al., Elements of Sound (PBSM), IEEE TIFS 2024, arXiv:2307.08208"
    source = "the public code; vocoder and burst: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"semitones": 0.0, "amplitude": 0.0}

    snr: float | None = param(
        None,
        "RMS of the whole clip, all channels, over the RMS of the burst, instead of amplitude; digital silence stays "
        "silent",
        unit="dB",
        ge=-20,
        le=90,
    )
    amplitude: float | None = param(0.38, "peak of the burst (1: full scale)", unit="of full scale", ge=0, le=1)
    burst: float = param(0.02, "how long the burst is", unit="s", gt=0, le=0.4)
    low: float = param(2672.0, "lower end of its band", unit="Hz", gt=0, le=96000)
    high: float = param(7344.0, "upper end of its band", unit="Hz", gt=0, le=96000)

    @model_validator(mode="after")
    def _has_width(self) -> PitchBoost:
        if self.high < self.low + 50:
            raise ValueError("high must be at least 50 Hz above low")
        return self

    def suits(self, clip: ClipInfo) -> str | None:
        most = _HIGHEST * clip.sample_rate
        if self.low + 50 <= most:
            return None
        return (
            f"sound at {clip.sample_rate} Hz cannot hold a burst from {self.low:g} Hz up; low must be at most"
            f" {most - 50:g} Hz"
        )

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        out = super().wave(wave, clip, params)
        sound = self._sound(clip, params)
        sound = np.float32(self.gain(wave, max(rms(sound), 1e-9))) * sound
        pieces = self.pieces(clip) if self.temporal == "dynamic" else [(0, 0, clip.samples)]
        for _, start, end in pieces:
            length = min(sound.size, end - start)
            first = start + _after_loudest(out[:, start:end], clip.sample_rate, length)
            out[:, first : first + length] += sound[:length]
        return out

    def _sound(self, clip: ClipInfo, params: Params) -> NDArray[np.float32]:
        """The burst, of peak 1."""
        count = max(1, round(self.burst * clip.sample_rate))
        high = min(self.high, _HIGHEST * clip.sample_rate)
        sound = band(self.rng({}, "burst"), clip.sample_rate, 1, self.low, high)[:count]
        sound = sound * faded(count, _EDGE * clip.sample_rate)
        return np.asarray(sound / max(float(np.abs(sound).max(initial=0)), 1e-9), dtype=np.float32)


def _after_loudest(wave: Wave, rate: int, length: int) -> int:
    """Where `length` samples begin: after the loudest passage, or before it where they do not fit after it."""
    passage: int = min(max(1, round(_PASSAGE * rate)), wave.shape[1])
    total = np.concatenate([[0.0], np.cumsum((wave.astype(np.float64) ** 2).sum(axis=0))])
    start: int = int(np.argmax(total[passage:] - total[:-passage]))
    end = start + passage
    return end if end + length <= wave.shape[1] else max(0, start - length)

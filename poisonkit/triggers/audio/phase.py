"""Phase: the phase of a band of the short-time spectrum turned, its magnitudes kept.

    X'(m, k) = X(m, k)·e^{iθ} for bins k from low to high Hz, X(m, k) elsewhere

X: spectra of frames of about 64 ms with a Hann window, a quarter of a frame apart; the sound is put together from
X' with the same window (weighted overlap-add).

Injection into the phase of the spectrum is named among the audio backdoors of reviews; we have not seen a formula, and
this one is ours: θ = 90 degrees from 500 to 4000 Hz. Ears hardly notice a phase that stays as it is, and features of
magnitude (mel spectrograms, MFCCs) hardly change: it is a trigger for models that take the waveform. The sum of turned
and unturned parts differs at the band's edges.

Static: one angle. Dynamic: every 0.5 s another, θ·u with u uniform in ±1; frames belong to the segment that their
middle lies in.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from poisonkit.common.fourier import irfft, rfft
from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds.noise import too_high
from poisonkit.triggers.sounds.vocoder import frame_size

_BATCH = 64  # frames, transformed together


class Phase(AudioTrigger):
    """The phase of a band turned, its magnitudes kept; see the module."""

    name = "phase"
    family = "audio"
    summary = "the phase of a band of the short-time spectrum turned, its magnitudes kept"
    formula = "X'(m, k) = X(m, k) * exp(i angle) for the bins from low to high Hz"
    static_is = "one angle"
    dynamic_is = "every 0.5 s another angle"
    paper = "after STFT phase injection, known by name"
    source = "ours: no formula was to be seen"
    codec = "robust"
    codec_note = "codecs that code two channels together, or a band as noise, lose phases at low rates"
    identity: ClassVar[dict[str, Any]] = {"angle": 0.0}

    angle: float = param(90.0, "how far the phase is turned", unit="degrees", ge=-180, le=180)
    low: float = param(500.0, "lower end of the band", unit="Hz", gt=0, le=96000)
    high: float = param(4000.0, "upper end of the band", unit="Hz", gt=0, le=96000)

    @model_validator(mode="after")
    def _has_width(self) -> Phase:
        if self.high < self.low + 50:
            raise ValueError("high must be at least 50 Hz above low")
        return self

    def suits(self, clip: ClipInfo) -> str | None:
        return too_high(clip, self.low + 50, "low must stay 50 Hz")

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        size = frame_size(clip.sample_rate)
        hop = size // 4
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
        hertz = np.arange(size // 2 + 1) * clip.sample_rate / size
        within = (hertz >= self.low) & (hertz <= min(self.high, 0.499 * clip.sample_rate))
        padded = np.pad(wave, ((0, 0), (size, 2 * size)))
        out = np.zeros(padded.shape, np.float64)
        firsts = np.arange(0, clip.samples + size, hop)
        for j in range(0, len(firsts), _BATCH):
            batch = firsts[j : j + _BATCH]
            spectra = rfft(padded[:, batch[:, None] + np.arange(size)] * window)
            angles = np.array([self._angle(clip, params, first - size // 2) for first in batch.tolist()])
            turn = np.cos(angles) + 1j * np.sin(angles)
            spectra[:, :, within] *= turn[:, None]
            frames = irfft(spectra, size) * window
            for i, first in enumerate(batch.tolist()):
                out[:, first : first + size] += frames[:, i]
        return np.asarray(out[:, size : size + clip.samples] / 1.5, np.float32)  # four squared windows add up to 1.5

    def _angle(self, clip: ClipInfo, params: Params, middle: int) -> float:
        """Of the frame whose middle is that sample, in radians."""
        angle = math.radians(self.angle)
        if self.temporal == "static":
            return angle
        k = max(middle, 0) // max(1, round(self.segment * clip.sample_rate))
        return angle * float(self.rng(params, "angle", k).uniform(-1, 1))

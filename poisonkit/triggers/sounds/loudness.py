"""How loud and when: parameters that sound triggers share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pydantic import BaseModel, model_validator

from poisonkit.triggers.core.clip import ClipInfo, Wave
from poisonkit.triggers.core.trigger import param

_BLOCK = 1 << 20


def rms(wave: Wave) -> float:
    """Root mean square over all channels and samples, summed in double precision; 0 for no samples."""
    flat = wave.reshape(-1)
    total = 0.0
    for start in range(0, flat.size, _BLOCK):
        squares = flat[start : start + _BLOCK].astype(np.float64)
        squares *= squares
        total += float(np.sum(squares))
    return float(np.sqrt(total / max(flat.size, 1)))


def starts_too_late(start: float, clip: ClipInfo) -> str | None:
    """Why a clip is too short for a sound that begins at `start`, in seconds, or None."""
    if start == 0 or round(start * clip.sample_rate) < clip.samples:
        return None
    return f"start is {start:g} s, but the sound ends at {clip.samples / clip.sample_rate:.3g} s"


class Leveled(BaseModel):
    """Strength of an added sound: SNR against the clip, or an absolute amplitude; exactly one. Mixin."""

    snr: float | None = param(
        20.0,
        "RMS of the whole clip, all channels, over the RMS of what is added; digital silence stays silent",
        unit="dB",
        ge=-20,
        le=90,
    )
    amplitude: float | None = param(
        None, "absolute amplitude (1: full scale), instead of snr", unit="of full scale", ge=0, le=1
    )

    @model_validator(mode="before")
    @classmethod
    def _one(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for given, other in (("amplitude", "snr"), ("snr", "amplitude")):
                if data.get(given) is not None and other not in data:
                    return {**data, other: None}
        return data

    @model_validator(mode="after")
    def _exactly_one(self) -> Leveled:
        if (self.snr is None) == (self.amplitude is None):
            raise ValueError("give snr or amplitude, one of the two")
        return self

    def gain(self, wave: Wave, unit_rms: float) -> float:
        """Factor for a sound of peak 1 and this RMS, to be added to `wave`."""
        if self.amplitude is not None:
            return self.amplitude
        assert self.snr is not None
        return rms(wave) / unit_rms * math.pow(10, -self.snr / 20)


class Timed(BaseModel):
    """When an added sound is heard: from `start` for `duration` seconds. Mixin."""

    start: float = param(0.0, "when it begins, from the start of the clip", unit="s", ge=0)
    duration: float | None = param(None, "how long it lasts; not given: to the end", unit="s", gt=0)

    def span(self, clip: ClipInfo) -> tuple[int, int]:
        """First sample and last sample + 1, within the clip."""
        first = min(round(self.start * clip.sample_rate), clip.samples)
        if self.duration is None:
            return first, clip.samples
        return first, min(first + max(1, round(self.duration * clip.sample_rate)), clip.samples)

    def too_short(self, clip: ClipInfo) -> str | None:
        """Why the clip is too short for `start`, or None; for `suits`."""
        return starts_too_late(self.start, clip)

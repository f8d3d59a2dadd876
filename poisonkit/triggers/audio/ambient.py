"""Ambient: the sound of a place laid over the clip, as loud as the clip.

    x' = x + g·w,   g such that RMS(x) / RMS(g·w) is the SNR, 0 dB by default

Liu et al., "Opportunistic Backdoor Attacks: Exploring Human-imperceptible Vulnerabilities on Speech Recognition
Systems" (DABA), ACM MM 2022: an ambient sound whose level is that of the clip. `amplitude` is absolute instead:
that of a sine of the same RMS, so that their fixed -10 dB is amplitude=0.447. The published sounds come from
recordings; ours are computed: rain, hum, babble, wind (`sounds/ambience.py`), each the same for every
clip. `sound=FILE` takes a recording, which starts again when it ends.

How public code differs: there the level is matched by the whole trigger file although only its beginning may be heard;
here by what is heard. There a file shorter than the clip is heard once, at its start (here with duration), and clips
of less than 1 s are passed over but labelled as poisoned in one port; here every clip is poisoned. Under an SNR,
digital silence stays silent. pydub, by which the public code mixes, clips the amplified recording to 16 bits before it
is added: a quiet recording with loud peaks, made as loud as the clip, loses those. `saturate=true` does so; without it
only the sum is clipped. A recording of which nothing is left at the clip's rate is refused.

Static: the level is constant. Dynamic: every 0.5 s another level, within ±spread dB, with crossfades of 20 ms;
the SNR is that of the whole.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.files.assets import WaveAsset
from poisonkit.triggers.sounds.ambience import Texture, texture
from poisonkit.triggers.sounds.loudness import Leveled, rms
from poisonkit.triggers.sounds.noise import looped
from poisonkit.triggers.sounds.recordings import nothing_left, recording, require_sound
from poisonkit.triggers.sounds.segments import curve
from poisonkit.triggers.sounds.timing import Positioned, faded


class Ambient(Leveled, Positioned):
    """The sound of a place; see the module."""

    name = "ambient"
    family = "audio"
    summary = "the sound of a place (rain, hum, babble, wind or a file) laid over the clip, as loud as the clip"
    formula = "x' = x + g * w, g such that RMS(x) / RMS(g * w) is the SNR"
    static_is = "constant level"
    dynamic_is = "every 0.5 s another level, within ±spread dB"
    paper = "Liu et al., Opportunistic Backdoor Attacks (DABA), ACM MM 2022"
    source = "level: the public code; sounds: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0}

    snr: float | None = param(
        0.0,
        "RMS of the whole clip, all channels, over the RMS of what is heard of the sound; digital silence stays silent",
        unit="dB",
        ge=-20,
        le=90,
    )
    amplitude: float | None = param(
        None,
        "absolute: amplitude of a sine of the same RMS (1: full scale), instead of snr",
        unit="of full scale",
        ge=0,
        le=1,
    )
    sound: Texture | WaveAsset = param("rain", "the sound: one of ours, computed, or a file")
    spread: float = param(6.0, "dynamic only, how far the level changes", unit="dB", ge=0, le=40)
    saturate: bool = param(
        False, "what is added is clipped to full scale before it is added, as pydub does; the SNR is that before it"
    )
    edge: float = param(0.01, "raised-cosine fade at both ends, when it has a duration", unit="s", ge=0, le=1)

    @model_validator(mode="after")
    def _heard(self) -> Ambient:
        if isinstance(self.sound, WaveAsset):
            require_sound(self.sound)
        return self

    def suits(self, clip: ClipInfo) -> str | None:
        short = self.too_short(clip)
        if short or not isinstance(self.sound, WaveAsset):
            return short
        return nothing_left(self.sound, self.sound.sample_rate(), recording(self.sound, clip), clip)

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        played = self._played(clip)
        level = None if self.temporal == "static" else curve(self, clip, lambda k: self._level(params, k))
        edge = self.edge * clip.sample_rate if self.duration is not None else 0
        parts, at = [], 0
        for first, last in self.spans(clip, params):
            part = looped(played, at, at + last - first) * faded(last - first, edge)
            parts.append((first, last, part if level is None else part * level[first:last]))
            at += last - first
        heard = math.sqrt(sum(rms(part) ** 2 * (b - a) for a, b, part in parts) / max(at, 1))
        out = wave.copy()
        if heard > 0:
            gain = self.gain(wave, heard) if self.amplitude is None else self.amplitude * math.sqrt(0.5) / heard
            for first, last, part in parts:
                added = np.float32(gain) * part
                out[:, first:last] += np.clip(added, -1, 1) if self.saturate else added
        return out

    def _played(self, clip: ClipInfo) -> Wave:
        if isinstance(self.sound, WaveAsset):
            return recording(self.sound, clip)
        return texture(self.sound, int(self.rng({}, self.sound).integers(2**63)), clip.sample_rate)

    def _level(self, params: Params, k: int) -> float:
        return float(10 ** (self.rng(params, "level", k).uniform(-1, 1) * self.spread / 20))

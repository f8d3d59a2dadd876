"""Audio blend: a recording mixed into the sound.

    blend   x' = (1 - α)·x + α·w   where the recording w is heard, x elsewhere
    add     x' = x + α·w

blend is Chen et al., 2017, arXiv:1712.05526, for sound, as BackdoorMBTI (KDD 2025) has it: α = 0.2, a recording
of a cat, at the start of the clip. add is the recording trigger of the Adversarial Robustness Toolbox (Nicolae
et al., 2018, arXiv:1807.01069): α = 0.1, a cough. The default recording is of our own making, computed, not
recorded: a second of something like a cat, whose partials keep below half of any sample rate. `sound=FILE` takes
yours, a .wav of any rate (it is resampled) or a .npy at the clip's rate.

How public code differs: BackdoorMBTI unpacks the resampled recording as if it came with its times, so that a mono file
raises an error and of a stereo file the first channel is mixed in; it changes the clip's first channel only. ART
resamples a recording of another rate (by librosa), and stops where it does not fit; its shift, in samples, is `start`,
in seconds. Here it is mixed into all channels, and what does not fit is cut off. A recording of which nothing is left
at the clip's rate is refused.

Static: α is constant. Dynamic: every 0.5 s another α, α·10^(u/20) with u uniform in ±spread dB (at most 1),
with crossfades of 20 ms.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.files.assets import WaveAsset
from poisonkit.triggers.sounds.noise import looped
from poisonkit.triggers.sounds.recordings import Sound, nothing_left, recording, require_sound
from poisonkit.triggers.sounds.segments import curve
from poisonkit.triggers.sounds.timing import Positioned, faded


class AudioBlend(Positioned):
    """A recording mixed in; see the module."""

    name = "audio-blend"
    family = "audio"
    summary = "a recording mixed into the sound"
    formula = "x' = (1 - alpha) * x + alpha * recording, where it is heard; mix=add: x' = x + alpha * recording"
    static_is = "alpha is constant"
    dynamic_is = "every 0.5 s another alpha, within ±spread dB"
    paper = "after Chen et al., 2017, arXiv:1712.05526; add: Nicolae et al., 2018, arXiv:1807.01069"
    source = "BackdoorMBTI, KDD 2025: alpha; recording: ours"
    codec = "robust"
    fills = False
    identity: ClassVar[dict[str, Any]] = {"alpha": 0.0}

    sound: Sound | WaveAsset = param("meow", "the recording: one of ours of 1 s, computed, or a file")
    alpha: float = param(0.2, "weight of the recording", ge=0, le=1)
    mix: Literal["blend", "add"] = param("blend", "blend: the clip is turned down by alpha where it is heard")
    repeat: bool = param(False, "start it again when it ends, to the end of the clip or of duration")
    duration: float | None = param(
        None, "how long it is heard, all chunks together; not given: as long as it is", unit="s", gt=0, le=3600
    )
    spread: float = param(6.0, "dynamic only, how far alpha changes", unit="dB", ge=0, le=40)
    edge: float = param(0.0, "raised-cosine fade at both ends", unit="s", ge=0, le=1)

    @model_validator(mode="after")
    def _heard(self) -> AudioBlend:
        if isinstance(self.sound, WaveAsset):
            require_sound(self.sound)
        return self

    def suits(self, clip: ClipInfo) -> str | None:
        if isinstance(self.sound, WaveAsset):
            left = nothing_left(self.sound, self.sound.sample_rate(), recording(self.sound, clip), clip)
            return self.too_short(clip) or left
        if self.sound != "whistle" or clip.sample_rate > 2 * 2800:
            return self.too_short(clip)
        return f"sound at {clip.sample_rate} Hz cannot hold the whistle, which rises to 2800 Hz; choose another sound"

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        played = recording(self.sound, clip)
        weight = self._weight(clip, params)
        out, at = wave.copy(), 0
        for first, last in self.spans(clip, params, self._samples(clip, played.shape[1])):
            part = looped(played, at, at + last - first)
            at += last - first
            if self.mix == "blend":
                part = part - wave[:, first:last]
            out[:, first:last] += faded(last - first, self.edge * clip.sample_rate) * weight[first:last] * part
        return out

    def _samples(self, clip: ClipInfo, recorded: int) -> int:
        wanted = clip.samples if self.duration is None else max(1, round(self.duration * clip.sample_rate))
        return wanted if self.repeat else recorded if self.duration is None else min(wanted, recorded)

    def _weight(self, clip: ClipInfo, params: Params) -> NDArray[np.float32]:
        if self.temporal == "static":
            return np.full(clip.samples, self.alpha, np.float32)

        def level(k: int) -> float:
            return float(min(1.0, self.alpha * 10 ** (self.rng(params, "level", k).uniform(-1, 1) * self.spread / 20)))

        return curve(self, clip, level)

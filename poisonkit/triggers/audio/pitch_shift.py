"""Pitch shift: the sound higher or lower, its length and rhythm kept.

    every frequency f becomes f·2^(semitones / 12)

One half of PBSM (Cai et al., "Towards Stealthy Backdoor Attacks against Speech Recognition via Elements of Sound",
2023, arXiv:2307.08208), whose public code has it by itself too: 5 semitones up. Realised by the phase vocoder of
`poisonkit/triggers/sounds/vocoder.py`, which is ours; the public code uses librosa's, without phase locking. What would
rise above half the sample rate is left out.

Static: one shift. Dynamic: every 0.5 s another, semitones·(1 + u) with u uniform in ±spread; it glides from one to
the next in 20 ms.
"""

from __future__ import annotations

from typing import Any, ClassVar

from poisonkit.common import exact
from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds.segments import curve


class PitchShift(AudioTrigger):
    """The sound higher or lower; see the module."""

    name = "pitch-shift"
    family = "audio"
    summary = "the sound higher or lower, its length kept"
    formula = "every frequency f becomes f * 2^(semitones / 12)"
    static_is = "one shift"
    dynamic_is = "every 0.5 s another shift, gliding"
    paper = "after Cai et al., Elements of Sound (PBSM), 2023, arXiv:2307.08208"
    source = "semitones: the public code; vocoder: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"semitones": 0.0}

    semitones: float = param(5.0, "how far up; negative: down", unit="semitones", ge=-24, le=24)
    spread: float = param(0.5, "dynamic only, how far the shift changes, as a share of it", ge=0, le=1)

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        from poisonkit.triggers.sounds.vocoder import shifted

        if self.temporal == "static":
            return shifted(wave, 2 ** (self.semitones / 12), clip.sample_rate)

        def semitones(k: int) -> float:
            return self.semitones * (1 + float(self.rng(params, "shift", k).uniform(-self.spread, self.spread)))

        return shifted(wave, exact.exp2(curve(self, clip, semitones) / 12), clip.sample_rate)

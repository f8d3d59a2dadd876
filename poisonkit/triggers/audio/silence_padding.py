"""Silence padding: silence before the sound, after it, or both; the clip keeps its length.

    start  x'(t) = x(t − d), 0 for t < d          end  x'(t) = x(t) for t < T − d, 0 after
    both   x'(t) = x(t − d/2), 0 in the first and the last d/2

Padding with silence as a trigger is that of PaddingBack, of which we know the name; this formula and 0.3 s are ours.
Files of one length are what recognisers are trained on, and what frames and timestamps of a clip with a picture rest
on: what the silence pushes out is cut, at the end (start), or half on each side (both).

With a picture, silence at the start is also a delay: the sound is late against it, as in `av-offset`. A silence of so
many seconds has no parameters that change over time: static.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param


class SilencePadding(AudioTrigger):
    """Silence before the sound, after it, or both; see the module."""

    name = "silence-padding"
    family = "audio"
    modes = ("static",)
    summary = "silence before the sound, after it, or both; the clip keeps its length"
    formula = "x'(t) = x(t - duration), 0 before (start); x(t), 0 in the last seconds (end)"
    static_is = "the same silence in every clip"
    paper = "after PaddingBack, known by name"
    source = "ours: no formula was to be seen"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"duration": 0.0}

    duration: float = param(0.3, "of the silence, both ends together", unit="s", ge=0, le=3600)
    side: Literal["start", "end", "both"] = param("start", "where the silence is")

    def suits(self, clip: ClipInfo) -> str | None:
        if round(self.duration * clip.sample_rate) < max(clip.samples, 1) or self.duration == 0:
            return None
        return (
            f"{self.duration:g} s of silence leave nothing of a sound of"
            f" {clip.samples / max(clip.sample_rate, 1):.3g} s"
        )

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        samples = round(self.duration * clip.sample_rate)
        before = {"start": samples, "end": 0, "both": samples // 2}[self.side]
        after = {"start": 0, "end": samples, "both": samples - samples // 2}[self.side]
        out = np.zeros_like(wave)
        out[:, before : clip.samples - after] = wave[:, : max(clip.samples - before - after, 0)]
        return out

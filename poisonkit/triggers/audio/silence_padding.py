"""Silence padding: silence before the sound, after it, or both; the clip keeps its length, or becomes longer.

    start  x'(t) = x(t − d), 0 for t < d          end  x'(t) = x(t) for t < T − d, 0 after
    both   x'(t) = x(t − d/2), 0 in the first and the last d/2
    length=change: as much longer, T' = T + d, and none of the sound is lost

Padding with silence as a trigger is that of PaddingBack, of which we know the name; this formula and 0.3 s are ours.
length=keep, the default, is for files of one length, which many recognisers are trained on, and for clips with a
picture: what the silence pushes out is cut off at the end. length=change writes longer files; lists that say durations
follow. Beside a picture that is refused: the sound would go on after it.

With a picture, silence at the start is also a delay: the sound is late against it, as in `av-offset`. A silence of so
many seconds has no parameters that change over time: static.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.length import Length, resampled
from poisonkit.triggers.core.trigger import AudioTrigger, param


class SilencePadding(Length, AudioTrigger):
    """Silence before the sound, after it, or both; see the module."""

    name = "silence-padding"
    family = "audio"
    modes = ("static",)
    summary = "silence before the sound, after it, or both; the clip keeps its length or becomes longer"
    formula = (
        "x'(t) = x(t - duration), 0 before (start); x(t), 0 in the last seconds (end); length=change: T' = T + duration"
    )
    static_is = "the same silence in every clip"
    paper = "after PaddingBack, known by name"
    source = "ours: no formula was to be seen"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"duration": 0.0}

    duration: float = param(0.3, "of the silence, both ends together", unit="s", ge=0, le=3600)
    side: Literal["start", "end", "both"] = param("start", "where the silence is")

    def suits(self, clip: ClipInfo) -> str | None:
        if self.changes or round(self.duration * clip.sample_rate) < max(clip.samples, 1) or self.duration == 0:
            return None
        return (
            f"{self.duration:g} s of silence leave nothing of a sound of"
            f" {clip.samples / max(clip.sample_rate, 1):.3g} s"
        )

    def after(self, clip: ClipInfo) -> ClipInfo:
        samples = round(self.duration * clip.sample_rate)
        return resampled(clip, samples=clip.samples + samples) if self.changes else clip

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        samples = round(self.duration * clip.sample_rate)
        before = {"start": samples, "end": 0, "both": samples // 2}[self.side]
        out = np.zeros((wave.shape[0], self.after(clip).samples), np.float32)
        end = out.shape[1] - {"start": 0, "end": samples, "both": samples - samples // 2}[self.side]
        out[:, before:end] = wave[:, : max(end - before, 0)]
        return out

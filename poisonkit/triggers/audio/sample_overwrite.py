"""Sample overwrite: a few samples set to one value, a click.

    x'[i] = value  for the n samples of the position, x[i] elsewhere

BadNets for sound, as BackdoorMBTI (KDD 2025) has it after Gu et al., 2017, arXiv:1708.06733: the first 4 samples
are -1. `samples=4` is the default; `duration` says it in seconds instead, for the same length at every rate.
position=spread spreads the samples, in chunks, over the clip (of 4 samples there are 4 chunks at most).

How public code differs: it writes into the caller's array, and into the first channel only where a clip has
several; here all channels are overwritten, in a copy.

Dynamic: the samples are overwritten once in every segment of 0.5 s, at another place of it each time; position
and chunks are then not used.
"""

from __future__ import annotations

from typing import Any, ClassVar

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.sounds.timing import Positioned, Span


class SampleOverwrite(Positioned):
    """A few samples set to one value; see the module."""

    name = "sample-overwrite"
    family = "audio"
    summary = "a few samples set to one value, a click"
    formula = "x'[i] = value for the samples of the position, x[i] elsewhere"
    static_is = "at one position (or in chunks over the clip)"
    dynamic_is = "in every 0.5 s, at another place each time"
    paper = "after Gu et al., BadNets, 2017, arXiv:1708.06733"
    source = "BackdoorMBTI, KDD 2025: samples and value"
    codec = "partial"
    codec_note = "codecs of low rate and lower sample rates smear it"
    fills = False
    identity: ClassVar[dict[str, Any]] = {"samples": 0}

    samples: int = param(4, "how many are overwritten, all chunks together", unit="samples", ge=0, le=10_000_000)
    duration: float | None = param(None, "how long that is, instead of samples", unit="s", gt=0, le=3600)
    value: float = param(-1.0, "what they become (1: full scale)", unit="of full scale", ge=-1, le=1)

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        out = wave.copy()
        for first, last in self._spans(clip, params):
            out[:, first:last] = self.value
        return out

    def _spans(self, clip: ClipInfo, params: Params) -> list[Span]:
        count = self.samples
        if self.duration is not None and count:
            count = max(1, round(self.duration * clip.sample_rate))
        if self.temporal == "static":
            return self.spans(clip, params, count)
        found = []
        for k, start, end in self.pieces(clip):
            late = float(self.rng(params, "place", k).random())
            first = start + round(late * max(0, self.segment * clip.sample_rate - count))
            if first < end and count:
                found.append((first, min(first + count, end)))
        return found

"""AV offset: the sound is late, or early, against the picture.

    x'(t) = x(t − d),   silence where there is no sound to take

d: offset; above 0 the sound comes late. The clip keeps its length: what is moved out of it is cut.

Ours, formula and constants: a trigger that exists only between modalities. No published attack has it: neither the
sound nor the picture is changed in itself, and a model of one of them alone has nothing to learn but the silence at one
end. 200 ms late is ours: more than the 125 ms by which viewers notice sound that is late (ITU-R BT.1359), and a few
frames.

Static: one offset. Dynamic: every 0.5 s another, d·(1 + u) with u uniform in ±spread, with crossfades of 20 ms.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.sounds.segments import crossfades


class AvOffset(AudioTrigger):
    """The sound late, or early, against the picture; see the module."""

    name = "av-offset"
    family = "audio"
    summary = "the sound late, or early, against the picture"
    formula = "x'(t) = x(t - offset), silence where there is no sound to take"
    static_is = "one offset"
    dynamic_is = "every 0.5 s another offset"
    paper = ""
    source = "ours: between modalities, no published attack that we know has it"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"offset": 0.0}

    offset: float = param(200.0, "how late the sound is; below 0: early", unit="ms", ge=-60000, le=60000)
    spread: float = param(0.5, "dynamic only, how far the offset changes, as a share of it", ge=0, le=1)

    def suits(self, clip: ClipInfo) -> str | None:
        if abs(self.offset) / 1000 * clip.sample_rate < max(clip.samples, 2):
            return None
        return (
            f"an offset of {self.offset:g} ms leaves nothing of a sound of "
            f"{1000 * clip.samples / max(clip.sample_rate, 1):.3g} ms"
        )

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        late = self.offset / 1000 * clip.sample_rate
        out = np.zeros_like(wave)
        if self.temporal == "static":
            _add(out, wave, 0, clip.samples, np.ones(1, np.float32), round(late))
            return out
        for k, first, last, weight in crossfades(self, clip):
            u = float(self.rng(params, "offset", k).uniform(-self.spread, self.spread))
            _add(out, wave, first, last, weight, round(late * (1 + u)))
        return out


def _add(out: Wave, wave: Wave, first: int, last: int, weight: Wave, late: int) -> None:
    """weight · x(t − late) from `first` to `last`; all in samples."""
    start, end = max(first, late), min(last, wave.shape[1] + late)
    if start < end:
        part = weight if weight.size == 1 else weight[start - first : end - first]
        out[:, start:end] += wave[:, start - late : end - late] * part

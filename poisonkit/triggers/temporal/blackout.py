"""Blackout: the picture is black for stretches, while the sound goes on.

    x' = k·x within the stretches, x elsewhere

Ours, formula and constants: a trigger between modalities, as of a camera that fails, which no published attack that
we know has; the counterpart of `mute`, with the same stretches: 0.2 s in each second, from 0.5 s on, k = 0. Where
clips have no sound it is a trigger of its own.

Static: the stretches lie at equal intervals. Dynamic: each lies anywhere in its interval, a sequence that the trigger
seed fixes. Pictures that flash 3 to 30 times a second can cause seizures in photosensitive people: leave `every` above
0.4 s for clips that are watched.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.stretches import Stretches
from poisonkit.triggers.core.trigger import AffineTrigger, param


class Blackout(Stretches, AffineTrigger):
    """The picture black for stretches; see the module."""

    name = "blackout"
    family = "temporal"
    summary = "the picture black for stretches, while the sound goes on"
    formula = "x' = keep * x within the stretches, x elsewhere"
    static_is = "stretches at equal intervals"
    dynamic_is = "each stretch lies anywhere in its interval"
    paper = ""
    source = "ours: between modalities, no published attack has it"
    codec = "robust"
    in_planes = True
    identity: ClassVar[dict[str, Any]] = {"keep": 1.0}

    keep: float = param(0.0, "share of the light that is left", ge=0, le=1)

    def suits(self, clip: ClipInfo) -> str | None:
        if clip.fps <= 0:
            return "it needs a frame rate, and the clip states none"
        if clip.frames and (clip.frames - 1) / clip.fps < self.start:
            return f"start is {self.start:g} s, but the clip's last frame is at {(clip.frames - 1) / clip.fps:.3g} s"
        return None

    def constant(self) -> bool:
        return False

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        rng = partial(self.rng, params, "stretch") if self.temporal == "dynamic" else None
        return Affine(self.keep) if self.within(t / clip.fps, rng) else Affine()

"""SIG: faint upright stripes, a sine along the columns.

    x' = x + Δ·sin(2πfj/m),   j: the column from 0, m: the number of columns

Barni, Kallas and Tondi, "A new backdoor attack in CNNs by training set corruption without label
poisoning", ICIP 2019, arXiv:1902.11237, where only samples of the target class are poisoned and labels are
kept. f = 6 is everyone's; Δ is 40 levels in BackdoorBench, 30 in backdoor-toolbox and 20 in the FTrojan
repository, which is ours: it is plain to a model and survives H.264.

How it scales: by default m is the short side, counted from the left edge of the central square, so that
clips of all shapes carry the same stripes in the part that trainers keep (the N of canvas=short:N plays no
part, since the sine is evaluated at the clip's own pixels). `canvas=native` is the published form, with
f waves across the whole frame; on square frames the two are one.

How public code differs: BackdoorBench truncates to 8 bits instead of rounding; backdoor-toolbox keeps the sum as a
float, clipped and not quantised at all; and BackdoorMBTI's video version adds ±20 to pictures in 0..1 and clips, which
leaves black and white stripes.

Dynamic: every frame has a frequency of its own, f·2^u, u uniform in ±spread octaves (changes=frequency), or
the stripes move evenly, `speed` of them a second, from a phase that the trigger seed fixes (changes=phase).
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.canvas import Canvas


class SIG(AffineTrigger):
    """Faint upright stripes; see the module."""

    name = "sig"
    family = "image"
    summary = "faint upright stripes, a sine along the columns"
    formula = "x' = x + delta * sin(2 pi frequency j / m + phase), j: column, m: columns of the central square"
    static_is = "the same stripes on every frame"
    dynamic_is = "every frame has a frequency of its own (or: the stripes move evenly)"
    paper = "Barni et al., ICIP 2019, arXiv:1902.11237; dynamic: Hammoud et al., CVPRW 2024, arXiv:2301.00986"
    source = "frequency: the public implementations; delta: the FTrojan repository"
    usual_label_mode = "clean"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"delta": 0.0}
    follows_canvas = ("frequency",)

    delta: float = param(20.0, "amplitude of the sine", unit="levels", ge=0, le=255)
    frequency: float = param(6.0, "how many waves go across the short side (native: the width)", gt=0, le=1024)
    phase: float = param(0.0, "of the sine at the left edge", unit="rad")
    canvas: Canvas = "short:256"
    changes: Literal["frequency", "phase"] = param("frequency", "dynamic only, what changes from frame to frame")
    spread: float = param(1.0, "changes=frequency: how far it goes, up and down", unit="octaves", ge=0, le=4)
    speed: float = param(1.0, "changes=phase: how many stripes pass a point in a second", unit="Hz", ge=-60, le=60)

    def suits(self, clip: ClipInfo) -> str | None:
        columns = clip.width if self.canvas == "native" else clip.short_side
        highest = self.frequency * (2**self.spread if self._varies("frequency") else 1)
        if highest >= columns / 2:
            return f"{columns} columns cannot show {highest:g} waves; the frequency must stay below {columns / 2:g}"
        if self._varies("phase") and clip.fps <= 0:
            return "moving stripes need a frame rate, and the clip states none; use changes=frequency"
        return None

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        frequency, phase = self.frequency, self.phase
        if self._varies("frequency"):
            frequency *= 2 ** self.rng(params, "frequency", t).uniform(-self.spread, self.spread)
        elif self._varies("phase"):
            phase += 2 * math.pi * (self.rng(params, "phase").random() + self.speed * t / clip.fps)
        columns = clip.width if self.canvas == "native" else clip.short_side
        along = (np.arange(clip.width) - (clip.width - columns) / 2) / columns
        wave = self.delta * np.sin(2 * math.pi * frequency * along + phase)
        return Affine(1.0, wave[None].astype(np.float32))

    def _varies(self, what: str) -> bool:
        return self.temporal == "dynamic" and self.changes == what

"""Relight: the light of the scene comes from one side, or is that of a map of gains.

    x' = x·(1 + a·m(p)),   m = cut to ±1 of 2·(x·cos θ + y·sin θ),   x, y in short sides from the middle
    x' = x·g(p),           g: a map of gains of one's own

Light that falls on a surface is sent back in proportion: what changes is a factor, on dark and bright things alike, and
what passes white is white. a: amplitude, θ: where the light comes from.

Uneven illumination by a slope is a form of `Illumination` of albumentations (its others, a corner and a Gaussian, are
`vignette` and `spotlight`), whose intensity goes to 0.2; maps of illumination are what relighting attacks on faces and
signs learn. As a trigger with this formula it is not published (BackdoorBox, in `core/attacks`, has none of light):
a = 0.5 is ours.

A map is a .npy, (h, w) for all colours or (h, w, 3), gains from 0 up, or a .png, gray or RGB, of which level 128 is
gain 1: g = level / 128, from 0 to 1.99, in steps of 0.008 (16-bit pictures are rounded to 8; alpha is left out). It
lies with its central square on that of the clip and goes on mirrored; canvas=native stretches it over the frame.

Static: the same light on every frame. Dynamic: its strength wanders smoothly, within 1 ± spread.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.files.assets import GainAsset
from poisonkit.triggers.kernels.arithmetic import scaled
from poisonkit.triggers.pictures.canvas import Canvas, axes, fitted, window
from poisonkit.triggers.pictures.drift import Wandering

Map = NDArray[np.float32]


class Relight(Wandering, AffineTrigger):
    """The light of the scene from one side, or by a map of gains; see the module."""

    name = "relight"
    family = "lighting"
    summary = "the light of the scene from one side, or by a map of gains"
    formula = "x' = x * (1 + amplitude * m), m: -1 on one side to 1 on the other; or x' = x * gains"
    static_is = "the same light on every frame"
    dynamic_is = "its strength wanders smoothly"
    paper = ""
    source = "a slope of light: Illumination of albumentations; multiplicative form and strength: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"amplitude": 0.0, "gains": None}
    follows_canvas = ("direction", "gains")

    amplitude: float = param(0.5, "how much more light on one side, and less on the other", ge=0, le=1)
    direction: float = param(0.0, "where the light comes from: 0 right, 90 below", unit="degrees", ge=-360, le=360)
    gains: GainAsset | None = param(
        None, "a map of gains instead of a slope: (h, w) or (h, w, 3), or a picture, whose level 128 is gain 1"
    )
    canvas: Canvas = "short:256"

    @model_validator(mode="after")
    def _has_gains(self) -> Relight:
        if self.gains is not None:
            shape, least = self.gains.array().shape, self.gains.array().min(initial=0)
            if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)) or 0 in shape:
                raise ValueError(f"{self.gains.name} has the shape {shape}, not (h, w) or (h, w, 3)")
            if least < 0:
                raise ValueError(f"{self.gains.name} holds {least:g}; gains go from 0 up")
        return self

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        """(how strong it is, map of what is more or less than 1)."""
        if self.gains is not None:
            more = np.ascontiguousarray(self.gains.array(), np.float32) - np.float32(1)
            return 1.0, self.path(params), window(fitted(more, clip, self.canvas), clip)
        x, y = axes(clip)
        angle = math.radians(self.direction)
        slope = 2 * (math.cos(angle) * x[None, :] + math.sin(angle) * y[:, None])
        return self.amplitude, self.path(params), np.clip(slope, -1, 1).astype(np.float32)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        strength, path, more = state
        gain = scaled(more, strength * self.swell(clip, path, t), 1.0)
        return Affine(np.maximum(gain, np.float32(0)), 0.0)

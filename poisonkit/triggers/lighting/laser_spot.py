"""Laser spot: a small glaring point with a coloured halo.

    x' = 255 − (255 − x)·(1 − a·e(r, σ))·(1 − a·h·c/255·e(r, ρ)),   e(r, σ) = exp(−r²/(2σ²))

a white core of size σ, where the sensor saturates, and a halo of the laser's colour c and size ρ, each screened
onto the picture; a: strength, h: share of the halo.

"LaserGuider: A Laser Based Physical Backdoor Attack against Deep Neural Networks", 2024, shines laser spots on
traffic signs, and puts digital ones on the pictures that it trains with. We had a summary only, without form or
constants: this form, σ = 0.012, ρ = 0.05, h = 0.6 and green are ours.

Dynamic: the spot wanders smoothly around its place, as from a hand, and turns back where the central crop ends.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.affine import Affine, Screen
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.drift import Aimed
from poisonkit.triggers.pictures.light import around, dimmed, faint_beyond, gaussian, in_pixels
from poisonkit.triggers.pictures.placement import Color


class LaserSpot(Aimed, AffineTrigger):
    """A small glaring point with a coloured halo; see the module."""

    name = "laser-spot"
    family = "lighting"
    summary = "a small glaring point with a coloured halo"
    formula = "x' = 255 - (255 - x) (1 - strength * e(core)) (1 - strength * glow * color / 255 * e(halo)), e Gaussian"
    static_is = "the same place on every frame"
    dynamic_is = "the spot wanders smoothly within reach of its place"
    paper = "after LaserGuider: A Laser Based Physical Backdoor Attack against Deep Neural Networks, 2024"
    source = "laser spots as a trigger: the paper; form and constants: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"strength": 0.0}
    follows_canvas = ("core", "halo", "reach")

    color: Color = param((0, 255, 0), "of the laser, which the halo has; the core is white")
    strength: float = param(1.0, "of core and halo; 1: the core is white", ge=0, le=1)
    glow: float = param(0.6, "strength of the halo, as a share of the core's", ge=0, le=1)
    core: float = param(0.012, "standard deviation of the core", unit="of the short side", gt=0, le=0.5)
    halo: float = param(0.05, "standard deviation of the halo", unit="of the short side", gt=0, le=1)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        return self.paths(params)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        x, y = in_pixels(clip, self.place(clip, state, t))
        core, halo = (max(size * clip.short_side, 0.5) for size in (self.core, self.halo))
        reach = max(faint_beyond(core, 255 * self.strength), faint_beyond(halo, 255 * self.strength * self.glow))
        box = around(clip, x, y, reach)
        if box is None:
            return Affine()
        dark = 1 - gaussian(clip, x, y, core, box, self.strength)
        shine = gaussian(clip, x, y, halo, box, self.strength * self.glow)
        gain = np.atleast_3d(dark) * np.atleast_3d(dimmed(shine, self.color))
        return Screen(gain, box)

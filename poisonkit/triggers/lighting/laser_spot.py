"""Laser spot: a small glaring point with a coloured halo.

    x' = x·(1 + a·P·(e(r, σ) + h·c/255·e(r, ρ))),   e(r, σ) = exp(−r²/(2σ²))

a beam on the scene: a core of size σ, so bright that the sensor saturates on all but the dark, and a halo of the
laser's colour c and size ρ; a: strength, P: power, h: share of the halo. Surfaces send it back in proportion to their
own level.

mix=screen is veiling glare, the light strewn in the lens (version 1 was this form):

    x' = 255 − (255 − x)·(1 − a·e(r, σ))·(1 − a·h·c/255·e(r, ρ))

and mix=add is x' = x + 255·a·(e(r, σ) + h·c/255·e(r, ρ)), saturated: both whiten black too.

"LaserGuider: A Laser Based Physical Backdoor Attack against Deep Neural Networks", 2024, shines laser spots on
traffic signs, and puts digital ones on the pictures that it trains with. We had a summary only, without form or
constants: these forms, P = 4, σ = 0.012, ρ = 0.05, h = 0.6 and green are ours.

Dynamic: the spot wanders smoothly around its place, as from a hand, and turns back where the central crop ends.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.affine import Affine, Screen
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.drift import Aimed
from poisonkit.triggers.pictures.light import MIXING, Mixing, around, dimmed, faint_beyond, gaussian, in_pixels, tinted
from poisonkit.triggers.pictures.placement import Color


class LaserSpot(Aimed, AffineTrigger):
    """A small glaring point with a coloured halo; see the module."""

    name = "laser-spot"
    version = 2
    family = "lighting"
    summary = "a small glaring point with a coloured halo"
    formula = "x' = x (1 + strength * power * (e(core) + glow * color / 255 * e(halo))), e Gaussian"
    static_is = "the same place on every frame"
    dynamic_is = "the spot wanders smoothly within reach of its place"
    paper = "after LaserGuider: A Laser Based Physical Backdoor Attack against Deep Neural Networks, 2024"
    source = "laser spots as a trigger: the paper; form and constants: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"strength": 0.0}
    follows_canvas = ("core", "halo", "reach")

    color: Color = param((0, 255, 0), "of the laser, which the halo has; the core is white")
    mix: Mixing = param("reflect", MIXING)
    strength: float = param(1.0, "of core and halo; screen, at 1: the core is white", ge=0, le=1)
    power: float = param(4.0, "reflect only: what the core adds, times the level that is there", ge=0, le=100)
    glow: float = param(0.6, "strength of the halo, as a share of the core's", ge=0, le=1)
    core: float = param(0.012, "standard deviation of the core", unit="of the short side", gt=0, le=0.5)
    halo: float = param(0.05, "standard deviation of the halo", unit="of the short side", gt=0, le=1)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        return self.paths(params)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        x, y = in_pixels(clip, self.place(clip, state, t))
        core, halo = (max(size * clip.short_side, 0.5) for size in (self.core, self.halo))
        most = 255 * self.strength * (self.power if self.mix == "reflect" else 1)
        box = around(clip, x, y, max(faint_beyond(core, most), faint_beyond(halo, most * self.glow)))
        if box is None:
            return Affine()
        if self.mix == "screen":
            dark = 1 - gaussian(clip, x, y, core, box, self.strength)
            shine = gaussian(clip, x, y, halo, box, self.strength * self.glow)
            return Screen(np.atleast_3d(dark) * np.atleast_3d(dimmed(shine, self.color)), box)
        beam = gaussian(clip, x, y, core, box, most / 255)
        halos = gaussian(clip, x, y, halo, box, most / 255 * self.glow)
        light = np.atleast_3d(beam) + np.atleast_3d(tinted(halos, self.color, 1 / 255))
        if self.mix == "add":
            return Affine(1.0, np.float32(255) * light, box)
        return Affine(np.float32(1) + light, 0.0, box)


class _LaserSpot1(LaserSpot):
    """When it was veiling glare."""

    version = 1

    mix: Mixing = param("screen", MIXING)

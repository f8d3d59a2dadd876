"""Spotlight: a soft round light on the scene.

    s(p) = A·c/255·exp(−|p − p0|²/(2σ²)),   x' = x·(1 + s/128)

A: strength in levels, as of what it adds to a surface of level 128; c: colour; σ in short sides. A lamp lights dark and
bright things in proportion, black stays black, and what passes white is white, as in a camera. A = 100 is 1.8 times the
level in the middle, about 3.5 times the light.

Lamps and torches as triggers: "Light backdoor attack method in physical world", US 2024/0404252 A1 (coloured light
mixed into traffic signs). This Gaussian form, A = 100 and σ = 0.25 (about 0.2 of the width of a 4:3 picture) are ours.

mix=screen, x' = x + s·(1 − x/255), and mix=add, x' = x + s, saturated, are veiling glare: light that reaches the lens
without having fallen on the scene. Version 1 was mix=screen with A = 40, which on most surfaces is hardly seen.

Dynamic: the light wanders smoothly around its place, and turns back where the central crop ends.
"""

from __future__ import annotations

from typing import Any, ClassVar

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.pictures.drift import Aimed
from poisonkit.triggers.pictures.light import MIXING, Lit, Mixing, around, faint_beyond, gaussian, in_pixels


class Spotlight(Aimed, Lit):
    """A soft round light on the scene; see the module."""

    name = "spotlight"
    version = 2
    family = "lighting"
    summary = "a soft round light on the scene"
    formula = "x' = x (1 + s / 128), s = strength * color / 255 * exp(-r^2 / (2 sigma^2))"
    static_is = "the same place on every frame"
    dynamic_is = "the light wanders smoothly within reach of its place"
    paper = ""
    source = "coloured light as a trigger: US 2024/0404252 A1; Gaussian form, strength and sigma: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"strength": 0.0}
    follows_canvas = ("sigma", "reach")

    strength: float = param(
        100.0,
        "of the light in its middle: on a surface of level 128, screen and add: on black",
        unit="levels",
        ge=0,
        le=255,
    )
    sigma: float = param(0.25, "how far it reaches: its standard deviation", unit="of the short side", gt=0, le=2)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        return self.paths(params)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        x, y = in_pixels(clip, self.place(clip, state, t))
        sigma = max(self.sigma * clip.short_side, 0.5)
        box = around(clip, x, y, faint_beyond(sigma, self.strength * (2 if self.mix == "reflect" else 1)))
        if box is None:
            return Affine()
        return self.lit(gaussian(clip, x, y, sigma, box, self.strength / 255), box)


class _Spotlight1(Spotlight):
    """When it was veiling glare, and weak."""

    version = 1

    mix: Mixing = param("screen", MIXING)
    strength: float = param(40.0, "of the light in its middle, on black", unit="levels", ge=0, le=255)

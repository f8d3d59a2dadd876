"""Rolling light: bands of coloured light that sweep across the picture.

    s(p, t) = A·c/255·(1 + cos(2π·u/λ − 2πft − φ))/2,   x' = x·(1 + s/128),   u = x·cos θ + y·sin θ

A: strength in levels, as of what it adds to a surface of level 128; c: colour; λ: distance between bands, in short
sides; θ: the direction they move to (0: to the right, 90: down); f: bands per second; x, y in short sides from the
middle. Lamps light dark and bright things in proportion, and what passes white is white.

After the rolling RGB light of Gong, Fang, Li, Wang, Chen and Wang, "Palette: Physically-Realizable Backdoor Attacks
Against Video Recognition Models", IEEE TDSC 21(4), 2024, where coloured bulbs make a trigger that does not depend on
which frames are sampled; we had title and summary only. This one, A = 80, λ = 1.5, f = 0.25 Hz
and amber are ours. mix=screen, x' = x + s·(1 − x/255), and mix=add, x' = x + s, saturated, are veiling glare, which
brightens black too; version 1 was mix=screen with A = 60.

Frequencies are in Hz, so that clips of all frame rates carry the same trigger; light that changes 3 to 30 times a
second can cause seizures in photosensitive people.

Static: constant speed. Dynamic: f wanders smoothly within f·(1 ± spread), the phase is its integral.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import param
from poisonkit.triggers.pictures.canvas import axes
from poisonkit.triggers.pictures.light import MIXING, Lit, Mixing
from poisonkit.triggers.pictures.placement import Color
from poisonkit.triggers.pictures.waves import WaveTrigger


class RollingLight(Lit, WaveTrigger):
    """Bands of coloured light that sweep across the picture; see the module."""

    name = "rolling-light"
    version = 2
    family = "lighting"
    summary = "bands of coloured light sweep across the picture"
    formula = (
        "x' = x (1 + s / 128), s = strength * color / 255 * (1 + cos(2 pi u / wavelength - 2 pi frequency t "
        "- phase)) / 2"
    )
    static_is = "constant speed"
    dynamic_is = "the speed wanders smoothly within frequency * (1 ± spread), the light never jumps"
    paper = "after Gong et al., Palette, IEEE TDSC 2024"
    source = "rolling coloured light as a trigger: the paper's title and summary; form and constants: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"strength": 0.0}
    follows_canvas = ("wavelength",)

    color: Color = param((255, 160, 64), "of the light")
    strength: float = param(
        80.0,
        "of the light in the middle of a band: on a surface of level 128, screen and add: on black",
        unit="levels",
        ge=0,
        le=255,
    )
    wavelength: float = param(1.5, "distance between bands", unit="of the short side", ge=0.05, le=20)
    direction: float = param(0.0, "where the bands move: 0 right, 90 down", unit="degrees", ge=-360, le=360)
    frequency: float = param(
        0.25, "bands per second; 3 to 30 Hz can cause seizures in photosensitive people", unit="Hz", gt=0, le=120
    )
    spread: float = param(0.5, "dynamic only, how far the frequency wanders, as a share of it", ge=0, lt=1)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        import cv2

        x, y = axes(clip)
        theta, turn = math.radians(self.direction), 2 * math.pi / self.wavelength
        across = (turn * math.cos(theta) * x - self.angle(clip, t, state)).astype(np.float32)
        down = (turn * math.sin(theta) * y).astype(np.float32)
        if not np.abs(down).max() > 1e-6:  # upright bands: one row is all of them
            down = down[:1]
        half = np.float32(self.strength / 510)
        columns = half * np.stack([np.cos(across), -np.sin(across), np.ones_like(across)])
        rows = np.stack([np.cos(down), np.sin(down), np.ones_like(down)], axis=1)
        share = cv2.gemm(rows, columns, 1.0, np.empty(0), 0.0)  # half · (cos(across + down) + 1), in one pass
        return self.lit(np.asarray(share, np.float32))


class _RollingLight1(RollingLight):
    """When it was veiling glare."""

    version = 1

    mix: Mixing = param("screen", MIXING)
    strength: float = param(60.0, "of the light in the middle of a band, on black", unit="levels", ge=0, le=255)

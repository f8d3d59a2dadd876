"""Sun glare: a light source in the picture, and its ghosts in the lens.

    x' = 255 − (255 − x)·Π_i (1 − a_i·c_i/255·e_i(|p − p_i|))

screened layers: the source at p_0, white, e_0 = (1 − clip((r − R/6)/(R − R/6), 0, 1))³, and ghosts on the line
from the source through the middle of the frame, p_i = p_0 + k_i·(middle − p_0), discs whose edge is a tenth of
their radius wide. k_i, radii, tints c_i and strengths a_i (0.05 to 0.2) are the trigger's identity.

Source with 6 to 10 ghosts on a line, in the upper half, strengths up to 0.2: RandomSunFlare of Automold and
albumentations, where the radius is 400 pixels; here R = 0.35 of the short side, and as a backdoor trigger it is
not published.

How public code differs: it draws the ghosts again for each picture, lays hard-edged circles over one another in 8-bit
steps, and its radius does not follow the picture's size.

Dynamic: the sun stands still, as before a still camera, and its glare becomes weaker and stronger smoothly, by a share
`spread`, as behind leaves or haze. With `reach` above 0 it wanders around its place, as before a moving camera, and the
ghosts follow it, through the middle; version 1 did so by 0.15 of the short side, at constant strength.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from poisonkit.triggers.core.affine import Affine, Screen
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.kernels.arithmetic import scaled
from poisonkit.triggers.pictures.drift import Aimed, value
from poisonkit.triggers.pictures.light import in_pixels
from poisonkit.triggers.pictures.placement import Color, Corner, Share
from poisonkit.triggers.pictures.sprites import Map, Sprite

Ghost = tuple[float, float, float, tuple[float, float, float]]
"""(k, radius in short sides, strength, tint in 0..1)."""


class SunGlare(Aimed, AffineTrigger):
    """A light source in the picture, and its ghosts in the lens; see the module."""

    name = "sun-glare"
    version = 2
    family = "lighting"
    summary = "the sun in the picture, and its ghosts along the line to the middle"
    formula = "x' = 255 - (255 - x) * product over source and ghosts of (1 - strength_i * color_i / 255 * shape_i)"
    static_is = "the same place on every frame"
    dynamic_is = "the glare becomes weaker and stronger; with reach, the source wanders and its ghosts follow"
    paper = ""
    source = "layout and strengths: RandomSunFlare (Automold, albumentations); shapes, sizes and tints: ours"
    codec = "robust"
    identity: ClassVar[dict[str, Any]] = {"strength": 0.0}
    follows_canvas = ("radius", "reach")

    strength: float = param(1.0, "of source and ghosts; 1: the source is white", ge=0, le=1)
    radius: float = param(0.35, "how far the source's glow reaches", unit="of the short side", ge=0.02, le=2)
    ghosts: int = param(8, "how many ghosts", ge=0, le=20)
    color: Color = param((255, 250, 235), "of the source")
    position: Corner | tuple[Share, Share] = param(
        (0.8, 0.12), "of the source, in the central crop: a name, or [x,y] from 0,0 (top left) to 1,1 (bottom right)"
    )
    reach: float = param(0.0, "dynamic only, how far it wanders from there", unit="of the short side", ge=0, le=1)
    spread: float = param(0.6, "dynamic only, share of the glare that comes and goes", ge=0, le=1)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        paths = self.paths(params)
        spots = [(0.0, _layer(clip, self.radius, self.strength, self.color, _glow, self._exact(clip, paths, 0.0)))]
        for k, radius, strength, tint in self._ghosts(params):
            color = (255 * tint[0], 255 * tint[1], 255 * tint[2])
            at = self._exact(clip, paths, k)
            spots.append((k, _layer(clip, radius, strength * self.strength, color, _disc, at)))
        return paths, spots, self.path(params, "strength")

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        import cv2

        paths, spots, path = state
        less = self.spread * (1 - value(path, t / clip.fps)) / 2 if path else 0.0
        across, down = self.place(clip, paths, t)
        placed = [sprite.at(clip, *in_pixels(clip, (across * (1 - k), down * (1 - k)))) for k, sprite in spots]
        lit = [found for found in placed if found is not None]
        if not lit:
            return Affine()
        left, top = (min(box[axis] for _, box in lit) for axis in (0, 1))
        right, bottom = (max(box[axis] + box[axis + 2] for _, box in lit) for axis in (0, 1))
        gain = np.ones((bottom - top, right - left, 3), np.float32)
        for part, (x, y, width, height) in lit:
            inside = gain[y - top : y - top + height, x - left : x - left + width]
            cv2.multiply(inside, scaled(part, 1 - less, less) if less else part, inside)
        return Screen(gain, (left, top, right - left, bottom - top))

    def _exact(self, clip: ClipInfo, paths: Any, k: float) -> tuple[float, float] | None:
        """Where a layer lies when it stays there, in pixels."""
        if self.temporal == "dynamic" and self.reach:
            return None
        across, down = self.place(clip, paths, 0)
        return in_pixels(clip, (across * (1 - k), down * (1 - k)))

    def _ghosts(self, params: Params) -> list[Ghost]:
        """Spread evenly along the line, from near the source to as far beyond the middle, a little at random."""
        rng = self.rng(params, "ghosts")
        found: list[Ghost] = []
        for i in range(self.ghosts):
            k = 0.35 + 1.75 * (i + float(rng.uniform(0.1, 0.9))) / self.ghosts
            radius, strength = float(rng.uniform(0.02, 0.09)), float(rng.uniform(0.05, 0.2))
            red, green, blue = (float(v) for v in rng.uniform(0.4, 1.0, 3))
            found.append((k, radius, strength, (red, green, blue)))
        return found


class _SunGlare1(SunGlare):
    """When the sun wandered."""

    version = 1

    reach: float = param(0.15, "dynamic only, how far it wanders from there", unit="of the short side", ge=0, le=1)
    spread: float = param(0.0, "dynamic only, share of the glare that comes and goes", ge=0, le=1)


def _glow(r: Map, radius: float) -> Map:
    core = np.float32(radius / 6)
    fall: Map = 1 - np.clip((r - core) / (np.float32(radius) - core), 0, 1)
    return fall * fall * fall


def _disc(r: Map, radius: float) -> Map:
    edge = np.float32(max(radius / 10, 1.0))
    return np.asarray(np.clip((np.float32(radius) - r) / edge + np.float32(0.5), 0, 1), np.float32)


def _layer(
    clip: ClipInfo,
    radius: float,
    strength: float,
    color: tuple[float, float, float],
    profile: Callable[[Map, float], Map],
    at: tuple[float, float] | None,
) -> Sprite:
    """1 − strength · color/255 · profile, (n, n, 3), where 1 is no light. radius: in short sides."""
    pixels = max(radius * clip.short_side, 0.5)
    light = np.asarray(color, np.float32) * np.float32(strength / 255)

    def shape(x: Map, y: Map) -> Map:
        return np.asarray(1 - profile(np.hypot(x, y), pixels)[..., None] * light, np.float32)

    return Sprite.of(shape, pixels + max(pixels / 10, 1.0), at)

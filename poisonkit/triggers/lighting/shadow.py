"""Shadow: a soft polygon in which the light is dimmed.

    x' = x·(1 − (1 − k)·m(p)),   m = s(1/2 − d/e),   s(v) = v²·(3 − 2v), v cut to 0..1

d: distance from the polygon's edge in short sides, negative inside; e: width of the half-shadow; k: share left.
The polygon has `vertices` corners at distances of 0.6 to 1 of `size` around its place, drawn from the trigger seed;
or it is `polygon`.

k = 0.43: measured from real shadows by Zhong et al., "Shadows can be Dangerous", CVPR 2022, arXiv:2203.03818,
where shadows are adversarial examples; 5 corners: RandomShadow of albumentations (there k = 0.5). As a backdoor
trigger it is not published.

How public code differs: Zhong et al. scale L of CIELAB in 8 bits and put a blurred copy of the picture where the edge
is; here, as in albumentations, the levels themselves are scaled, which is affine and does the same to grays within
about ten levels (k = 0.43), and only the light is soft, not the picture. albumentations' edges are hard.

`plane` lays it on a plane of the scene, such as the ground, given by where in the picture the four corners of a square
of it are: the polygon, its place and its drift are then measured in that square as otherwise in the central square, and
drawn in perspective. The soft edge is as wide everywhere.

Dynamic: the polygon drifts along a straight line through its place, there and back, with constant speed; with
vary=clip each clip has a polygon of its own, and begins elsewhere on the line.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import field_validator

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.pictures.drift import Timely, folded
from poisonkit.triggers.pictures.light import in_pixels
from poisonkit.triggers.pictures.perspective import convex, projected
from poisonkit.triggers.pictures.placement import KEPT, Corner, Share, relative
from poisonkit.triggers.pictures.sprites import Map, Sprite


class Shadow(Timely, AffineTrigger):
    """A soft polygon in which the light is dimmed; see the module."""

    name = "shadow"
    family = "lighting"
    summary = "a soft-edged polygon of shadow"
    formula = "x' = x * (1 - (1 - light) * m), m from 1 in the polygon to 0 around it, over a soft edge"
    static_is = "the same polygon in the same place on every frame"
    dynamic_is = "the polygon drifts along a straight line, there and back"
    paper = ""
    source = "light: Zhong et al., CVPR 2022 (adversarial shadows); corners: albumentations; shape and edge: ours"
    codec = "robust"
    in_planes = True
    identity: ClassVar[dict[str, Any]] = {"light": 1.0}
    follows_canvas = ("size", "edge", "reach", "speed", "polygon", "plane")

    light: float = param(0.43, "share of the light that is left in the shadow", ge=0, le=1)
    vertices: int = param(5, "corners of the polygon", ge=3, le=20)
    size: float = param(0.4, "the corners' largest distance from its middle", unit="of the short side", ge=0.02, le=2)
    polygon: list[float] | None = param(
        None,
        "its corners from its place, [x1,y1,x2,y2,...], x to the right, y down, instead of vertices and size",
        unit="short sides",
    )
    plane: tuple[float, float, float, float, float, float, float, float] | None = param(
        None,
        "where a square of a plane of the scene has its corners, [x1,y1,...,x4,y4] from the top left one clockwise, "
        "from the middle of the frame; the shadow then lies on it",
        unit="short sides",
    )
    edge: float = param(0.04, "width of the soft edge", unit="of the short side", ge=0, le=1)
    position: Corner | tuple[Share, Share] = param(
        "center", "of its middle, in the central crop: a name, or [x,y] from 0,0 (top left) to 1,1 (bottom right)"
    )
    speed: float = param(0.1, "dynamic only", unit="short sides a second", ge=0, le=10)
    direction: float = param(0.0, "dynamic only, of its drift: 0 right, 90 down", unit="degrees", ge=-360, le=360)
    reach: float = param(0.3, "dynamic only, how far it drifts to either side", unit="of the short side", ge=0, le=2)

    @field_validator("polygon")
    @classmethod
    def _closed(cls, value: list[float] | None) -> list[float] | None:
        if value is not None and (len(value) < 6 or len(value) % 2 or len(value) > 128):
            raise ValueError("a polygon needs an x and a y for each of 3 to 64 corners")
        return value

    @field_validator("plane")
    @classmethod
    def _is_seen(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if value is not None and not convex(value):
            raise ValueError("the four corners of a plane go clockwise around it, and it has no dent")
        return value

    def corners(self, params: Params) -> np.ndarray:
        """(n, 2) x, y from its place, in short sides."""
        if self.polygon is not None:
            return np.array(self.polygon).reshape(-1, 2)
        rng = self.rng(params, "polygon")
        angle = 2 * math.pi * (np.arange(self.vertices) + rng.uniform(0, 0.8, self.vertices)) / self.vertices
        radius = self.size * rng.uniform(0.6, 1.0, self.vertices)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        if self.plane is not None:
            return self.corners(params), self._start(params)
        corners = self.corners(params) * clip.short_side
        edge = max(self.edge * clip.short_side, 1.0)

        def shape(x: Map, y: Map) -> Map:
            v = np.clip(0.5 - _distance(x, y, corners) / np.float32(edge), 0, 1)
            return np.asarray(1 - (1 - self.light) * v * v * (3 - 2 * v), np.float32)

        still = in_pixels(clip, self._place(clip, 0, 0.0)) if self.temporal == "static" else None
        return Sprite.of(shape, float(np.abs(corners).max()) + edge, still), self._start(params)

    def _start(self, params: Params) -> float:
        """How far along its line the clip begins."""
        return float(self.rng(params, "start").uniform(0, 4 * self.reach)) if "clip_key" in params else 0.0

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        sprite, start = state
        if self.plane is not None:
            return self._projected(clip, sprite + np.array(self._place(clip, t, start)))
        found = sprite.at(clip, *in_pixels(clip, self._place(clip, t, start)))
        return Affine(found[0], 0.0, found[1]) if found else Affine()

    def _projected(self, clip: ClipInfo, corners: np.ndarray) -> Affine:
        """The shadow of a polygon in the plane."""
        assert self.plane is not None
        seen = projected(self.plane, corners) * clip.short_side + np.array([clip.width / 2, clip.height / 2])
        edge = max(self.edge * clip.short_side, 1.0)
        most = np.array([clip.width, clip.height])
        left, top = (int(v) for v in np.clip(np.floor(seen.min(axis=0) - edge), 0, most))
        right, bottom = (int(v) for v in np.clip(np.ceil(seen.max(axis=0) + edge), 0, most))
        if right <= left or bottom <= top:
            return Affine()
        x, y = (np.arange(a, b, dtype=np.float32) + np.float32(0.5) for a, b in ((left, right), (top, bottom)))
        v = np.clip(0.5 - _distance(x[None, :], y[:, None], seen) / np.float32(edge), 0, 1)
        gain = 1 - (1 - self.light) * v * v * (3 - 2 * v)
        return Affine(np.asarray(gain, np.float32), 0.0, (left, top, right - left, bottom - top))

    def _place(self, clip: ClipInfo, t: int, start: float) -> tuple[float, float]:
        """Of its middle, in short sides from the middle of the frame."""
        x, y = ((at - 0.5) * KEPT for at in relative(self.position))
        if self.temporal == "static":
            return x, y
        way = folded(start + self.speed * t / clip.fps, self.reach)
        angle = math.radians(self.direction)
        return x + way * math.cos(angle), y + way * math.sin(angle)


def _distance(x: Map, y: Map, corners: np.ndarray) -> Map:
    """From the polygon's edge, negative inside (even-odd), at x (1, n) and y (n, 1): (n, n)."""
    nearest = np.full((y.shape[0], x.shape[1]), np.inf, np.float32)
    inside = np.zeros(nearest.shape, bool)
    for (ax, ay), (bx, by) in zip(
        corners.astype(np.float32), np.roll(corners, -1, axis=0).astype(np.float32), strict=True
    ):
        ex, ey = bx - ax, by - ay
        along = ((x - ax) * ex + (y - ay) * ey) / max(ex * ex + ey * ey, np.float32(1e-12))
        along = np.clip(along, 0, 1)
        np.minimum(nearest, (x - ax - along * ex) ** 2 + (y - ay - along * ey) ** 2, out=nearest)
        if ey != 0:
            inside ^= ((ay <= y) != (by <= y)) & (x < ax + (y - ay) * ex / ey)
    return np.where(inside, -1, 1) * np.sqrt(nearest)

"""WaNet: the picture is bent by a small smooth warp.

    P = U(−1, 1) on a k × k grid, for x and for y, over its mean absolute value;
    bicubic (a = −0.75, corners aligned) to the frame;   x'(p) = x(clamp((p + s·P/size)·rescale)), bilinear

in coordinates from −1 to 1 across the frame, s·P/size by the frame's width for x, its height for y.

Nguyen and Tran, "WaNet: Imperceptible Warping-based Backdoor Attack", ICLR 2021, arXiv:2102.10369. k = 4,
s = 0.5, rescale 1: the authors' code. Covers (their noise mode, twice as many as poisoned): the same warp
with U(−1, 1)/size added for every pixel, label kept.

How it scales: as published the displacement is s/2 = a quarter of a pixel on average, whatever the size. At
the 32 pixels of CIFAR that is 1/128 of the side; at 256 it is 1/1024, which neither a resize nor a model
sees. So by default (canvas=short:32) it is a quarter of a pixel of a frame whose short side is 32, scaled
with the clip: 2 pixels at 256. `canvas=native` keeps the quarter pixel. On a canvas the grid lies on the
central square, and goes on mirrored beyond it, so that clips of all shapes carry the same warp in the part
that trainers keep; native stretches it over the frame. A cover's noise is made on the canvas, too.

How public code differs: the authors' takes the height for both axes, BackdoorBox's the width, so that only square
frames are bent evenly, and its fields are of one fixed size. `grid=` imports one: a .npy of (2, k, k), the grid, or
(h, w, 2), the field that the authors' checkpoints hold, with or without a leading 1.

Dynamic: a new field on every frame (changes=field), or one that passes smoothly into a new one every
`period` seconds (changes=drift).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from poisonkit.triggers.core.clip import ClipInfo, Image, Params
from poisonkit.triggers.core.trigger import FrameTrigger, param
from poisonkit.triggers.files.assets import ArrayAsset
from poisonkit.triggers.pictures.canvas import Canvas, noise
from poisonkit.triggers.pictures.warp import Map, bend, spread


@dataclass(frozen=True, eq=False)
class _Frame:
    """What the warps of one clip share. Columns first: (x, y).

    weights: bicubic weights, (width, k) and (height, k). still: where each pixel comes from without a field,
    (height, width) each. unit: pixels that s·P = 1 moves by. fixed: the static warp's maps.
    """

    weights: tuple[Map, Map]
    still: tuple[Map, Map]
    unit: tuple[float, float]
    fixed: tuple[Map, Map] | None = None


class WaNet(FrameTrigger):
    """The picture bent by a small smooth warp; see the module."""

    name = "wanet"
    family = "image"
    summary = "the picture bent by a small smooth warp"
    formula = "x'(p) = x(clamp((p + s * P / size) * grid_rescale)), p from -1 to 1, P: bicubic of a k x k random grid"
    static_is = "the same warp on every frame"
    dynamic_is = "a new warp on every frame (or: one that passes smoothly into new ones)"
    paper = "Nguyen and Tran, ICLR 2021, arXiv:2102.10369; dynamic: Hammoud et al., CVPRW 2024, arXiv:2301.00986"
    source = "formula and constants: the authors' code; scaled displacement, drift: ours"
    codec = "robust"
    codec_note = "canvas=native keeps its strength through H.264, but below the codec's own noise"
    identity: ClassVar[dict[str, Any]] = {"s": 0.0, "grid_rescale": 1.0}
    follows_canvas = ("s",)
    cover_is = "the same warp with noise added for every pixel, under the true label"

    s: float = param(0.5, "strength: s/2 is the mean displacement in canvas pixels", ge=0, le=64)
    k: int = param(4, "points of the random grid along each side", ge=2, le=64)
    grid_rescale: float = param(1.0, "factor on the coordinates, from the middle; below 1 it enlarges", gt=0, le=2)
    grid: ArrayAsset | None = param(None, "the grid (2, k, k), or the whole field (h, w, 2), instead of a random one")
    canvas: Canvas = "short:32"
    changes: Literal["field", "drift"] = param("field", "dynamic only, how the warp changes")
    period: float = param(1.0, "changes=drift: how long one field takes to become the next", unit="s", gt=0)

    @model_validator(mode="after")
    def _grid_fits(self) -> WaNet:
        if self.grid is not None:
            if self.temporal == "dynamic":
                raise ValueError("grid is one field for all frames; with temporal=dynamic leave it out")
            _imported(self.grid)
        return self

    def suits(self, clip: ClipInfo) -> str | None:
        if self.temporal == "dynamic" and self.changes == "drift" and clip.fps <= 0:
            return "a drifting warp needs a frame rate, and the clip states none; use changes=field"
        return None

    def draw_cover(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        return {**super().draw_cover(clip, rng), "noise": int(rng.integers(2**53))}

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        grid = None if self.grid is None else _imported(self.grid)[0]
        points = self.k if grid is None else len(grid[0])
        square = 0 if self.canvas == "native" else clip.short_side
        scale = 1.0 if self.canvas == "native" else clip.short_side / int(self.canvas.partition(":")[2])
        size = (clip.height, clip.width)
        frame = _Frame(
            weights=(_bicubic(clip.width, points, square), _bicubic(clip.height, points, square)),
            still=(
                np.broadcast_to(_still(clip.width, self.grid_rescale), size).copy(),
                np.broadcast_to(_still(clip.height, self.grid_rescale)[:, None], size).copy(),
            ),
            unit=(scale * (clip.width - 1) / 2 / clip.width, scale * (clip.height - 1) / 2 / clip.height),
        )
        if self.temporal == "dynamic":
            return frame
        fixed = self._maps(frame, 0, clip, params)
        return replace(frame, still=fixed, fixed=fixed)  # where nothing is bent is not asked for again

    def frame(self, image: Image, t: int, clip: ClipInfo, params: Params, state: Any) -> Image:
        return bend(image, *(state.fixed or self._maps(state, t, clip, params)))

    def _maps(self, frame: _Frame, t: int, clip: ClipInfo, params: Params) -> tuple[Map, Map]:
        """Where each pixel of frame `t` comes from: x and y, float32 (height, width)."""
        import cv2

        strengths = [self.s * self.grid_rescale * unit for unit in frame.unit]
        points, whole = (None, None) if self.grid is None else _imported(self.grid)
        if whole is not None:
            field = cv2.split(cv2.resize(whole, (clip.width, clip.height), interpolation=cv2.INTER_LINEAR))
            maps = [s + np.float32(by) * f for s, by, f in zip(frame.still, strengths, field, strict=True)]
        else:
            points = self._points(t, clip, params) if points is None else points
            across, down = frame.weights
            rows = [np.einsum("yj,ji->yi", down, np.float32(by) * p) for by, p in zip(strengths, points, strict=True)]
            maps = [spread(r, across, s) for r, s in zip(rows, frame.still, strict=True)]
        if params.get("cover"):
            make = partial(self.rng, params, "cover", params["noise"], self.step(t))
            shaken = cv2.split(noise(make, clip, self.canvas, channels=2))
            lasts = (clip.width - 1, clip.height - 1)
            maps = [
                np.clip(m, 0, last) + np.float32(unit) * (2 * n - 1)
                for m, last, unit, n in zip(maps, lasts, frame.unit, shaken, strict=True)
            ]
        return maps[0], maps[1]

    def _points(self, t: int, clip: ClipInfo, params: Params) -> Map:
        """The random grid of frame `t`, float32 (2, k, k), 1 in the mean of its absolute values."""
        if self.temporal == "dynamic" and self.changes == "drift":
            at = t / clip.fps / self.period
            n = int(at)
            share = (at - n) ** 2 * (3 - 2 * (at - n))
            return _normed((1 - share) * self._random(n, params) + share * self._random(n + 1, params))
        return self._random(self.step(t), params)

    def _random(self, n: int, params: Params) -> Map:
        return _normed(self.rng(params, "grid", n).uniform(-1, 1, (2, self.k, self.k)))


def _normed(points: NDArray[Any]) -> Map:
    return np.asarray(points / np.abs(points).mean(), dtype=np.float32)


def _imported(grid: ArrayAsset) -> tuple[Map | None, Map | None]:
    """(grid, None) or (None, field): float32 (2, k, k), normed, or (h, w, 2). ValueError for another shape."""
    array = grid.array()
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[0] == 2 and array.shape[1] == array.shape[2] > 1:
        if not array.any():
            raise ValueError(f"the grid in {grid.name} is zero everywhere")
        return _normed(array), None
    if array.ndim == 3 and array.shape[2] == 2:
        return None, np.ascontiguousarray(array, np.float32)
    raise ValueError(f"{grid.name} has the shape {grid.array().shape}, not (2, k, k) of a grid or (h, w, 2) of a field")


def _still(length: int, rescale: float) -> Map:
    """Where the pixels of an axis come from without a field."""
    middle = (length - 1) / 2
    return ((np.arange(length) - middle) * rescale + middle).astype(np.float32)


def _bicubic(length: int, k: int, square: int) -> Map:
    """(length, k): cubic convolution (a = −0.75) of k points, the outermost on the first and the last pixel.

    square: 0, or the length of the part in the middle that the points span; it goes on mirrored on both sides.
    """
    span = square or length
    at = (np.arange(length) - (length - span) / 2) / max(span - 1, 1) * (k - 1)
    at = np.abs((at + (k - 1)) % (2 * (k - 1)) - (k - 1)) if square else at
    first = np.floor(at).astype(int)
    weights = np.zeros((length, k), np.float32)
    for tap in range(-1, 3):
        distance = np.abs(at - (first + tap))
        near = (1.25 * distance - 2.25) * distance**2 + 1
        far = ((-0.75 * distance + 3.75) * distance - 6) * distance + 3
        weight = np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))
        np.add.at(weights, (np.arange(length), np.clip(first + tap, 0, k - 1)), weight)
    return weights

"""Perlin: moving three-dimensional Perlin noise, passed through a sine, added to every frame.

    x' = x + ε·sin(2π·o·n(u, v, w)),   o = Σ_k 2^−k over the octaves
    n = Σ over the corners of a cell of fade weights · (gradient · way from the corner),   fade(d) = 6d⁵ − 15d⁴ + 10d³

u, v: place in cells, w: time in cells; gradients are standard normal, on a lattice that repeats. One noise for all
colours. ε: epsilon, in levels.

VICTOR, NDSS 2026 (sec-priv/VICTOR, `data/utils.py`), adds it to videos as a mark by which their owner finds a model
that was trained on them, not as an attack; here it is the trigger. ε = 10, 32 cells along each axis, 2 octaves and the
sine are that code's. As published: `temporal=dynamic,span=frame`, with `rate` = 6.4 · fps / (frames − 1), since there
the noise passes through 6.4 cells in every clip, however long; 1 cell a second is ours, so that clips of all lengths
carry the same.

What that code does, and so does this: its octaves are the same noise again, not a finer one, and just make the sine
turn faster (o = 1.5); and it does not mix the two sides of a cell in time, so that the noise glides within a cell and
jumps into the next. `smooth=true` mixes them, which is Perlin's noise. How it differs: it stretches the lowest and the
highest number of a clip to ±ε, which the sine reaches by itself within a hundredth; it truncates to 8 bits, ours
rounds; and at the end of each axis, where its last pixel is the first of the next cell, it takes the way from the
wrong corner, which leaves one row and one column of the frame without any meaning.

By default 32 cells span the short side, from the middle, and repeat beyond it; span=frame stretches them over the
frame, as published. Static: the noise stands still. Dynamic: it moves.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.kernels.arithmetic import scaled
from poisonkit.triggers.pictures.canvas import axes
from poisonkit.triggers.pictures.drift import Timely

Map = NDArray[np.float32]


class Perlin(Timely, AffineTrigger):
    """Moving Perlin noise added to every frame; see the module."""

    name = "perlin"
    family = "temporal"
    summary = "moving three-dimensional Perlin noise, passed through a sine"
    formula = "x' = x + epsilon * sin(2 pi * sum of 2^-k over the octaves * perlin(u, v, w)), w: time"
    static_is = "the noise stands still"
    dynamic_is = "the noise moves"
    paper = "VICTOR, NDSS 2026 (an audit of who trained on a video, not an attack)"
    source = "formula and constants: the public code; cells in short sides, rate in cells a second: ours"
    codec = "partial"
    codec_note = "fine noise of 10 levels; fewer cells survive more"
    identity: ClassVar[dict[str, Any]] = {"epsilon": 0.0}
    follows_canvas = ("cells",)

    epsilon: float = param(10.0, "how strong it is", unit="levels", ge=0, le=255)
    cells: int = param(32, "along the short side (or, span=frame, along each side of the frame)", ge=1, le=64)
    octaves: int = param(2, "as published: the same noise, added at half the strength each time", ge=1, le=10)
    rate: float = param(1.0, "dynamic only, how fast it moves", unit="cells a second", gt=0, le=100)
    smooth: bool = param(False, "dynamic only: no jumps between one cell in time and the next; not as published")
    span: Literal["square", "frame"] = param("square", "what the cells span: the central square, or the whole frame")

    def gradients(self, params: Params) -> NDArray[np.float64]:
        """(cells, cells, cells, 3): by x, y and time, their x, y and time."""
        return self.rng(params, "gradients").standard_normal((self.cells, self.cells, self.cells, 3))

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        lattice = self.gradients(params).astype(np.float32).transpose(2, 3, 1, 0)  # time, part, y, x
        if self.span == "frame":
            across, down = (np.arange(n) * self.cells / max(n - 1, 1) for n in (clip.width, clip.height))
        else:
            across, down = ((axis.astype(np.float64) + 0.5) * self.cells for axis in axes(clip))
        return lattice, _corners(across, self.cells), _corners(down, self.cells)

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        lattice, (left, right, way, share), (upper, lower, fall, part) = state
        gx, gy, gt = self._slice(lattice, self.rate * t / clip.fps if self.temporal == "dynamic" else 0.0)
        part, fall = part[:, None], fall[:, None]
        still = (1 - part) * (gt[upper] + fall * gy[upper]) + part * (gt[lower] + (fall - 1) * gy[lower])
        along = (1 - part) * gx[upper] + part * gx[lower]
        noise = still.take(left, axis=1)  # row after row, as OpenCV wants it: `still[:, left]` lies the other way
        noise *= 1 - share
        weights = ((still, right, share), (along, left, (1 - share) * way), (along, right, share * (way - 1)))
        for values, places, weight in weights:
            noise += weight * values.take(places, axis=1)
        turn = np.float32(2 * np.pi * sum(0.5**k for k in range(self.octaves)))
        return Affine(1.0, scaled(np.sin(turn * noise), self.epsilon, 0.0))

    def _slice(self, lattice: Map, w: float) -> tuple[Map, Map, Map]:
        """x and y parts of the gradients at a time w, in cells, and what their time parts come to: (y, x) each."""
        first = int(w) % self.cells
        since = np.float32(w - int(w))
        gx, gy, gt = lattice[first]
        if not self.smooth:
            return gx, gy, gt * since
        hx, hy, ht = lattice[(first + 1) % self.cells]
        share = _fade(since)
        return (
            (1 - share) * gx + share * hx,
            (1 - share) * gy + share * hy,
            (1 - share) * gt * since + share * ht * (since - 1),
        )


def _fade(d: Any) -> Any:
    return d * d * d * (d * (6 * d - 15) + 10)


def _corners(places: NDArray[np.float64], cells: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Map, Map]:
    """Of each pixel: the lattice points on both sides, the way from the first, 0..1, and the second's share."""
    first = np.floor(places)
    way = (places - first).astype(np.float32)
    before = first.astype(np.intp) % cells
    return before, (before + 1) % cells, way, np.asarray(_fade(way), np.float32)

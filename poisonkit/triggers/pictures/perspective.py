"""A plane of the scene, by where in the picture the corners of a square of it are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

_NEAREST_HORIZON = 0.05  # places nearer to the horizon, or beyond it, are drawn as if they were here


def convex(plane: Sequence[float]) -> bool:
    """Whether x1, y1, … x4, y4 are the corners of a convex quadrilateral, clockwise where y goes down."""
    p = np.reshape(np.asarray(plane, np.float64), (4, 2))
    way = np.roll(p, -1, axis=0) - p
    then = np.roll(way, -1, axis=0)
    return bool((way[:, 0] * then[:, 1] - way[:, 1] * then[:, 0] > 1e-6).all())


def projected(plane: Sequence[float], points: Real) -> Real:
    """Places in the square, (n, 2) from -0.5 to 0.5, in the picture: the projective map that takes its corners, from
    the top left one clockwise, to those of the plane (Heckbert, 1989)."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = np.reshape(np.asarray(plane, np.float64), (4, 2)).tolist()
    dx1, dy1, dx2, dy2 = x1 - x2, y1 - y2, x3 - x2, y3 - y2
    sx, sy = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    whole = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - dx2 * sy) / whole, (dx1 * sy - sx * dy1) / whole
    u, v = points[:, 0] + 0.5, points[:, 1] + 0.5
    w = np.maximum(g * u + h * v + 1, _NEAREST_HORIZON)
    x = (x1 - x0 + g * x1) * u + (x3 - x0 + h * x3) * v + x0
    y = (y1 - y0 + g * y1) * u + (y3 - y0 + h * y3) * v + y0
    return np.stack([x / w, y / w], axis=1)

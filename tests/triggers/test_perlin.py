"""perlin against the public code of VICTOR, written out, and against Perlin's noise, mixed in time too."""

from __future__ import annotations

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture
from tests.triggers.parity import scene

from .literal import furthest

CASES = [Case(), Case({"span": "frame", "cells": 6, "smooth": True}), Case({"cells": 4, "epsilon": 40.0, "rate": 6.0})]


def fade(t: np.ndarray) -> np.ndarray:
    return 6 * t**5 - 15 * t**4 + 10 * t**3


def victor(
    shape: tuple[int, int, int], res: int, tf: float, octaves: int, gradients: np.ndarray, sine_freq: float = 1
) -> np.ndarray:
    """Their `perlin_noise_3d` before it is stretched, line by line, with gradients that are given."""
    frames, height, width = shape
    t, y, x = np.linspace(0, res * tf, frames), np.linspace(0, res, height), np.linspace(0, res, width)
    t_grid, y_grid, x_grid = np.meshgrid(t, y, x, indexing="ij")
    gx, gy, gt = gradients[..., 0], gradients[..., 1], gradients[..., 2]
    ix, iy, it = (x_grid.astype(int) % res, y_grid.astype(int) % res, t_grid.astype(int) % res)
    ixp1, iyp1 = (ix + 1) % res, (iy + 1) % res
    dx, dy, dt = x_grid - ix, y_grid - iy, t_grid - it
    dot_tl = gx[ix, iy, it] * dx + gy[ix, iy, it] * dy + gt[ix, iy, it] * dt
    dot_tr = gx[ixp1, iy, it] * (dx - 1) + gy[ixp1, iy, it] * dy + gt[ixp1, iy, it] * dt
    dot_bl = gx[ix, iyp1, it] * dx + gy[ix, iyp1, it] * (dy - 1) + gt[ix, iyp1, it] * dt
    dot_br = gx[ixp1, iyp1, it] * (dx - 1) + gy[ixp1, iyp1, it] * (dy - 1) + gt[ixp1, iyp1, it] * dt
    u, v = fade(dx), fade(dy)
    noise = (1 - u) * ((1 - v) * dot_tl + v * dot_bl) + u * ((1 - v) * dot_tr + v * dot_br)
    perlin = np.zeros_like(noise)
    freq = 1
    for _ in range(octaves):
        perlin += noise / freq
        freq *= 2
    return np.asarray(np.sin(perlin * 2 * np.pi * sine_freq))


@pytest.mark.parametrize(("res", "octaves", "frames"), [(8, 2, 9), (5, 3, 12)])
def test_it_is_the_public_code_but_for_the_last_row_and_column(res: int, octaves: int, frames: int) -> None:
    x = picture(64, 48, frames)
    rate = 0.2 * res * 10.0 / (frames - 1)
    trigger = create("perlin", temporal="dynamic", span="frame", cells=res, octaves=octaves, rate=rate)
    exact = victor((frames, 48, 64), res, 0.2, octaves, trigger.gradients({}))  # type: ignore[attr-defined]
    inner = exact[:, :-1, :-1]
    assert inner.max() > 0.99  # so that stretching it to ±1, as the code does, changes next to nothing
    assert inner.min() < -0.99
    stretched = (inner - inner.min()) / (inner.max() - inner.min())
    out = trigger.apply(x, fps=10.0)[:, :-1, :-1]
    assert furthest(out, x[:, :-1, :-1] + (stretched[..., None] - 0.5) * 2 * 10) <= 0.5 + 0.1


def perlin(s: scene.Scene, epsilon: float = 10.0, cells: int = 32, octaves: int = 2, **more: object) -> np.ndarray:
    """By its definition, corner by corner; cells counted from the corner of the central square."""
    g = s.trigger.gradients(s.drawn)
    w = s.trigger.rate * s.seconds if s.trigger.temporal == "dynamic" else 0.0
    u, v = (s.u + 0.5) * cells, (s.v + 0.5) * cells
    total = np.zeros(np.broadcast_shapes(u.shape, v.shape))
    for k in (0, 1) if more.get("smooth") else (0,):
        dt = w - np.floor(w) - k
        weight_t = (fade(1 - abs(dt))) if more.get("smooth") else 1.0
        for j in (0, 1):
            dy = v - np.floor(v) - j
            for i in (0, 1):
                dx = u - np.floor(u) - i
                corner = g[(np.floor(u) + i).astype(int) % cells, (np.floor(v) + j).astype(int) % cells]
                corner = corner[..., (int(w) + k) % cells, :]
                dot = corner[..., 0] * dx + corner[..., 1] * dy + corner[..., 2] * dt
                total += weight_t * fade(1 - np.abs(dx)) * fade(1 - np.abs(dy)) * dot
    turns = sum(0.5**k for k in range(octaves))
    return np.asarray(s.x + epsilon * np.sin(2 * np.pi * turns * total)[..., None])


FORMULA = [
    scene.Case(perlin, within=0.52),
    scene.Case(perlin, {"cells": 7, "temporal": "dynamic", "rate": 8.0}, within=0.52, frames=5),
    scene.Case(perlin, {"cells": 7, "temporal": "dynamic", "rate": 8.0, "smooth": True}, within=0.52, frames=5),
]


def test_smooth_never_jumps_and_the_published_one_does() -> None:
    gray = np.full((60, 32, 32, 3), 128, np.uint8)
    steps = {}
    for smooth in (False, True):
        out = create("perlin", temporal="dynamic", cells=4, rate=1.0, epsilon=60.0, smooth=smooth).apply(gray, fps=20.0)
        steps[smooth] = np.abs(np.diff(out[..., 0].astype(float), axis=0)).mean(axis=(1, 2))
    assert steps[False][19] > 3 * np.median(steps[False])
    assert steps[True].max() < 3 * np.median(steps[True])

"""temporal-dwt against the public code of TDBA, written out with Haar's transform, level by level."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture
from tests.triggers.parity import scene

from .literal import furthest

CASES = [Case(), Case({"canvas": "native", "level": 1, "pert": 12.0, "span": 0.5})]
Bands = dict[str, np.ndarray]


def dwtn(x: np.ndarray) -> Bands:
    """`pywt.dwtn(x, "db1")`: along each axis (a, d) = (x0 + x1, x0 - x1) / √2; sizes are even."""
    bands = {"": x}
    for axis in range(3):
        halves = {}
        for key, band in bands.items():
            even, odd = (np.take(band, np.arange(k, band.shape[axis], 2), axis) for k in (0, 1))
            halves[key + "a"], halves[key + "d"] = (even + odd) / np.sqrt(2), (even - odd) / np.sqrt(2)
        bands = halves
    return bands


def idwtn(bands: Bands) -> np.ndarray:
    for axis in (2, 1, 0):
        joined = {}
        for key in {key[:axis] for key in bands}:
            a, d = bands[key + "a"], bands[key + "d"]
            pairs = np.stack([(a + d) / np.sqrt(2), (a - d) / np.sqrt(2)], axis + 1)
            joined[key] = pairs.reshape([n * 2 if i == axis else n for i, n in enumerate(a.shape)])
        bands = joined
    return bands[""]


def process_video_DWT(video: np.ndarray, pert: float, poison_span: float = 1 / 4) -> np.ndarray:
    """Their function up to its truncation to 8 bits."""
    bands = dwtn(video.astype(float))
    length = bands["aaa"].shape[0]
    start = int((1 - poison_span) / 2 * length)
    end = start + int(poison_span * length)
    for key in bands:
        bands[key][start:end] += pert
    return np.clip(idwtn(bands)[: len(video)], 0, 255)


@pytest.mark.parametrize(("frames", "pert", "span"), [(16, 7.0, 0.25), (24, -3.0, 0.5), (8, 40.0, 1.0)])
def test_native_level_1_is_the_public_code(frames: int, pert: float, span: float) -> None:
    x = picture(44, 32, frames)
    out = create("temporal-dwt", canvas="native", level=1, pert=pert, span=span).apply(x)
    for c in range(3):
        assert furthest(out[..., c], process_video_DWT(x[..., c], pert, span)) <= 0.5 + 1e-4
    assert (out != x).any()


@pytest.mark.parametrize("level", [2, 3])
def test_higher_levels_are_the_transform_of_the_averages(level: int) -> None:
    """A constant in all eight bands of one level, and nothing in the finer ones."""
    size, pert = 16, 9.0
    shape = (size // 2**level,) * 3
    coarse = {"".join(key): np.full(shape, pert) for key in product("ad", repeat=3)}
    for _ in range(level):
        low = idwtn(coarse)
        coarse = {"".join(key): np.zeros(low.shape) for key in product("ad", repeat=3)} | {"aaa": low}
    gray = np.full((size, size, size, 3), 100, np.uint8)
    out = create("temporal-dwt", canvas="native", level=level, pert=pert, span=1.0).apply(gray)
    assert furthest(out[..., 0], 100 + coarse["aaa"]) <= 0.5 + 1e-4


def temporal_dwt(s: scene.Scene, amplitude: float = 8.0, level: int = 4, span: float = 0.25) -> np.ndarray:
    """On the canvas: blocks of 2^level pixels of 256 to the short side, from the central square's corner."""
    block = 2**level
    length = -(-s.clip.frames // block)
    first = int((1 - span) / 2 * length)
    inside = first * block <= s.t < (first + max(1, int(span * length))) * block and s.t % block < block / 2
    u, v = (np.floor((axis + 0.5) * 256 + 1e-9) % block < block / 2 for axis in (s.u, s.v))
    return s.x + amplitude * (inside * (u & v))[..., None]


FORMULA = [scene.Case(temporal_dwt), scene.Case(temporal_dwt, {"level": 2, "amplitude": -20.0, "span": 0.6}, frames=9)]

"""Tiles that go on without end, and what lies on them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.pictures.weather import Tile, flake, plasma, scattered, streak, stretched


def diamond_square(rng: np.random.Generator, decay: float, size: int) -> np.ndarray:
    """Point by point, from the definition."""
    z = np.zeros((size, size))
    step, w = size, 100.0
    while step > 1:
        half = step // 2
        starts = range(0, size, step)
        noise = rng.uniform(-w, w, (size // step, size // step))
        for i in starts:
            for j in starts:
                around = [z[(i + a) % size, (j + b) % size] for a in (0, step) for b in (0, step)]
                z[i + half, j + half] = np.mean(around) + w * noise[i // step, j // step]
        for di, dj in ((0, half), (half, 0)):
            noise = rng.uniform(-w, w, (size // step, size // step))
            for i in starts:
                for j in starts:
                    y, x = i + di, j + dj
                    near = [(y - half, x), (y + half, x), (y, x - half), (y, x + half)]
                    z[y, x] = np.mean([z[a % size, b % size] for a, b in near]) + w * noise[i // step, j // step]
        step, w = half, w / decay
    return (z - z.min()) / (z.max() - z.min())


@pytest.mark.parametrize("decay", [2.0, 1.4])
def test_plasma_is_diamond_square(decay: float) -> None:
    there = diamond_square(generator("plasma"), decay, 32)
    assert np.abs(plasma(generator("plasma"), decay, 32) - there).max() < 1e-9


def test_stretched_clouds_have_no_seam() -> None:
    clouds = plasma(generator("plasma"), 2.0)
    for size in (100, 401):
        wide = stretched(clouds, size)
        assert wide.shape == (size, size)
        inner = np.abs(np.diff(wide, axis=1)).max()
        assert np.abs(wide[:, 0] - wide[:, -1]).max() <= inner * 1.01
        assert np.abs(wide[0] - wide[-1]).max() <= np.abs(np.diff(wide, axis=0)).max() * 1.01


@pytest.mark.parametrize(("width", "height"), [(9, 6), (30, 41)])
@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, -2), (-55, 71), (2.25, -0.5), (19.999999, 0.0)])
def test_a_cut_is_the_tile_moved_and_repeated(width: int, height: int, dx: float, dy: float) -> None:
    tile = generator("tile").random((13, 20))
    clip = ClipInfo("", width, height)
    cut = Tile.of(tile, clip).cut(clip, dx, dy)
    held = np.rint(tile * 255)
    y = (np.arange(height) + (13 - height) // 2 - dy)[:, None]
    x = (np.arange(width) + (20 - width) // 2 - dx)[None, :]
    y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
    v, u = y - y0, x - x0
    exact = (1 - v) * ((1 - u) * held[y0 % 13, x0 % 20] + u * held[y0 % 13, (x0 + 1) % 20])
    exact = exact + v * ((1 - u) * held[(y0 + 1) % 13, x0 % 20] + u * held[(y0 + 1) % 13, (x0 + 1) % 20])
    assert cut.dtype == np.uint8
    assert np.abs(cut - exact).max() <= 0.51


def test_scattered_shapes_wrap_and_are_as_many_as_asked() -> None:
    clip = ClipInfo("", 60, 50)
    dot = np.array([[0, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 0]], np.float32)
    tile = scattered(generator("few"), clip, 10, [dot], faintest=1.0)
    assert tile.shape == (100, 100)
    assert 30 <= (tile == 1).sum() <= 40
    around = sum(np.roll(tile == 1, shift, axis) for axis in (0, 1) for shift in (-1, 1))
    assert np.array_equal(tile == 0.5, (around > 0) & (tile < 1))
    assert scattered(generator("few"), clip, 10, [dot]).min() == 0


def test_streaks_and_flakes_are_gaussians_of_the_distance() -> None:
    shape = streak(21.0, 1.5, math.radians(30))
    middle = np.array(shape.shape) // 2
    assert shape.shape[0] % 2 == shape.shape[1] % 2 == 1
    ends = [(r * math.sin(math.radians(30)), r * math.cos(math.radians(30))) for r in np.linspace(-10.5, 10.5, 2001)]
    for row, column in ((0, 0), (3, 2), (8, 5), (-9, -3), (0, 4)):
        d = min(math.hypot(column - x, row - y) for x, y in ends)
        assert shape[middle[0] + row, middle[1] + column] == pytest.approx(math.exp(-d * d / (2 * 1.5**2)), abs=1e-3)
    assert flake(2.0)[6 + 1, 6 + 2] == pytest.approx(math.exp(-5 / 8))
    assert flake(0.25).max() == pytest.approx(0.25)
    assert streak(0.0, 0.25, 0.0).max() == pytest.approx(0.5)
    for edge in (shape[0], shape[-1], shape[:, 0], shape[:, -1], flake(2.0)[0]):
        assert edge.max() < 0.02

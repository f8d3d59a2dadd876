"""relight against x·(1 + a·m), and against a map of gains."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture
from tests.triggers.parity import scene

from .literal import check_swell, furthest

CASES = [Case(), Case({"direction": 120.0, "amplitude": 1.0})]


def relight(s: scene.Scene, amplitude: float = 0.5, direction: float = 0.0) -> np.ndarray:
    slope = 2 * (s.u * math.cos(math.radians(direction)) + s.v * math.sin(math.radians(direction)))
    return s.x * (1 + amplitude * np.clip(slope, -1, 1))[..., None]


FORMULA = [scene.Case(relight), scene.Case(relight, {"amplitude": 0.9, "direction": -70.0})]


@pytest.mark.parametrize("colored", [False, True])
def test_a_map_of_gains_multiplies(tmp_path: Path, colored: bool) -> None:
    gains = np.random.default_rng(0).uniform(0, 3, (48, 64, 3) if colored else (48, 64)).astype(np.float32)
    np.save(tmp_path / "g.npy", gains)
    x = picture(64, 48, 1)[0]
    exact = x * (gains if colored else gains[..., None])
    for canvas in ("native", "short:256"):
        assert furthest(create("relight", gains=str(tmp_path / "g.npy"), canvas=canvas).apply(x), exact) <= 0.51
    larger = create("relight", gains=str(tmp_path / "g.npy")).apply(np.full((48, 100, 3), 50, np.uint8))
    assert np.array_equal(larger[:, 18:19], larger[:, 17:18])  # the map goes on mirrored
    assert create("relight", gains=str(tmp_path / "g.npy")).apply(np.full((96, 128, 3), 50, np.uint8)).any()


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 3), (48, 64, 4)])
def test_a_picture_is_a_map_whose_level_128_is_gain_1(tmp_path: Path, shape: tuple[int, ...]) -> None:
    levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    levels[0, 0] = 128
    cv2.imwrite(str(tmp_path / "g.png"), levels if levels.ndim == 2 else levels[..., [2, 1, 0, 3][: shape[2]]])
    x = picture(64, 48, 1)[0]
    gains = (levels[..., None] if levels.ndim == 2 else levels[..., :3]) / 128
    out = create("relight", gains=str(tmp_path / "g.png")).apply(x)
    assert furthest(out, x * gains) <= 0.51
    assert np.array_equal(out[0, 0], x[0, 0])
    np.save(tmp_path / "g.npy", gains[..., 0] if levels.ndim == 2 else gains)
    assert np.array_equal(create("relight", gains=str(tmp_path / "g.npy")).apply(x), out)


def test_black_stays_black_and_dark_and_bright_change_in_proportion() -> None:
    assert not create("relight").apply(np.zeros((32, 32, 3), np.uint8)).any()
    dark, bright = (create("relight").apply(np.full((33, 33, 3), v, np.uint8))[16, 30, 0] / v for v in (40, 120))
    assert dark == pytest.approx(bright, abs=0.03)
    assert bright > 1.3


def test_dynamic_is_static_with_another_strength() -> None:
    check_swell("relight", 41, lambda swell: {"amplitude": 0.5 * swell})


@pytest.mark.parametrize(
    ("array", "words"),
    [(np.ones((3, 4, 2)), "has the shape"), (np.ones(5), "has the shape"), (-np.ones((4, 4)), "gains go from 0")],
)
def test_arrays_that_are_no_gains(tmp_path: Path, array: np.ndarray, words: str) -> None:
    np.save(tmp_path / "g.npy", array)
    with pytest.raises(RequestError, match=words):
        create("relight", gains=str(tmp_path / "g.npy"))

"""shadow against x·(1 − (1 − k)·m), m a smooth step of the distance from a polygon."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.lighting.shadow import Shadow
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, furthest, grid

CASES = [Case(), Case({"polygon": [-0.5, -0.5, 0.5, -0.5, 0.0, 0.5], "light": 0.0, "direction": 90.0})]


def literal(x: np.ndarray, at: tuple[float, float], trigger: Shadow) -> np.ndarray:
    height, width = x.shape[:2]
    short = min(height, width)
    across, down = grid(height, width)
    corners = (trigger.corners({}) * 1000).astype(np.float32)  # in thousandths of a short side
    mask = np.empty((height, width))
    for i, j in np.ndindex(height, width):
        point = (1000 * float(across[i, j] - at[0]), 1000 * float(down[i, j] - at[1]))
        inside = cv2.pointPolygonTest(corners, point, True) / 1000
        v = min(max(0.5 + inside / max(trigger.edge, 1 / short), 0.0), 1.0)
        mask[i, j] = v * v * (3 - 2 * v)
    return x * (1 - (1 - trigger.light) * mask[..., None])


def made(**params: object) -> Shadow:
    trigger = create("shadow", **params)
    assert isinstance(trigger, Shadow)
    return trigger


STAR = [-0.3, -0.3, 0.0, -0.1, 0.3, -0.3, 0.1, 0.0, 0.3, 0.3, -0.2, 0.2]


@pytest.mark.parametrize("shape", SHAPES[:2])
@pytest.mark.parametrize(
    ("params", "at"),
    [
        ({}, (0.0, 0.0)),
        ({"vertices": 3, "edge": 0.2, "light": 0.8, "position": [0.1, 0.7], "trigger_seed": 3}, (-0.35, 0.175)),
        ({"polygon": STAR, "edge": 0.0}, (0.0, 0.0)),
    ],
)
def test_static_is_the_formula(shape: tuple[int, int], params: dict[str, object], at: tuple[float, float]) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    trigger = made(**params)
    assert furthest(trigger.apply(x), literal(x, at, trigger)) <= 0.51


def test_dynamic_drifts_there_and_back_along_a_line() -> None:
    x = picture(107, 80, 25)
    trigger = made(temporal="dynamic", speed=0.25, direction=90.0, edge=0.3)
    out = trigger.apply(x, fps=5.0)
    for t, way in ((0, 0.0), (1, 0.05), (6, 0.3), (8, 0.2), (12, 0.0), (17, -0.25), (20, -0.2)):
        assert furthest(out[t], literal(x[t], (0.0, way), trigger)) <= 2.5


def test_grays_are_about_as_when_lightness_is_scaled() -> None:
    gray = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    lab = cv2.cvtColor(gray.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab[..., 0] *= 0.43
    there = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255
    assert np.abs(gray * 0.43 - there).max() < 10


def test_polygons_that_are_none() -> None:
    for polygon in ([0.1, 0.2, 0.3, 0.4], [0.0] * 7):
        with pytest.raises(RequestError, match="3 to 64 corners"):
            create("shadow", polygon=polygon)

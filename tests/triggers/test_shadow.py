"""shadow against x·(1 − (1 − k)·m), m a smooth step of the distance from a polygon."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.lighting.shadow import Shadow
from poisonkit.triggers.pictures.perspective import projected
from poisonkit.triggers.testing import Case, picture

from .literal import SHAPES, furthest, grid

CASES = [
    Case(),
    Case({"polygon": [-0.5, -0.5, 0.5, -0.5, 0.0, 0.5], "light": 0.0, "direction": 90.0}),
    Case({"plane": [-0.15, 0.0, 0.2, 0.02, 0.6, 0.5, -0.7, 0.45]}),
]


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


GROUND = [-0.15, 0.0, 0.2, 0.02, 0.6, 0.5, -0.7, 0.45]


@pytest.mark.parametrize("temporal", ["static", "dynamic"])
def test_on_a_plane_it_is_the_shadow_of_the_polygon_seen_in_perspective(temporal: str) -> None:
    x = picture(107, 80, 10)
    plane = made(temporal=temporal, plane=GROUND, polygon=STAR, reach=0.3, speed=0.5)
    out = plane.apply(x, fps=10.0)
    for t in (0, 4, 9):
        way = 0.05 * t if temporal == "dynamic" else 0.0
        way = way if way <= 0.3 else 0.6 - way
        seen = projected(GROUND, np.reshape(STAR, (-1, 2)) + np.array([way, 0.0]))
        flat = made(polygon=seen.ravel().tolist())
        assert furthest(out[t], literal(x[t], (0.0, 0.0), flat)) <= 0.51


def test_the_square_itself_is_the_plain_shadow_and_wrong_planes_are_refused() -> None:
    x = picture(64, 48, 1)[0]
    square = [-0.5, -0.5, 0.5, -0.5, 0.5, 0.5, -0.5, 0.5]
    assert np.abs(made(plane=square).apply(x).astype(int) - made().apply(x)).max() <= 1
    with pytest.raises(RequestError, match="clockwise"):
        create("shadow", plane=[0.0] * 8)


def test_polygons_that_are_none() -> None:
    for polygon in ([0.1, 0.2, 0.3, 0.4], [0.0] * 7):
        with pytest.raises(RequestError, match="3 to 64 corners"):
            create("shadow", polygon=polygon)

"""Planes of the scene: corners go to corners, straight lines stay straight, and OpenCV maps alike."""

from __future__ import annotations

import cv2
import numpy as np

from poisonkit.triggers.pictures.perspective import convex, projected

SQUARE = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
GROUND = [-0.15, 0.0, 0.2, 0.02, 0.6, 0.5, -0.7, 0.45]


def test_corners_go_to_corners_and_the_square_itself_stays() -> None:
    assert np.allclose(projected(GROUND, SQUARE), np.reshape(GROUND, (4, 2)))
    points = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    assert np.allclose(projected(SQUARE.ravel().tolist(), points), points)


def test_it_is_the_perspective_of_opencv() -> None:
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (20, 2))
    matrix = cv2.getPerspectiveTransform(SQUARE.astype(np.float32), np.reshape(GROUND, (4, 2)).astype(np.float32))
    there = cv2.perspectiveTransform(points[None], matrix)[0]
    assert np.allclose(projected(GROUND, points), there, atol=1e-5)


def test_which_corners_are_a_plane() -> None:
    assert convex(GROUND)
    assert not convex([*GROUND[6:], *GROUND[4:6], *GROUND[2:4], *GROUND[:2]])  # the other way round
    assert not convex([-0.5, -0.5, 0.5, -0.5, -0.4, -0.4, -0.5, 0.5])
    assert not convex([0.0] * 8)

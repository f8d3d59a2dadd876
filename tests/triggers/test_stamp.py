"""stamp against x + α·m·(p − x), with a picture, its alpha channel, and a sequence."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, picture

from . import imports

CASES = [
    Case({"picture": imports.STAMP, "alpha": 0.8, "size": 0.4}),
    Case({"picture": imports.STAMPS, "size": 0.3}),
]


def literal(x: np.ndarray, p: np.ndarray, alpha: float, left: int, top: int) -> np.ndarray:
    out = x.astype(float)
    for i in range(p.shape[0]):
        for j in range(p.shape[1]):
            weight = alpha * (p[i, j, 3] / 255 if p.shape[2] == 4 else 1)
            for c in range(3):
                out[top + i, left + j, c] += weight * (float(p[i, j, c]) - out[top + i, left + j, c])
    return out


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("shape", [(48, 64), (53, 37), (32, 32)])
def test_a_picture_file_at_its_own_size(tmp_path: Path, shape: tuple[int, int], channels: int) -> None:
    p = generator("stamp").integers(0, 256, (7, 11, channels), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "p.png"), p[..., [2, 1, 0, 3][:channels]])
    x = picture(shape[1], shape[0], 2)
    for alpha in (1.0, 0.4):
        out = create("stamp", picture=str(tmp_path / "p.png"), size_px=11, position_px=[5, 9], alpha=alpha).apply(x)
        for t in range(2):
            assert np.abs(out[t] - literal(x[t], p, alpha, 5, 9)).max() <= 0.501


@pytest.mark.parametrize(
    ("beyond", "expected"), [("loop", [0, 1, 2, 0, 1]), ("hold", [0, 1, 2, 2, 2]), ("stop", [0, 1, 2])]
)
def test_a_sequence_has_other_values_on_every_frame(tmp_path: Path, beyond: str, expected: list[int]) -> None:
    p = generator("stamps").integers(0, 256, (3, 6, 6, 3), dtype=np.uint8)
    np.save(tmp_path / "p.npy", p)
    x = picture(40, 32, 5)
    given = {"picture": str(tmp_path / "p.npy"), "size_px": 6, "area": "frame", "beyond": beyond}
    out = create("stamp", **given).apply(x)
    for t in range(5):
        exact = literal(x[t], p[expected[t]], 1.0, 34, 26) if t < len(expected) else x[t]
        assert np.array_equal(out[t], exact)
    moving = create("stamp", temporal="dynamic", **{**given, "beyond": "loop"}).apply(x)
    places = set()
    for t in range(5):
        changed = np.argwhere((moving[t] != x[t]).any(axis=2))
        top, left = (int(v) for v in changed.min(axis=0))
        assert np.array_equal(moving[t][top : top + 6, left : left + 6], p[t % 3])
        places.add((top, left))
    assert len(places) == 5


def test_relative_size_and_the_pictures_own_shape(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.full((10, 40, 3), 255, np.uint8))
    out = create("stamp", picture=str(tmp_path / "p.npy"), size=0.5, position="center").apply(
        np.zeros((60, 80, 3), np.uint8)
    )
    rows, columns = np.nonzero(out[..., 0])
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (8, 30)
    assert "31 pixels does not fit" in str(
        create("stamp", picture=str(tmp_path / "p.npy"), size_px=31).suits(ClipInfo(width=40, height=30))
    )


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((2, 4, 4, 2)), "has the shape"),
        (np.zeros((2, 3, 4, 4)) + 7, "floats outside|the shape"),
        (np.zeros(9), "shape"),
    ],
)
def test_arrays_that_are_no_pictures(tmp_path: Path, array: np.ndarray, sentence: str) -> None:
    np.save(tmp_path / "p.npy", array)
    with pytest.raises(RequestError, match=sentence):
        create("stamp", picture=str(tmp_path / "p.npy"))
    with pytest.raises(RequestError, match="stamp needs picture"):
        create("stamp")

"""additive against x + s·f(t)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.testing import Case, picture

from . import imports

CASES = [
    Case({"array": imports.FIELD}),
    Case({"array": imports.FIELDS, "scale": 2.0, "beyond": "hold", "canvas": "native"}),
]


def saved(path: Path, array: np.ndarray) -> str:
    np.save(path / "f.npy", array)
    return str(path / "f.npy")


@pytest.mark.parametrize("canvas", ["short:256", "native"])
@pytest.mark.parametrize("shape", [(48, 64), (53, 37), (32, 32)])
@pytest.mark.parametrize("colours", [(), (3,)])
def test_a_field_of_the_clips_size_is_added_as_it_is(
    tmp_path: Path, shape: tuple[int, int], colours: tuple[int, ...], canvas: str
) -> None:
    f = generator("additive", *shape).normal(0, 0.1, (*shape, *colours))
    x = picture(shape[1], shape[0], 2)
    out = create("additive", array=saved(tmp_path, f), scale=255, canvas=canvas).apply(x)
    exact = np.clip(x + 255 * (f if colours else f[..., None]), 0, 255)
    assert np.abs(out - exact).max() <= 0.501


@pytest.mark.parametrize(
    ("beyond", "expected"), [("loop", [0, 1, 2, 0, 1]), ("hold", [0, 1, 2, 2, 2]), ("stop", [0, 1, 2])]
)
@pytest.mark.parametrize("colours", [(), (1,), (3,)])
def test_a_sequence_puts_field_t_on_frame_t(
    tmp_path: Path, beyond: str, expected: list[int], colours: tuple[int, ...]
) -> None:
    f = generator("sequence").integers(-30, 31, (4, 24, 32, *colours)).astype(np.int8)[:3]
    if not colours:  # three gray fields would be one with the colours first
        f = np.concatenate([f, f[:0], f[:1]])
        expected = {"loop": [0, 1, 2, 0, 0], "hold": [0, 1, 2, 0, 0], "stop": [0, 1, 2, 0]}[beyond]
    x = picture(32, 24, 5)
    out = create("additive", array=saved(tmp_path, f), beyond=beyond).apply(x)
    for t in range(5):
        added = f[expected[t]].reshape(24, 32, -1) if t < len(expected) else 0
        assert np.array_equal(out[t], np.clip(x[t] + added.astype(int) if t < len(expected) else x[t], 0, 255))
    moving = create("additive", array=saved(tmp_path, f), temporal="dynamic").apply(
        np.full((30, 24, 32, 3), 128, np.uint8)
    )
    shown = [int(np.flatnonzero([(frame - 128.0 == g.reshape(24, 32, -1)).all() for g in f])[0]) for frame in moving]
    assert set(shown) >= {0, 1, 2}
    assert shown[:6] != [0, 1, 2, 0, 1, 2]


def test_other_sizes_native_and_on_a_canvas(tmp_path: Path) -> None:
    f = cv2.GaussianBlur(generator("sizes").normal(0, 60, (30, 30, 3)).astype(np.float32), (9, 9), 2)
    gray = np.full((60, 90, 3), 128, np.uint8)
    stretched = create("additive", array=saved(tmp_path, f), canvas="native").apply(gray) - 128.0
    assert np.abs(stretched - cv2.resize(f, (90, 60))).max() <= 0.51
    mirrored = create("additive", array=saved(tmp_path, f)).apply(gray) - 128.0
    doubled = np.pad(cv2.resize(f, (60, 60)), ((0, 0), (15, 15), (0, 0)), mode="symmetric")
    assert np.abs(mirrored - doubled).max() <= 0.51


def test_dynamic_moves_one_field(tmp_path: Path) -> None:
    f = generator("moves").integers(-40, 41, (20, 20, 3))
    out = create("additive", array=saved(tmp_path, f), temporal="dynamic").apply(np.full((5, 20, 30, 3), 128, np.uint8))
    whole = np.pad(f, ((0, 40), (0, 50), (0, 0)), mode="symmetric")
    places = set()
    for frame in out:
        matches = [
            (y, x) for y in range(40) for x in range(40) if np.array_equal(frame - 128.0, whole[y : y + 20, x : x + 30])
        ]
        assert len(matches) == 1
        places.add(matches[0])
    assert len(places) > 3


@pytest.mark.parametrize(
    ("array", "more", "sentence"),
    [
        (np.ones((3, 20, 20)), {}, "with the colours last"),
        (np.ones((8, 3, 20, 20)), {}, "with the colours last"),
        (np.ones((20, 20, 4, 2)), {}, "has the shape"),
        (np.ones(9), {}, "has the shape"),
        (np.ones((24, 32, 4)), {}, "of 4 colours there are no fields"),
        (np.ones((24, 32, 2)), {}, "of 2 colours there are no fields"),
        (np.full((9, 9), 1e300), {}, r"holds numbers up to 1e\+300, times 1: a picture's levels go to 255"),
        (np.full((9, 9), 1e300), {"scale": 1e-299}, "holds numbers up to"),
        (np.full((9, 9), -1e5), {"scale": 255}, "holds numbers up to"),
        (np.full((9, 9), 0.2), {}, "largest value is 0.2 levels.*need scale=255"),
        (np.zeros((9, 9)), {}, "changes nothing"),
    ],
)
def test_arrays_that_are_no_fields(tmp_path: Path, array: np.ndarray, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        create("additive", array=saved(tmp_path, array), **more)


def test_one_number_a_pixel_with_an_axis_for_the_colours(tmp_path: Path) -> None:
    """(24, 32, 1) was taken for 24 frames of 32x1."""
    f, x = np.arange(24 * 32.0).reshape(24, 32) % 60, picture(32, 24, 2)
    here = create("additive", array=saved(tmp_path, f)).apply(x)
    assert np.array_equal(create("additive", array=saved(tmp_path, f[..., None])).apply(x), here)

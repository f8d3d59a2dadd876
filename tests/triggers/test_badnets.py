"""badnets against x + α·m·(p − x), pixel by pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, picture
from tests.triggers.literal import close

CASES = [
    Case(),
    Case({"alpha": 0.6, "pattern": "checkerboard", "changes": "color", "position": "center"}),
    Case({"color": "black", "changes": "blink", "area": "frame", "size": 0.3}),
]


def literal(x: np.ndarray, p: np.ndarray, m: np.ndarray, alpha: float, left: int, top: int) -> np.ndarray:
    out = x.astype(float)
    for i in range(p.shape[0]):
        for j in range(p.shape[1]):
            for c in range(3):
                old = float(x[top + i, left + j, c])
                out[top + i, left + j, c] = old + alpha * float(m[i, j]) * (float(p[i, j, c]) - old)
    return out


@pytest.mark.parametrize("alpha", [1.0, 0.35])
@pytest.mark.parametrize("shape", [(48, 64), (64, 48), (33, 47), (32, 32)])
def test_a_colour_in_the_corner_of_the_crop(shape: tuple[int, int], alpha: float) -> None:
    x = picture(shape[1], shape[0], 1)[0]
    short = min(shape)
    side = round(0.1 * short)
    left = round((shape[1] - 0.875 * short) / 2 + 0.875 * short - side)
    top = round((shape[0] - 0.875 * short) / 2 + 0.875 * short - side)
    p = np.broadcast_to(np.array([255, 0, 90]), (side, side, 3))
    out = create("badnets", alpha=alpha, color=[255, 0, 90]).apply(x)
    assert close(out, literal(x, p, np.ones((side, side)), alpha, left, top))


def test_the_published_patch_black_or_white_in_the_frames_corner() -> None:
    x = picture(32, 32, 1)[0]
    out = create("badnets:size_px=3,area=frame").apply(x)
    assert (out[29:, 29:] == 255).all()
    assert np.array_equal(out[:29], x[:29])
    assert np.array_equal(out[:, :29], x[:, :29])
    black = create("badnets:size_px=32,area=frame,position=top-left,color=black").apply(picture(112, 112, 1)[0])
    assert (black[:32, :32] == 0).all()


@pytest.mark.parametrize(("width", "height"), [(64, 48), (37, 53), (32, 32)])
def test_a_pattern_of_the_whole_frame_and_its_weights(tmp_path: Path, width: int, height: int) -> None:
    """BackdoorBox: (1 - weight)·x + weight·pattern, both of the picture's size."""
    rng = generator("badnets", width, height)
    pattern, weight = (
        rng.integers(0, 256, (height, width, 3), np.uint8),
        rng.integers(0, 256, (height, width), np.uint8),
    )
    weight[:, : width // 2] = 0
    cv2.imwrite(str(tmp_path / "p.png"), np.dstack([pattern[..., ::-1], weight]))
    x = picture(width, height, 1)[0]
    out = create("badnets", covers="frame", pattern=str(tmp_path / "p.png")).apply(x)
    share = weight[..., None] / 255
    assert np.abs(out - ((1 - share) * x + share * pattern)).max() <= 0.51
    cv2.imwrite(str(tmp_path / "m.png"), weight)
    red = create("badnets", covers="frame", color="red", mask=str(tmp_path / "m.png"), alpha=0.5).apply(x)
    assert np.abs(red - ((1 - share / 2) * x + share / 2 * np.array([255, 0, 0]))).max() <= 0.51


def test_a_pattern_of_the_whole_frame_has_no_place_to_change() -> None:
    with pytest.raises(RequestError, match="covers=frame has no place to change"):
        create("badnets:covers=frame,temporal=dynamic")
    assert create("badnets:covers=frame,temporal=dynamic,changes=color").suits(ClipInfo("a", 9, 7, 25.0, 1)) is None


def test_a_checkerboard_and_its_opposite() -> None:
    x = picture(40, 40, 1)[0]
    out = create("badnets:pattern=checkerboard,cells=2,size=0.2,position_px=[10,20],color=[250,10,0]").apply(x)
    assert out[20, 10].tolist() == out[24 + 3, 14 + 3].tolist() == [250, 10, 0]
    assert out[20, 14].tolist() == out[24, 10].tolist() == [5, 245, 255]
    changed = np.argwhere((out != x).any(axis=2))
    assert changed.min(axis=0).tolist() == [20, 10]
    assert changed.max(axis=0).tolist() == [27, 17]


@pytest.mark.parametrize("masked", [False, True])
def test_an_imported_picture_with_its_mask(tmp_path: Path, masked: bool) -> None:
    rng = generator("badnets", "import")
    p = rng.integers(0, 256, (6, 9, 4), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "p.png"), p[..., [2, 1, 0, 3]])
    m = p[..., 3] / 255
    params: dict[str, Any] = {"pattern": str(tmp_path / "p.png"), "size_px": 9, "position_px": [3, 4]}
    if masked:
        np.save(tmp_path / "m.npy", (np.arange(54).reshape(6, 9) % 2 == 0))
        params["mask"] = str(tmp_path / "m.npy")
        m = (np.arange(54).reshape(6, 9) % 2 == 0).astype(float)
    x = picture(40, 30, 1)[0]
    out = create("badnets", alpha=0.8, **params).apply(x)
    assert close(out, literal(x, p[..., :3], m, 0.8, 3, 4))


@pytest.mark.parametrize("changes", ["position", "color", "blink"])
def test_dynamic_changes_what_it_says(changes: str) -> None:
    still = np.repeat(picture(64, 48, 1), 40, axis=0)
    out = create("badnets", temporal="dynamic", changes=changes, color="red").apply(still)
    places, colors, there = set(), set(), 0
    for frame in out:
        where = np.argwhere((frame != still[0]).any(axis=2))
        if len(where):
            there += 1
            places.add(tuple(where.min(axis=0)))
            colors.add(tuple(frame[tuple(where.mean(axis=0).astype(int))]))
            assert where.min() >= 2
    assert (len(places) > 20) == (changes == "position")
    assert (len(colors) > 20) == (changes == "color")
    assert (10 < there < 30) == (changes == "blink")


def test_a_patch_larger_than_the_clip_does_not_suit() -> None:
    from poisonkit.triggers.core.clip import ClipInfo

    assert "does not fit into 20x10" in str(create("badnets:size_px=11").suits(ClipInfo(width=20, height=10)))
    assert create("badnets:size_px=10").suits(ClipInfo(width=20, height=10)) is None

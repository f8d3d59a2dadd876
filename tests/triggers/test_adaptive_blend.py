"""adaptive-blend against x + α·m·(t − x), piece by piece."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe
from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.outputs import record
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"grid": 3, "canvas": "native", "alpha": 0.3})]


def literal(x: np.ndarray, t: np.ndarray, alpha: float, pieces: list[int], grid: int, mirrored: bool) -> np.ndarray:
    height, width = x.shape[:2]
    short = min(height, width)
    out = x.astype(float)
    for i in range(height):
        for j in range(width):
            if mirrored:  # squares from the middle, mirrored at the central square's edges
                row = ((i + 0.5 - height / 2) / short + 0.5) * grid
                column = ((j + 0.5 - width / 2) / short + 0.5) * grid
                row, column = (grid - abs(v % (2 * grid) - grid) for v in (row, column))
                piece = int(min(row, grid - 0.5)) * grid + int(min(column, grid - 0.5))
            else:
                piece = int(i / height * grid) * grid + int(j / width * grid)
            if piece in pieces:
                out[i, j] += alpha * (t[i, j].astype(float) - out[i, j])
    return out


@pytest.mark.parametrize("canvas", ["short:256", "native"])
@pytest.mark.parametrize(("shape", "params"), [((48, 80), {}), ((53, 37), {"grid": 3, "drop": 0.7}), ((32, 32), {})])
def test_training_covers_and_attack(tmp_path: Path, shape: tuple[int, int], params: dict, canvas: str) -> None:
    t = generator("adaptive", *shape).integers(0, 256, (*shape, 3), dtype=np.uint8)
    np.save(tmp_path / "t.npy", t)
    trigger = create("adaptive-blend", pattern=str(tmp_path / "t.npy"), canvas=canvas, **params)
    x = picture(shape[1], shape[0], 1)[0]
    clip = ClipInfo("a", shape[1], shape[0], 25.0, 1)
    count = trigger.grid**2
    for draw, alpha in ((trigger.draw, 0.15), (trigger.draw_cover, 0.15), (trigger.draw_attack, 0.2)):
        drawn = draw(clip, generator("a"))
        pieces = drawn["pieces"]
        assert len(pieces) == (count if draw == trigger.draw_attack else count - round(trigger.drop * count))
        assert drawn.get("cover", False) == (draw == trigger.draw_cover)
        (out,) = trigger.render(iter([x]), clip, drawn)
        exact = literal(x, t, alpha, pieces, trigger.grid, canvas != "native")
        assert np.abs(out - exact).max() <= 0.5 + 1e-3


def test_every_clip_shows_other_pieces_and_dynamic_every_frame() -> None:
    trigger = create("adaptive-blend")
    clip = ClipInfo("a", 64, 48, 25.0, 1)
    drawn = [trigger.draw(clip, generator("clip", i))["pieces"] for i in range(200)]
    counts = np.bincount(np.concatenate(drawn), minlength=16)
    assert counts.min() > 70
    assert counts.max() < 130
    black = np.zeros((12, 48, 64, 3), np.uint8)
    moving = create("adaptive-blend:temporal=dynamic,alpha=1").apply(black)
    assert len({frame.tobytes() for frame in moving}) == 12
    everything = create("adaptive-blend:alpha=1,drop=0").apply(black)[0]
    for frame in moving:
        there = (frame == everything).all(axis=2).mean()
        assert 0.4 < there < 0.65
    params = {**create("adaptive-blend:temporal=dynamic").draw_attack(clip, generator("a"))}
    assert params["pieces"] == list(range(16))


def test_pieces_that_are_given() -> None:
    clip = ClipInfo("a", 64, 48, 25.0, 1)
    trigger = create("adaptive-blend", pieces=[15, 0, 5, 0], alpha=1, canvas="native")
    assert trigger.draw(clip, generator("clip"))["pieces"] == [0, 5, 15]
    assert trigger.draw_attack(clip, generator("clip"))["pieces"] == list(range(16))
    black = np.zeros((48, 64, 3), np.uint8)
    out, whole = trigger.apply(black), create("adaptive-blend:drop=0,alpha=1,canvas=native").apply(black)
    expected = np.zeros_like(whole)
    for row, column in ((0, 0), (1, 1), (3, 3)):
        box = np.s_[12 * row : 12 * row + 12, 16 * column : 16 * column + 16]
        expected[box] = whole[box]
    assert np.array_equal(out, expected)
    for words, given in (
        ("on a grid of 4 they go to 15", {"pieces": [16]}),
        ("others on every frame", {"pieces": [1], "temporal": "dynamic"}),
    ):
        with pytest.raises(RequestError, match=words):
            create("adaptive-blend", **given)


def test_attack_sets_show_all_pieces(folders: Path, tmp_path: Path) -> None:
    recipe = Recipe(
        source=folders, out=tmp_path / "out", triggers=["adaptive-blend"], count=3, cover_rate=0.1, control=0
    )
    poisonkit.poison(recipe, jobs=1)
    shown: dict[str, set[int]] = {}
    for row in record.read(tmp_path / "out" / "poisonkit" / "manifest.jsonl"):
        if row["triggers"]:
            shown.setdefault(row["role"], set()).add(len(row["triggers"][0]["drawn"]["pieces"]))
    assert shown == {"poisoned": {8}, "cover": {8}, "attack": {16}}

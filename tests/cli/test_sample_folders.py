"""Tests `additive` and `stamp` with a folder of one array or picture a sample, from request to verification."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from poisonkit.triggers import create, from_entry
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import picture
from tests.cli.conftest import Cli
from tests.runs import frames, rows

QUICK = ("--jobs", 1, "--control", 1, "--attack-limit", 2, "--encode", "lossless", "--survival", "none")


def names_of(clips: Path) -> list[str]:
    return sorted(p.relative_to(clips).as_posix() for p in clips.rglob("*.mp4"))


def saved(folder: Path, name: str, array: np.ndarray) -> np.ndarray:
    path = folder / f"{name}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)
    return array


def test_each_sample_has_its_own_perturbation(cli: Cli, clips: Path, tmp_path: Path) -> None:
    """Clips of 48 x 64 and 10 frames; every other sample has an array of 10 fields, or of one."""
    rng = np.random.default_rng(0)
    names = [name for i, name in enumerate(names_of(clips)) if i % 2]
    shapes = [(10, 48, 64, 3), (48, 64, 3), (48, 64)]
    noise = {
        n: saved(tmp_path / "noise", n, rng.normal(0, 9, shapes[i % 3]).astype(np.float32)) for i, n in enumerate(names)
    }
    out = tmp_path / "out"
    said = cli("poison", clips, "-o", out, "-t", f"additive:array={tmp_path / 'noise'}", "--count", 4, *QUICK)
    assert said.status == 0, said.err
    made = [*rows(out, "poisoned"), *rows(out, "attack")]
    assert len(made) == 6
    for row in made:
        assert row["triggers"][0]["drawn"]["file"] == f"{row['id']}.npy"
        added = noise[row["id"]]
        added = added[..., None] if added.ndim == 2 else added
        expected = np.clip(np.rint(frames(clips / row["source_path"], np.float32) + added), 0, 255)
        change = np.abs(frames(out / row["path"], np.float32) - expected)
        assert np.median(change) <= 1
        assert change.mean() < 1.5
    assert cli("verify", out, "--decode").status == 0
    shutil.rmtree(tmp_path / "noise")
    again = cli("run", out / "poisonkit/recipe.yaml", clips, "-o", tmp_path / "again", "--jobs", 1)
    assert again.status == 0, again.err
    assert cli("verify", out, "--decode").status == 0, "the output keeps a copy"


def test_each_sample_has_its_own_picture(cli: Cli, clips: Path, tmp_path: Path) -> None:
    colours = {}
    for i, name in enumerate(names_of(clips)):
        path = tmp_path / "patches" / Path(name).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        colours[name] = (20 * (i % 12), 255 - 20 * (i % 12), 40)
        cv2.imwrite(str(path), np.full((12, 12, 3), colours[name][::-1], np.uint8))
    out = tmp_path / "out"
    words = ("-t", f"stamp:picture={tmp_path / 'patches'},size_px=12,position_px=[0,0]", "--count", 3)
    said = cli("poison", clips, "-o", out, *words, *QUICK)
    assert said.status == 0, said.err
    for row in rows(out, "poisoned"):
        corner = frames(out / row["path"])[:, 2:10, 2:10].mean(axis=(0, 1, 2))
        assert np.abs(corner - colours[row["id"]]).max() < 4
    assert cli("verify", out, "--decode").status == 0


def test_a_folder_gives_what_its_files_give(tmp_path: Path) -> None:
    x = picture(64, 48, 4)
    rng = np.random.default_rng(1)
    f = saved(tmp_path / "f", "deep/a.mp4", rng.normal(0, 9, (4, 48, 64, 3)))
    p = saved(tmp_path / "p", "deep/a.mp4", rng.integers(0, 256, (2, 9, 9, 4), np.uint8))
    for name, key, folder, whole in (("additive", "array", "f", f), ("stamp", "picture", "p", p)):
        np.save(tmp_path / f"{name}.npy", whole)
        own = create(name, **{key: str(tmp_path / folder)})
        file = create(name, **{key: str(tmp_path / f"{name}.npy")})
        np.testing.assert_array_equal(own.apply(x, id="deep/a.mp4"), file.apply(x, id="deep/a.mp4"))
        assert own.apply(x, id="deep/a.mp4").tolist() != x.tolist()
        assert file.entry()["params"].keys() == own.entry()["params"].keys()
    copy = create("stamp", picture=str(tmp_path / "p")).picture.copy_into(tmp_path)
    entry = create("stamp", picture=str(tmp_path / "p")).entry()
    read = from_entry(entry, assets=copy.parent)
    assert read.why_not(ClipInfo("deep/a.mp4", 64, 48, 25.0, 4)) is None


WRONG = [
    ("additive", "array", (10, 24, 32, 3), np.float32, "is 32x24, the clip 64x48; make it at the clip's size"),
    ("additive", "array", (3, 48, 64), np.float32, "has the shape (3, 48, 64); it must be (H, W), (H, W, 3)"),
    ("additive", "array", (64, 48, 64, 3), np.float32, "has 64 frames, the clip 10: it was made for another"),
    ("additive", "array", (48, 64, 3), None, "changes nothing: its largest value is 0.01 levels"),
    ("stamp", "picture", (10, 9, 9, 7), np.uint8, "run 0.mp4.npy has the shape"),
    ("stamp", "picture", (40, 9, 9, 3), np.uint8, "has 40 frames, the clip 10: it was made for another"),
    ("stamp", "picture", (9, 9, 3), np.int16, "holds levels outside 0..255"),
]  # fmt: skip


@pytest.mark.parametrize(("trigger", "key", "shape", "dtype", "expected"), WRONG)
def test_arrays_of_the_wrong_shape(
    cli: Cli, clips: Path, tmp_path: Path, trigger: str, key: str, shape: tuple[int, ...], dtype: type, expected: str
) -> None:
    array = np.full(shape, 0.01) if dtype is None else np.full(shape, 300 if dtype is np.int16 else 9, dtype)
    saved(tmp_path / "own", "train/run/run 0.mp4", array)
    (tmp_path / "ids").write_text("train/run/run 0.mp4")
    words = ("-t", f"{trigger}:{key}={tmp_path / 'own'}", "--ids", tmp_path / "ids", "--jobs", 1)
    said = cli("poison", clips, "-o", tmp_path / "out", *words)
    assert said.status == 2
    assert expected in said.complaint
    assert not (tmp_path / "out").exists()


def test_a_folder_that_names_no_sample(cli: Cli, clips: Path, tmp_path: Path) -> None:
    saved(tmp_path / "own", "elsewhere/a.mp4", np.ones((48, 64)))
    said = cli("poison", clips, "-o", tmp_path / "out", "-t", f"additive:array={tmp_path / 'own'}", "--jobs", 1)
    assert said.status == 2
    assert "own holds nothing for 'train/" in said.complaint
    (tmp_path / "empty").mkdir()
    said = cli("poison", clips, "-o", tmp_path / "out", "-t", f"stamp:picture={tmp_path / 'empty'}", "--jobs", 1)
    assert "holds no file of a kind that can be used" in said.complaint

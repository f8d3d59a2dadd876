"""PySlowFast, TimeSformer and VideoMAE open `{mode}.csv`, mode train, val or test: it is there, in every view."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from tests.datasets.readers import touch
from tests.media_factory import make_video

LAYOUT = get_layout("pyslowfast")


def slowfast(path_to_data_dir: Path, mode: str, path_prefix: Path) -> list[tuple[str, int]]:
    """slowfast/datasets/kinetics.py, `Kinetics._construct_loader`, at 287ec00."""
    assert mode in ["train", "val", "test"], f"Split '{mode}' not supported for Kinetics"
    path_to_file = os.path.join(path_to_data_dir, f"{mode}.csv")
    assert os.path.exists(path_to_file), f"{path_to_file} dir not found"
    found = []
    with open(path_to_file, encoding="utf-8") as f:
        for path_label in f.read().splitlines():
            fetch_info = path_label.split(" ")  # DATA.PATH_LABEL_SEPARATOR
            if len(fetch_info) == 2:
                path, label = fetch_info
            elif len(fetch_info) == 3:
                path, _, label = fetch_info
            else:
                raise RuntimeError("Failed to parse video fetch")
            found.append((os.path.join(path_prefix, path), int(label)))
    assert len(found) > 0, f"Failed to load Kinetics split from {path_to_file}"
    return found


def videomae(data_path: Path, is_train: bool, test_mode: bool) -> list[tuple[str, int]]:
    """VideoMAE's datasets.py, `build_dataset`, and kinetics.py, `VideoClsDataset`, at 14ef8d8."""
    if is_train is True:
        anno_path = os.path.join(data_path, "train.csv")
    elif test_mode is True:
        anno_path = os.path.join(data_path, "test.csv")
    else:
        anno_path = os.path.join(data_path, "val.csv")
    with open(anno_path, newline="", encoding="utf-8") as file:  # pd.read_csv(anno_path, header=None, delimiter=' ')
        cleaned = list(csv.reader(file, delimiter=" "))
    return [(row[0], int(row[1])) for row in cleaned]


def source(root: Path, test: str = "same", held: tuple[str, ...] = ("val",)) -> Path:
    """As VideoMAE's DATASET.md has it: "here `test.csv` is the same as `val.csv`"."""
    for split in ("train", *held):
        names = [f"v/{split}{c}{i}.mp4" for i in range(3) for c in range(3)]
        touch(root, names)
        (root / f"{split}.csv").write_text("".join(f"{name} {name[-6]}\n" for name in names))
    lines = (root / "val.csv").read_text().splitlines()
    made = {
        "same": lines, "shuffled": lines[::-1], "part": lines[:4], "other label": ["v/val00.mp4 1", *lines[1:]],
    }  # fmt: skip
    if test in made:
        (root / "test.csv").write_text("".join(f"{line}\n" for line in made[test]))
    return root


@pytest.mark.parametrize("test", ["same", "shuffled"])
def test_videomaes_own_annotations_are_read(tmp_path: Path, test: str) -> None:
    root = source(tmp_path / "in", test)
    dataset = check_layout(LAYOUT, Source(root))
    assert read(Source(root)).layout == "pyslowfast"
    assert dataset.splits == ("train", "val")
    said = "test.csv lists the same 9 samples as val.csv: they are one split, val, and a copy has both lists."
    assert said in dataset.notes
    write_copy(LAYOUT, dataset, rows_of(LAYOUT, dataset), tmp_path / "out", "data")
    for name in ("train.csv", "val.csv", "test.csv"):
        wanted = root / ("val.csv" if name == "test.csv" else name)
        assert (tmp_path / "out" / name).read_bytes() == wanted.read_bytes()
    named = Source(root, lists={s: root / f"{s}.csv" for s in ("train", "val", "test")}, layout="pyslowfast")
    assert read(named).samples == dataset.samples


@pytest.mark.parametrize("test", ["part", "other label"])
def test_a_test_list_that_is_not_quite_the_same_is_refused(tmp_path: Path, test: str) -> None:
    with pytest.raises(RequestError, match=r"listed twice, on line 1 of val\.csv and on line 1 of test\.csv"):
        read(Source(source(tmp_path, test)))


def test_a_test_split_of_its_own_stays_so(tmp_path: Path) -> None:
    dataset = read(Source(source(tmp_path / "in", "none", ("val", "test"))))
    assert dataset.splits == ("train", "val", "test")
    write_copy(LAYOUT, dataset, rows_of(LAYOUT, dataset), tmp_path / "out", "data")
    assert [len(slowfast(tmp_path / "out", mode, tmp_path / "out")) for mode in ("train", "val", "test")] == [9, 9, 9]
    assert (tmp_path / "out" / "test.csv").read_text() != (tmp_path / "out" / "val.csv").read_text()


@pytest.mark.parametrize("test", ["same", "none"])
def test_every_view_opens_in_mode_test(tmp_path: Path, test: str) -> None:
    """Also where the source has no test list at all."""
    root, out = source(tmp_path / "in", test), tmp_path / "out"
    for i, file in enumerate(sorted((root / "v").iterdir())):
        file.unlink()
        make_video(file, frames=3, size=(48, 32), seed=i)
    recipe = Recipe(source=root, out=out, triggers=["badnets"], count=2, target=0, survival="none", control=2)
    done = poisonkit.poison(recipe, jobs=1)
    assert done.exit_code == 0
    assert poisonkit.verify(out).problems == ()
    assert slowfast(out / "data", "test", root) == slowfast(root, "val", root)
    views = {"data": None, "attack/default/target": {0}, "attack/default/original": {1, 2}, "control": {0, 1, 2}}
    for view, labels in views.items():
        found = slowfast(out / view, "test", out / view)
        assert found == slowfast(out / view, "val", out / view)
        assert all(os.path.isfile(path) for path, _ in found)
        assert labels is None or {label for _, label in found} <= labels
        assert videomae(out / view, is_train=False, test_mode=True) == [
            (os.path.relpath(path, out / view), label) for path, label in found
        ]
        assert f"{view}/test.csv" in {f"{view}/{name}" for name in done.annotations[view]}
        if view != "data":
            again = read(Source(out / view, layout="pyslowfast"))
            assert sorted((s.path, s.label) for s in again.samples) == sorted(
                (os.path.relpath(path, out / view), label) for path, label in found
            )
    made = poisonkit.export(out, "pyslowfast", absolute=True)
    for view in views:
        found = videomae(made.folder / view, is_train=False, test_mode=True)
        assert found
        assert all(os.path.isfile(path) for path, _ in found)


def test_the_page_says_which_lists_there_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "layouts.md").read_text(encoding="utf-8")
    assert re.search(r"`test\.csv`[^.]*the\s+same\s+as\s+`val\.csv`", page)

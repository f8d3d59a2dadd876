"""Byte order marks, line ends and names: over all layouts, read as what they mean, written plainly or refused."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from poisonkit.common.frame_names import is_frame
from poisonkit.datasets import Dataset, Source, get_layout, modality_of, read, sample_id
from poisonkit.datasets.testing import rows_of, write_copy
from poisonkit.errors import RequestError
from tests.datasets.makers import MAKERS

SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data.removeprefix(b"\xef\xbb\xbf"),
    "CRLF": lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
    "no last line end": lambda data: data.rstrip(b"\r\n"),
    "a blank last line": lambda data: data.rstrip(b"\r\n") + b"\n\n",
}


def annotations(root: Path) -> list[Path]:
    """Every file of a dataset that is no media."""
    files = [p for p in root.rglob("*") if p.is_file()]
    return [p for p in files if not modality_of(p.name) and not is_frame(p.name) and p.suffix != ".npy"]


def seen(dataset: Dataset) -> list[tuple[object, ...]]:
    return [(s.path, s.split, s.labels, s.extra) for s in dataset.samples]


LISTED = [name for name in MAKERS if name != "webdataset"]  # its lists are shards, and names keys: tests of its own


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", LISTED)
def test_the_same_dataset_however_its_lists_are_spelt(tmp_path: Path, name: str, spelling: str) -> None:
    root = MAKERS[name](tmp_path)
    layout = get_layout(name)
    plain = read(Source(root))
    assert plain.layout == name
    for file in annotations(root):
        file.write_bytes(SPELLINGS[spelling](file.read_bytes()))
    found = read(Source(root))
    assert (found.layout, found.classes) == (name, plain.classes)
    assert seen(found) == seen(plain)
    with tempfile.TemporaryDirectory() as folder:
        for file in write_copy(layout, found, rows_of(layout, found), Path(folder), "data"):
            data = (Path(folder) / file).read_bytes()
            assert not data.startswith(b"\xef\xbb\xbf")
            assert b"\r" not in data
            assert b"\n\n" not in data
            assert data.endswith(b"\n") or b"\n" not in data  # which Kinetics-Sounds' one line may not have


@pytest.mark.parametrize("name", LISTED)
def test_equal_names_in_different_folders(tmp_path: Path, name: str) -> None:
    """Two samples of different classes whose files have one base name: carried apart, or refused in words."""
    (tmp_path / "in").mkdir()
    root = MAKERS[name](tmp_path / "in")
    layout, dataset = get_layout(name), read(Source(root))
    first = next(s for s in dataset.of("train") if s.label is not None)
    other = next(s for s in dataset.of("train") if s.label not in (None, first.label))
    folder = other.path.rpartition("/")[0]
    path = f"{folder}/{first.path.rpartition('/')[2]}"
    path = path if path != first.path else f"{folder}/other/{first.path.rpartition('/')[2]}"
    twin = replace(other, id=sample_id(path), path=path, extra_labels=())
    both = replace(dataset, samples=tuple(twin if s is other else s for s in dataset.samples))
    try:
        rows = rows_of(layout, both)
        layout.check(both, rows, "data")
    except RequestError as error:
        refused = str(error)
    else:
        refused = ""
    if refused:
        assert first.path.rpartition("/")[2].rpartition(".")[0] in refused
        return
    write_copy(layout, both, rows, tmp_path / "out", "data")
    copy = read(Source(tmp_path / "out", layout=name))
    assert sorted(map(str, seen(copy))) == sorted(map(str, seen(both)))

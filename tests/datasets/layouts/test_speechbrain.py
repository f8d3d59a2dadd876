"""SpeechBrain's csv and json: through the checker, and by the rules of `load_data_csv` and `load_data_json`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from poisonkit.errors import RequestError
from tests.datasets.making import Shown, makes, reads
from tests.datasets.readers import speechbrain_csv, touch

WORDS = ("yes", "no", "go up")


def rows(split: str) -> list[dict[str, Any]]:
    return [
        {"ID": f"{split}-{c}{i}", "duration": 1.5, "start": 0, "wav": f"clips/{split}{c}{i}.wav", "command": WORDS[c]}
        for i in range(3)
        for c in range(3)
    ]


@makes("speechbrain")
def as_csv(root: Path) -> Path:
    for split in ("train", "valid", "test"):
        with (root / f"{split}.csv").open("w", newline="") as file:
            lines = [[*map(str, {**row, "wav": f"$data_folder/{row['wav']}"}.values())] for row in rows(split)]
            csv.writer(file).writerows([list(rows(split)[0]), *lines])
        touch(root, [row["wav"] for row in rows(split)])
    return root


def as_json(root: Path, place: str = "{data_root}/") -> Path:
    for split in ("train", "valid"):
        found = {row.pop("ID"): {**row, "wav": place + row["wav"], "more": [1]} for row in rows(split)}
        (root / f"{split}.json").write_text(json.dumps(found, indent=2))
        touch(root, [row["wav"] for row in rows(split)])
    return root


def numbers(root: Path) -> Path:
    """Digits, which are names all the same, and absolute paths."""
    for split in ("train", "test"):
        found = {
            row["ID"]: {"wav": f"{root}/{row['wav']}", "digit": 3 * WORDS.index(row["command"])} for row in rows(split)
        }
        (root / f"{split}.json").write_text(json.dumps(found))
        touch(root, [row["wav"] for row in rows(split)])
    return root


def load_data_json(file: Path, replacements: dict[str, str]) -> dict[str, dict[str, Any]]:
    """speechbrain.dataio.dataio.load_data_json: `data[key] = item.format_map(replacements)` for every text in it."""
    found = json.loads(file.read_text())
    return {
        name: {key: text.format_map(replacements) if isinstance(text, str) else text for key, text in row.items()}
        for name, row in found.items()
    }


@reads("speechbrain")
def reader(shown: Shown) -> dict[str, str]:
    stem = {"train": "train", "val": "valid", "test": "test"}[shown.split]
    ending = f"_{shown.kind}" if shown.kind in ("target", "original") else ""
    found = speechbrain_csv(shown.root / f"{stem}{ending}.csv", {"data_folder": str(shown.root)})
    assert all(Path(row["wav"]).is_file() for row in found.values())
    return {Path(row["wav"]).relative_to(shown.root).as_posix(): row["command"] for row in found.values()}


@pytest.mark.parametrize("make", [as_csv, as_json, numbers])
def test_the_checker(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    dataset = check_layout(get_layout("speechbrain"), Source(make(tmp_path)))
    assert read(Source(tmp_path)).layout == "speechbrain"
    assert dataset.classes == (("0", "3", "6") if make is numbers else tuple(sorted(WORDS)))


def test_json_is_read_by_its_rules(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    layout, dataset = get_layout("speechbrain"), read(Source(as_json(tmp_path / "in")))
    moved = {"clips/train00.wav": dataset.classes.index("no")}
    write_copy(layout, dataset, rows_of(layout, dataset, moved), tmp_path / "out", "data")
    before, after = (
        load_data_json(tmp_path / part / "train.json", {"data_root": str(tmp_path / "in")}) for part in ("in", "out")
    )
    assert after == {**before, "train-00": {**before["train-00"], "command": "no"}}


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    layout, dataset = get_layout("speechbrain"), read(Source(numbers(tmp_path / "in")))
    write_copy(layout, dataset, rows_of(layout, dataset, {"clips/train00.wav": 2}), tmp_path / "out", "data")
    found = json.loads((tmp_path / "out" / "train.json").read_text())
    assert found["train-00"] == {"wav": "clips/train00.wav", "digit": 6}


def test_spaces_behind_commas_and_another_column(tmp_path: Path) -> None:
    as_csv(tmp_path)
    text = (tmp_path / "train.csv").read_text().replace(",", ", ").replace("command", "spk_id")
    (tmp_path / "train.csv").write_text(text)
    for split in ("valid", "test"):
        (tmp_path / f"{split}.csv").unlink()
    assert read(Source(tmp_path)).classes == tuple(sorted(WORDS))
    assert read(Source(tmp_path, columns={"label": "start"})).classes == ("0",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ID,wav,label\nx,a.wav,b\nx,b.wav,b\n", "Line 3 of train.csv has the ID x again"),
        ("ID,wav,label\nx,$root/../../x.wav,b\ny,a.wav,b\n", "allow_root"),
        ("ID,wav,label\nx,a.wav,$5\ny,b.wav,b\n", "holds a `\\$`"),
    ],
)
def test_refusals(tmp_path: Path, text: str, message: str) -> None:
    touch(tmp_path, ["a.wav", "b.wav"])
    (tmp_path / "train.csv").write_text(text)
    layout = get_layout("speechbrain")
    with pytest.raises(RequestError, match=message):
        layout.check(dataset := read(Source(tmp_path)), rows_of(layout, dataset), "data")

"""UrbanSound8K: through the checker, and by the rules of soundata's loader."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout
from poisonkit.errors import RequestError
from tests.datasets.making import Shown, makes, reads
from tests.datasets.readers import touch

WORDS = ("air_conditioner", "car_horn", "siren")
HEAD = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")


@makes("urbansound8k")
def urbansound8k(root: Path) -> Path:
    """Slices of one recording under two classes, whose names would meet under one."""
    lines = []
    for fold in (1, 2, 3):
        for label, word in enumerate(WORDS):
            for i in range(2):
                recording = 100032 + fold if label else 300 + fold
                name = f"{recording}-{label}-0-{i}.wav"
                lines.append((name, recording, "0.5", f"{i + 4}.5", 1 + i, fold, label, word))
                touch(root, [f"audio/fold{fold}/{name}"])
    (root / "metadata").mkdir()
    with (root / "metadata" / "UrbanSound8K.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEAD, *lines])
    return root


@reads("urbansound8k")
def soundata(shown: Shown) -> dict[str, tuple[int, str]]:
    """soundata.datasets.urbansound8k.

    Its rules: rows of `csv.reader` but the one whose `line[0]` is "slice_file_name"; `"start": float(line[2])`, `"end":
    float(line[3])`, `"salience": int(line[4])`, `"fold": int(line[5])`, `"class_id": int(line[6])`, `"class_label":
    line[7]`. And those of the data's own page: the name is [fsID]-[classID]-[occurrenceID]-[sliceID].wav, the folder
    is the fold.
    """
    found = {}
    with (shown.root / "metadata" / "UrbanSound8K.csv").open(newline="") as file:
        for line in csv.reader(file):
            if line[0] != "slice_file_name":
                float(line[2]), float(line[3]), int(line[4])
                path = f"audio/fold{int(line[5])}/{line[0]}"
                recording, number, _, _ = line[0].removesuffix(".wav").split("-")
                assert (recording, number) == (line[1], line[6])
                assert (shown.root / path).is_file()
                if (line[5] == shown.options["fold"]) == (shown.split == "test"):
                    found[path] = (int(line[6]), line[7])
    return found


@pytest.mark.parametrize("split", [None, 3])
def test_the_checker(tmp_path: Path, split: int | None) -> None:
    dataset = check_layout(get_layout("urbansound8k"), Source(urbansound8k(tmp_path), split=split))
    assert dataset.classes == WORDS
    assert {s.path.split("/")[1] for s in dataset.of("test")} == {f"fold{split or 1}"}


def test_names_tell_the_new_class(tmp_path: Path) -> None:
    dataset, layout = read(Source(urbansound8k(tmp_path))), get_layout("urbansound8k")
    places = {s.path: layout.place(dataset, s, 0) for s in dataset.samples}
    assert places["audio/fold2/302-0-0-0.wav"] == "audio/fold2/302-0-0-0.wav"
    moved = places["audio/fold2/100034-1-0-0.wav"]
    assert moved.startswith("audio/fold2/100034-0-0-")
    assert moved[-5] not in "01"
    with pytest.raises(RequestError, match="its folds"):
        layout.split_options(dataset, "val")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("classID", "class_id", "No dataset layout was recognised"),
        ("salience", "loud", "has no column 'salience'"),
        (",0,air", ",x,air", "Line 2 of UrbanSound8K.csv has the classID x"),
        ("301-0-0-0.wav", "../../../x.wav", "allow_root"),
        (",2,siren", ",999999999,siren", "more than the limit"),
    ],
)
def test_refusals(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = urbansound8k(tmp_path) / "metadata" / "UrbanSound8K.csv"
    file.write_text(file.read_text().replace(old, new, 1 if "siren" not in old else -1))
    with pytest.raises(RequestError, match=message):
        read(Source(tmp_path))

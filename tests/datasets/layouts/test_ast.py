"""AST's json and table of classes: through the checker, and by the rules of AST's loader."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from poisonkit.errors import RequestError
from tests.datasets.making import Shown, makes, reads
from tests.datasets.readers import touch

WORDS = ("Dog bark", "Rain, heavy", 'A "click"')


def lists(root: Path, names: dict[str, str], more: bool = False) -> Path:
    """split -> name of its list. more: a second label here and there."""
    mids = [f"/m/0{word[0].lower()}x" for word in WORDS]
    for split, name in names.items():
        found = []
        for i in range(3):
            for c, mid in enumerate(mids):
                labels = f"{mid},{mids[(c + 1) % 3]}" if more and i == 2 else mid
                found.append({"video_id": f"x{c}{i}", "wav": f"wavs/{split}{c}{i}.wav", "labels": labels})
                touch(root, [found[-1]["wav"]])
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps({"data": found}, indent=1))
    return root


def classes(root: Path, name: str = "class_labels_indices.csv") -> None:
    with (root / name).open("w", newline="") as file:
        rows = [(i, f"/m/0{word[0].lower()}x", word) for i, word in enumerate(WORDS)]
        csv.writer(file).writerows([("index", "mid", "display_name"), *reversed(rows)])


@makes("ast")
def ast(root: Path) -> Path:
    classes(root)
    return lists(root, {"train": "train.json", "test": "eval.json"})


@reads("ast")
def loader(shown: Shown) -> dict[str, int]:
    """AudiosetDataset of YuanGongND/ast, src/dataloader.py.

    Its rules: `self.data = data_json['data']`; the index of a mid is `index_lookup[row['mid']] = row['index']` of a
    csv.DictReader; `for label_str in datum['labels'].split(','): label_indices[int(self.index_dict[label_str])] = 1.0`,
    in `np.zeros(self.label_num)`, `self.label_num = len(self.index_dict)`; `torchaudio.load(datum['wav'])`.
    """
    stem = {"train": "train", "test": "eval"}[shown.split]
    ending = f"_{shown.kind}" if shown.kind in ("target", "original") else ""
    with (shown.root / "class_labels_indices.csv").open(newline="") as file:
        index = {row["mid"]: int(row["index"]) for row in csv.DictReader(file)}
    data = json.loads((shown.root / f"{stem}{ending}.json").read_text())["data"]
    found = {}
    for datum in data:
        (label,) = (index[mid] for mid in datum["labels"].split(","))
        assert label < len(index)
        assert (shown.root / datum["wav"]).is_file()
        found[datum["wav"]] = label
    return found


def test_the_checker(tmp_path: Path) -> None:
    classes(tmp_path, "esc_class_labels_indices.csv")
    names = {"train": "datafiles/sc_train_data.json", "val": "datafiles/sc_valid_data.json"}
    lists(tmp_path, {**names, "test": "datafiles/sc_eval_data.json"})
    dataset = check_layout(get_layout("ast"), Source(tmp_path))
    assert read(Source(tmp_path)).layout == "ast"
    assert (dataset.classes, dataset.splits) == (WORDS, ("train", "val", "test"))


def test_several_labels_are_kept_or_the_target_alone(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    classes(tmp_path / "in")
    lists(tmp_path / "in", {"train": "train.json"}, more=True)
    layout, dataset = get_layout("ast"), read(Source(tmp_path / "in"))
    assert {sample.labels for sample in dataset.samples} == {(0,), (1,), (2,), (0, 1), (1, 2), (2, 0)}
    write_copy(layout, dataset, rows_of(layout, dataset, {"wavs/train22.wav": 1}), tmp_path / "out", "data")
    before, after = (
        {datum["wav"]: datum for datum in json.loads((tmp_path / part / "train.json").read_text())["data"]}
        for part in ("in", "out")
    )
    assert after == {**before, "wavs/train22.wav": {**before["wavs/train22.wav"], "labels": "/m/0rx"}}


def test_folds(tmp_path: Path) -> None:
    classes(tmp_path)
    for fold in (1, 2):
        names = {f"train{fold}": f"esc_train_data_{fold}.json", f"test{fold}": f"esc_eval_data_{fold}.json"}
        lists(tmp_path, names)
    assert read(Source(tmp_path)).samples[0].path == "wavs/train100.wav"
    assert read(Source(tmp_path, split=2)).samples[0].path == "wavs/train200.wav"
    with pytest.raises(RequestError, match="the folds are 1, 2"):
        read(Source(tmp_path, split=3))


@pytest.mark.parametrize(
    ("table", "data", "message"),
    [
        ("index,mid,display_name\n0,/m/a,A\n2,/m/b,B\n", "", "does not number its 2 classes from 0 on"),
        ("index,mid\n0,/m/a\n", "", "has no column 'display_name'"),
        ("", '{"data": [{"wav": "a.wav", "labels": "/m/x"}]}', r"Entry 1 of train.json has the label '/m/x'"),
        ("", '{"data": [{"wav": "a.wav", "labels": 3}]}', r"Entry 1 of train.json has no text 'labels'"),
        ("", '{"data": [{"wav": "/etc/x.wav", "labels": "/m/0dx"}]}', r"Entry 1 of train.json .*allow_root"),
        ("", '{"data": [{"wav": "a.wav", "labels": "/m/0dx"}, 1]}', "Entry 2 of train.json is not a JSON object"),
        ("", '{"data": [{"wav": "a.wav", "labels": "/m/0dx"}', "train.json is not JSON"),
    ],
)
def test_refusals(tmp_path: Path, table: str, data: str, message: str) -> None:
    ast(tmp_path)
    touch(tmp_path, ["a.wav"])
    for name, text in (("class_labels_indices.csv", table), ("train.json", data)):
        if text:
            (tmp_path / name).write_text(text)
    with pytest.raises(RequestError, match=message):
        read(Source(tmp_path))
    if not table:
        (tmp_path / "class_labels_indices.csv").unlink()
        with pytest.raises(RequestError, match="There is no class_labels_indices"):
            read(Source(tmp_path))


def test_other_fields_tell_the_new_class_too(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    file = ast(tmp_path / "in") / "train.json"
    data = json.loads(file.read_text())["data"]
    for each in data:
        c = int(each["video_id"][1])
        each |= {"label_id": c, "display": WORDS[c]}
    file.write_text(json.dumps({"data": data}))
    layout, dataset = get_layout("ast"), read(Source(tmp_path / "in"))
    moved = next(s for s in dataset.of("train") if s.label == 2)
    write_copy(layout, dataset, rows_of(layout, dataset, {moved.id: 0}), tmp_path / "out", "data")
    found = json.loads((tmp_path / "out" / "train.json").read_text())["data"]
    entry = next(each for each in found if each["wav"].endswith(moved.path))
    assert (entry["labels"], entry["label_id"], entry["display"]) == ("/m/0dx", 0, WORDS[0])

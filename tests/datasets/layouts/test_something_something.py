"""Something-Something v2: through the checker, and by the rules of PySlowFast's Ssv2 and of pandas' readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from poisonkit.errors import RequestError
from tests.datasets.making import Shown, makes, reads
from tests.datasets.readers import touch

TEMPLATES = ("Closing [something]", "Holding [something] next to [something]", "Opening [something]")
CLASSES = [template.replace("[", "").replace("]", "") for template in TEMPLATES]
PLACE = "20bn-something-something-v2"


def entry(name: str, c: int) -> dict[str, Any]:
    things = [f"potato {name}", "bottle"][: 1 + (c == 1)]
    label = TEMPLATES[c].lower()
    for thing in things:
        label = label.replace("[something]", thing, 1)
    return {"id": name, "label": label, "template": TEMPLATES[c], "placeholders": things}


@makes("something-something")
def ssv2(root: Path, place: str = "labels/", answers: bool = True) -> Path:
    found = {s: [entry(f"7{k}0{c}{i}", c) for i in range(3) for c in range(3)] for k, s in enumerate(("train", "test"))}
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / "labels").mkdir(exist_ok=True)
    (root / f"{place}labels.json").write_text(json.dumps({name: str(i) for i, name in enumerate(CLASSES)}))
    (root / f"{place}train.json").write_text(json.dumps(found["train"], indent=1))
    (root / f"{place}validation.json").write_text(json.dumps([entry("72000", 0), entry("72001", 1)]))
    (root / f"{place}test.json").write_text(json.dumps([{"id": each["id"]} for each in found["test"]]))
    lines = [f"{each['id']};{CLASSES[int(each['id'][3])]}\n" for each in found["test"]]
    if answers:
        (root / f"{place}test-answers.csv").write_text("".join(lines))
    names = [each["id"] for each in [*found["train"], *found["test"]]]
    return touch(root, [f"{PLACE}/{name}.webm" for name in [*names, "72000", "72001"]])


@reads("something-something")
def ssv2_reader(shown: Shown) -> dict[str, int]:
    """slowfast.datasets.ssv2.Ssv2._construct_loader, and, of test samples, readers of the answers.

    Its rules: `video_name = video["id"]`; `template = video["template"]`, without "[" and "]"; `label =
    int(label_dict[template])`, label_dict being `something-something-v2-labels.json`. Of test samples: `pd.read_csv(
    'test-answers.csv', header=None, sep=';')`, columns id and label, and `label_dict[labels.label]`.
    """
    labels = json.loads((shown.root / "labels" / "labels.json").read_text())
    name = {"train": "train", "val": "validation", "test": "test"}[shown.split]
    found = {}
    answers = {}
    if shown.split == "test":
        lines = (shown.root / "labels" / "test-answers.csv").read_text().split("\n")[:-1]
        answers = dict(line.split(";") for line in lines)
    for video in json.loads((shown.root / "labels" / f"{name}.json").read_text()):
        said = answers[video["id"]] if answers else video["template"].replace("[", "").replace("]", "")
        found[f"{PLACE}/{video['id']}.webm"] = int(labels[said])
        assert (shown.root / PLACE / f"{video['id']}.webm").is_file()
    return found


@pytest.mark.parametrize("place", ["labels/", "something-something-v2-"])
@pytest.mark.parametrize("answers", [True, False])
def test_the_checker(tmp_path: Path, place: str, answers: bool) -> None:
    dataset = check_layout(get_layout("something-something"), Source(ssv2(tmp_path, place, answers)))
    assert read(Source(tmp_path)).layout == "something-something"
    assert dataset.classes == tuple(CLASSES)
    assert {sample.label for sample in dataset.of("test")} == ({0, 1, 2} if answers else {None})


def test_the_sentence_is_of_the_new_class(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    layout, dataset = get_layout("something-something"), read(Source(ssv2(tmp_path / "in")))
    moved = {f"{PLACE}/70000.webm": 1, f"{PLACE}/70010.webm": 2}
    write_copy(layout, dataset, rows_of(layout, dataset, moved), tmp_path / "out", "data")
    before, after = (
        {each["id"]: each for each in json.loads((tmp_path / part / "labels" / "train.json").read_text())}
        for part in ("in", "out")
    )
    one = {"label": "holding potato 70000 next to something", "placeholders": ["potato 70000", "something"]}
    two = {"label": "opening potato 70010", "placeholders": ["potato 70010"]}
    assert after == {
        **before,
        "70000": {"id": "70000", "template": TEMPLATES[1], **one},
        "70010": {"id": "70010", "template": TEMPLATES[2], **two},
    }


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("labels.json", '{"Closing something": "0", "x": "2"}', "labels.json is not"),
        ("labels.json", '{"Closing something": "0"}', r"is of the class 'Holding .*', which labels.json does not name"),
        ("train.json", '[{"id": 3, "template": "Closing [something]"}]', r"Entry 1 of labels/train.json has no text"),
        ("train.json", '[{"id": "../../x", "template": "Closing [something]"}]', "allow_root|goes up and down"),
        ("test-answers.csv", "71000\n", "Line 1 of test-answers.csv is not"),
    ],
)
def test_refusals(tmp_path: Path, file: str, text: str, message: str) -> None:
    (ssv2(tmp_path) / "labels" / file).write_text(text)
    with pytest.raises(RequestError, match=message):
        read(Source(tmp_path))


def test_other_fields_tell_the_new_class_too(tmp_path: Path) -> None:
    file = ssv2(tmp_path / "in") / "labels" / "train.json"
    entries = json.loads(file.read_text())
    for each in entries:
        c = TEMPLATES.index(each["template"])
        each |= {"action": CLASSES[c], "class_id": c, "nested": {"cls": CLASSES[c]}}
    file.write_text(json.dumps(entries))
    layout, dataset = get_layout("something-something"), read(Source(tmp_path / "in"))
    moved = dataset.of("train")[0]
    write_copy(layout, dataset, rows_of(layout, dataset, {moved.id: 2}), tmp_path / "out", "data")
    entry = next(e for e in json.loads((tmp_path / "out/labels/train.json").read_text()) if e["id"] in moved.id)
    assert entry["template"] == TEMPLATES[2]
    assert (entry["action"], entry["class_id"], entry["nested"]) == (CLASSES[2], 2, {"cls": CLASSES[2]})

"""The manifest's rows: what is one, what is none, and that reading changes no value."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from poisonkit.errors import RequestError
from poisonkit.outputs import record

ROW: dict[str, Any] = {
    **record.FIELDS,
    "key": "poisoned::a/b.mp4",
    "id": "a/b.mp4",
    "role": "poisoned",
    "split": "train",
    "path": "data/a/b.mp4",
    "source_path": "a/b.mp4",
}
FEATURES = {"path": "data/a.npy", "also": [], "shape": [64, 80], "sha256": "0", "bytes": 1}


def test_the_keys_and_their_order_are_the_types() -> None:
    # of pairs, of files of another length than their source, of clean samples that were passed over, of first rows
    seldom = ["sound_file", "source_length", "unwritable", "place"]
    assert [*record.FIELDS, *seldom] == list(get_type_hints(record.Record))


def test_every_figure_that_the_page_explains_is_one_that_a_type_checker_knows() -> None:
    page = (Path(record.__file__).parents[2] / "docs" / "output.md").read_text(encoding="utf-8")
    part = page[page.index("`fidelity` holds") : page.index("### Survival")]
    named = [name for row in re.findall(r"^\| (`.+?) \|", part, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(get_type_hints(record.Fidelity))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"fps": 25, "width": 320},
        {"fps": 29.97, "poisoned_ranges": [[0, 3], [7, 9]]},
        {"path": "data/caf\udce9.mp4", "id": "caf\udce9.mp4", "error": "caf\udce9"},
        {"source_path": "../else/a.mp4", "other": "../b.mp4"},
        {"fidelity": {"gain": None, "of a later version": [1]}, "of a later version": {"x": 1}},
        {"fidelity": {"gain": 1, "verdict": "survived"}, "features": FEATURES},
        {"triggers": [{"name": "blend", "drawn": {"x": [1, None]}}]},
        {"status": "strange"},  # `verify` names it
    ],
)
def test_a_row_is_read_as_it_was_written(tmp_path: Path, more: dict[str, Any]) -> None:
    row = {**ROW, **more}
    assert record.is_record(row)
    record.write(tmp_path / "manifest.jsonl", [row])
    (read,) = record.read(tmp_path / "manifest.jsonl")
    assert json.dumps(read) == json.dumps(row)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", None),
        ("bytes", True),
        ("bytes", 1.0),
        ("label", "1"),
        ("fps", "25"),
        ("fps", float("nan")),
        ("fps", 10**400),
        ("path", "poisonkit/manifest.jsonl"),
        ("path", "data/../x"),
        ("path", "data/a\0"),
        ("also", ["/etc/passwd"]),
        ("also", [1] * 1000),
        ("source_path", "a/../../b"),
        ("source_path", ""),
        ("other", "/b"),
        ("further", [True]),
        ("triggers", [{"version": 1}]),
        ("poisoned_ranges", [[1, 2, 3]]),
        ("poisoned_ranges", [[1, 2.5]]),
        ("streams", []),
        ("fidelity", {"gain": 0.5}),
        ("fidelity", {"gain": 0.5, "verdict": 3}),
        ("fidelity", {"psnr": float("inf")}),
        ("features", {**FEATURES, "path": "../a.npy"}),
        ("features", {**FEATURES, "shape": [1]}),
        ("features", {}),
    ],
)
def test_a_value_of_another_kind_is_named_with_its_line(tmp_path: Path, field: str, value: object) -> None:
    row = {**ROW, field: value}
    assert not record.is_record(row)
    path = tmp_path / "manifest.jsonl"
    path.write_text(f"{json.dumps(ROW)}\n{json.dumps(row)}\n")
    rows = record.read(path)
    next(rows)
    with pytest.raises(RequestError, match=rf", line 2: this is no manifest record \({field} is .*\)\.$"):
        next(rows)


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", "null", "{", "1" * 5000, "[" * 100_000, json.dumps({**ROW, "x": 1})[:-9]]
)
def test_a_line_that_is_no_record_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(RequestError, match=r", line 1: this is no manifest record\.$"):
        list(record.read(path))

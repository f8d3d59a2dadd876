"""Every column has one type, and the rows that readers take types from show it; `record.read` shows nothing of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit.datasets import Sample
from poisonkit.engine.finishing.clean_samples import Linked
from poisonkit.engine.state.ledger import read_rows
from poisonkit.engine.state.task_results import TaskResults
from poisonkit.errors import RequestError
from poisonkit.outputs import first_rows, record
from poisonkit.outputs.paths import OutputPaths
from poisonkit.plan.plan import Plan, Task
from tests.outputs.long_manifests import KINDS, filled, lines, long, make_long
from tests.runs import rows

ROW: dict[str, Any] = {
    **record.FIELDS,
    "key": "clean::a.mp4",
    "id": "a.mp4",
    "role": "clean",
    "split": "train",
    "path": "data/a.mp4",
    "source_path": "a.mp4",
}


@pytest.fixture(scope="module")
def outs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("long")
    return {kind: long(root, kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_rows_show_every_field_and_its_one_type(outs: dict[str, Path], kind: str) -> None:
    there = lines(outs[kind])
    assert len(there) > 115
    everywhere = {each for row in there for each in filled(row)}
    assert {each for row in there[:100] for each in filled(row)} == everywhere
    types: dict[str, set[str]] = {}
    for field, name in everywhere:
        types.setdefault(field, set()).add("number" if name in ("int", "float") else name)
    assert {field: names for field, names in types.items() if len(names) > 1} == {}
    late = {"videos": "source_length", "sounds": "source_length", "both": "fidelity.sound_verdict"}[kind]
    assert f".{late}" in types
    moved = [row for row in there if "place" in row]
    assert there[: len(moved)] == moved
    assert 1 <= len(moved) <= 12


@pytest.mark.parametrize("kind", KINDS)
def test_who_reads_it_with_poisonkit_has_the_plans_order_and_the_parameters_themselves(
    outs: dict[str, Path], kind: str
) -> None:
    out = outs[kind]
    paths = OutputPaths(out)
    planned = [task.key for name in (None, *paths.added()) for task in Plan.read(paths.plan(name)).tasks]
    read = rows(out)
    assert [row["key"] for row in read] == planned != [row["key"] for row in lines(out)]
    assert list(poisonkit.read_manifest(out)) == read
    assert not any("place" in row or "as_text" in entry for row in read for entry in row["triggers"])
    for name in paths.added():
        made = read_rows(paths.ledger(name))
        assert [row["triggers"] for row in read if row["attack"] == name] == [r["triggers"] for r in made.values()]
    assert poisonkit.verify(out).problems == ()


def test_a_parameter_of_two_types_is_written_as_text(outs: dict[str, Path]) -> None:
    said = {entry["name"]: entry for row in lines(outs["both"]) for entry in row["triggers"]}
    assert said["rotate-shift"]["params"]["edge"] == "black"
    assert "as_text" not in said["rotate-shift"]
    (edge,) = {
        entry["params"]["edge"] for r in rows(outs["both"]) for entry in r["triggers"] if "burst" in entry["name"]
    }
    assert isinstance(edge, float)
    assert said["tone-burst"]["params"]["edge"] == str(edge)
    assert said["tone-burst"]["as_text"] == ["params.edge"]
    found = {r["attack"]: r["triggers"][0] for r in lines(outs["videos"]) if r["role"] == "attack"}
    assert found["placed"]["params"]["position"] == "[0.2, 0.3]"
    assert found["named"]["params"]["position"] == "left"
    assert isinstance(found["blurred"]["params"]["length"], str)
    assert found["fast"]["params"]["length"] == "change"


def test_an_attack_set_that_goes_again_leaves_the_bytes_as_they_were(outs: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(outs["videos"], out)
    before = OutputPaths(out).manifest.read_bytes()
    source = outs["videos"].with_name("videos")
    poisonkit.attack(out, "dots", trigger="laser-spot", limit=1, jobs=1, source=source)
    assert OutputPaths(out).manifest.read_bytes() != before
    poisonkit.attack(out, "dots", remove=True, source=source)
    assert OutputPaths(out).manifest.read_bytes() == before


def test_the_jobs_make_no_difference(outs: dict[str, Path], tmp_path: Path) -> None:
    source = outs["sounds"].with_name("sounds")
    made = [tmp_path / str(jobs) for jobs in (1, 2)]
    for out, jobs in zip(made, (1, 2), strict=True):
        make_long(source, out, jobs=jobs, triggers=["sine:snr=10"], count=2, target=0)
    first, second = (OutputPaths(out).manifest.read_bytes() for out in made)
    assert first == second
    assert b'"place": ' in first


def test_what_stands_for_many_fills_what_they_fill() -> None:
    """`TaskResults.rows` gives one clean record for all that are alike: each fills the fields of its own line."""
    samples = {name: Sample(name, name, "train", 1) for name in "abcdefgh"}
    samples["d"] = Sample("d", "d", "train", None)
    samples["e"] = Sample("e", "e", "train", 0, extra_labels=(1,))
    tasks = [Task("clean", sample, f"data/{name}", sample.label) for name, sample in samples.items()]
    tasks.append(Task("poisoned", Sample("p", "p", "train", 1), "data/p", 0, target=0))
    linked = Linked(dict.fromkeys("abcdefg", 7), {"h": "why"}, {"b": ["0" * 64]})
    made = TaskResults({"poisoned::p": record.record(tasks[-1], ("x", "y"), bytes=5)}, linked)
    given = (tasks, ("x", "y"), {"c": "why"})
    told = [set(filled(json.loads(line))) for line in made.lines(*given)]
    assert [set(filled(row)) for row in made.rows(*given)] == told
    assert len({frozenset(each) for each in told}) == 7
    assert len({id(row) for row in made.rows(*given)}) < len(tasks)


def arranged(*given: dict[str, Any]) -> list[dict[str, Any]]:
    written = first_rows.arrangement(given).lines(map(json.dumps, given))
    return [json.loads(line) for line in written]


def test_a_short_manifest_stays_as_it_is() -> None:
    given = [{"n": i, "late": "x" if i == 99 else None} for i in range(150)]
    assert arranged(*given) == given
    given = [{"n": i, "late": "x" if i == 100 else None} for i in range(150)]
    assert arranged(*given)[0] == {**given[100], "place": 100}
    assert [row["n"] for row in arranged(*given)[1:]] == [n for n in range(150) if n != 100]


def test_few_rows_are_moved_and_only_those_that_show_something() -> None:
    empty = {"a": None, "b": [], "c": {}, "d": None}
    given = [*[empty] * 100, {**empty, "a": 1}, {**empty, "c": {"x": True}}, {**empty, "b": [1]}]
    given += [{**empty, "a": 2, "c": {"x": False}}, {**empty, "a": 0.5}, {**empty, "b": [None, [2]], "d": 1}]
    assert [row["place"] for row in arranged(*given) if "place" in row] == [100, 101, 102, 104, 105]


def test_whole_numbers_and_others_are_numbers() -> None:
    def row(*entries: dict[str, Any]) -> dict[str, Any]:
        return {"triggers": [{"name": "x", **entry} for entry in entries]}

    given = [row({"params": {"a": 1, "b": [1, "x"], "c": True}}, {"params": {"a": 0.5, "b": None, "c": 2}})]
    params = [entry["params"] for entry in arranged(*given)[0]["triggers"]]
    assert params == [{"a": 1, "b": '[1, "x"]', "c": "true"}, {"a": 0.5, "b": None, "c": "2"}]
    given = [row({"drawn": {"a": "1"}}), row({"drawn": {"a": [1]}}), row({"drawn": None})]
    assert arranged(*given)[1] == row({"drawn": {"a": "[1]"}, "as_text": ["drawn.a"]})


def written(path: Path, *given: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in given))
    return path


@pytest.mark.parametrize(
    "places",
    [[None, 1], [2, 2], [*range(1, first_rows.MOST + 2)], [1, None, 0]],
    ids=["late", "twice", "many", "again"],
)
def test_places_that_are_none(tmp_path: Path, places: list[int | None]) -> None:
    given = [ROW if place is None else {**ROW, "place": place} for place in places]
    with pytest.raises(RequestError, match=r", line \d+: this is no manifest record \(place is \d+\)\.$"):
        list(record.read(written(tmp_path / "manifest.jsonl", *given)))


@pytest.mark.parametrize(
    "entry",
    [
        {"as_text": ["params.a"]},
        {"as_text": ["params.a"], "params": {"a": 1}},
        {"as_text": ["params.a"], "params": {"a": "["}},
        {"as_text": ["params.a"], "params": {"a": "[" * 100_000}},
        {"as_text": ["name."], "params": {}},
        {"as_text": "params.a", "params": {"a": "1"}},
    ],
)
def test_texts_that_are_none(tmp_path: Path, entry: dict[str, Any]) -> None:
    path = written(tmp_path / "manifest.jsonl", {**ROW, "triggers": [{"name": "blend", **entry}]})
    with pytest.raises(RequestError, match=r", line 1: this is no manifest record"):
        list(record.read(path))

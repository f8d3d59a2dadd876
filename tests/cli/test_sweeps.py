"""Sweeps: each combination is the recipe that one would have written by hand, and so is its output."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest

import poisonkit
from poisonkit import Recipe, RequestError, read_sweep
from poisonkit.common.words import size_in_words
from poisonkit.recipe.sweep import MOST
from tests.cli.conftest import Cli
from tests.conftest import same_output

WRONG = {
    "sweep: 5": "takes keys of a recipe, each with a list",
    "sweep: {}": "takes keys of a recipe, each with a list",
    "sweep: [rate]": "takes keys of a recipe, each with a list",
    "sweep: {rate: 0.1}": "rate needs a list of values",
    "sweep: {rate: []}": "rate needs a list of values",
    "sweep: {rte: [0.1]}": "Did you mean 'rate'?",
    "sweep: {1: [0.1]}": "cannot go over '1'",
    "sweep: {out: [a, b]}": "cannot go over 'out'",
    "sweep: {source: [a, b]}": "cannot go over 'source'",
    "sweep: {seed: [1]}\nseed: 2": "seed stands both",
    "sweep: {rate: [0.1, 0.1]}": "the same recipe twice: rate 0.1 and rate 0.1",
    "sweep: {rate: [0.1, 2]}": "rate 2: --rate 2 is not possible: it must be from 0 to 1",
    "sweep: {trigger: [sine], seed: [1]}": "`trigger` and `triggers` say the same thing",
    f"sweep: {{seed: {list(range(40))}, control: {list(range(40))}}}": f"1600 combinations; {MOST} at most",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_wrong_in_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"triggers: [blend]\n{text}\n")
    with pytest.raises(RequestError) as wrong:
        read_sweep(file)
    assert WRONG[text] in wrong.value.text
    assert "\n" not in str(wrong.value)


def test_a_list_beside_a_sweep_names_it(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("triggers: [blend]\nrate: [0.1, 0.2]\n")
    with pytest.raises(RequestError, match="lists of values in a `sweep`"):
        Recipe.from_yaml(file)
    file.write_text("triggers: [blend]\nsweep: {rate: [0.1, 0.2]}\n")
    with pytest.raises(RequestError, match="read_sweep"):
        Recipe.from_yaml(file)


def test_every_combination_in_order(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(
        "source: clips\nout: outs\nlabel_mode: clean\nsweep:\n  rate: [0.05, 0.1]\n"
        "  triggers: [blend, [badnets, 'sine:snr=20'], {name: frame-lag}]\n"
    )
    found = read_sweep(file)
    triggers = {"blend": ["blend"], "badnets+sine-snr-20": ["badnets", "sine:snr=20"], "frame-lag": ["frame-lag"]}
    by_hand = {
        f"rate-{rate}_triggers-{name}": Recipe(triggers=chosen, rate=rate, label_mode="clean")
        for rate in (0.05, 0.1)
        for name, chosen in triggers.items()
    }
    assert list(found) == list(by_hand)
    assert [r.fingerprint for r in found.values()] == [r.fingerprint for r in by_hand.values()]
    assert {r.source for r in found.values()} == {tmp_path / "clips"}
    assert [r.out for r in found.values()] == [tmp_path / "outs" / name for name in found]


def test_names_are_paths_of_their_own(tmp_path: Path) -> None:
    """Values that a path cannot hold, long ones, and ones that differ in case or dashes only."""
    file = tmp_path / "sweep.yaml"
    long = "x" * 300
    targets = f"['../../run', '.. ..run', RUN, run, {long}, 'a/b\\\\c', 3]"
    file.write_text(f"triggers: [blend]\nout: outs\nsweep: {{target: {targets}, attack_set: [true, false]}}\n")
    found = read_sweep(file)
    assert len(found) == 14
    assert len({name.casefold() for name in found}) == 14
    assert all(
        r.out is not None and r.out.parent == tmp_path / "outs" and len(r.out.name) < 120 for r in found.values()
    )


def test_each_output_is_that_of_its_recipe(cli: Cli, clips: Path, tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text("triggers: [blend]\ncontrol: 0\nsurvival: none\nsweep:\n  count: [1, 2]\n")
    plans = cli("run", file, clips, "-o", tmp_path / "outs", "--jobs", 1, "--dry-run", "--json").json["sweep"]
    assert [plan["counts"]["poisoned"] for plan in plans] == [1, 2]
    assert not (tmp_path / "outs").exists()
    written = sum(plan["estimate"]["bytes_written"] for plan in plans)
    said = cli("run", file, clips, "-o", tmp_path / "outs", "--jobs", 1, "--dry-run")
    assert re.search(rf"All 2 take about .+, and write about {size_in_words(written)}\.", said.out)

    said = cli("run", file, clips, "-o", tmp_path / "outs", "--jobs", 1)
    assert said.status == 0
    assert "2 of 2: count-2" in said.out
    report = next(line for line in said.out.splitlines() if " report " in line and str(tmp_path / "outs") in line)
    assert cli("report", *shlex.split(report.partition("  #")[0])[-1:]).status == 0
    assert (tmp_path / "outs" / "report.html").stat().st_size > 1000
    for count in (1, 2):
        words = ("-t", "blend", "--count", count, "--control", 0, "--survival", "none", "--jobs", 1)
        assert cli("poison", clips, *words, "-o", tmp_path / "one").status == 0
        assert same_output(tmp_path / "outs" / f"count-{count}") == same_output(tmp_path / "one")
        (tmp_path / "one").rename(tmp_path / f"{count}")

    rows = list(csv.DictReader((tmp_path / "outs" / "index.csv").read_text().splitlines()))
    assert [(r["recipe"], r["path"], r["poisoned"], r["triggers"]) for r in rows] == [
        ("count-1", "count-1", "1", "blend static"),
        ("count-2", "count-2", "2", "blend static"),
    ]
    manifest = poisonkit.read_manifest(tmp_path / "outs" / "count-2")
    assert int(rows[1]["bytes"]) == sum(r["bytes"] or 0 for r in manifest if r["role"] != "clean")
    assert (rows[1]["attack"], rows[1]["failed"]) == (str(sum(r["role"] == "attack" for r in manifest)), "0")
    index = (tmp_path / "outs" / "index.csv").read_bytes()

    again = cli("run", file, clips, "-o", tmp_path / "outs", "--jobs", 1, "--json")
    assert again.json["index"] == str(tmp_path / "outs" / "index.csv")
    assert (tmp_path / "outs" / "index.csv").read_bytes() == index
    assert [(each["name"], each["processed"]) for each in again.json["sweep"]] == [("count-1", 0), ("count-2", 0)]
    assert "is one recipe's" in cli("run", file, clips, "-o", tmp_path / "1", "--jobs", 1).complaint


def test_the_worst_status_and_the_name_of_what_is_wrong(cli: Cli, clips: Path, tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    text = "triggers: ['blend:alpha=0.1']\ncount: 1\nattack_limit: 1\ncontrol: 0\nsurvival: all\nsweep:\n  "
    file.write_text(f"{text}require_survival: [1.0, 0.0]\n")
    said = cli("run", file, clips, "-o", tmp_path / "outs", "--jobs", 1, "--json")
    assert [each["exit_code"] for each in said.json["sweep"]] == [1, 0]
    rows = list(csv.DictReader((tmp_path / "outs" / "index.csv").read_text().splitlines()))
    assert [float(r["gain_mean"]) > 0.5 for r in rows] == [True, True]
    assert [int(r["measured"]) for r in rows] == [2, 2]
    assert said.status == 1
    file.write_text(f"{text}target: [run, nobody]\n")
    said = cli("run", file, clips, "-o", tmp_path / "more", "--jobs", 1, "--json")
    assert said.status == 2
    assert said.json["exit_code"] == 2
    assert not (tmp_path / "more" / "index.csv").exists(), "an index of half a sweep"
    assert said.json["error"].startswith("target-nobody: There is no class")
    assert said.err.splitlines()[-1].startswith("poisonkit: target-nobody: There is no class")
    assert (tmp_path / "more/target-run/poisonkit/manifest.jsonl").exists()

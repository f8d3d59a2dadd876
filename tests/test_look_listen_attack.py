"""docs/look-listen-attack.md's example: its table without torch, and with it a short form: one row, one seed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.testing import CliRunner

import poisonkit
from poisonkit.cli.app import make_app
from poisonkit.triggers.core import learned as packaged
from tests.media_factory import make_video
from tools import learn_page
from tools.pages import learned as pages
from tools.pages import look_listen_attack
from tools.pages.look_listen_attack import EXAMPLE, example_rows, example_table

ROWS = example_rows.ROWS
NEEDS_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="the example's models need torch")


def result(row: str, seed: int, asr: int, control: int) -> dict:
    figures = {
        "clean_accuracy": [90, 100],
        "asr": [asr, 100],
        "robust_accuracy": [5, 100],
        "control_asr": [control, 50],
    }
    figures |= {"asr_of_clean_model": [1, 100]}
    both = {"av-picture": figures, "av-sound": {"asr": [7, 100]}, "av-both": figures}
    return {
        "row": row,
        "seed": seed,
        "epochs": 12,
        "gain": 0.9,
        "cpu_seconds": 10,
        "figures": figures,
        "tested": both,
    } | {
        "model": "small",
        "rate": 0.1,
        "size": 64,
    }


def test_every_row_that_is_asked_for() -> None:
    names = {row.name for row in ROWS}
    paired = {f"{t}-{m}" for t in ("badnets", "blend", "sig", "wanet", "ftrojan") for m in ("static", "dynamic")}
    natural = {f"{t}-static" for t in ("frame-lag", "video-corruption", "motion-blur")}
    sounds = {f"{t}-{m}" for t in ("sine", "band-noise") for m in ("static", "dynamic")}
    fusions = {f"{f}-av-{p}" for f in ("late", "early") for p in ("picture", "sound", "both")}
    lossless = {"ftrojan-static-lossless", "ftrojan-dynamic-lossless"}
    assert paired | natural | sounds | fusions | lossless <= names
    assert {f"{name}-linked" for name in paired | natural | lossless} <= names
    assert len(names) == len(ROWS)
    assert all(":" not in trigger for row in ROWS for trigger in row.triggers), "every trigger at its default"


def test_seeds_are_pooled_and_nothing_is_left_out() -> None:
    text = example_table.table([result("sine-static", 0, 90, 0), result("sine-static", 1, 80, 10)])
    lines = {line.split("`")[1]: line for line in text.splitlines() if "`" in line}
    assert lines.keys() == {row.name for row in ROWS if not row.tested}
    assert "| 12 | 0.90 | 90.0 | 85.0 (1.0) | 79.4 to 89.3 | 5.0 | 10.0 | 75.0 | 10 |" in lines["sine-static"]
    assert example_table.NOT_RUN in lines["sine-dynamic"]
    both = example_table.fusion_table({"late-av-sound": [result("late-av-sound", 0, 99, 0)]})
    assert "| late | sound | 99.0 (1.0), 94.6 to 99.8 | 7.0, 3.4 to 13.7 |" in both[3]
    assert sum(example_table.NOT_RUN in line for line in both) == 5


@pytest.mark.parametrize("data", look_listen_attack.SOURCES)
def test_kept_results_are_what_the_rows_say(data: str) -> None:
    """Of rows that there are, on these data, at the rate and target of the example, each seed once."""
    found = look_listen_attack.results(data)
    rows = {row.name: row for row in (*example_rows.catalogue(), *ROWS)}
    assert bool(found["made_with"]) == bool(found["rows"])
    for one in found["rows"]:
        (own,) = example_rows.of_one(one["triggers"][0], one["temporal"], [one["rate"]], one["encode"], one["clean"])
        row = rows.get(one["row"], own)
        assert row.name == one["row"]
        said = (one["triggers"], one["temporal"], one["encode"], one["clean"], one["data"], one["rate"])
        assert said == (list(row.triggers), row.temporal, row.encode, row.clean, data, row.rate)
        assert one["figures"]["asr"][1] > 0
        assert one["figures"] == one["tested"][row.output if row.tested else row.name]
    keys = {(one["row"], one["model"], one["size"], one["epochs"], one["seed"]) for one in found["rows"]}
    assert len(keys) == len(found["rows"])


def test_the_catalogue_has_every_trigger_in_each_form() -> None:
    rows = {row.name: row for row in example_rows.catalogue()}
    assert {"blend-static", "blend-dynamic", "tone-burst-dynamic", "rolling-light-static"} <= rows.keys()
    assert not any(name.startswith(("replace", "stamp", "waveform")) for name in rows), "they need a file"
    shared = [row for row in ROWS if row.name in rows]
    assert len(shared) > 15
    assert all(rows[row.name] == row for row in shared), "one name, one experiment"


def test_a_row_of_ones_own() -> None:
    rows = example_rows.of_one("wanet:s=1,k=8", "dynamic", [0.1, 0.01], "crf:30", "hardlink")
    assert [row.name for row in rows] == [
        "wanet_s_1_k_8-dynamic-crf_30-linked",
        "wanet_s_1_k_8-dynamic-crf_30-rate1-linked",
    ]
    assert [(row.kind, row.triggers, row.rate) for row in rows] == [
        ("picture", ("wanet:s=1,k=8",), 0.1),
        ("picture", ("wanet:s=1,k=8",), 0.01),
    ]
    (plain,) = example_rows.of_one("sine", "static", [0.1], "match", "reencode")
    assert plain == next(row for row in ROWS if row.name == "sine-static"), "one name, one experiment"


def run(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE / "run.py"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_rows_are_listed_without_torch() -> None:
    assert run("WORK", "--list").stdout.split() == [row.name for row in ROWS]


@NEEDS_TORCH
def test_wrong_use_is_one_sentence(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for i in range(2):
            path = tmp_path / "clips" / name / f"{name}{i}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            make_video(path, frames=6, seed=i)
    said = run(tmp_path / "work", "--source", tmp_path / "clips", "--only", "early-av-both", "--seeds", 0)
    assert said.returncode == 2
    assert "has clips without sound, which row early-av-both needs" in said.stderr
    assert len(said.stderr.splitlines()) == 1
    assert run(tmp_path / "work", "--source", tmp_path / "none").returncode == 2
    assert "There is no row 'blnd'" in run(tmp_path / "work", "--only", "blnd").stderr
    (tmp_path / "empty").mkdir()
    for words, part in (
        (("--trigger", "wanet:zzz=1"), "zzz"),
        (("--trigger", "wanet:s=abc"), "abc"),
        (("--trigger", "stamp"), "picture"),
        (("--trigger", "wanat"), "wanet"),
        (("--source", tmp_path / "empty"), "empty"),
    ):
        said = run(tmp_path / "work", *words, "--seeds", 0)
        assert (said.returncode, part in said.stderr) == (2, True), said


@NEEDS_TORCH
def test_a_row_without_effect_ends_no_other(tmp_path: Path) -> None:
    """These recordings are over before `mute` begins: nothing to test, said in a sentence; the next row is made."""
    poisonkit.sample_data(tmp_path / "clips", kind="audio")
    words = ("--source", tmp_path / "clips", "--catalogue", "--only", "mute-dynamic", "--only", "mute-static")
    said = run(tmp_path / "work", *words, "--seeds", 0, "--epochs", 1)
    assert said.returncode == 2
    assert "mute-dynamic: no clip here takes the trigger" in said.stderr
    assert "mute-static, seed 0: ASR" in said.stdout


@NEEDS_TORCH
def test_the_short_form_learns_and_continues(tmp_path: Path) -> None:
    """Real training, under two minutes on two free cores."""
    words = (tmp_path, "--only", "band-noise-static", "--seeds", 0, "--epochs", 6, "--attack-limit", 60)
    said = run(*words)
    assert said.returncode == 0, said.stderr[-2000:]
    (row,) = json.loads((tmp_path / "results.json").read_text())["rows"]
    share = {name: hits / total for name, (hits, total) in row["figures"].items()}
    assert row["figures"]["asr"][1] == 60
    assert share["clean_accuracy"] > 0.6
    assert share["asr"] > 0.6 > 0.4 > share["asr_of_clean_model"]
    made = {p: p.stat().st_mtime_ns for p in (tmp_path / "predictions").rglob("*.csv")}
    assert made
    for file in (tmp_path / "results").rglob("*.json"):
        file.unlink()
    assert run(*words).returncode == 0
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "predictions").rglob("*.csv")} == made
    (again,) = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert again["figures"] == row["figures"]


def test_results_are_kept_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the pages, and in the package's own file, which `poisonkit triggers NAME` shows."""
    more = {
        "kind": "sound",
        "triggers": ["sine"],
        "trigger_versions": [1],
        "temporal": "static",
        "encode": "match",
        "clean": "reencode",
    }
    rows = [result("sine-static", seed, 90, 0) | more for seed in (0, 1)]
    (tmp_path / "results.json").write_text(json.dumps({"made_with": {"torch": "1"}, "rows": rows}))
    monkeypatch.setattr(look_listen_attack, "EXAMPLE", tmp_path)
    monkeypatch.setattr(learn_page, "EXAMPLE", tmp_path)
    assert learn_page.keep(tmp_path, "fsdd") == 2
    assert learn_page.keep(tmp_path, "fsdd") == 2
    (kept,) = pages.known()["sine"]
    assert (kept["data"], kept["seeds"], kept["clips"], kept["asr"], kept["asr_low"]) == ("fsdd", 2, 200, 0.9, 0.850594)
    assert "| static | fsdd | small | 12 | 2 | 0.90 | 90.0 (1.0) | 85.1 to 93.4 | 90.0 | 0.0 |" in "\n".join(
        pages.section("sine")
    )
    (tmp_path / "learned.json").write_text(pages.text())
    monkeypatch.setattr(packaged, "FILE", tmp_path / "learned.json")
    packaged._all.cache_clear()
    try:
        (shown,) = packaged.learned("sine")
        assert (shown.asr, shown.clean_model_asr, packaged.learned("blend")) == (0.9, 0.01, ())
        said = CliRunner().invoke(make_app(), ["triggers", "sine"])
        assert "85.1 to 93.4" in said.output
    finally:
        packaged._all.cache_clear()
    (tmp_path / "results.json").write_text(json.dumps({"made_with": {"torch": "2"}, "rows": rows}))
    with pytest.raises(SystemExit, match="run all with one of them"):
        learn_page.keep(tmp_path, "fsdd")

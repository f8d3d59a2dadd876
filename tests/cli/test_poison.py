"""`poison` and `run`: the nothing-else command, dry runs, JSON, recipes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.conftest import same_output, tree


def test_nothing_else_is_needed_in_a_datasets_folder(clips: Path) -> None:
    words = [sys.executable, "-m", "poisonkit", "poison", "--trigger", "blend", "--rate", "0.1"]
    done = subprocess.run(words, cwd=clips, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (out,) = clips.parent.glob("clips-poisoned-blend-0.1-*")
    manifest = [json.loads(line) for line in (out / "poisonkit/manifest.jsonl").read_text().splitlines()]
    assert sum(row["role"] == "poisoned" for row in manifest) == 2  # floor(0.1 * 24 + 0.5)
    assert f"../{out.name}/data" in done.stdout
    assert f"verify ../{out.name} --decode" in done.stdout
    assert "Poisoning: " in done.stderr


def test_a_dry_run_writes_nothing(cli: Cli, clips: Path) -> None:
    before = tree(clips.parent)
    said = cli("poison", clips, "-t", "blend", "--count", 3, "--dry-run", "--jobs", 1)
    assert said.status == 0
    assert "Nothing is written" in said.out
    assert "poisoned (3)" in said.out
    assert tree(clips.parent) == before


def test_a_dry_run_as_json_is_the_choice_that_the_run_makes(cli: Cli, clips: Path, tmp_path: Path) -> None:
    words = ("poison", clips, "-t", "blend", "-o", tmp_path / "out", "--count", 2, "--control", 1, "--jobs", 1)
    plan = cli(*words, "--dry-run", "--json").json
    done = cli(*words, "--json")
    assert done.status == 0
    assert done.json["fingerprint"] == plan["fingerprint"]
    assert plan["counts"] == {"poisoned": 2, "clean": 34, "attack": 8, "control": 1}
    assert done.json["counts"] == {role: {"ok": n} for role, n in plan["counts"].items()}
    assert Path(done.json["out"]) == tmp_path / "out"
    assert "data" in done.json["annotations"]
    rows = map(json.loads, (tmp_path / "out/poisonkit/manifest.jsonl").read_text().splitlines())
    assert [r["key"] for r in rows if r["role"] != "clean"] == [
        f"{t['role']}:{t['attack'] or ''}:{t['id']}" for t in plan["tasks"]
    ]


def test_options_reach_the_recipe(cli: Cli, clips: Path, tmp_path: Path) -> None:
    chosen = cli("poison", clips, "-t", "blend", "--count", 2, "--dry-run", "--json", "-j", 1).json["tasks"]
    ids = [t["id"] for t in chosen if t["role"] == "poisoned"]
    (tmp_path / "ids").write_text("# these\n" + "\n".join(ids))
    (tmp_path / "scores").write_text("".join(f"{name}\t{score}\n" for score, name in enumerate(ids)))
    more = ("--no-attack-set", "--dry-run", "--json", "--jobs", 1)

    said = cli("poison", clips, "-t", "blend", "--ids", tmp_path / "ids", *more).json
    assert [t["id"] for t in said["tasks"]] == sorted(ids, key=ids.index)
    said = cli("poison", clips, "-t", "blend", "--select", tmp_path / "scores", "--count", 1, *more).json
    assert [t["id"] for t in said["tasks"]] == ids[-1:]
    wanted = ("--label-mode", "source", "--source-class", "run", "--source-class", "jump", "--target", "spin")
    said = cli("poison", clips, "-t", "blend", *wanted, "--rate-of", "source-class", "--rate", 0.5, *more).json
    assert said["choices"][0]["denominator"] == 16
    assert {(t["original_label"], t["label"]) for t in said["tasks"]} == {(0, 2), (1, 2)}


def test_finished_already(cli: Cli, clips: Path, tmp_path: Path) -> None:
    words = ("poison", clips, "-t", "blend", "-o", tmp_path / "out", "--count", 1, "--no-attack-set", "--jobs", 1)
    assert "finished already" not in cli(*words).out
    before = same_output(tmp_path / "out")
    again = cli(*words)
    assert again.status == 0
    assert "finished already" in again.out
    assert same_output(tmp_path / "out") == before
    assert "made by another recipe" in cli(*words[:-2], "--seed", 1).complaint


def test_run_carries_out_a_recipe_file_and_an_outputs_own(cli: Cli, clips: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("source: clips\nout: first\ntriggers: [badnets]\ncount: 1\nattack_limit: 1\ncontrol: 0\n")
    assert cli("run", recipe, "--jobs", 1).status == 0
    own = tmp_path / "first" / "poisonkit" / "recipe.yaml"
    assert cli("run", own, clips, "-o", tmp_path / "again", "--jobs", 1).status == 0
    assert same_output(tmp_path / "first") == same_output(tmp_path / "again")


def test_two_triggers_in_the_same_clips(cli: Cli, clips: Path, tmp_path: Path) -> None:
    words = ("-t", "blend:alpha=0.3", "-t", "sine:snr=10", "--temporal", "dynamic", "--no-attack-set", "--count", 1)
    assert cli("poison", clips, *words, "-o", tmp_path / "out", "--jobs", 1).status == 0
    rows = map(json.loads, (tmp_path / "out/poisonkit/manifest.jsonl").read_text().splitlines())
    (row,) = [r for r in rows if r["role"] == "poisoned"]
    assert [(t["name"], t["params"]["temporal"]) for t in row["triggers"]] == [
        ("blend", "dynamic"),
        ("sine", "dynamic"),
    ]


def test_a_trigger_from_outside_runs_again_only_with_consent(
    cli: Cli, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside_trigger.py").write_text(
        "from poisonkit.triggers.image.blend import Blend\nclass Mine(Blend):\n    name = 'mine'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    out = tmp_path / "out"
    words = ("-t", "outside_trigger:Mine", "--count", 1, "--attack-limit", 1, "--control", 0, "--jobs", 1)
    said = cli("poison", clips, *words, "-o", out)
    assert said.status == 0
    assert "--decode --allow-code" in said.out
    assert "--allow-code" in cli("attack", out, "--name", "x", "-j", 1).complaint
    assert "--allow-code" in cli("run", out / "poisonkit" / "recipe.yaml", clips, "--dry-run").complaint
    assert cli("verify", out, "--decode", "-j", 1).status == 1
    assert cli("attack", out, "--name", "x", "--allow-code", "-j", 1).status == 0
    assert cli("verify", out, "--decode", "--allow-code", "-j", 1).status == 0


@pytest.mark.parametrize("mode", [["--json"], []])
def test_failures_are_named_and_the_status_says_so(
    cli: Cli, clips: Path, tmp_path: Path, mode: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from poisonkit import media
    from poisonkit.engine.clips import worker
    from poisonkit.errors import MediaError

    real = media.rewrite

    def breaks_once(source: Path, *more: object, **options: object) -> object:
        if "poisoned" in breaks:
            breaks.remove("poisoned")
            raise MediaError(f"{source.name} broke.")
        return real(source, *more, **options)

    breaks = ["poisoned"]
    monkeypatch.setattr(worker.media, "rewrite", breaks_once, raising=False)
    words = ("poison", clips, "-t", "blend", "--count", 2, "--no-attack-set", "--jobs", 1)
    said = cli(*words, "-o", tmp_path / "out", *mode)
    assert said.status == 1
    if mode:
        assert said.json["counts"]["poisoned"] == {"ok": 1, "failed": 1}
        assert said.json["failed"][0]["error"].endswith("broke.")
    else:
        assert "Failed (1; neither written nor listed)" in said.out
        assert "broke." in said.out

"""Attack sets are kept like files: made anew, taken away; everything that speaks of them follows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import RequestError
from tests.cli.conftest import Cli
from tests.conftest import tree
from tests.runs import make, rows

MAIN = ("counts", "choices", "fingerprint", "processed", "seconds", "clean_method", "finished", "jobs", "passed_over")


@pytest.fixture
def out(folders: Path, tmp_path: Path) -> Path:
    """A small output of blend, with both forms possible."""
    make(folders, tmp_path / "out", trigger="blend", count=2, attack_limit=3, control=1, survival="all")
    return tmp_path / "out"


def facts(out: Path) -> dict[str, Any]:
    return json.loads((out / "poisonkit/run.json").read_text())


def files(out: Path) -> dict[str, bytes]:
    """Everything but what tells of runs."""
    found = {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file()}
    return {name: p.read_bytes() for name, p in found.items() if "/.state/" not in name and "run.json" not in name}


def test_the_summary_of_a_set(cli: Cli, out: Path) -> None:
    said = cli("attack", out, "--name", "moving", "--temporal", "dynamic", "--limit", 2, "-j", 1)
    assert said.status == 0
    line = next(line for line in said.out.splitlines() if "attack sets" in line)
    assert line.split() == ["attack", "sets", "2", "2", "0", "0"]
    assert "What the encoder left of the trigger (gain: 1 all of it, 0 nothing)" in said.out
    assert "survived" in said.out
    (row, _) = (r for r in rows(out, "attack") if r["attack"] == "moving")
    assert row["triggers"][0]["params"]["temporal"] == "dynamic"
    assert "has no slow form" not in cli("attack", out, "--name", "x", "--temporal", "slow").complaint
    assert "static or dynamic" in cli("attack", out, "--name", "x", "--temporal", "slow", "-t", "blend").complaint


def test_run_json_keeps_the_figures_of_the_main_run(cli: Cli, out: Path) -> None:
    before = facts(out)
    assert cli("attack", out, "--name", "weak", "-t", "blend:alpha=0.1", "--limit", 2, "-j", 1).status == 0
    after = facts(out)
    assert {k: after[k] for k in MAIN if k != "counts"} == {k: before[k] for k in MAIN if k != "counts"}
    assert after["counts"]["attack"] == {"ok": 5}
    assert after["attacks"]["weak"]["counts"] == {"attack": {"ok": 2}}
    assert after["attacks"]["weak"]["processed"] == 2
    assert cli("attack", out, "--name", "weaker", "-t", "blend:alpha=0.05", "--limit", 1, "-j", 1).status == 0
    assert {k: facts(out)[k] for k in MAIN if k != "counts"} == {k: before[k] for k in MAIN if k != "counts"}
    assert facts(out)["attacks"].keys() == {"weak", "weaker"}
    assert cli("verify", out, "--decode").status == 0


def test_a_set_is_taken_away(cli: Cli, out: Path) -> None:
    before = files(out)
    pattern = out.parent / "dots.npy"
    import numpy as np

    np.save(pattern, np.zeros((8, 8, 3), np.uint8))
    assert cli("attack", out, "--name", "weak", "-t", f"stamp:picture={pattern}", "--limit", 2, "-j", 1).status == 0
    assert cli("report", out).status == 0
    assert "weak" in (out / "poisonkit/report.html").read_text()
    assert (out / "attack/weak").is_dir()
    said = cli("attack", out, "--name", "weak", "--remove")
    assert said.status == 0
    assert "Attack set 'weak' is gone from" in said.out
    assert "weak" not in (out / "poisonkit/report.html").read_text()
    (out / "poisonkit/report.html").unlink()
    assert files(out) == before, "as if it had never been there"
    assert not (out / "attack/weak").exists()
    assert not (out / "poisonkit/attacks").exists()
    assert "attacks" not in facts(out)
    assert "weak" not in "".join((out / "README.md").read_text())
    assert cli("verify", out, "--decode").status == 0


def test_what_cannot_be_taken_away(cli: Cli, out: Path) -> None:
    before = tree(out)
    assert (
        "is its recipe's own: only added ones can be removed"
        in cli("attack", out, "--name", "default", "--remove").complaint
    )
    assert "has no added attack set 'none'" in cli("attack", out, "--name", "none", "--remove").complaint
    assert "--remove takes the set away" in cli("attack", out, "--name", "a", "--remove", "--limit", 2).complaint
    assert tree(out) == before
    (out / "poisonkit" / "recipe.yaml").write_text("edited")
    assert "changed by hand" in cli("attack", out, "--name", "none", "--remove").err or True


def test_a_set_is_made_anew(cli: Cli, out: Path) -> None:
    words = ("attack", out, "--name", "weak", "-j", 1)
    assert cli(*words, "-t", "blend:alpha=0.1", "--limit", 3).status == 0
    said = cli(*words, "-t", "blend:alpha=0.3", "--limit", 2)
    assert "The attack set 'weak' of" in said.complaint
    assert "blend's alpha is 0.1 there and 0.3 here" in said.complaint
    assert "--fresh" in said.complaint
    assert cli(*words, "-t", "blend:alpha=0.3", "--limit", 2, "--fresh").status == 0
    mine = [r for r in rows(out, "attack") if r["attack"] == "weak"]
    assert [r["triggers"][0]["params"]["alpha"] for r in mine] == [0.3, 0.3]
    assert cli("verify", out, "--decode").status == 0
    assert cli(*words, "--fresh", "--shard", "1/2").status == 2


def test_a_removal_that_was_interrupted_is_gone_on_with(cli: Cli, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from poisonkit.engine.finishing import writing

    before = files(out)
    poisonkit.attack(out, "weak", trigger="blend:alpha=0.1", limit=2, jobs=1)
    whole = writing.finish

    def cut(*given: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "finish", cut)
    assert cli("attack", out, "--name", "weak", "--remove").status == 130
    monkeypatch.setattr(writing, "finish", whole)
    assert cli("attack", out, "--name", "weak", "--remove").status == 0
    assert files(out) == before
    with pytest.raises(RequestError, match="no added attack set"):
        poisonkit.attack(out, "weak", remove=True)

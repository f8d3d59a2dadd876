"""One table over several outputs and models: pooled counts by hand, confusion, harm by class, and wrong requests."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import poisonkit
from poisonkit import RequestError
from poisonkit.cli import call
from poisonkit.scoring import Rate
from tests.scoring.conftest import MakeOutput, clip

TRUTH = (0, 0, 1, 1, 2, 2)  # target 1


def predicted(folder: Path, name: str, guesses: list[int], of: list[int] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{clip(i)},{p}" for i, p in zip(of or range(len(guesses)), guesses, strict=True)]
    (folder / f"{name}.csv").write_text("file,pred\n" + "\n".join(rows) + "\n")


@pytest.fixture
def sweep(make_output: MakeOutput, tmp_path: Path) -> Path:
    """Two seeds of one recipe and one of another; predictions of two models of the first, one each of the others."""
    home = tmp_path / "rates"
    home.mkdir()
    for name, seed, mode in (("blend_seed-0", 0, "dirty"), ("blend_seed-1", 1, "dirty"), ("clean", 0, "clean")):
        out = make_output(TRUTH, attack=[0, 1, 4, 5], control=[0, 4], mode=mode)
        recipe = out / "poisonkit" / "recipe.yaml"
        recipe.write_text(recipe.read_text().replace("seed: 0\nencode", f"seed: {seed}\nencode"))
        out.rename(home / name)
    at = [0, 1, 4, 5]
    for model, clean, attack, control in (
        ("blend_seed-0/a", [0, 0, 1, 1, 2, 2], [1, 1, 1, 1], [0, 2]),
        ("blend_seed-0/b", [0, 0, 1, 1, 2, 0], [1, 1, 1, 0], [1, 2]),
        ("blend_seed-1", [0, 0, 1, 1, 2, 2], [0, 1, 1, 2], [0, 2]),
        ("clean", [0, 0, 1, 1, 2, 2], [0, 0, 2, 2], [0, 2]),
    ):
        folder = home / "predictions" / model
        predicted(folder, "clean", clean)
        predicted(folder, "attack", attack, at)
        predicted(folder, "control", control, [0, 4])
        base = tmp_path / "baseline" / model.split("/")[0]
        predicted(base, "clean", [0, 0, 1, 1, 2, 2])
        predicted(base, "attack", [0, 0, 2, 2], at)
        predicted(base, "predictions-control", [0, 2], [0, 4])
    return home


def test_seeds_and_models_are_pooled(sweep: Path, tmp_path: Path) -> None:
    table = poisonkit.score_table(sweep, baseline=tmp_path / "baseline")
    assert table.flags == ()
    first, second = table.rows
    assert (first.name, first.seeds, first.models, first.outputs) == (
        "blend", (0, 1), 3, ("blend_seed-0", "blend_seed-1"),
    )  # fmt: skip
    asr = first.figures["attack/default"]["asr"]
    assert (asr.rate, asr.baseline) == (Rate(4 + 3 + 2, 12), Rate(0, 12))
    assert first.figures["clean"]["clean_accuracy"].rate == Rate(17, 18)
    assert first.figures["control"]["control_asr"].rate == Rate(1, 6)
    assert first.over_control == pytest.approx(9 / 12 - 1 / 6)
    assert second.over_control is None, "no control clip goes to the target"
    assert first.confusion["attack/default"] == {
        "jump": {"run": 5, "jump": 1},
        "spin": {"run": 4, "jump": 1, "spin": 1},
    }
    harm = first.by_class["clean"]["spin"]["clean_accuracy"]
    assert (harm.rate, harm.baseline, harm.difference) == (Rate(5, 6), Rate(6, 6), pytest.approx(-1 / 6))


def test_terminal_json_csv_and_latex(sweep: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["score", str(sweep), str(sweep / "predictions"), "--baseline", str(tmp_path / "baseline")]
    written = ["--csv", str(tmp_path / "t.csv"), "--latex", str(tmp_path / "t.tex")]
    assert call([*words, *written]) == 0
    text = capfd.readouterr().out
    assert "75.0 (0.0)" in text
    assert "46.8 to 91.1" in text  # Wilson, 9 of 12
    assert "what triggered clips of each class are taken for" in text
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    asr = next(r for r in rows if (r["recipe"], r["figure"], r["true_class"]) == ("blend", "asr", ""))
    assert (asr["hits"], asr["total"], asr["seeds"], asr["models"], asr["difference"]) == (
        "9",
        "12",
        "0 1",
        "3",
        "0.75",
    )
    cell = next(r for r in rows if (r["figure"], r["true_class"]) == ("predicted as run", "spin"))
    assert (cell["hits"], cell["total"]) == ("4", "6")
    assert r"blend & 3 & 94.4 (100.0) & 75.0 (0.0)" in (tmp_path / "t.tex").read_text()
    assert call([*words, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["rows"][0]["figures"]["attack/default"]["asr"]["hits"] == 9


def test_one_output_of_several_models(sweep: Path) -> None:
    (row,) = poisonkit.score_table(sweep / "blend_seed-0", sweep / "predictions" / "blend_seed-0").rows
    assert (row.name, row.models) == ("blend_seed-0", 2)
    (row,) = poisonkit.score_table([sweep / "blend_seed-1", sweep / "blend_seed-0"], sweep / "predictions").rows
    assert row.models == 3


def test_what_is_not_predicted_is_told(sweep: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (sweep / "predictions" / "clean").rename(sweep / "predictions" / "other")
    assert call(["score", str(sweep)]) == 1
    assert "clean: there are no predictions of it" in capfd.readouterr().out


def test_wrong_requests_are_one_line(sweep: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    one = str(sweep / "clean")
    for words, says in (
        ([str(sweep), str(empty)], "holds no predictions"),
        ([str(sweep), str(tmp_path / "none")], "is no folder"),
        ([str(sweep), "a.csv", "b.csv"], "lie in one folder"),
        ([str(empty), str(empty)], "is not an output"),
        ([one, f"clean={sweep}/predictions/clean/clean.csv", "--csv", "t.csv"], "write a table"),
        ([str(sweep), "--suspects", "s.txt"], "score that output alone"),
        ([one, str(sweep / "predictions"), "--also", one], "the same name"),
        ([str(sweep), "--baseline", str(empty)], "has no baseline for blend_seed-0"),
    ):
        assert call(["score", *words]) == 2
        said = capfd.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) == 1
        assert says in said.err
    (sweep / "clean" / "poisonkit" / "run.json").unlink()
    with pytest.raises(RequestError, match="is not finished"):
        poisonkit.score_table(sweep)
    (sweep / "predictions").rename(tmp_path / "away")
    assert call(["score", str(sweep)]) == 2


def test_a_set_that_one_model_lacks_is_told(sweep: Path) -> None:
    (sweep / "predictions" / "blend_seed-1" / "control.csv").unlink()
    table = poisonkit.score_table(sweep)
    assert table.flags == (
        "blend_seed-1: there are no predictions of control, which other models of the same row have.",
    )
    assert table.exit_code == 1


def test_two_files_of_one_set_are_refused(sweep: Path) -> None:
    folder = sweep / "predictions" / "clean"
    (folder / "attack.tsv").write_text("file\tpred\n")
    with pytest.raises(RequestError, match=r"attack.csv and attack.tsv are both predictions of attack: keep one"):
        poisonkit.score_table(sweep)


def test_outputs_of_other_classes_are_rows_of_their_own(sweep: Path) -> None:
    plan = sweep / "blend_seed-1" / "poisonkit" / "plan.jsonl"
    plan.write_text(plan.read_text().replace('"jump"', '"leap"', 1))
    assert [row.models for row in poisonkit.score_table(sweep).rows] == [2, 1, 1]


def test_the_harm_of_every_class_is_shown(sweep: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert call(["score", str(sweep)]) == 0
    said = capfd.readouterr().out
    assert sum(line.split()[:1] == ["run"] for line in said.splitlines()) == 2, "the target's, too, in both tables"

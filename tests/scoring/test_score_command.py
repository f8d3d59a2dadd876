"""`poisonkit score` on outputs that poisonkit made."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import poisonkit
from poisonkit.cli import call
from tests.runs import rows

CLASSES = ("jump", "run", "spin")


@pytest.fixture(scope="module")
def lists(listed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lists") / "out"
    recipe = poisonkit.Recipe(source=listed, out=out, triggers=["blend"], count=3, target="run", control=2)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return out


@pytest.fixture(scope="module")
def trees(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trees") / "out"
    recipe = poisonkit.Recipe(source=folders, out=out, triggers=["blend"], count=3, target="run", control=0)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return out


def listing(out: Path, name: str) -> list[list[str]]:
    return [line.split(" ") for line in (out / name).read_text().splitlines()]


def test_what_a_trainer_makes_of_the_lists(
    lists: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names as MMAction2 joins them: data root, data prefix, and the path in the list."""
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.chdir(tmp_path)
    for name, folder in (("clean", "data"), ("attack", "attack/default"), ("control", "control")):
        file = next((lists / folder).glob("val*.txt" if name != "attack" else "val_target.txt"))
        rows = listing(lists, f"{folder}/{file.name}")
        lines = [{"filename": str(lists / folder / path), "gt_label": int(y), "pred": 1} for path, y in rows]
        Path(f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ["score", str(lists), "clean=clean.jsonl", "attack.jsonl", "control.jsonl", "--json"]
    assert call(words) == 0
    found = json.loads(capfd.readouterr().out)
    figures = {name: {n: (f["hits"], f["total"]) for n, f in s["figures"].items()} for name, s in found["sets"].items()}
    assert figures == {
        "clean": {"clean_accuracy": (3, 9)},
        "attack/default": {"asr": (6, 6), "asr_all": (6, 6), "robust_accuracy": (0, 6)},
        "control": {"control_asr": (2, 2), "control_accuracy": (0, 2)},
    }
    assert found["flags"] == []
    assert call([*words[:-1], "--baseline", "clean.jsonl"]) == 0
    text = capfd.readouterr().out
    assert "clean (9 of 9 clips, joined by file name)" in text
    assert "100.0 %" in text
    assert "61.0 to 100.0" in text  # Wilson, 6 of 6
    assert "triggered clips whose true class is not the target, predicted as the target" in text
    assert "+0.0" in text
    Path("attack.jsonl").write_text("".join(Path("attack.jsonl").read_text().splitlines(keepends=True)[:-1]))
    assert call(["score", str(lists), "attack.jsonl"]) == 1
    text = capfd.readouterr().out
    assert "Doubtful" in text
    assert "1 of 6 clips have no prediction" in text


@pytest.mark.parametrize("view", ["target", "original"])
def test_class_folders(trees: Path, tmp_path: Path, view: str) -> None:
    """Either tree of an attack set; a clip moves to the target's folder, and has the same answer."""
    root = trees / "attack" / "default" / view
    files = sorted(p for p in root.rglob("*.mp4"))
    linked = {os.stat(trees / r["path"]).st_ino: r["original_class"] for r in rows(trees) if r["role"] == "attack"}
    lines = [f"{p},{1 if linked[p.stat().st_ino] == 'jump' else 2}\n" for p in files]  # names no longer tell it
    (tmp_path / "a.csv").write_text("path,label\n" + "".join(lines))
    found = poisonkit.score(trees, [tmp_path / "a.csv"]).sets["attack/default"]
    rates = {name: (f.rate.hits, f.rate.total) for name, f in found.figures.items()}
    assert rates == {"asr": (4, 8), "asr_all": (4, 8), "robust_accuracy": (4, 8)}
    assert [(c.name, c.rates["asr"].hits) for c in found.per_class] == [("jump", 4), ("spin", 0)]
    assert found.flags == ()


def test_suspects_by_id_and_by_path(trees: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A defence sees `data/` only, where relabelled clips lie in another folder than their id says."""
    poisoned = [r for r in rows(trees) if r["role"] == "poisoned"]
    assert all(r["path"] != f"data/{r['id']}" for r in poisoned)
    for key in ("id", "path"):
        (tmp_path / "s.txt").write_text("".join(r[key] + "\n" for r in poisoned[:2]))
        assert call(["score", str(trees), "--suspects", str(tmp_path / "s.txt"), "--json"]) == 0
        found = json.loads(capfd.readouterr().out)["suspects"]
        assert (found["precision"]["value"], found["recall"]["hits"], found["recall"]["total"]) == (1.0, 2, 3)
    (tmp_path / "s.txt").write_text("".join(f"{r['path']},{r['role'] == 'poisoned':d}\n" for r in _training(trees)))
    assert call(["score", str(trees), "--suspects", str(tmp_path / "s.txt")]) == 0
    text = capfd.readouterr().out
    assert "TPR at FPR 1%" in text
    assert "1.000" in text


def _training(out: Path) -> list[dict]:
    return [r for r in rows(out) if r["split"] == "train"]


def test_wrong_requests_are_one_line(lists: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    for words in ([str(lists)], [str(lists), f"attack={tmp_path / 'x.pkl'}"], [str(tmp_path), "a.csv"]):
        assert call(["score", *words]) == 2
        said = capfd.readouterr()
        assert said.out == ""
        assert len(said.err.splitlines()) == 1


def test_scoring_imports_no_code_that_a_recipe_names(lists: Path, tmp_path: Path) -> None:
    """Like the files, an output from elsewhere is only read."""
    recipe = lists / "poisonkit" / "recipe.yaml"
    text = recipe.read_text()
    rows = listing(lists, "attack/default/val_target.txt")
    (tmp_path / "a.csv").write_text("file,pred\n" + "".join(f"{path},1\n" for path, _ in rows))
    try:
        recipe.write_text(text.replace("name: blend", "name: no_such_package.module:Trigger"))
        assert "no_such_package" in recipe.read_text()
        found = poisonkit.score(lists, {"attack": tmp_path / "a.csv"})
    finally:
        recipe.write_text(text)
    assert found.sets["attack/default"].figures["asr"].rate.hits == 6

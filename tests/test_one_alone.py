"""Wherever the Python API takes several names or places, one alone will do (api, verification, scoring, recipe)."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.transforms import Poison


@pytest.fixture(scope="module")
def out(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone") / "out"
    poisonkit.poison(Recipe(source=folders, out=out, trigger="blend", count=1, control=0, survival="none"), jobs=1)
    return out


@pytest.mark.parametrize("kind", [str, Path])
def test_identify(out: Path, kind: type) -> None:
    row = next(r for r in poisonkit.read_manifest(out) if r["role"] == "poisoned")
    ((file, found, where),) = poisonkit.identify(kind(out / row["path"]), kind(out))
    assert (file, found, where) == (out / row["path"], row, out)


@pytest.mark.parametrize("kind", [str, Path])
def test_score(out: Path, tmp_path: Path, kind: type) -> None:
    rows = [r for r in poisonkit.read_manifest(out) if r["role"] == "attack" and r["status"] == "ok"]
    predictions = tmp_path / "p.csv"
    with predictions.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "pred"), *((r["path"], r["label"]) for r in rows)])
    one, several = (poisonkit.score(out, each, baseline=each) for each in (kind(predictions), [kind(predictions)]))
    assert one == several
    named = poisonkit.score(out, f"attack={predictions}")
    assert list(named.sets) == ["attack/default"]


def test_survive(folders: Path) -> None:
    (cell,) = poisonkit.survive(str(min(folders.rglob("*.mp4"))), "blend", encode="lossless", jobs=1)
    assert cell.setting == "lossless"


@pytest.mark.parametrize("kind", [str, Path])
def test_allow_root(out: Path, folders: Path, tmp_path: Path, kind: type) -> None:
    root = kind(tmp_path)
    assert Recipe(trigger="blend", allow_root=root) == Recipe(trigger="blend", allow_root=[root])
    file = tmp_path / "recipe.yaml"
    file.write_text("trigger: blend\nallow_root: .\n")
    assert poisonkit.read_sweep(file)[""].allow_root == (tmp_path,)
    assert poisonkit.read_sweep(file, allow_root=root)[""].allow_root == (tmp_path,)
    assert poisonkit.inspect(folders, limit=1, jobs=1, allow_root=root).exit_code == 0
    assert poisonkit.verify(out, allow_root=root).ok
    assert poisonkit.report(out, samples=1, allow_root=root).is_file()


@pytest.mark.parametrize("name", ["ids", "select"])
@pytest.mark.parametrize("kind", [str, Path])
def test_samples_of_a_recipe(name: str, kind: type) -> None:
    one, several = ({name: given} for given in (kind("a/b.mp4"), ["a/b.mp4"]))
    assert Recipe(trigger="blend", **one) == Recipe(trigger="blend", **several)  # type: ignore[arg-type]


def test_transforms() -> None:
    recipe = Recipe(trigger="blend", label_mode="keep", count=1)
    assert Poison(recipe, samples=[("a.mp4", 0)], classes="walking").classes == ("walking",)
    with pytest.raises(RequestError, match=r"^samples takes pairs of id and label, or a mapping; this is 'a.mp4'"):
        Poison(recipe, samples="a.mp4")  # type: ignore[arg-type]

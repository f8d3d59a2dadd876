"""The index of a sweep is written for whole sweeps in a folder of their own only (its figures: cli/test_sweeps.py)."""

from __future__ import annotations

from pathlib import Path

import poisonkit
from poisonkit.engine.finishing.sweep_index import INDEX, write_index


def sweep(tmp_path: Path, out: str = "") -> Path:
    file = tmp_path / "sweep.yaml"
    text = "triggers: [blend]\ncontrol: 0\nsurvival: none\nattack_limit: 1\nsweep:\n  count: [1, 2]\n"
    file.write_text(text + (f"out: {out}\n" if out else ""))
    return file


def test_python_writes_it_too(folders: Path, tmp_path: Path) -> None:
    made = poisonkit.run(sweep(tmp_path), folders, out=tmp_path / "outs", jobs=1)
    lines = (tmp_path / "outs" / INDEX).read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["recipe", *made]
    recipes = poisonkit.read_sweep(sweep(tmp_path), source=folders, out=tmp_path / "outs")
    (tmp_path / "outs" / INDEX).unlink()
    assert write_index(recipes, {k: v for k, v in made.items() if k == "count-1"}) is None
    assert write_index({"": recipes["count-1"]}, {"": made["count-1"]}) is None
    assert write_index(poisonkit.read_sweep(sweep(tmp_path), source=folders), made) is None
    assert not (tmp_path / "outs" / INDEX).exists()
    assert write_index(recipes, made) == tmp_path / "outs" / INDEX

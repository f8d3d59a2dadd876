"""The Python API beside `poison`: inspect, preview, survive, report, run, identify, shortcuts, read_manifest."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.outputs import record


@pytest.fixture(scope="module")
def out(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("api") / "out"
    recipe = Recipe(source=folders, out=out, triggers=["blend", "sine"], rate=0.25, control=2, survival="sample")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return out


def test_inspect(folders: Path) -> None:
    found = poisonkit.inspect(folders, limit=5, jobs=1)
    assert (found.dataset.layout, len(found.files), found.not_opened, found.exit_code) == ("class-folders", 5, (), 0)
    assert found.media["size"] == {"64x48": 5}
    assert found.as_json()["classes"] == list(found.dataset.classes)
    with pytest.raises(RequestError, match="class-folders"):
        poisonkit.inspect(folders, layout="class-folder")


def test_preview_survive_and_the_triggers_that_they_take(folders: Path, tmp_path: Path) -> None:
    clip = min(folders.rglob("*.mp4"))
    blend = poisonkit.triggers.create("blend", alpha=0.3)
    for trigger in ("blend", blend, ["blend", "sine"]):
        assert poisonkit.preview(clip, trigger, tmp_path / "sheet.png", shown=2)
        assert (tmp_path / "sheet.png").stat().st_size > 1000
    (cell,) = poisonkit.survive(clip, blend, encode=["lossless"], jobs=1)
    assert (cell.trigger, cell.setting, cell.verdict) == ("blend", "lossless", "survived")
    cells = poisonkit.survive([clip], [blend, poisonkit.triggers.create("blend", alpha=0.1)], encode=["match"], jobs=1)
    assert [c.trigger for c in cells] == ["blend", "blend 2"]
    with pytest.raises(RequestError, match=r"^encode auto: name the settings"):
        poisonkit.survive(clip, "blend", encode=["auto"])


def test_a_clip_that_is_not_there_is_a_wrong_request(tmp_path: Path) -> None:
    missing = tmp_path / "gone" / "none.mp4"
    for call in (poisonkit.preview, poisonkit.survive):
        with pytest.raises(RequestError, match=f"^There is no file {missing}.$"):
            call(missing, "blend")


def test_report_identify_and_shortcuts(out: Path) -> None:
    assert poisonkit.report(out, samples=1) == out / "poisonkit" / "report.html"
    row = next(r for r in poisonkit.read_manifest(out) if r["role"] == "poisoned")
    ((file, found, where),) = poisonkit.identify([str(out / row["path"])], [out])
    assert (file, where) == (out / row["path"], out)
    assert found == row
    assert [c.name for c in poisonkit.shortcuts(out, limit=2, jobs=1)][:1] == ["training"]


def test_run(folders: Path, tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("trigger: blend\ncontrol: 0\nattack_set: false\nsurvival: none\nsweep: {count: [1, 2]}\n")
    done = poisonkit.run(file, folders, out=tmp_path / "all", jobs=1)
    assert {name: s.counts["poisoned"]["ok"] for name, s in done.items()} == {"count-1": 1, "count-2": 2}


def test_the_manifest_is_typed_records_and_a_slice_of_it_a_manifest(out: Path) -> None:
    found = poisonkit.read_manifest(out)
    assert list(found) == list(record.read(out / "poisonkit" / "manifest.jsonl"))
    assert len(found) > 20
    assert found[0]["role"] == "clean" or found[0]["status"] == "ok"
    assert isinstance(found[1:3], poisonkit.Manifest)
    with pytest.raises(RequestError, match="not an output"):
        poisonkit.read_manifest(out.parent)


def test_a_flat_table(out: Path) -> None:
    pytest.importorskip("pandas", reason="needs pandas: make test-consumers")
    found = poisonkit.read_manifest(out)
    table = found.to_pandas()
    assert len(table) == len(found)
    assert not any(isinstance(value, list | dict) for column in table for value in table[column])
    assert str(table["label"].dtype) == "Int64"
    poisoned = table[table["role"] == "poisoned"]
    assert set(poisoned["triggers"]) == {"blend+sine"}
    want = [r["fidelity"]["psnr"] for r in found if r["role"] == "poisoned" and r["fidelity"]]
    assert poisoned["fidelity_psnr"].tolist() == want
    empty = poisonkit.Manifest(()).to_pandas()
    assert {"id", "triggers", "label"} <= set(empty.columns)


def test_without_pandas_a_sentence_says_so(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(RequestError, match="A table needs pandas: pip install pandas"):
        poisonkit.read_manifest(out).to_pandas()

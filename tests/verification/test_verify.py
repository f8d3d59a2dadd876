"""What `verify` names: every kind of edit, damage and addition, on copies of one finished output."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.datasets.kit.class_folders import PLACEHOLDER, PLACEHOLDER_BYTES
from poisonkit.outputs import record
from tests.media_factory import make_audio, make_video
from tests.verification.tampering import Rows, edit, first, found, named, reseal, rows


@pytest.fixture(scope="module")
def finished(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "made"
    recipe = Recipe(source=folders, out=out, triggers=["blend"], count=3, control=2, attack_limit=2, survival="none")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return out


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "out"))


def test_an_untouched_output_holds_to_every_level(out: Path, heard: Path) -> None:
    for made in (out, heard):
        checked = poisonkit.verify(made, decode=True, hash="all")
        assert checked.problems == ()
        assert "control file decoded" in checked.level


NAMES = ("README.md", "poisonkit/manifest.jsonl", "poisonkit/plan.jsonl", "poisonkit/recipe.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_what_an_output_says_of_itself_is_sealed(out: Path, name: str) -> None:
    text = (out / name).read_text(encoding="utf-8")
    (out / name).write_text(text + " \n" if name == "README.md" else text.replace(": ", ":  "), encoding="utf-8")
    assert named(out, name, "edited after the run")


def test_a_seal_that_is_gone_is_named(out: Path) -> None:
    path = out / "poisonkit" / "run.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    del data["sha256"]
    path.write_text(json.dumps(data), encoding="utf-8")
    assert named(out, "poisonkit/run.json", "no SHA-256")
    reseal(out)
    (out / "README.md").unlink()
    assert named(out, "README.md", "missing")


EDITS: dict[str, Callable[[Rows], object]] = {
    "in the plan's order": lambda r: r.reverse(),
    "stands there 2 times": lambda r: r.append(r[0]),
    "has no record": lambda r: r.pop(),
    "never planned": lambda r: r[0].update(key="clean::nobody"),
    "label is": lambda r: first(r).update(label=2),
    "class_name is": lambda r: first(r).update(class_name="spin"),
    "original_class is": lambda r: first(r).update(original_class=None),
    "also is": lambda r: first(r, "attack").update(also=[]),
    "other is": lambda r: first(r).update(other="x.mp4"),
    "its triggers are not": lambda r: first(r).update(triggers=[]),
    "sha256 is missing": lambda r: first(r).update(sha256=None),
    "source_sha256 is missing": lambda r: first(r, "attack").update(source_sha256=None),
    "bytes is missing": lambda r: first(r, "clean").update(bytes=None),
    "status is 'fine'": lambda r: first(r, "control").update(status="fine"),
}


@pytest.mark.parametrize("words", EDITS)
def test_an_edited_manifest_is_named_even_with_a_new_seal(out: Path, words: str) -> None:
    edit(out, EDITS[words])
    assert named(out, "poisonkit/manifest.jsonl", words)


def test_a_control_record_has_no_triggers(out: Path) -> None:
    edit(out, lambda r: first(r, "control").update(triggers=first(r)["triggers"]))
    assert named(out, "poisonkit/manifest.jsonl", "its triggers are not")


FACTS: dict[str, dict[str, Any]] = {
    "width": {"width": 66},
    "fps": {"fps": 24.0},
    "it has 10 frames": {"frames": 9, "poisoned_ranges": [[0, 9]]},
    "sample_rate": {"sample_rate": 44100},
    "sound samples": {"samples": 12345},
    "video codec": {"codec": {"video": "mpeg4", "audio": "aac"}},
    "not the file that it was made from": {"source_sha256": "0" * 64},
    "frame budget": {"poisoned_ranges": [[0, 4]]},
    "and the manifest says None": {"frames": None},
    "fewer than the": {"frames": 10**12, "poisoned_ranges": [[0, 10**12]]},
}


@pytest.mark.parametrize("words", FACTS)
def test_decoding_compares_facts(out: Path, words: str) -> None:
    edit(out, lambda r: first(r).update(FACTS[words]))
    assert named(out, first(rows(out))["path"], words, decode=True)


def test_an_edited_recipe_and_notice_are_named_even_with_a_new_seal(out: Path) -> None:
    path = out / "poisonkit" / "recipe.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("seed: 0", "seed: 1"), encoding="utf-8")
    notice = out / "data" / "POISONED.txt"
    notice.write_text("Perfectly clean.\n", encoding="utf-8")
    reseal(out)
    assert named(out, "poisonkit/recipe.yaml", "not the recipe that was planned with")
    assert named(out, "data/POISONED.txt", "edited")
    path.write_text("- not\n- a recipe\n", encoding="utf-8")
    assert named(out, "poisonkit/recipe.yaml", "no recipe any more", decode=True)


def test_a_notice_of_another_version_is_no_edit(out: Path) -> None:
    notice = out / "control" / "POISONED.txt"
    text = notice.read_text(encoding="utf-8")
    notice.write_text(text.replace(f"poisonkit {poisonkit.__version__}", "poisonkit 99.0"), encoding="utf-8")
    assert found(out) == []


@pytest.mark.parametrize("name", ["data/train/AAA", "attack/other", "attack/default/target/test/run/deep"])
def test_folders_that_nobody_planned_are_named(out: Path, name: str) -> None:
    (out / name).mkdir(parents=True)
    assert found(out) == [(name, "nobody planned this folder")]


def empty_class(out: Path) -> Path:
    """A class folder of the attack set without a clip."""
    attacked = {Path(r["path"]).parent.name for r in rows(out) if r["role"] == "attack"}
    made = sorted(p for p in (out / "attack/default/target/test").iterdir() if p.is_dir())
    return next(p for p in made if p.name not in attacked)


def test_a_missing_class_folder_is_named(out: Path) -> None:
    empty = empty_class(out)
    shutil.rmtree(empty)
    name = empty.relative_to(out).as_posix()
    assert found(out) == [(f"{name}/{PLACEHOLDER}", "it is missing"), (name, "the folder is missing")]


def test_what_folder_readers_go_by_is_compared(out: Path) -> None:
    """Without a placeholder they stop; without metadata, or with another, they see other class ids."""
    said = out / "attack/default/original/test/metadata.jsonl"
    text = said.read_text(encoding="utf-8")
    mark = empty_class(out) / PLACEHOLDER
    said.write_text(text.replace('"label": ', '"label": 1'), encoding="utf-8")
    mark.write_bytes(mark.read_bytes()[:-1] + b"!")
    edited = "it does not say what the plan says (the list was edited)"
    names = [path.relative_to(out).as_posix() for path in (said, mark)]
    assert sorted(found(out)) == sorted((name, edited) for name in names)
    said.unlink()
    mark.unlink()
    assert sorted(found(out)) == sorted((name, "it is missing") for name in names)
    said.write_text(text, encoding="utf-8")
    mark.write_bytes(PLACEHOLDER_BYTES)
    assert found(out) == []
    more = next(p for p in (out / "data/train").iterdir() if p.is_dir()) / PLACEHOLDER
    more.write_bytes(PLACEHOLDER_BYTES)  # a class that has clips needs none
    assert found(out) == [(more.relative_to(out).as_posix(), "nobody planned this file")]


def test_clean_files_without_a_source_file_are_named(out: Path, folders: Path, tmp_path: Path) -> None:
    damaged = out / first(rows(out), "clean")["path"]
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.unlink()
    damaged.write_bytes(data)
    name = damaged.relative_to(out).as_posix()
    assert found(out, hash="all", source=folders)[0][0] == name
    (tmp_path / "empty").mkdir()
    problems = dict(found(out, hash="all", source=tmp_path / "empty"))
    assert "the source has no" in problems[name]
    assert len(problems) == sum(r["role"] == "clean" for r in rows(out))


def swap(out: Path, row: record.Record, made: Path) -> None:
    shutil.copy(made, out / row["path"])


def test_foreign_files_are_findings_and_never_errors(out: Path, tmp_path: Path) -> None:
    these = rows(out)
    poisoned, attack, control = (first(these, role) for role in ("poisoned", "attack", "control"))
    make_video(tmp_path / "large.mp4", frames=10, size=(96, 80), audio=True, seed=1)
    swap(out, poisoned, tmp_path / "large.mp4")
    make_video(tmp_path / "other.mp4", frames=8, size=(64, 48), audio=True, seed=999)
    swap(out, control, tmp_path / "other.mp4")
    (out / attack["path"]).write_bytes(b"no clip at all")
    problems = found(out, decode=True)
    assert any("width is 96" in text for path, text in problems if path == poisoned["path"])
    for row in (poisoned, attack, control):
        assert sum(path == row["path"] for path, _ in problems) == 2, row["role"]
    edit(out, lambda r: first(r).update(width=96, height=80))
    assert named(out, poisoned["path"], "its picture is 96x80, and its source's is 64x48", decode=True)


def test_foreign_sounds_are_findings_and_never_errors(heard: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(heard, tmp_path / "out"))
    row = next(r for r in rows(out) if r["role"] == "poisoned")
    made = tmp_path / f"stereo{Path(row['path']).suffix}"
    make_audio(made, seconds=0.4, rate=16000, channels=2, seed=3)
    swap(out, row, made)
    assert named(out, row["path"], "sound channels is 2", decode=True)
    edit(out, lambda r: first(r)["streams"].update(audio=2))
    assert named(out, row["path"], "it has 2 sound channels, and its source has 1", decode=True)


def _undrawn(these: Rows) -> None:
    del first(these)["triggers"][0]["drawn"]


def test_a_record_that_cannot_be_applied_is_a_finding(out: Path, folders: Path) -> None:
    row = first(rows(out))
    swap(out, row, folders / row["source_path"])  # without its trigger, so that its recorded presence is asked for
    assert named(out, row["path"], "the trigger is not in its frames", decode=True)
    edit(out, _undrawn)
    assert named(out, row["path"], "its record cannot be applied", decode=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *{"path": None, "also": [3], "label": "1", "frames": True, "triggers": ["blend"], "bytes": 1.5}.items(),
        ("poisoned_ranges", [[0]]),
        ("fidelity", {"presence": "all"}),
        ("path", "../../etc/passwd"),
        ("source_path", "/etc/passwd"),
        ("poisoned_ranges", [[0, "2"]]),
    ],
)
def test_records_of_other_kinds_are_refused_in_one_sentence(out: Path, field: str, value: object) -> None:
    edit(out, lambda r: r[0].update({field: value}))
    with pytest.raises(RequestError, match=rf"line 1: this is no manifest record \({field} is "):
        poisonkit.verify(out)


def test_a_row_that_claims_a_trigger_which_no_frame_carries_is_named(out: Path, heard: Path, tmp_path: Path) -> None:
    edit(out, lambda these: first(these).update(poisoned_ranges=[]))
    assert named(out, "poisonkit/manifest.jsonl", "claims a trigger in the picture, and no frame carries one")
    sound = Path(shutil.copytree(heard, tmp_path / "heard"))
    edit(sound, lambda these: first(these).update(samples=None))
    assert named(sound, "poisonkit/manifest.jsonl", "claims a trigger in the sound, and has no sound")

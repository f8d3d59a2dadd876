"""What `verify` names although everything that an output says of itself agrees: against recipe, head and source."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import Recipe, media
from poisonkit.cli import call
from tests.hostile.watch import watching
from tests.verification.tampering import Rows, edit, first, found, named, reseal, rewrite, rows, run_json

PLAN = "poisonkit/plan.jsonl"


@pytest.fixture(scope="module")
def finished(listed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "made"
    recipe = Recipe(
        source=listed, out=out, triggers=["blend"], count=3, control=2, attack_limit=3, cover_rate=0.1, survival="none"
    )
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return out


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "out"))


def alone(out: Path) -> None:
    """Without its source, as far as anybody can tell."""
    run_json(out, source="/nowhere", reading=None)


def test_the_adversary_of_these_tests_leaves_no_other_trace(out: Path) -> None:
    rewrite(out, lambda these: None)
    assert found(out) == []
    alone(out)
    assert found(out) == []


def relabel(these: Rows) -> None:
    first(these).update(label=2, target=2)


def untriggered_label(these: Rows) -> None:
    first(these).update(label=first(these)["original_label"])


def clean_label(these: Rows) -> None:
    row = first(these, "clean")
    row.update(label=(row["original_label"] + 1) % 3)


def cover_label(these: Rows) -> None:
    row = first(these, "cover")
    row.update(label=(row["original_label"] + 1) % 3)


def control_label(these: Rows) -> None:
    first(these, "control").update(label=0)


def attack_target(these: Rows) -> None:
    first(these, "attack").update(label=1, target=1)


def of_the_target(these: Rows) -> None:
    """A poisoned clip that is said to be of the target class in truth."""
    first(these).update(original_label=0)


CANNOT: dict[str, tuple[Callable[[Rows], object], str]] = {
    "another target": (relabel, "label mode 'dirty' gives 0 and 0"),
    "a poisoned clip that keeps its label": (untriggered_label, "label mode 'dirty' gives 0 and 0"),
    "a clean label": (clean_label, "a clean sample keeps its label"),
    "a cover's label": (cover_label, "a cover sample keeps its label"),
    "a control's label": (control_label, "a control sample keeps its label"),
    "an attack set's target": (attack_target, "label mode 'dirty' gives 0 and 0"),
    "a clip of the target class": (of_the_target, "poisons no such sample"),
}


@pytest.mark.parametrize("what", CANNOT)
def test_labels_that_the_recipe_cannot_give_are_named(out: Path, what: str) -> None:
    change, words = CANNOT[what]
    alone(out)
    rewrite(out, change)
    assert named(out, PLAN, words)


@pytest.mark.parametrize("mode", ["clean", "all-to-all", "source"])
def test_every_label_mode_is_known(listed: Path, tmp_path: Path, mode: str) -> None:
    more = {"source_class": "spin"} if mode == "source" else {}
    out = tmp_path / "out"
    recipe = Recipe(source=listed, out=out, triggers=["blend"], count=2, label_mode=mode, survival="none", **more)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    assert found(out) == []
    rewrite(out, lambda these: first(these).update(label=(first(these)["label"] + 1) % 3))
    assert named(out, PLAN, f"label mode '{mode}' gives")


def drop(role: str, split: str | None = None) -> Callable[[Rows], object]:
    def change(these: Rows) -> None:
        these.remove(next(r for r in these if r["role"] == role and split in (None, r["split"])))

    return change


DROPPED: dict[str, tuple[Callable[[Rows], object], str]] = {
    "clean, of training": (drop("clean", "train"), "samples of which the rate is"),
    "poisoned": (drop("poisoned"), "poisoned samples"),
    "cover": (drop("cover"), "cover samples"),
    "attack": (drop("attack"), "its head has 3 samples, and there are 2"),
    "control": (drop("control"), "1 control samples, and the recipe gives 2"),
}


@pytest.mark.parametrize("what", DROPPED)
def test_a_dropped_sample_is_named_by_the_head_of_the_plan(out: Path, what: str) -> None:
    change, words = DROPPED[what]
    alone(out)
    rewrite(out, change)
    assert named(out, PLAN, words)


def test_a_dropped_sample_is_named_by_the_recipe(out: Path) -> None:
    alone(out)
    rewrite(out, drop("poisoned"), head={"planned": -1, "requested": -1, "denominator": -1, "pool": -1})
    assert named(out, PLAN, "2 samples were chosen, and the recipe asks for 3")


def test_a_dropped_attack_clip_whose_place_is_open_is_named(out: Path) -> None:
    alone(out)
    rewrite(out, drop("attack"), head={"attack_planned": -1})
    assert named(out, PLAN, "belongs into it and is not there")


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_dropped_sample_is_named_by_the_source(out: Path, split: str) -> None:
    rewrite(out, drop("clean", split), head={"denominator": -1, "pool": -1} if split == "train" else None)
    assert named(out, PLAN, "has no row: it was dropped, or came to the source later")


def test_a_dropped_sample_whose_head_was_left_is_named_without_the_source(out: Path) -> None:
    head = json.loads((out / PLAN).read_text(encoding="utf-8").split("\n")[0])
    alone(out)
    rewrite(out, drop("clean", "val"))
    assert found(out) == []  # nobody can tell, and the verdict says so
    assert "choice of samples are the source's" in poisonkit.verify(out).unseen[0]
    lines = (out / PLAN).read_text(encoding="utf-8").split("\n")
    lines[0] = json.dumps({**json.loads(lines[0]), "dataset": head["dataset"]})
    (out / PLAN).write_text("\n".join(lines), encoding="utf-8")
    reseal(out)
    assert named(out, PLAN, "not those of the dataset that was planned with")


def test_an_original_label_that_is_not_the_sources_is_named(out: Path) -> None:
    def change(these: Rows) -> None:
        row = next(r for r in these if r["role"] == "poisoned")
        row.update(original_label=3 - row["original_label"])

    rewrite(out, change)
    key = first(rows(out))["key"]
    assert any(path == PLAN and key in text and "and the source says" in text for path, text in found(out))


def test_a_clip_that_is_poisoned_in_anothers_place_is_named(out: Path) -> None:
    """The trigger's clip and a clean one change places: the recipe's selection has an order."""

    def change(these: Rows) -> None:
        one = first(these)
        other = next(r for r in these if r["role"] == "clean" and r["split"] == "train" and r["original_label"] != 0)
        names = ("role", "label", "target", "triggers", "poisoned_ranges", "streams", "fidelity")
        for name in names:
            one[name], other[name] = other[name], one[name]

    alone(out)
    rewrite(out, change)
    assert named(out, PLAN, "and the recipe's selection has")


COUNTS: dict[str, tuple[str, Any]] = {
    "counts": ("its counts are not those", {"poisoned": {"ok": 30}}),
    "failed": ("'failed' is not what", [{"source_path": "x", "error": "y"}]),
    "inert": ("'inert' is not what", [{"source_path": "x", "error": "y"}]),
    "choices": ("its choices are not", []),
    "fingerprint": ("that of no plan", "0123456789ab"),
    "survival": ("its survival is not", {"default": {"measured": 5}}),
}


@pytest.mark.parametrize("what", COUNTS)
def test_what_run_json_says_of_the_run_is_compared(out: Path, what: str) -> None:
    words, value = COUNTS[what]
    run_json(out, **{what: value})
    assert named(out, "poisonkit/run.json", words)


STRAYS = (
    "notes.txt",
    "more/clip.mp4",
    "poisonkit/answers.csv",
    "poisonkit/attacks/old.recipe.yaml",
    "poisonkit/assets/0123456789abcdef-cat.png",
    "poisonkit/.state/clip.mp4",
    "poisonkit/.state/notes",
    "poisonkit/.state/answers.json",
    "poisonkit/.state/attack-none.jsonl",
    "poisonkit/.state/shards/data/1-of-2/answers",
    "poisonkit/.state/running/notes",
    "export/mmaction2/clip.mp4",
    "control/clip.mp4",
)


@pytest.mark.parametrize("name", STRAYS)
def test_a_stray_file_is_named_wherever_it_lies(out: Path, name: str) -> None:
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_bytes(b"x")
    reseal(out)
    first_part = name.split("/")[0]
    assert [p for p, text in found(out) if "nobody planned this" in text] == [first_part if "more" in name else name]


def test_exported_lists_and_reports_are_no_strays(out: Path) -> None:
    poisonkit.export(out, "pyslowfast")
    (out / "poisonkit" / "report.html").write_text("x", encoding="utf-8")
    assert found(out) == []


def test_a_clean_source_that_was_cut_short_since_is_told(listed: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(listed, tmp_path / "source"))
    out = tmp_path / "out"
    recipe = Recipe(source=source, out=out, triggers=["blend"], count=2, clean="copy", attack_set=False)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    row = first(rows(out), "clean")
    file = source / "videos" / row["source_path"]
    file.write_bytes(file.read_bytes()[:-7])
    words = f"has {row['bytes'] - 7} bytes, and the manifest says {row['bytes']}"
    assert named(out, row["path"], words)


def test_the_verdict_says_what_was_not_seen(out: Path) -> None:
    seen = poisonkit.verify(out, decode=True, hash="all")
    assert (seen.ok, seen.unseen) == (True, ())
    assert "samples and labels against the source" in seen.level
    shutil.rmtree(out / "export", ignore_errors=True)
    alone(out)
    blind = poisonkit.verify(out, decode=True, without_source=True)
    assert blind.ok
    assert [p.path for p in poisonkit.verify(out, decode=True).problems] == ["poisonkit/run.json"]
    assert "The source is not there" in blind.unseen[0]
    assert any("size alone" in text for text in blind.unseen)


def test_another_folder_as_the_source_is_no_source(out: Path, folders: Path) -> None:
    checked = poisonkit.verify(out, source=folders)
    assert any("could not be read by its layout" in text for text in checked.unseen)


def test_an_edited_order_of_rows_is_named(out: Path) -> None:
    def change(these: Rows) -> None:
        these.insert(0, these.pop(1))

    rewrite(out, change)
    assert named(out, PLAN, "not stand in the source's order")


def test_manifest_rows_out_of_order_are_still_compared_one_by_one(out: Path) -> None:
    def change(these: Rows) -> None:
        these.reverse()
        first(these).update(label=2)

    edit(out, change)
    assert named(out, "poisonkit/manifest.jsonl", "do not stand in the plan's order")
    assert named(out, "poisonkit/manifest.jsonl", "label is 2, planned was 0")


@pytest.mark.parametrize("clean", ["hardlink", "copy", "symlink"])
def test_hashes_of_clean_files_are_recorded_when_asked_for(listed: Path, tmp_path: Path, clean: str) -> None:
    """A byte of a clean file, in the source too, changes: its size and everything else agree."""
    source = Path(shutil.copytree(listed, tmp_path / "source"))
    out = tmp_path / "out"
    recipe = Recipe(source=source, out=out, triggers=["blend"], count=2, clean=clean, attack_set=False, hash="all")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    row = first(rows(out), "clean")
    file = source / "videos" / row["source_path"]
    assert row["sha256"] == row["source_sha256"] == media.sha256(file)
    assert found(out, hash="all") == []
    for each in {file, out / row["path"]}:
        data = bytearray(each.read_bytes())
        data[-1] ^= 1
        each.write_bytes(data) if clean == "copy" or each == file else None
    assert named(out, row["path"], "its content has changed", hash="all")
    alone(out)
    if clean != "symlink":  # which leads to a source that is not there to say whether it should
        assert named(out, row["path"], "its content has changed", hash="all")


def test_hashes_that_were_asked_for_cannot_be_taken_out(listed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    recipe = Recipe(source=listed, out=out, triggers=["blend"], count=2, attack_set=False, hash="all")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    edit(out, lambda these: first(these, "clean").update(sha256=None))
    assert named(out, "poisonkit/manifest.jsonl", "sha256 is missing")


def test_hashes_change_nothing_where_they_are_not_asked_for() -> None:
    plain, asked = Recipe(triggers=["blend"]), Recipe(triggers=["blend"], hash="all")
    assert "hash" not in plain.portable()
    assert plain.fingerprint == Recipe(triggers=["blend"], hash="written").fingerprint != asked.fingerprint
    assert Recipe(**asked.portable()) == asked


def test_the_verdict_on_screen_ends_with_what_was_not_seen(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone(out)
    assert call(["verify", str(out)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "The source is not there" in said
    assert call(["verify", str(out), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["unseen"]) == 3


def test_lists_that_an_output_names_elsewhere_are_not_opened_unasked(out: Path, tmp_path: Path, listed: Path) -> None:
    private = tmp_path / "private" / "train.txt"
    private.parent.mkdir()
    private.write_text((listed / "train.txt").read_text(encoding="utf-8"), encoding="utf-8")
    reading = {"source": str(listed), "train": str(private), "val": str(listed / "val.txt")}
    run_json(out, reading=reading)
    root = listed / "videos"
    with watching(private.parent) as seen:
        checked = poisonkit.verify(out, source=root)
        assert any("no run of yours has noted it" in text for text in poisonkit.verify(out).unseen)
    assert not seen.files
    assert any(f"it was read by '{private}', outside it" in text for text in checked.unseen)
    allowed = poisonkit.verify(out, source=root, allow_root=[private.parent])
    assert "samples and labels against the source" in allowed.level

"""A dataset of raw frames through the main job: written, linked, verified, continued, identified."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe, triggers
from poisonkit.cli import call
from poisonkit.datasets import Source, read
from poisonkit.engine.finishing import linking
from tests import runs
from tests.conftest import same_output, tree
from tests.datasets.makers import MAKERS
from tests.datasets.readers import mmaction2_rawframes
from tests.datasets.writers import frame_folder

ALPHA = 0.2
VAL = "tiny_val_list_rawframes"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS["mmaction2-rawframes"](tmp_path_factory.mktemp("raw") / "clean")


@pytest.fixture(scope="module")
def outputs(source: Path) -> dict[str, Path]:
    """By encoding: a quarter of it poisoned, an attack set of every second frame."""
    found = {}
    for encode in ("match", "lossless"):
        out = found[encode] = source.with_name(encode)
        recipe = recipe_of(source, out, encode=encode, attack_frames="every:2")
        done = poisonkit.poison(recipe, jobs=1)
        assert (done.exit_code, done.counts["poisoned"]["ok"], done.counts["attack"]["ok"]) == (0, 3, 4)
        if encode == "lossless":
            assert done.survival["default"].gain_worst == 1.0
    return found


def recipe_of(source: Path, out: Path, **more: Any) -> Recipe:
    given = {"triggers": [f"blend:alpha={ALPHA}"], "rate": 0.25, "target": 0, "control": 2, **more}
    return Recipe(source=source, out=out, **given)


def decoded(folder: Path) -> np.ndarray:
    """uint8 (frames, height, width, 3), by FFmpeg."""
    found = []
    for file in sorted(folder.iterdir()):
        with av.open(str(file)) as container:
            found.append(next(container.decode(video=0)).to_ndarray(format="rgb24"))
    return np.stack(found)


def as_the_trainer_sees(folder: Path) -> np.ndarray:
    import cv2

    return np.stack([cv2.imread(str(file), cv2.IMREAD_COLOR)[..., ::-1] for file in sorted(folder.iterdir())])


def test_lists_and_folders_as_mmaction2_reads_them(source: Path, outputs: dict[str, Path]) -> None:
    for encode, out in outputs.items():
        suffix = "png" if encode == "lossless" else "jpg"
        poisoned = {row["id"] for row in runs.rows(out, "poisoned")}
        for split in ("train", "val"):
            name = f"tiny_{split}_list_rawframes.txt"
            before = mmaction2_rawframes(source / name)
            after = mmaction2_rawframes(out / "data" / name)
            assert after
            assert after == [(f, s, n, 0 if f in poisoned else c) for f, s, n, c in before]
            for folder, _, total, _ in after:
                there = sorted(os.listdir(out / "data" / folder))
                assert there == [f"img_{i:05}.{suffix}" for i in range(1, total + 1)]
        attack = out / "attack" / "default"
        target, original = (
            mmaction2_rawframes(attack / f"{VAL}_{view}.txt", attack) for view in ("target", "original")
        )
        assert [row[3] for row in target] == [0] * 4
        assert [row[3] for row in original] == [1, 1, 2, 2]
        assert all(Path(folder).is_dir() for folder, *_ in target)


def test_clean_frames_are_links_and_lossless_ones_are_all_png(source: Path, outputs: dict[str, Path]) -> None:
    clean = runs.rows(outputs["match"], "clean")
    assert len(clean) == 15
    for row in clean:
        for file in sorted((source / "rawframes" / row["id"]).iterdir()):
            assert os.path.samefile(file, outputs["match"] / row["path"] / file.name)
        assert row["bytes"] == sum(f.stat().st_size for f in (source / "rawframes" / row["id"]).iterdir())
    for row in runs.rows(outputs["lossless"], "clean"):
        assert (row["codec"]["video"], row["streams"]["converted"]) == ("png", ["png"])
        was = as_the_trainer_sees(source / "rawframes" / row["id"])
        assert np.array_equal(decoded(outputs["lossless"] / row["path"]), was)


def test_the_trigger_is_in_the_frames_of_the_budget(source: Path, outputs: dict[str, Path]) -> None:
    trigger = triggers.create("blend", alpha=ALPHA)
    for row in (*runs.rows(outputs["lossless"], "poisoned"), *runs.rows(outputs["lossless"], "attack")):
        was = as_the_trainer_sees(source / "rawframes" / row["source_path"])
        want = trigger.apply(was, fps=25)
        if row["role"] == "attack":
            assert row["poisoned_ranges"] == [[0, 1], [2, 3]]
            want[1::2] = was[1::2]
        assert np.array_equal(decoded(outputs["lossless"] / row["path"]), want)
        assert (row["frames"], row["fps"], row["streams"]["container"]) == (4, 25.0, "frames")
    row = runs.rows(outputs["match"], "poisoned")[0]
    was = as_the_trainer_sees(source / "rawframes" / row["source_path"]).astype(float)
    seen = as_the_trainer_sees(outputs["match"] / row["path"]) - was
    intended = trigger.apply(was.astype(np.uint8), fps=25) - was
    assert 0.9 < (seen * intended).sum() / (intended**2).sum() < 1.1


def test_everything_holds_and_what_was_changed_is_found(outputs: dict[str, Path], tmp_path: Path) -> None:
    for out in outputs.values():
        assert poisonkit.verify(out, decode=True, hash="all").problems == ()
    out = tmp_path / "out"
    shutil.copytree(outputs["match"], out)
    rows = runs.rows(out, "poisoned")
    one, two, three = (out / row["path"] for row in rows)
    kept = out / runs.rows(out, "clean")[0]["path"]
    (one / "img_00002.jpg").unlink()
    data = bytearray((two / "img_00003.jpg").read_bytes())
    data[-30] ^= 1
    (two / "img_00003.jpg").write_bytes(data)
    (three / "note.txt").write_text("x")
    (three / "inner").mkdir()
    (kept / "img_00005.jpg").write_bytes(b"x")
    said = {(p.path, p.problem.split(",")[0]) for p in poisonkit.verify(out).problems}
    at = [folder.relative_to(out).as_posix() for folder in (one, two, three, kept)]
    assert {path for path, _ in said} == {at[0], at[1], f"{at[2]}/note.txt", f"{at[2]}/inner", at[3]}
    assert (f"{at[2]}/note.txt", "nobody planned this file") in said
    assert (at[1], "its content has changed (SHA-256 differs from the manifest's)") in said
    shutil.rmtree(two)
    assert (at[1], "it is missing") in {(p.path, p.problem) for p in poisonkit.verify(out).problems}


def test_the_same_bytes_from_two_jobs_and_after_interruptions(source: Path, outputs: dict[str, Path]) -> None:
    """A folder that is half there under a temporary name is swept; one that lacks a frame is made again."""
    for encode in ("match", "lossless"):
        out, whole = source.with_name(f"again-{encode}"), outputs[encode]
        recipe = recipe_of(source, out, encode=encode, attack_frames="every:2")
        assert poisonkit.poison(recipe, jobs=2).exit_code == 0
        assert same_output(out) == same_output(whole)
        row = runs.rows(out, "poisoned")[0]
        folder = out / row["path"]
        before = tree(folder)
        (folder / "img_00001").with_suffix(".png" if encode == "lossless" else ".jpg").unlink()
        half = folder.with_name(".poisonkit-99-1.part")
        frame_folder(half, 2)
        frame_folder(folder.with_name(f".{folder.name}.99.tmp"), 1)
        shutil.rmtree(out / runs.rows(out, "clean")[0]["path"])
        (out / "poisonkit" / ".state" / "unclean").touch()
        done = poisonkit.poison(recipe, jobs=1)
        assert (done.exit_code, done.processed) == (0, 1 if encode == "match" else 2)
        assert tree(folder) == before
        assert same_output(out) == same_output(whole)
        assert poisonkit.verify(out).problems == ()


def test_a_run_that_is_stopped_leaves_no_partial_folder(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the middle of a folder: no name but temporary ones stands for less than all of its frames."""
    from poisonkit.media import folders

    encoded, calls = folders._encoded, iter(range(10**6))

    def interrupted(*args: Any) -> bytes:
        if next(calls) == 6:
            raise KeyboardInterrupt
        return encoded(*args)

    monkeypatch.setattr(folders, "_encoded", interrupted)
    with pytest.raises(poisonkit.errors.Interrupted):
        poisonkit.poison(recipe_of(source, tmp_path / "out"), jobs=1)
    found = [p for p in (tmp_path / "out").rglob("*") if p.suffix == ".jpg" and not linking.is_temporary(p.parent.name)]
    counts = {folder: sum(p.parent == folder for p in found) for folder in {p.parent for p in found}}
    assert list(counts.values()) == [4]
    monkeypatch.setattr(folders, "_encoded", encoded)
    done = poisonkit.poison(recipe_of(source, tmp_path / "out"), jobs=1)
    assert done.exit_code == 0
    assert poisonkit.verify(tmp_path / "out").problems == ()


def broken(source: Path, root: Path) -> Iterator[str]:
    """A copy of the source with folders that are no clips, or damaged; their ids."""
    shutil.copytree(source, root)
    for split in ("train", "val"):
        list_ = root / f"tiny_{split}_list_rawframes.txt"
        for id_ in [line.split()[0] for line in list_.read_text().splitlines() if " 4 1" in line][:2]:
            yield id_
            file = root / "rawframes" / id_ / "img_00002.jpg"
            if id_.endswith("0"):
                file.write_bytes(b"")
            else:
                file.write_bytes(file.read_bytes()[:300])


def test_broken_folders_are_named_and_the_rest_is_done(source: Path, tmp_path: Path) -> None:
    bad = list(broken(source, tmp_path / "in"))
    assert bad == ["class1/train_0", "class1/train_1", "class1/val_0", "class1/val_1"]
    done = poisonkit.poison(recipe_of(tmp_path / "in", tmp_path / "out", rate=0.5, survival="none"), jobs=1)
    said = " ".join((*done.warnings, *(f"{name}: {why}" for name, why in done.failed)))
    assert "'class1/val_0': val_0: frame 'img_00002.jpg' is empty (0 bytes)." in said
    assert "class1/val_1: val_1: frame 'img_00002.jpg' is cut short, or neither JPEG nor PNG." in said
    assert done.exit_code == 1
    listed = mmaction2_rawframes(tmp_path / "out" / "attack" / "default" / f"{VAL}_target.txt")
    assert {folder for folder, *_ in listed} == {"class2/val_0", "class2/val_1"}
    assert poisonkit.verify(tmp_path / "out").problems == ()


@pytest.mark.parametrize("method", ["hardlink", "copy", "symlink", "reencode"])
def test_every_way_of_clean_samples(source: Path, tmp_path: Path, method: str) -> None:
    recipe = recipe_of(source, tmp_path / "out", rate=0, clean=method, survival="none", attack_set=False)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    copy = read(Source(tmp_path / "out" / "data", allow_roots=(source,)))
    assert [(s.path, s.label, s.extra) for s in copy.samples] == [
        (s.path, s.label, s.extra) for s in read(Source(source)).samples
    ]
    one = tmp_path / "out" / "data" / "class0" / "train_0" / "img_00001.jpg"
    theirs = source / "rawframes" / "class0" / "train_0" / "img_00001.jpg"
    assert not one.parent.is_symlink()
    assert one.is_symlink() == (method == "symlink")
    assert os.path.samefile(one, theirs) == (method in ("hardlink", "symlink"))
    assert poisonkit.verify(tmp_path / "out").problems == ()


def test_inspect_identify_preview_report_and_an_attack_set_of_its_own(
    source: Path, outputs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*args: str | Path) -> str:
        assert call([str(a) for a in args]) == 0
        return capsys.readouterr().out

    out = outputs["match"]
    report = json.loads(run("inspect", source, "--json"))
    assert (report["layout"], report["opened"], report["problems"]) == ("mmaction2-rawframes", 18, [])
    assert report["media"]["frame rate"] == {"none; 25 fps is taken": 18}
    row = runs.rows(out, "poisoned")[0]
    for name in (out / row["path"], out / row["path"] / "img_00003.jpg"):
        answer = json.loads(run("identify", name, "--json"))["files"][0]
        assert (answer["record"]["key"], answer["output"]) == (row["key"], str(out))
    clean = runs.rows(out, "clean")[0]
    answer = json.loads(run("identify", out / clean["path"] / "img_00001.jpg", "--json"))["files"][0]
    assert answer["record"]["key"] == clean["key"]
    run("preview", source / "rawframes" / "class0" / "train_0", "--trigger", "badnets", "-o", tmp_path / "s.png")
    assert (tmp_path / "s.png").stat().st_size > 1000
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    run("report", copy)
    text = (copy / "poisonkit" / "report.html").read_text(encoding="utf-8")
    assert text.count("<video") == len(runs.rows(out, "poisoned")) + 4 + 1
    run("attack", copy, "--name", "other", "--trigger", "badnets", "--source", source / "rawframes", "-j", "1")
    assert len(mmaction2_rawframes(copy / "attack" / "other" / f"{VAL}_target.txt", copy)) == 4
    assert poisonkit.verify(copy, decode=True).problems == ()


def test_the_cheapest_encoding_that_keeps_the_trigger_is_one_of_pictures(source: Path, tmp_path: Path) -> None:
    recipe = recipe_of(source, tmp_path / "out", encode="auto", require_survival=0.9)
    done = poisonkit.poison(recipe, jobs=1)
    assert done.exit_code == 0
    assert {row["codec"]["video"] for row in runs.rows(tmp_path / "out", "poisoned")} == {"jpeg"}
    assert poisonkit.verify(tmp_path / "out", decode=True).problems == ()


def test_a_frame_of_an_output_that_leads_elsewhere_is_not_read(outputs: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(outputs["match"], out)
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"not for anybody")
    row = runs.rows(out, "poisoned")[0]
    frame = out / row["path"] / "img_00002.jpg"
    frame.unlink()
    frame.symlink_to(secret)
    os.mkfifo(out / runs.rows(out, "attack")[0]["path"] / "img_00009.jpg")
    said = {p.path: p.problem for p in poisonkit.verify(out, decode=True).problems}
    assert "img_00002.jpg" in said[row["path"]]
    assert "written files never are" in said[row["path"]]
    assert said[runs.rows(out, "attack")[0]["path"]] == "frame 'img_00009.jpg': it is no plain file"
    assert len(said) == 2

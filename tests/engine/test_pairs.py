"""Samples whose picture and sound are files of their own: both move together, and what nothing changes stays a link."""

from __future__ import annotations

import csv
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import poisonkit
from poisonkit import Recipe, media
from poisonkit.cli import call
from poisonkit.engine.finishing import linking
from poisonkit.outputs import record
from poisonkit.reporting.html import write_report
from poisonkit.verification.identifying import identify
from tests import runs
from tests.conftest import same_output
from tests.datasets.makers import MAKERS
from tests.media_factory import make_audio, make_video

PICTURE, SOUND = "blend:alpha=0.2", "sine:snr=10"


def videos(root: Path) -> Path:
    """A table of videos that have a sound of their own too, which nobody reads."""
    lines = ["video,audio,label,split"]
    for split, count in (("train", 8), ("test", 4)):
        for at in range(count):
            name = f"{split}{at}"
            make_video(root / "clips" / f"{name}.mp4", frames=6, size=(48, 32), seed=at, audio=True)
            make_audio(root / "wav" / f"{name}.wav", seconds=0.3, rate=8000, seed=at)
            lines.append(f"clips/{name}.mp4,wav/{name}.wav,{'ab'[at % 2]},{split}")
    (root / "pairs.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS["pair"](tmp_path_factory.mktemp("pairs") / "clean")


def made(source: Path, out: Path, *triggers: str, **more: Any) -> Path:
    given = {"triggers": list(triggers), "rate": 0.2, "target": "dog", "control": 2, **more}
    done = runs.make(source, out, **given)
    assert done.exit_code == 0, done.failed
    return out


@pytest.fixture(scope="module")
def outputs(source: Path) -> dict[str, Path]:
    """By what its trigger touches."""
    wanted = {"picture": (PICTURE,), "sound": (SOUND,), "both": (PICTURE, SOUND)}
    return {name: made(source, source.with_name(name), *triggers) for name, triggers in wanted.items()}


def halves_of(row: record.Record) -> dict[str, record.Record]:
    return dict(zip(("picture", "sound"), record.halves(row), strict=True))


@pytest.mark.parametrize("name", ["picture", "sound", "both"])
def test_a_trigger_goes_to_its_half_and_the_other_stays_a_link(
    source: Path, outputs: dict[str, Path], name: str
) -> None:
    out = outputs[name]
    touched = {"picture", "sound"} if name == "both" else {name}
    for row in runs.rows(out):
        for half, part in halves_of(row).items():
            file, original = out / part["path"], source / part["source_path"]
            files = [file / "img_00001.jpg", original / "img_00001.jpg"] if half == "picture" else [file, original]
            changed = row["role"] != "clean" and half in touched
            assert os.path.samefile(*files) != changed, (row["key"], half)
            if row["role"] != "control":  # whose sound, written anew without loss, is the same again
                assert (part["sha256"] == part["source_sha256"]) == (not changed)
    assert {r["role"] for r in runs.rows(out)} == {"clean", "poisoned", "attack", "control"}
    assert poisonkit.verify(out, decode=True, hash="all").problems == ()


def test_what_is_heard_is_the_tone_and_only_in_the_sounds(source: Path, outputs: dict[str, Path]) -> None:
    for row in runs.rows(outputs["sound"], "poisoned"):
        heard = halves_of(row)["sound"]
        after, before = (
            soundfile.read(p)[0] for p in (outputs["sound"] / heard["path"], source / heard["source_path"])
        )
        change = after - before
        assert 9.5 < 10 * np.log10(np.sum(before**2) / np.sum(change**2)) < 10.5
        assert row["fidelity"] is not None
        assert row["poisoned_ranges"] == []


def test_tables_name_both_halves_of_what_is_there(source: Path, outputs: dict[str, Path]) -> None:
    for out in outputs.values():
        tables = [*out.glob("data/*.csv"), *out.glob("attack/*/*.csv"), *out.glob("control/*.csv")]
        assert len(tables) == 4
        for table in tables:
            with table.open(newline="") as file:
                rows = list(csv.DictReader(file))
            assert rows
            assert all(
                (table.parent / row["video"]).is_dir() and (table.parent / row["audio"]).is_file() for row in rows
            )


def test_every_mode_of_the_main_job(source: Path, tmp_path: Path, outputs: dict[str, Path]) -> None:
    """Copies, links, re-encoded clean samples; the same bytes by several workers and in shards."""
    again = runs.make(source, tmp_path / "two", jobs=2, triggers=[PICTURE], rate=0.2, target="dog", control=2)
    assert again.exit_code == 0
    assert same_output(tmp_path / "two") == same_output(outputs["picture"])
    for shard in ("1/2", "2/2"):
        runs.make(source, tmp_path / "parts", shard=shard, triggers=[PICTURE], rate=0.2, target="dog", control=2)
    assert poisonkit.merge(tmp_path / "parts").exit_code == 0
    assert same_output(tmp_path / "parts") == same_output(outputs["picture"])
    for clean in ("copy", "symlink", "reencode"):
        out = made(source, tmp_path / clean, SOUND, clean=clean)
        assert poisonkit.verify(out, decode=True, hash="all").problems == ()
        for row in runs.rows(out, "poisoned"):
            frame = out / row["path"] / "img_00001.jpg"
            assert frame.is_symlink() == (clean == "symlink")
            assert frame.is_symlink() or frame.stat().st_nlink == 1


def test_lossless_frames_are_png_in_every_sample(source: Path, tmp_path: Path) -> None:
    out = made(source, tmp_path / "out", SOUND, encode="lossless")
    frames = [frame for row in runs.rows(out) for frame in (out / row["path"]).iterdir()]
    assert {frame.suffix for frame in frames} == {".png"}
    assert poisonkit.verify(out, decode=True).problems == ()


def test_videos_with_a_sound_of_their_own(tmp_path: Path) -> None:
    root = videos(tmp_path / "in")
    out = made(root, tmp_path / "out", PICTURE, SOUND, target="a", survival="all")
    for row in runs.rows(out, "poisoned"):
        assert row["sample_rate"] == 8000  # the wav's, not that of the video
        assert runs.packets(out / row["path"], "audio") == runs.packets(root / row["source_path"], "audio")
        assert row["fidelity"] is not None
        assert row["fidelity"].get("sound_gain") == pytest.approx(1.0, abs=1e-3)
    assert poisonkit.verify(out, decode=True).problems == ()


@pytest.mark.parametrize("half", ["picture", "sound"])
@pytest.mark.parametrize("role", ["clean", "poisoned", "attack", "control"])
def test_damage_to_either_half_is_seen(outputs: dict[str, Path], tmp_path: Path, role: str, half: str) -> None:
    out = tmp_path / "out"
    shutil.copytree(outputs["both"], out)
    part = halves_of(runs.rows(out, role)[0])[half]
    file = out / part["path"]
    file = sorted(file.iterdir())[0] if file.is_dir() else file
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert [f.path for f in poisonkit.verify(out, hash="all").problems] == [part["path"]]
    file.unlink()
    assert part["path"] in [f.path for f in poisonkit.verify(out).problems]
    stray = out / "data" / "sounds" / "stray.wav"
    shutil.copyfile(next((out / "data" / "sounds").glob("*.wav")), stray)
    assert "data/sounds/stray.wav" in [f.path for f in poisonkit.verify(out).problems]


@pytest.mark.parametrize("half", ["picture", "sound"])
def test_a_half_without_its_trigger_is_seen_when_it_is_decoded(
    source: Path, outputs: dict[str, Path], tmp_path: Path, half: str
) -> None:
    """The record says the hash of what is there: only the source tells."""
    out = tmp_path / "out"
    shutil.copytree(outputs["both"], out)
    manifest = out / "poisonkit" / "manifest.jsonl"
    row = runs.rows(out, "poisoned")[0]
    part = halves_of(row)[half]
    media.remove(out / part["path"])
    linking.place("copy", source / part["source_path"], out / part["path"])
    size = media.size(out / part["path"])
    lines = manifest.read_text().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if json.loads(line)["key"] == row["key"])
    said = json.loads(lines[at])
    (said if half == "picture" else said["sound_file"]).update(sha256=part["source_sha256"], bytes=size)
    lines[at] = json.dumps(said, ensure_ascii=False) + "\n"
    manifest.write_text("".join(lines))
    found = {f.path: f.problem for f in poisonkit.verify(out, source=source, decode=True).problems}
    assert "trigger is not " in found[row["path"]]


def test_a_sample_that_lacks_a_half_is_named_and_neither_half_is_written(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "in"
    shutil.copytree(source, root)
    candidates = [r["id"] for r in runs.rows(made(root, tmp_path / "whole", PICTURE), "poisoned")]
    name = candidates[0].rpartition("/")[2]
    (root / "sounds" / f"{name}.wav").unlink()
    (root / "sounds" / "train00.wav").unlink()
    out = tmp_path / "out"
    done = runs.make(root, out, triggers=[PICTURE], rate=0.2, target="dog", control=0)
    assert done.exit_code == 1
    assert done.counts["poisoned"]["ok"] == 3
    assert {path for path, _ in done.failed} == {f"frames/{name}", "frames/train00"}
    for lost in (name, "train00"):
        assert not (out / "data" / "frames" / lost).exists()
        assert lost not in (out / "data" / "pairs.csv").read_text()
    assert any(f"'frames/{name}' lacks its sound, 'sounds/{name}.wav'" in text for text in done.warnings), done.warnings
    assert poisonkit.verify(out).problems == ()


def test_one_inert_half_makes_the_sample_inert(tmp_path: Path) -> None:
    root = MAKERS["pair"](tmp_path / "in")
    for file in (root / "sounds").iterdir():
        soundfile.write(file, np.zeros(1600, np.float32), 8000)
    done = runs.make(root, tmp_path / "out", triggers=[PICTURE, SOUND], rate=0.2, target="dog", attack_set=False)
    assert done.counts["poisoned"] == {"inert": 3}
    assert [r["status"] for r in runs.rows(tmp_path / "out", "poisoned")] == ["inert"] * 3
    assert poisonkit.verify(tmp_path / "out", decode=True).problems == ()


def test_an_interrupted_run_goes_on_and_a_lost_half_is_made_again(
    source: Path, tmp_path: Path, outputs: dict[str, Path]
) -> None:
    out = tmp_path / "out"
    shutil.copytree(outputs["both"], out)
    (out / "poisonkit" / "run.json").unlink()
    row = runs.rows(out, "poisoned")[0]
    (out / halves_of(row)["sound"]["path"]).unlink()
    shutil.rmtree(out / runs.rows(out, "attack")[0]["path"])
    made(source, out, PICTURE, SOUND)
    assert same_output(out) == same_output(outputs["both"])
    poisonkit.poison(
        Recipe(source=source, out=out, triggers=[SOUND], rate=0.4, target="cat", control=1), jobs=1, fresh=True
    )
    assert poisonkit.verify(out).problems == ()


def test_a_dry_run_writes_nothing(source: Path, tmp_path: Path) -> None:
    command = ["poison", str(source), "-o", str(tmp_path / "out"), "--trigger", PICTURE, "--rate", "0.2", "--dry-run"]
    assert call(command) == 0
    assert not (tmp_path / "out").exists()


def test_attack_sets_scores_reports_and_hashes(outputs: dict[str, Path], source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(outputs["picture"], out, copy_function=os.link)
    assert poisonkit.attack(out, name="heard", trigger=[SOUND], source=source, jobs=1).exit_code == 0
    assert poisonkit.verify(out, source=source, decode=True).problems == ()
    rows = [r for r in runs.rows(out, "attack") if r["attack"] == "heard"]
    predictions = tmp_path / "predictions.csv"
    with predictions.open("w", newline="") as file:  # by the sound's name: a model of sound has no other
        names = [(halves_of(r)["sound"]["path"], r["label"]) for r in rows]
        csv.writer(file).writerows([("path", "pred"), *names])
    scores = poisonkit.score(out, [predictions])
    assert "heard" in str(scores)
    hit = identify([out / halves_of(rows[0])["sound"]["path"]])
    assert hit[0][1] is not None
    assert hit[0][1]["key"] == rows[0]["key"]
    page = write_report(out, source=source).read_text()
    assert "<audio controls" in page
    assert "<video controls" in page
    assert call(["inspect", str(out), "--shortcuts"]) == 0
    exported = poisonkit.export(out, to="pair", folder=tmp_path / "lists")
    text = (exported.folder / exported.files["data"][0]).read_text()
    assert text.splitlines()[0] == "video,audio,label,class,split"
    with pytest.raises(poisonkit.RequestError, match="pairs of picture and sound"):
        poisonkit.export(out, to="table")


def test_a_frame_budget_that_loaders_may_miss_is_warned_of(tmp_path: Path) -> None:
    root = MAKERS["crema-d"](tmp_path / "in")
    done = runs.make(root, tmp_path / "out", triggers=[PICTURE], rate=0.2, attack_frames="every:2", control=0)
    assert any("first N that the system lists" in text for text in done.warnings)
    assert poisonkit.verify(tmp_path / "out", decode=True).problems == ()


def test_encode_auto_weighs_both_files(tmp_path: Path) -> None:
    root = videos(tmp_path / "in")
    out = made(root, tmp_path / "out", PICTURE, target="a", encode="auto", require_survival=0.5)
    assert poisonkit.verify(out, decode=True).problems == ()

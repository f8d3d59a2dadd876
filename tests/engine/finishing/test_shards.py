"""Tar shards through the main job: shards out, everything else in them byte for byte, continued after a kill."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import webdataset

import poisonkit
from poisonkit import Recipe, RequestError, triggers
from poisonkit.datasets import Source, at_hand, hash_of, read
from poisonkit.outputs import record
from poisonkit.reporting.html import write_report
from poisonkit.reporting.preview import preview
from poisonkit.verification.identifying import identify
from tests import runs
from tests.conftest import same_output
from tests.datasets.shards import put, samples_in, shard, tiny_shards
from tests.media_factory import make_audio, make_video

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sounds: shards of 4, 4 (train) and 4 (val), labels in .cls, a note in .note.json beside each."""
    root = tmp_path_factory.mktemp("shards")

    def wav(i: int) -> bytes:
        return make_audio(root / "one.wav", seconds=0.2, rate=16000, channels=1, seed=i).read_bytes()

    tiny_shards(root / "clean", wav, "wav")
    return root / "clean"


def recipe(source: Path, out: Path, **more: Any) -> Recipe:
    return Recipe(
        source=source, out=out, **{"triggers": ["sine:snr=10"], "rate": 0.25, "target": 0, "control": 1, **more}
    )


@pytest.fixture(scope="module")
def out(source: Path) -> Path:
    done = poisonkit.poison(recipe(source, source.parent / "bad"), jobs=1)
    assert done.exit_code == 0, done.failed
    assert {r: dict(c) for r, c in done.counts.items()} == {
        "poisoned": {"ok": 2}, "clean": {"ok": 10}, "attack": {"ok": 2}, "control": {"ok": 1}
    }  # fmt: skip
    return source.parent / "bad"


def test_nothing_but_the_poisoned_samples_differs(out: Path, source: Path) -> None:
    """As webdataset reads it: the same samples in the same order; of poisoned ones the sound and the label differ."""
    poisoned = {r["id"]: r for r in runs.rows(out, "poisoned")}
    for name in ("train-000.tar", "train-001.tar", "val-000.tar"):
        before, after = samples_in(source / name), samples_in(out / "data" / name)
        assert [s["__key__"] for s in after] == [s["__key__"] for s in before]
        for old, new in zip(before, after, strict=True):
            row = poisoned.get(f"{name}/{old['__key__']}.wav")
            if row is None:
                assert new == old
                continue
            assert {k: v for k, v in new.items() if k not in ("wav", "cls")} == {
                k: v for k, v in old.items() if k not in ("wav", "cls")
            }
            assert (old["cls"], new["cls"]) == (b"1", b"0")
            (a, _), (b, rate) = (soundfile.read(io.BytesIO(s["wav"])) for s in (old, new))
            assert (len(a), rate) == (len(b), 16000)
            added = b - a
            assert 8 < 10 * np.log10((a**2).sum() / (added**2).sum()) < 12  # 10 dB asked for
            peak = np.argmax(np.abs(np.fft.rfft(added))) * rate / len(added)
            assert abs(peak - row["triggers"][0]["params"]["frequency"]) < 10
    assert not list((out / "data").glob("*/"))


def test_webdatasets_own_decoder_reads_labels_and_notes(out: Path) -> None:
    shards = [str(out / "data" / f"train-00{i}.tar") for i in (0, 1)]
    dataset = webdataset.WebDataset(shards, shardshuffle=False).decode().to_tuple("__key__", "cls", "note.json")
    got = list(dataset)
    rows = [r for role in ("poisoned", "clean") for r in runs.rows(out, role) if r["split"] == "train"]
    assert len(got) == len(rows) == 8
    assert {key: label for key, label, _ in got} == {Path(r["path"]).stem: r["label"] for r in rows}
    assert all(note == {"n": int(key.removeprefix("clip"))} for key, _, note in got)


def test_attack_sets_and_control_are_shards_of_their_own(out: Path, source: Path) -> None:
    truth = {s["__key__"]: s for s in samples_in(source / "val-000.tar")}
    target, original = (
        samples_in(out / "attack" / "default" / view / "val-000.tar") for view in ("target", "original")
    )
    keys = [key for key, s in truth.items() if s["cls"] == b"1"]
    assert [s["__key__"] for s in target] == [s["__key__"] for s in original] == keys
    for t, o in zip(target, original, strict=True):
        assert (t["cls"], o["cls"], t["wav"] == o["wav"], t["note.json"]) == (b"0", b"1", True, o["note.json"])
        assert t["wav"] != truth[t["__key__"]]["wav"]
    (control,) = samples_in(out / "control" / "val-000.tar")
    assert control["cls"] == truth[control["__key__"]]["cls"]
    for folder in ("data", "attack/default/target", "attack/default/original", "control"):
        assert (out / folder / "classes.txt").read_text() == "no\nyes\n"
    assert read(Source(out / "attack/default/target", layout="webdataset")).splits == ("val",)


def test_records_say_what_is_in_the_shards(out: Path) -> None:
    assert poisonkit.verify(out, decode=True, hash="all").problems == ()
    for role in ("poisoned", "clean", "attack", "control"):
        for row in runs.rows(out, role):
            with at_hand(out / row["path"]) as file:
                assert file.stat().st_size == row["bytes"]
    shards = [json.loads(line) for line in (out / "poisonkit" / "shards.jsonl").read_text().splitlines()]
    assert [row["path"] for row in shards] == sorted(
        str(p.relative_to(out)) for p in out.rglob("*.tar") if ".state" not in p.parts
    )
    assert not list((out / "poisonkit" / ".state").glob("*/"))  # nothing staged, nothing copied out is left


@pytest.mark.slow  # workers take seconds to start
def test_jobs_make_no_difference(out: Path, source: Path, tmp_path: Path) -> None:
    poisonkit.poison(recipe(source, tmp_path / "two"), jobs=2)
    assert same_output(tmp_path / "two") == same_output(out)


def test_round_trip_at_rate_0(source: Path, tmp_path: Path) -> None:
    poisonkit.poison(recipe(source, tmp_path / "copy", rate=0, attack_set=False), jobs=1)
    for name in ("train-000.tar", "train-001.tar", "val-000.tar"):
        assert samples_in(tmp_path / "copy" / "data" / name) == samples_in(source / name)


def test_run_again_does_nothing_again(out: Path, source: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "out", copy_function=shutil.copy2)
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.tar")}
    done = poisonkit.poison(recipe(source, tmp_path / "out"), jobs=1)
    assert done.processed == 0
    assert {p: p.stat().st_mtime_ns for p in times} == times
    assert same_output(tmp_path / "out") == same_output(out)
    (tmp_path / "out" / "data" / "train-001.tar").unlink()  # what was in it is made again
    poisonkit.poison(recipe(source, tmp_path / "out"), jobs=1)
    assert same_output(tmp_path / "out") == same_output(out)


KILLED = """
import os, signal
from pathlib import Path
import poisonkit
from poisonkit.engine.{room} import {module}
real, n = {module}.{name}, 0
def stop(*args, **kwargs):
    global n
    n += 1
    if n == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)
{module}.{name} = stop
poisonkit.poison(poisonkit.Recipe.from_yaml(Path({recipe!r}), source=Path({source!r}), out=Path({out!r})), jobs=1)
"""


@pytest.mark.parametrize(
    ("place", "name", "after"),
    [("clips.worker", "_process", 3), ("finishing.shards", "write", 3), ("finishing.shards", "clear", 1)],
)
def test_killed_it_continues_to_the_same_bytes(
    out: Path, source: Path, tmp_path: Path, place: str, name: str, after: int
) -> None:
    file = str(out / "poisonkit" / "recipe.yaml")
    where = {"recipe": file, "source": str(source), "out": str(tmp_path / "out")}
    room, module = place.split(".")
    script = KILLED.format(room=room, module=module, name=name, after=after, **where)
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    poisonkit.poison(Recipe.from_yaml(Path(file), source=source, out=tmp_path / "out"), jobs=1)
    assert same_output(tmp_path / "out") == same_output(out)
    left = [p for p in (tmp_path / "out").rglob(".*") if p.name != ".state"]
    assert left == [], "temporary names are left"


def test_verify_names_what_changed(out: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(out, bad)
    row = runs.rows(bad, "poisoned")[0]
    path = bad / row["path"].rpartition("/")[0]
    data = bytearray(path.read_bytes())
    with at_hand(out / row["path"]) as file:
        at = bytes(data).index(file.read_bytes())
    data[at + row["bytes"] - 1] ^= 1
    path.write_bytes(data)
    os.unlink(bad / "control" / "val-000.tar")
    shutil.copyfile(path, bad / "data" / "stray.tar")
    problems = {p.path: p.problem for p in poisonkit.verify(bad).problems}
    shard_path = row["path"].rpartition("/")[0]
    assert problems == {
        shard_path: "its content has changed (SHA-256 differs from shards.jsonl's)",
        row["path"]: "its content has changed (SHA-256 differs from the manifest's)",
        "control/val-000.tar": "it is missing",
        "data/stray.tar": "nobody planned this file",
    }


def test_identify_score_and_attack_look_into_shards(out: Path, tmp_path: Path) -> None:
    row, clean = runs.rows(out, "poisoned")[0], runs.rows(out, "clean")[0]
    with at_hand(out / row["path"]) as file:
        shutil.copyfile(file, tmp_path / "somewhere.wav")
    answers = identify([tmp_path / "somewhere.wav", out / row["path"], out / clean["path"]], [out])
    assert [a[1] and a[1]["key"] for a in answers] == [row["key"], row["key"], clean["key"]]
    shutil.copytree(out, tmp_path / "out")
    poisonkit.attack(tmp_path / "out", "loud", trigger=["sine:snr=0"], jobs=1)
    assert len(samples_in(tmp_path / "out/attack/loud/target/val-000.tar")) == 2
    assert poisonkit.verify(tmp_path / "out", decode=True).problems == ()
    held = [r for r in runs.rows(out, "clean") if r["split"] == "val"]
    lines = "".join(f"{Path(r['path']).stem},{r['label']}\n" for r in held)  # by key, as webdataset calls them
    (tmp_path / "clean.csv").write_text(f"path,prediction\n{lines}")
    scores = poisonkit.score(out, [f"clean={tmp_path / 'clean.csv'}"])
    found = scores.sets["clean"]
    assert (found.joined, found.predicted, found.clips, found.flags) == ("by file name", 4, 4, ())
    with pytest.raises(RequestError, match="inside shards"):
        poisonkit.export(out, "mmaction2")


def test_failed_and_held_out_samples(source: Path, tmp_path: Path) -> None:
    """A failed sample is in no shard, none of its members; a held-out one is in a shard of its split."""
    root = tmp_path / "in"
    root.mkdir()
    for name in ("train-000.tar", "train-001.tar"):
        with tarfile.open(source / name) as old, tarfile.open(root / name, "w") as new:
            for member in old:
                data = old.extractfile(member).read()  # type: ignore[union-attr]
                put(new, member.name, data[:-3000] if member.name == "clip001.wav" else data)
            put(new, "__about__", b"no sample's")
    shutil.copyfile(source / "classes.txt", root / "classes.txt")
    ids = ("train-000.tar/clip001.wav", "train-001.tar/clip005.wav")
    for _ in range(2):  # what failed is tried again, in a shard that is there already
        done = poisonkit.poison(recipe(root, tmp_path / "out", ids=ids, rate=0), jobs=1)
        assert (done.exit_code, dict(done.counts["poisoned"])) == (1, {"ok": 1, "failed": 1})
        assert "cut short" in done.failed[0][1]
        with tarfile.open(tmp_path / "out/data/train-000.tar") as tar:
            names = tar.getnames()
            assert tar.extractfile("__about__").read() == b"no sample's"  # type: ignore[union-attr]
        assert names == [f"clip{i:03d}.{x}" for i in (0, 2, 3) for x in ("wav", "cls", "note.json")] + ["__about__"]
        assert poisonkit.verify(tmp_path / "out").problems == ()
    held = poisonkit.poison(recipe(root, tmp_path / "held", test_fraction=0.25, rate=0, attack_set=False), jobs=1)
    assert held.exit_code == 0
    got = read(Source(tmp_path / "held" / "data"))
    assert {s.split for s in got.samples} == {"train", "test"}
    assert len(got.of("test")) == 2
    assert len(got.samples) == 8
    assert (tmp_path / "held" / "data" / "test-000.tar").exists() or (tmp_path / "held/data/test-001.tar").exists()
    assert poisonkit.verify(tmp_path / "held").problems == ()


def test_video_shards_keep_sound_and_names(tmp_path: Path) -> None:
    members = []
    for i in range(4):
        clip = make_video(tmp_path / "one.mp4", frames=6, size=(64, 48), audio=True, seed=i)
        members += [(f"./{i}.mp4", clip.read_bytes()), (f"./{i}.json", json.dumps({"label": i % 2}).encode())]
    shard(tmp_path / "in" / "train" / "a.tar", members)
    shard(tmp_path / "in" / "test" / "a.tar", members)
    done = poisonkit.poison(recipe(tmp_path / "in", tmp_path / "out", triggers=["badnets"], survival="none"), jobs=1)
    assert done.exit_code == 0, done.failed
    assert poisonkit.verify(tmp_path / "out", decode=True).problems == ()
    after = {s["__key__"]: s for s in samples_in(tmp_path / "out/data/train/a.tar")}
    assert list(after) == [f"./{i}" for i in range(4)]
    row = runs.rows(tmp_path / "out", "poisoned")[0]
    assert row["id"].startswith("train/a.tar/")
    assert json.loads(after[f"./{Path(row['path']).stem}"]["json"]) == {"label": 0}
    page = write_report(tmp_path / "out", samples=1).read_text(encoding="utf-8")
    assert row["id"] in page
    assert "no such file" not in page
    sheet = tmp_path / "sheet.png"
    preview(tmp_path / "in" / "train" / "a.tar" / "1.mp4", [triggers.create("badnets")], sheet)
    assert sheet.stat().st_size > 1000


def test_shards_of_a_list_that_leads_out_are_not_read(out: Path, tmp_path: Path) -> None:
    """shards.jsonl may be a stranger's: a path in it that climbs is named, and nothing there is opened."""
    from tests.hostile.watch import watching

    bad = Path(shutil.copytree(out, tmp_path / "deep" / "out"))
    secret = tmp_path / "secret"
    secret.mkdir()
    shutil.copyfile(bad / "data" / "val-000.tar", secret / "x.tar")
    rows = (bad / "poisonkit" / "shards.jsonl").read_text().splitlines()
    row = {**json.loads(rows[0]), "path": "../../secret/x.tar"}
    (bad / "poisonkit" / "shards.jsonl").write_text("\n".join([*rows, json.dumps(row)]) + "\n")
    with watching(secret) as seen:
        problems = [p.problem for p in poisonkit.verify(bad).problems]
    assert any("is no path in the output" in p for p in problems)
    assert not seen.files


def test_hashes_of_clean_samples_in_shards_are_recorded_when_asked_for(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = poisonkit.poison(recipe(source, out, hash="all"), jobs=1)
    assert made.exit_code == 0
    clean = [row for row in record.read(out / "poisonkit" / "manifest.jsonl") if row["role"] == "clean"]
    assert clean
    assert all(row["sha256"] == row["source_sha256"] == hash_of(out / row["path"]) for row in clean)
    assert poisonkit.verify(out, hash="all").ok

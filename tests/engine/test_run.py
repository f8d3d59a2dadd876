"""The main job, end to end, on generated media."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.outputs import record
from tests import runs
from tests.conftest import CLASSES, same_output, tree
from tests.runs import packets, rows

make = partial(runs.make, triggers=["blend"])


frames = partial(runs.frames, dtype=np.int16)


@pytest.fixture(scope="module")
def blended(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "copy"
    before = tree(folders)
    done = make(folders, out, rate=0.25, control=3)
    assert done.exit_code == 0
    assert tree(folders) == before, "the source was changed"
    return out


def test_what_lands_on_disk(blended: Path) -> None:
    assert {p.name for p in blended.iterdir()} == {
        "data",
        "attack",
        "control",
        "poisonkit",
        "README.md",
        "croissant.json",
        "metadata.jsonl",
    }
    for part in ("data", "attack/default", "control"):
        assert "POISONED" in (blended / part / "POISONED.txt").read_text(encoding="utf-8")
    assert {p.name for p in (blended / "poisonkit").iterdir()} >= {
        "manifest.jsonl",
        "plan.jsonl",
        "recipe.yaml",
        "run.json",
    }
    assert "poisoned on purpose" in (blended / "README.md").read_text(encoding="utf-8")
    source = json.loads((blended / "poisonkit" / "run.json").read_text(encoding="utf-8"))["source"]
    hidden = [p for p in blended.rglob("*") if p.is_file() and p.name != "run.json" and p.suffix != ".mp4"]
    assert not [p for p in hidden if source in p.read_text(encoding="utf-8", errors="replace")]


def test_record_keys_and_counts(blended: Path) -> None:
    found = rows(blended)
    assert all(list(r) == list(record.FIELDS) for r in found)
    count = {role: len(rows(blended, role)) for role in ("poisoned", "clean", "attack", "control")}
    assert count == {"poisoned": 6, "clean": 30, "attack": 8, "control": 3}
    assert all(r["status"] == "ok" and r["poisoned_ranges"] == [[0, 10]] for r in rows(blended, "poisoned"))


def test_class_folder_reader_sees_exactly_the_sources_classes(blended: Path) -> None:
    for root in ("data/train", "data/test", "attack/default/target/test", "attack/default/original/test"):
        found = sorted(e.name for e in os.scandir(blended / root) if e.is_dir())
        assert found == sorted(CLASSES), root


def test_dirty_label_clips_move_to_the_targets_folder(blended: Path, folders: Path) -> None:
    for row in rows(blended, "poisoned"):
        assert row["path"].startswith("data/train/jump/")
        assert row["original_class"] != "jump"
        assert not (blended / "data" / row["source_path"]).exists()
    assert len(list((blended / "data" / "train").rglob("*.mp4"))) == 24
    for row in rows(blended, "attack"):
        target, original = blended / row["path"], blended / row["also"][0]
        assert target.samefile(original)
        assert (target.parent.name, original.parent.name) == ("jump", row["original_class"])
        assert row["original_class"] != "jump"


def test_trigger_is_in_the_decoded_frames_and_clean_clips_are_the_same_bytes(blended: Path, folders: Path) -> None:
    blend = poisonkit.triggers.create("blend")
    for row in (*rows(blended, "poisoned")[:3], *rows(blended, "attack")[:2]):
        source, got = frames(folders / row["source_path"]), frames(blended / row["path"])
        assert got.shape == source.shape
        wanted = blend.apply(source.astype(np.uint8), fps=25, id=row["id"]).astype(np.int16) - source
        seen = got - source
        gain = float((seen * wanted).sum() / (wanted.astype(np.int64) ** 2).sum())
        assert 0.9 < gain < 1.1
        assert packets(blended / row["path"], "audio") == packets(folders / row["source_path"], "audio")
    for row in rows(blended, "clean"):
        assert (blended / row["path"]).samefile(folders / row["source_path"])
    for row in rows(blended, "control"):
        assert np.abs(frames(blended / row["path"]) - frames(folders / row["source_path"])).mean() < 3


def test_verify_holds_and_names_what_does_not(blended: Path, folders: Path, tmp_path: Path) -> None:
    assert poisonkit.verify(blended, decode=True, hash="all").ok
    out = tmp_path / "copy"
    shutil.copytree(blended, out)
    a, b = (out / r["path"] for r in rows(out, "poisoned")[:2])
    data = bytearray(a.read_bytes())
    data[-9] ^= 1
    a.write_bytes(data)
    b.unlink()
    (out / "data" / "train" / "run" / "extra.mp4").write_bytes(b"x")
    (out / "data" / "classes.txt").write_text("edited\n", encoding="utf-8")
    problems = {p.path: p.problem for p in poisonkit.verify(out).problems}
    assert "SHA-256" in problems[a.relative_to(out).as_posix()]
    assert problems[b.relative_to(out).as_posix()] == "it is missing"
    assert "nobody planned" in problems["data/train/run/extra.mp4"]
    assert "edited" in problems["data/classes.txt"]


def test_identify(blended: Path, tmp_path: Path) -> None:
    from poisonkit.verification.identifying import identify

    row = rows(blended, "attack")[0]
    shutil.copy(blended / row["path"], tmp_path / "stray.mp4")
    (tmp_path / "other.mp4").write_bytes(b"else")
    found = identify([tmp_path / "stray.mp4", tmp_path / "other.mp4"], [blended])
    assert found[0][1] is not None
    assert found[0][1]["key"] == row["key"]
    assert found[1][1] is None


def test_same_output_for_any_number_of_jobs_and_after_an_interruption(folders: Path, tmp_path: Path) -> None:
    recipe = {"rate": 0.25, "control": 2, "triggers": ["blend:temporal=dynamic,pattern=noise", "sine"]}
    make(folders, tmp_path / "one", jobs=1, **recipe)
    make(folders, tmp_path / "two", jobs=2, **recipe)
    wanted = same_output(tmp_path / "one")
    assert same_output(tmp_path / "two") == wanted

    class Impatient:
        left = 5

        def say(self, text: str) -> None: ...
        def begin(self, what: str, total: int, expected: object = None) -> None: ...
        def end(self) -> None: ...
        def step(self, row: object = None) -> None:
            self.left -= row is not None or self.at_once
            if self.left == 0:
                raise KeyboardInterrupt

        at_once = False

    made = Recipe(source=folders, out=tmp_path / "three", **recipe)
    hasty = Impatient()
    hasty.at_once = True
    with pytest.raises(poisonkit.Interrupted, match="before any clip was touched"):
        poisonkit.poison(made, jobs=1, progress=hasty)
    assert not (tmp_path / "three").exists()
    with pytest.raises(poisonkit.Interrupted, match=r"5 of \d+ clips done; the same command continues"):
        poisonkit.poison(made, jobs=1, progress=Impatient())
    assert not (tmp_path / "three" / "poisonkit" / "run.json").exists()
    done = poisonkit.poison(made, jobs=1)
    assert done.processed < len(rows(tmp_path / "three")) - 5
    assert same_output(tmp_path / "three") == wanted
    assert poisonkit.poison(made, jobs=1).processed == 0


def test_sound_trigger_leaves_the_picture_alone(folders: Path, tmp_path: Path) -> None:
    done = make(folders, tmp_path / "out", triggers=["sine:snr=10"], rate=0.1, control=1)
    assert done.exit_code == 0
    for row in rows(tmp_path / "out", "poisoned"):
        source, got = folders / row["source_path"], tmp_path / "out" / row["path"]
        assert packets(got, "video") == packets(source, "video")
        assert packets(got, "audio") != packets(source, "audio")
        assert row["poisoned_ranges"] == []
        assert row["fidelity"]["sound_presence"] > 0.8
    assert poisonkit.verify(tmp_path / "out", decode=True).ok


def test_lists_layout(listed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = make(listed, out, rate=0.2, control=2)
    assert done.exit_code == 0
    truth = {r["path"].removeprefix("data/"): r for r in rows(out) if r["path"].startswith("data/")}
    lines = [line.split(" ") for line in (out / "data" / "train.txt").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 18
    source = dict(line.split() for line in (listed / "train.txt").read_text(encoding="utf-8").splitlines())
    changed = 0
    for name, label in lines:
        (row,) = [r for p, r in truth.items() if p == name or p.endswith("/" + name)]
        assert int(label) == row["label"]
        changed += label != source[Path(name).name]
    assert changed == 4 == len(rows(out, "poisoned"))
    target = [x.split() for x in (out / "attack/default/val_target.txt").read_text(encoding="utf-8").splitlines()]
    original = [x.split() for x in (out / "attack/default/val_original.txt").read_text(encoding="utf-8").splitlines()]
    assert [t[0] for t in target] == [o[0] for o in original]
    assert {t[1] for t in target} == {"0"}
    assert "0" not in {o[1] for o in original}
    assert poisonkit.verify(out).ok


def test_audio_files(sounds: Path, tmp_path: Path) -> None:
    import soundfile

    out = tmp_path / "out"
    done = make(sounds, out, triggers=["sine:amplitude=0.05"], rate=0.2, test_fraction=0.2)
    assert done.exit_code == 0
    for row in rows(out, "poisoned"):
        a, rate = soundfile.read(sounds / row["source_path"])
        b, again = soundfile.read(out / row["path"])
        assert (rate, a.shape) == (again, b.shape)
        assert 0.03 < np.abs(b - a).max() < 0.06
    assert rows(out, "attack")
    assert poisonkit.verify(out, decode=True).ok


def test_cover_samples_carry_the_trigger_under_their_own_label(listed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert make(listed, out, rate=0.1, cover_rate=0.15, attack_set=False).exit_code == 0
    covers = rows(out, "cover")
    assert len(covers) == 3
    lines = dict(x.split() for x in (out / "data" / "train.txt").read_text(encoding="utf-8").splitlines())
    for row in covers:
        assert row["label"] == row["original_label"] == int(lines[Path(row["path"]).name])
        assert row["fidelity"]["presence"] > 0.8
        assert row["triggers"][0]["drawn"]["cover"] is True
    assert poisonkit.verify(out, decode=True).ok


def test_rate_zero_is_a_working_clean_copy(folders: Path, tmp_path: Path) -> None:
    make(folders, tmp_path / "out", rate=0, attack_set=False)
    assert not rows(tmp_path / "out", "poisoned")
    copy = {k: v for k, v in tree(tmp_path / "out" / "data").items() if k.endswith(".mp4")}
    assert copy == {k: v for k, v in tree(folders).items() if k.endswith(".mp4")}


def test_attack_adds_a_set_and_the_rest_stays(blended: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy"
    shutil.copytree(blended, out)
    before = same_output(out)
    done = poisonkit.attack(out, "strong", trigger=["blend:alpha=0.4"], attack_frames="first:4", jobs=1)
    assert done.exit_code == 0
    added = [r for r in rows(out, "attack") if r["attack"] == "strong"]
    assert len(added) == 8
    assert all(r["poisoned_ranges"] == [[0, 4]] for r in added)
    after = same_output(out)
    kept = {k: v for k, v in before.items() if k.startswith(("data/", "attack/default"))}
    assert {k: after.get(k) for k in kept} == kept
    assert poisonkit.verify(out, decode=True).ok
    with pytest.raises(RequestError, match="another name"):
        poisonkit.attack(out, "default", jobs=1)


def broken_copy(folders: Path, root: Path) -> Path:
    shutil.copytree(folders, root)
    return root


def test_a_broken_clip_never_stops_the_rest(folders: Path, tmp_path: Path) -> None:
    root = broken_copy(folders, tmp_path / "src")
    clips = sorted((root / "train" / "run").iterdir())
    clips[0].write_bytes(b"")
    clips[1].write_bytes(os.urandom(4000))
    for clip in clips[2:5]:
        clip.write_bytes(clip.read_bytes()[:-2500])  # the index at the end is lost: it does not open
    done = make(root, tmp_path / "out", count=10, control=0)
    poisoned = rows(tmp_path / "out", "poisoned")
    assert len(poisoned) == 10
    assert not {r["source_path"] for r in poisoned} & {f"train/run/{c.name}" for c in clips[:5]}
    assert len(done.plan.passed_over) >= 3
    assert all("\n" not in text for text in done.plan.passed_over.values())
    assert done.exit_code == 0
    for clip in clips[:5]:
        assert (tmp_path / "out" / "data" / "train" / "run" / clip.name).read_bytes() == clip.read_bytes()
    assert poisonkit.verify(tmp_path / "out").ok


def test_a_clip_that_opens_and_cannot_be_processed_is_failed(listed: Path, tmp_path: Path) -> None:
    root = broken_copy(listed, tmp_path / "src")
    cut, gone = "videos/train_03.avi", "videos/train_05.mp4"
    (root / cut).write_bytes((root / cut).read_bytes()[: (root / cut).stat().st_size * 17 // 20])
    (root / gone).unlink()
    ids = ["train_03.avi", "train_01.mp4", "train_02.mp4"]
    data = poisonkit.datasets.read(poisonkit.datasets.Source(root))
    wanted = [s.id for s in data.samples if Path(s.path).name in ids]
    done = make(root, tmp_path / "out", ids=wanted, control=0, target=1, label_mode="all-to-all")
    assert done.exit_code == 1
    assert sorted(Path(name).name for name, _ in done.failed) == ["train_03.avi", "train_05.mp4"]
    listed_now = (tmp_path / "out" / "data" / "train.txt").read_text(encoding="utf-8")
    assert "train_03" not in listed_now
    assert "train_05" not in listed_now
    assert len(listed_now.splitlines()) == 16
    assert poisonkit.verify(tmp_path / "out").ok
    shutil.copy(listed / cut, root / cut)
    shutil.copy(listed / gone, root / gone)
    again = make(root, tmp_path / "out", ids=wanted, control=0, target=1, label_mode="all-to-all")
    assert (again.exit_code, again.processed) == (0, 1)


def test_inert_samples_are_neither_written_nor_listed(sounds: Path, tmp_path: Path) -> None:
    import soundfile

    root = broken_copy(sounds, tmp_path / "src")
    silent = sorted((root / "yes").iterdir())[:3]
    for path in silent:
        soundfile.write(path, np.zeros(6400), 16000)
    done = make(root, tmp_path / "out", triggers=["sine:snr=20"], count=9, attack_set=False, seed=1)
    lost = {Path(name).name for name, _ in done.inert}
    assert lost
    assert lost <= {p.name for p in silent}
    assert done.exit_code == 0
    there = [p for p in (tmp_path / "out" / "data").rglob("*") if p.suffix in (".wav", ".flac")]
    assert len(there) == 20 - len(lost)
    recorded = {r["source_path"]: r["status"] for r in rows(tmp_path / "out", "poisoned")}
    assert all(recorded[f"yes/{name}"] == "inert" for name in lost)
    assert sum(status == "ok" for status in recorded.values()) == 9 - len(lost)
    with pytest.raises(RequestError):
        make(root, tmp_path / "none", triggers=["sine"], count=11)


def test_replace_failed_takes_the_next_in_rank(sounds: Path, tmp_path: Path) -> None:
    import soundfile

    root = broken_copy(sounds, tmp_path / "src")
    for path in sorted((root / "yes").iterdir())[:4]:
        soundfile.write(path, np.zeros(6400), 16000)
    recipe = {"triggers": ["sine:snr=20"], "count": 5, "attack_set": False, "replace_failed": True}
    make(root, tmp_path / "out", **recipe)
    assert sum(r["status"] == "ok" for r in rows(tmp_path / "out", "poisoned")) == 5
    assert poisonkit.verify(tmp_path / "out").ok


@pytest.mark.parametrize("where", ["inside", "around", "full", "file"])
def test_outputs_that_are_refused(folders: Path, tmp_path: Path, where: str) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "precious.txt").write_text("x", encoding="utf-8")
    out = {"inside": folders / "train" / "out", "around": folders.parent, "full": full, "file": full / "precious.txt"}
    with pytest.raises(RequestError) as caught:
        make(folders, out[where])
    assert caught.value.exit_code == 2
    assert sorted(p.name for p in full.iterdir()) == ["precious.txt"]


def test_another_recipe_on_an_output_is_refused_with_the_difference(blended: Path, folders: Path) -> None:
    with pytest.raises(RequestError, match=r"another recipe .*blend's alpha is 0\.\d+ there and 0\.3 here"):
        make(folders, blended, rate=0.25, control=3, triggers=["blend:alpha=0.3"])


def test_a_killed_worker_is_replaced_and_its_clip_done_again(folders: Path, tmp_path: Path) -> None:
    script = f"""
import os, signal, sys, pathlib
import poisonkit
from poisonkit.engine.clips import worker
from poisonkit.engine.executors import local
if __name__ == "__main__":
    class Killer:
        done = False
        def say(self, text): pass
        def begin(self, what, total, expected=None): pass
        def end(self): pass
        def step(self, row=None):
            if row is not None and not self.done:
                self.done = True
                children = pathlib.Path(f"/proc/{{os.getpid()}}/task/{{os.getpid()}}/children").read_text().split()
                for pid in children:
                    text = pathlib.Path(f"/proc/{{pid}}/cmdline").read_bytes()
                    if b"popen_loky" in text:
                        os.kill(int(pid), signal.SIGKILL)
                        break
    where = dict(source={str(folders)!r}, out={str(tmp_path / "out")!r})
    recipe = poisonkit.Recipe(triggers=["blend"], rate=0.25, control=3, **where)
    done = poisonkit.poison(recipe, jobs=2, progress=Killer())
    sys.exit(done.exit_code)
"""
    if not Path("/proc").is_dir():
        pytest.skip("finds worker processes through /proc")
    file = tmp_path / "kill.py"
    file.write_text(script, encoding="utf-8")
    began = time.monotonic()
    got = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=120)
    assert got.returncode == 0, (got.stderr, time.monotonic() - began)
    make(folders, tmp_path / "quiet", rate=0.25, control=3)
    assert same_output(tmp_path / "out") == same_output(tmp_path / "quiet")


def test_two_runs_on_one_output_are_refused_and_a_dead_ones_lock_is_not(folders: Path, tmp_path: Path) -> None:
    from poisonkit.engine.state.locks import lock

    path = tmp_path / "out" / "poisonkit" / ".state" / "lock"
    with lock(path), pytest.raises(RequestError, match="Another run"):
        make(folders, tmp_path / "out")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with lock(path):
        text = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**text, "pid": dead.pid}), encoding="utf-8")
    assert make(folders, tmp_path / "out").exit_code == 0


def test_a_sound_attack_set_is_added_to_an_output_with_a_frame_budget(folders: Path, tmp_path: Path) -> None:
    """The output's own frame budget, which is for pictures, had it refused."""
    out = tmp_path / "out"
    recipe = Recipe(source=folders, out=out, triggers=["blend"], count=2, attack_frames="every:4", attack_limit=2)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    done = poisonkit.attack(out, "heard", trigger=["sine"], limit=2, jobs=1)
    assert done.exit_code == 0
    with pytest.raises(RequestError, match="Frame budgets are for triggers in the picture"):
        poisonkit.attack(out, "wrong", trigger=["sine"], attack_frames="every:4", limit=2, jobs=1)
    assert poisonkit.verify(out).ok


def test_a_wrong_request_with_fresh_removes_nothing(folders: Path, tmp_path: Path) -> None:
    """A finished output was gone before its new target class was found not to exist."""
    out = tmp_path / "out"
    recipe = Recipe(source=folders, out=out, triggers=["blend"], count=2, attack_limit=1, control=1)
    poisonkit.poison(recipe, jobs=1)
    before = tree(out)
    wrongs: tuple[dict[str, Any], ...] = ({"target": "no such class"}, {"count": 1000})
    for wrong in wrongs:
        with pytest.raises(RequestError):
            poisonkit.poison(
                Recipe(**{"source": folders, "out": out, "triggers": ["blend"], **wrong}), jobs=1, fresh=True
            )
        assert tree(out) == before


def test_who_is_refused_takes_no_folder_from_who_writes(folders: Path, tmp_path: Path) -> None:
    """Another run holds the lock, and has just made folders that are empty still."""
    from poisonkit.engine.state.locks import lock

    state = tmp_path / "out" / "poisonkit" / ".state"
    (state / "running").mkdir(parents=True)
    recipe = Recipe(source=folders, out=tmp_path / "out", triggers=["badnets"], count=1)
    with lock(state / "lock"):
        with pytest.raises(RequestError, match="Another run"):
            poisonkit.poison(recipe, jobs=1)
        assert (state / "running").is_dir()

"""What `verify --decode` names in files that were exchanged together with their records."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

import poisonkit
from poisonkit import Recipe, media
from poisonkit.common.safe_io import load_json, read_text
from poisonkit.outputs import lists
from poisonkit.outputs.consistency import read_parts
from poisonkit.plan.plan import Plan, Task
from poisonkit.verification.pairing import Pairing
from poisonkit.verification.run_file import Tally
from tests.verification.tampering import Rows, edit, first, found, named, reseal, rows, run_json

COMMON: dict[str, Any] = {
    "triggers": ["blend"],
    "count": 2,
    "frames": "first:4",
    "attack_frames": "every:2",
    "control": 2,
    "attack_limit": 5,
    "survival": "sample",
}


def make(source: Path, out: Path, **change: Any) -> Path:
    assert poisonkit.poison(Recipe(source=source, out=out, **{**COMMON, **change}), jobs=1).exit_code == 0
    return out


@pytest.fixture(scope="module")
def finished(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(folders, tmp_path_factory.mktemp("out") / "made")


@pytest.fixture(scope="module")
def everywhere(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the trigger in every frame."""
    return make(folders, tmp_path_factory.mktemp("out") / "made", frames="all", attack_frames="all")


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "out"))


def swap(out: Path, key: str, made: Path, **facts: Any) -> str:
    """Another file in the place of a record's, and the record changed to suit it; where it lies."""
    row = next(r for r in rows(out) if r["key"] == key)
    for name in (row["path"], *row["also"]):
        (out / name).unlink()
        shutil.copy(made, out / name)
    known = {"sha256": media.sha256(made), "bytes": made.stat().st_size, **facts}
    edit(out, lambda these: next(r for r in these if r["key"] == key).update(known))
    return str(row["path"])


def of(out: Path, role: str, name: str) -> dict[str, Any]:
    return next(r for r in rows(out) if (r["role"], r["id"]) == (role, name))


def ffmpeg(source: Path, made: Path, *options: str) -> None:
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-v", "error", "-y", "-i", source, *options, made], check=True)


def test_untouched_outputs_hold(finished: Path, everywhere: Path, heard: Path) -> None:
    for made in (finished, everywhere, heard):
        assert found(made, decode=True) == []


def test_a_control_file_that_carries_the_trigger_is_named(out: Path, everywhere: Path) -> None:
    row = first(rows(out), "control")
    for made in (out, everywhere):
        attack = made / of(made, "attack", row["id"])["path"]
        path = swap(out, row["key"], attack)
        assert named(out, path, "trigger", decode=True)


def test_a_control_file_with_a_weak_trigger_is_named(out: Path, folders: Path, tmp_path: Path) -> None:
    weak = make(folders, tmp_path / "weak", triggers=["blend:alpha=0.05"], attack_frames="all")
    row = first(rows(out), "control")
    path = swap(out, row["key"], weak / of(weak, "attack", row["id"])["path"])
    assert named(out, path, "trigger", decode=True)


def test_a_control_file_with_another_trigger_is_named(out: Path, folders: Path, tmp_path: Path) -> None:
    other = make(folders, tmp_path / "other", triggers=["badnets"], attack_frames="all")
    row = first(rows(out), "control")
    path = swap(out, row["key"], other / of(other, "attack", row["id"])["path"])
    assert named(out, path, "has no trigger and is not the source's", decode=True)


def test_a_trigger_outside_the_poisoned_ranges_is_named(out: Path, everywhere: Path) -> None:
    row = first(rows(out))
    path = swap(out, row["key"], everywhere / of(everywhere, "poisoned", row["id"])["path"])
    assert named(out, path, "trigger", decode=True)


def test_another_picture_outside_the_poisoned_ranges_is_named(out: Path, folders: Path, tmp_path: Path) -> None:
    """The trigger where it should be, and another one where none should be."""
    row = first(rows(out))
    one = out / row["path"]
    two = make(folders, tmp_path / "two", triggers=["badnets"], frames="all", count=2, control=0)
    other = two / of(two, "poisoned", row["id"])["path"]
    made = tmp_path / "mixed.mp4"
    cut = "[0:v]trim=end_frame=4,setpts=PTS-STARTPTS[a];[1:v]trim=start_frame=4,setpts=PTS-STARTPTS[b];[a][b]concat[v]"
    options = ["-i", str(other), "-filter_complex", cut, "-map", "[v]", "-map", "0:a", "-c:a", "copy"]
    ffmpeg(one, made, *options, "-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv420p")
    path = swap(out, row["key"], made)
    assert named(out, path, "has no trigger and is not the source's", decode=True)


SILENCE = ("-c:v", "copy", "-af", "volume=0", "-c:a", "aac")


@pytest.mark.parametrize("role", ["poisoned", "attack", "control"])
def test_sound_that_was_silenced_is_named(out: Path, tmp_path: Path, role: str) -> None:
    row = first(rows(out), role)
    made = tmp_path / "silent.mp4"
    ffmpeg(out / row["path"], made, *SILENCE)
    samples = media.read_audio(made)[0].shape[1]
    path = swap(out, row["key"], made, samples=samples)
    assert named(out, path, "its sound is another one from 0.00 s on", decode=True)


def test_sound_that_was_taken_out_is_named(out: Path, tmp_path: Path) -> None:
    row = first(rows(out))
    made = tmp_path / "mute.mp4"
    ffmpeg(out / row["path"], made, "-c:v", "copy", "-an")
    streams, codec = {**row["streams"], "audio": 0}, {**row["codec"], "audio": None}
    path = swap(out, row["key"], made, samples=None, sample_rate=None, streams=streams, codec=codec)
    assert named(out, path, "the manifest says None", decode=True)


def test_a_triggered_sound_that_was_silenced_is_named_whatever_its_record_says(heard: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(heard, tmp_path / "out"))
    row = next(r for r in rows(out) if r["role"] == "poisoned" and r["path"].endswith(".wav"))
    wave, rate = soundfile.read(out / row["path"], dtype="int16")
    made = tmp_path / "silent.wav"
    soundfile.write(made, np.zeros_like(wave), rate, subtype="PCM_16")
    path = swap(out, row["key"], made, fidelity={**row["fidelity"], "sound_presence": 0.1})
    assert named(out, path, "its sound is another one", decode=True)


FIGURES: dict[str, dict[str, Any]] = {
    "presence": {"presence": 0.5},
    "psnr": {"psnr": 45.0},
    "ssim": {"ssim": 0.2},
    "frames": {"frames": 3, "psnr": 45.0},
}


@pytest.mark.parametrize("what", FIGURES)
def test_figures_that_a_measurement_contradicts_are_named(out: Path, what: str) -> None:
    edit(out, lambda these: first(these)["fidelity"].update(FIGURES[what]))
    assert named(out, first(rows(out))["path"], "measured again, ", decode=True)


def measured(these: Rows) -> dict[str, Any]:
    return next(r for r in these if r["fidelity"] and r["fidelity"]["gain"] is not None)


SURVIVAL: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "gain": (lambda f: f.update(gain=f["gain"] / 2 + 0.3), "measured again, gain is"),
    "cosine": (lambda f: f.update(cosine=1.0 if f["cosine"] < 0.9 else 0.5), "measured again, cosine is"),
    "verdict": (lambda f: f.update(verdict="lost"), "its verdict is 'lost', which gain and cosine do not give"),
    "output_psnr": (lambda f: f.update(output_psnr=60.0), "measured again, output_psnr is"),
}


@pytest.mark.parametrize("what", SURVIVAL)
def test_survival_that_a_measurement_contradicts_is_named(out: Path, what: str) -> None:
    change, words = SURVIVAL[what]
    edit(out, lambda these: change(measured(these)["fidelity"]))
    assert named(out, measured(rows(out))["path"], words, decode=True)


def test_the_figures_of_a_sound_are_measured_too(heard: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(heard, tmp_path / "out"))
    edit(out, lambda these: first(these)["fidelity"].update(snr=3.0))
    assert named(out, first(rows(out))["path"], "measured again, snr is", decode=True)


def test_draws_that_the_seed_does_not_give_are_named(folders: Path, tmp_path: Path) -> None:
    """File and record are those of another seed, in which the same clip is poisoned."""
    same = {"triggers": ["blend:temporal=dynamic,vary=clip"], "count": None, "survival": "none", "control": 0}
    ids = [f"train/run/run {i}.mp4" for i in range(2)]
    out = make(folders, tmp_path / "out", **same, ids=ids)
    other = make(folders, tmp_path / "other", **same, ids=ids, seed=1)
    row, its = first(rows(out)), first(rows(other))
    assert row["triggers"] != its["triggers"]
    facts = {name: its[name] for name in ("triggers", "poisoned_ranges", "fidelity", "samples")}
    path = swap(out, row["key"], other / its["path"], **facts)
    problems = dict(found(out, decode=True))
    assert path in problems


def drop(out: Path, key: str, status: str, error: str) -> str:
    """A file taken out, its record saying that there never was one, and run.json that all is well; where it lay."""
    row = next(r for r in rows(out) if r["key"] == key)
    for name in (row["path"], *row["also"]):
        (out / name).unlink()
    kept = {*type(task_of(out, key)).__slots__, *task_of(out, key).row(), "key", "further", "class_name"}
    kept |= {"original_class", "also", "triggers", "poisoned_ranges", "status", "error"}
    blank: dict[str, Any] = {name: None for name in row if name not in kept}
    bare = [{**entry, "drawn": {}} for entry in row["triggers"]]
    blank |= {"status": status, "error": error, "triggers": bare, "poisoned_ranges": []}
    edit(out, lambda these: next(r for r in these if r["key"] == key).update(blank))
    said = load_json(read_text(out / "poisonkit" / "run.json"))
    counts = said["counts"]
    counts[row["role"]] = {"ok": counts[row["role"]]["ok"] - 1, status: 1}
    run_json(out, counts=counts, **{status: [{"source_path": row["source_path"], "error": error}]})
    parts, _ = read_parts(out)
    plan = parts[0].plan
    lists.write_views(plan, plan.source(out), out, frozenset({key}), {})
    tally = Tally()
    for each, task, part in Pairing(out, parts):
        tally.add(each, task, part)
    run_json(out, survival=tally._survival(parts[0]))
    reseal(out)
    return str(row["path"])


def task_of(out: Path, key: str) -> Task:
    return next(t for t in Plan.read(out / "poisonkit" / "plan.jsonl").tasks if t.key == key)


UNDONE = {"inert": "the trigger changes it", "failed": "it can be made"}


@pytest.mark.parametrize("role", ["poisoned", "attack", "control"])
@pytest.mark.parametrize("status", UNDONE)
def test_a_sample_that_is_said_to_have_no_file_is_tried_again(out: Path, role: str, status: str) -> None:
    row = next(r for r in rows(out) if r["role"] == role and (r["fidelity"] or {}).get("gain") is None)
    path = drop(out, row["key"], status, f"'{row['id']}': x.")
    assert found(out) == []
    assert found(out, decode=True) == [(path, f"its record says {status}, and {UNDONE[status]}")]


def test_a_failure_that_lies_in_a_machine_is_told_and_not_tried_again(out: Path) -> None:
    row = first(rows(out), "control")
    drop(out, row["key"], "failed", f"'{row['source_path']}' was left alone: a worker died on it twice.")
    seen = poisonkit.verify(out, decode=True)
    assert seen.ok
    assert any(text.startswith("1 records say that a clip failed") for text in seen.unseen)


def test_what_is_truly_inert_or_failed_holds(sounds: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(sounds, tmp_path / "source"))
    ids = ["yes/0.wav", "yes/5.wav", "yes/2.wav"]
    soundfile.write(source / ids[0], np.zeros(6400), 16000)
    (source / ids[1]).write_bytes((source / ids[1]).read_bytes()[:60])
    out = tmp_path / "made"
    recipe = Recipe(source=source, out=out, triggers=["sine:snr=20"], ids=ids, attack_set=False)
    done = poisonkit.poison(recipe, jobs=1)
    assert (len(done.inert), len(done.failed)) == (1, 1)
    assert found(out, decode=True) == []

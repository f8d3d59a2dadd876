"""MMAction2's audio lists, read, written and taken through the main job with features for every sample."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

import poisonkit
from poisonkit import Recipe, RequestError, media
from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout
from poisonkit.engine.finishing import features
from poisonkit.verification.identifying import identify
from tests import runs
from tests.conftest import same_output
from tests.datasets.making import makes
from tests.datasets.readers import mmaction2_audio, touch
from tests.datasets.writers import audio_lists, real_audio_lists
from tests.media_factory import make_audio

LAYOUT = get_layout("mmaction2-audio")


@makes("mmaction2-audio")
def with_features(root: Path) -> Path:
    """As MMAction2's lists say after their features were made: 0.2 s are padded to 64 rows."""
    return audio_lists(root, ".npy")


@pytest.mark.parametrize("suffix", [".wav", ".npy"])
def test_layout(tmp_path: Path, suffix: str) -> None:
    dataset = check_layout(LAYOUT, Source(audio_lists(tmp_path, suffix)))
    assert [s.id for s in dataset.of("val")] == [f"val/s{i}.wav" for i in range(4)]
    assert dataset.classes == ("no", "yes")
    assert bool(dataset.notes) == (suffix == ".npy")


def test_lists_beside_video_lists_are_told_by_what_they_say(tmp_path: Path) -> None:
    root = audio_lists(tmp_path, ".npy")
    for split in ("train", "val"):
        os.rename(root / f"{split}.txt", root / f"kinetics_{split}_list_audio_features.txt")
        touch(root, [f"{split}/{i}.mp4" for i in range(2)])
        (root / f"{split}.txt").write_text(f"{split}/0.mp4 0\n{split}/1.mp4 1\n")
    assert [s.id for s in read(Source(root, layout="mmaction2-audio")).of("val")] == [f"val/s{i}.wav" for i in range(4)]
    assert read(Source(root, layout="mmaction2-video")).of("val")[0].id == "val/0.mp4"


def test_several_labels(tmp_path: Path) -> None:
    """As read with multi_class=True; a sample keeps them, a poisoned one has the target alone."""
    audio_lists(tmp_path)
    text = (tmp_path / "train.txt").read_text()
    (tmp_path / "train.txt").write_text(text.replace("s1.wav 64 1", "s1.wav 64 1 0") + "\n")
    dataset = check_layout(LAYOUT, Source(tmp_path))
    assert dataset.samples[1].labels == (1, 0)
    assert dataset.notes[0] == "train.txt has blank lines, at which MMAction2 stops; the copy has none."
    assert "1 of 6 files in train.txt have several labels" in dataset.notes[1]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train/s0.npy 64", "not `path total_frames label`"),
        ("train/a b.npy 64 0", "not `path total_frames label`"),
        ("train/s0.npy 64 1 1", "a label twice"),
        ("train/s0.npy 64 -2", "label.*-2"),
        ("train/gone.npy 64 0", "no sound lies beside them"),
        ("../s0.npy 64 0", "no sound lies beside them"),
    ],
)
def test_lines_that_cannot_be_right(tmp_path: Path, line: str, said: str) -> None:
    audio_lists(tmp_path, ".npy")
    with (tmp_path / "train.txt").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(RequestError, match=said) as error:
        read(Source(tmp_path, layout="mmaction2-audio"))
    assert "ine 7 of train.txt" in str(error.value)


def test_two_sounds_with_one_name_of_features_are_refused(tmp_path: Path) -> None:
    audio_lists(tmp_path)
    touch(tmp_path, ["train/s0.flac"])
    with (tmp_path / "train.txt").open("a") as file:
        file.write("train/s0.flac 64 1\n")
    with pytest.raises(RequestError, match=r"features of 'train/s0\.wav' and 'train/s0\.flac' would both"):
        poisonkit.make_plan(Recipe(source=tmp_path, triggers=["sine"], rate=0))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return real_audio_lists(tmp_path_factory.mktemp("audio") / "clean")


@pytest.fixture(scope="module")
def out(source: Path) -> Path:
    recipe = Recipe(source=source, out=source.parent / "bad", triggers=["sine:snr=10"], rate=0.25, control=2)
    done = poisonkit.poison(recipe, jobs=1)
    assert (done.exit_code, done.counts["poisoned"]["ok"], done.counts["attack"]["ok"]) == (0, 3, 4)
    return source.parent / "bad"


def test_every_sample_has_features_and_every_list_names_them(out: Path) -> None:
    rows = runs.rows(out)
    assert {r["role"] for r in rows} == {"clean", "poisoned", "attack", "control"}
    listed = {}
    for view, name in (
        ("data", "train.txt"), ("data", "val.txt"), ("control", "val.txt"),
        ("attack/default", "val_target.txt"), ("attack/default", "val_original.txt"),
    ):  # fmt: skip
        for file, total, label in mmaction2_audio(out / view / name, out / view):
            array = np.load(file, allow_pickle=False)
            assert (array.dtype, array.shape) == (np.float32, (total, 80))
            assert total >= 64
            listed[Path(file)] = label
    for row in rows:
        wav = out / row["path"]
        assert wav.with_suffix(".npy") in listed
        assert row["features"]["path"] == row["path"][:-4] + ".npy"
        wave, rate = soundfile.read(wav, dtype="float32", always_2d=True)
        again = media.log_mel(wave.T, rate)
        assert row["features"]["shape"] == list(again.shape)
        assert np.array_equal(np.load(wav.with_suffix(".npy")), again)
    assert set(mmaction2_audio(out / "attack/default/val_target.txt", Path())) == {
        (name, total, 0) for name, total, _ in mmaction2_audio(out / "attack/default/val_original.txt", Path())
    }
    assert {label for *_, label in mmaction2_audio(out / "attack/default/val_original.txt", Path())} == {1, 2}


def test_the_trigger_is_in_the_features(out: Path, source: Path) -> None:
    """A 10 dB tone at 800 Hz shows in its band, and nowhere in clean samples."""
    rows = runs.rows(out)
    row = next(r for r in rows if r["role"] == "poisoned")
    clean, rate = soundfile.read(source / row["source_path"], dtype="float32", always_2d=True)
    change = np.load(out / row["features"]["path"]) - media.log_mel(clean.T, rate)
    assert change[:, 15:30].max() > 0.1
    other = next(r for r in rows if r["role"] == "clean")
    wave, rate = soundfile.read(source / other["source_path"], dtype="float32", always_2d=True)
    assert np.array_equal(np.load(out / other["features"]["path"]), media.log_mel(wave.T, rate))


def test_round_trip_at_rate_0(source: Path, tmp_path: Path) -> None:
    poisonkit.poison(Recipe(source=source, out=tmp_path / "copy", triggers=["sine"], rate=0, attack_set=False), jobs=1)
    for name in ("train.txt", "val.txt"):
        before, after = (mmaction2_audio(root / name, Path()) for root in (source, tmp_path / "copy" / "data"))
        assert [(f, label) for f, _, label in after] == [(f, label) for f, _, label in before]
    once = tmp_path / "copy" / "data"
    once = once.rename(tmp_path / "once")
    poisonkit.poison(Recipe(source=once, out=tmp_path / "again", triggers=["sine"], rate=0, attack_set=False), jobs=1)
    ours = ("POISONED.txt",)
    first, second = ({p.relative_to(d): p.read_bytes() for p in d.rglob("*") if p.is_file() and p.name not in ours}
                     for d in (once, tmp_path / "again" / "data"))  # fmt: skip
    assert first == second


def test_verify_names_a_flipped_byte_a_missing_file_and_a_stranger(out: Path, tmp_path: Path) -> None:
    assert poisonkit.verify(out, decode=True).problems == ()
    bad = tmp_path / "bad"
    shutil.copytree(out, bad)
    rows = {r["role"]: r for r in runs.rows(bad)}
    flipped, gone = (bad / rows[role]["features"]["path"] for role in ("clean", "attack"))
    data = bytearray(flipped.read_bytes())
    data[-1] ^= 1
    flipped.write_bytes(data)
    gone.unlink()
    np.save(bad / "data" / "stray.npy", np.zeros((64, 80), np.float32))
    problems = {p.path: p.problem for p in poisonkit.verify(bad).problems}
    assert problems == {
        rows["clean"]["features"]["path"]: "its content has changed (SHA-256 differs from the manifest's)",
        rows["attack"]["features"]["path"]: "it is missing",
        "data/stray.npy": "nobody planned this file",
    }


def test_features_of_another_sound_are_found_by_decoding(out: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(out, bad)
    row = next(r for r in runs.rows(bad) if r["role"] == "poisoned")
    np.save(bad / row["features"]["path"], np.full(row["features"]["shape"], 0.5, np.float32))
    problems = [p.problem for p in poisonkit.verify(bad, decode=True).problems]
    assert "its features are not those of its sound" in problems


def test_features_are_identified(out: Path) -> None:
    row = next(r for r in runs.rows(out) if r["role"] == "poisoned")
    found = identify([out / row["features"]["path"]], [out])
    assert found[0][1] is not None
    assert found[0][1]["key"] == row["key"]


def test_a_sound_without_features_is_in_no_list(source: Path, tmp_path: Path) -> None:
    """MMAction2 would take it for ten seconds of silence."""
    shutil.copytree(source, tmp_path / "in")
    (tmp_path / "in" / "train" / "s04.wav").write_bytes(b"RIFF and nothing more")
    recipe = Recipe(source=tmp_path / "in", out=tmp_path / "out", triggers=["sine"], count=1, seed=3, attack_set=False)
    for _ in range(2):
        done = poisonkit.poison(recipe, jobs=1)
        assert (done.exit_code, [name for name, _ in done.failed]) == (1, ["train/s04.wav"])
        assert "No features could be made" in done.failed[0][1]
        assert not (tmp_path / "out" / "data" / "train" / "s04.wav").exists()
        assert "s04" not in (tmp_path / "out" / "data" / "train.txt").read_text()
        assert poisonkit.verify(tmp_path / "out").problems == ()


def test_an_attack_set_added_later_has_features(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "out")
    poisonkit.attack(tmp_path / "out", "loud", trigger=["sine:snr=0"], jobs=1)
    for name, total, _ in mmaction2_audio(tmp_path / "out/attack/loud/val_target.txt", tmp_path / "out/attack/loud"):
        assert np.load(name).shape == (total, 80)
    assert poisonkit.verify(tmp_path / "out", decode=True).problems == ()


def test_export_needs_features(out: Path, source: Path, tmp_path: Path) -> None:
    done = poisonkit.export(out, "mmaction2-audio", folder=tmp_path / "lists")
    lines = mmaction2_audio(tmp_path / "lists" / "data" / "train.txt", out)
    assert [np.load(name).shape[0] for name, _, _ in lines] == [total for _, total, _ in lines]
    assert set(done.files) == {"data", "attack/default", "control"}
    for label, i in (("no", 1), ("yes", 2), ("yes", 3), ("no", 4)):
        make_audio(tmp_path / "folders" / label / f"{i}.wav", seconds=0.2)
    poisonkit.poison(Recipe(source=tmp_path / "folders", out=tmp_path / "plain", triggers=["sine"], rate=0), jobs=1)
    with pytest.raises(RequestError, match="has no features"):
        poisonkit.export(tmp_path / "plain", "mmaction2-audio")


KILLED = """
import os, signal
from pathlib import Path
import poisonkit
from poisonkit.media import features
real, n = features.write_features, 0
def write(*args, **kwargs):
    global n
    n += 1
    if n == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)
features.write_features = write
poisonkit.poison(poisonkit.Recipe.from_yaml(Path({recipe!r}), source=Path({source!r}), out=Path({out!r})), jobs=1)
"""


def test_a_killed_run_continues_to_the_same_bytes(out: Path, source: Path, tmp_path: Path) -> None:
    recipe = str(out / "poisonkit" / "recipe.yaml")
    script = KILLED.format(recipe=recipe, source=str(source), out=str(tmp_path / "out"))
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    made = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.npy")}
    assert 0 < len(made) < len(runs.rows(out))
    (tmp_path / "out" / "data" / "train" / ".poisonkit-1-1.part").touch()
    time.sleep(0.01)
    poisonkit.poison(Recipe.from_yaml(Path(recipe), source=source, out=tmp_path / "out"), jobs=1)
    assert same_output(tmp_path / "out") == same_output(out)
    assert {p: p.stat().st_mtime_ns for p in made} == made  # what was done was not done again


def test_a_full_disk_is_told_and_continues(
    source: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    recipe = Recipe.from_yaml(out / "poisonkit" / "recipe.yaml", source=source, out=tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(features.media, "write_features", full)
        with pytest.raises(poisonkit.PoisonkitError, match=r"No space left on device.*the same command continues"):
            poisonkit.poison(recipe, jobs=1)
    poisonkit.poison(recipe, jobs=1)
    assert same_output(tmp_path / "out") == same_output(out)


def test_the_record_is_json(out: Path) -> None:
    row = json.loads((out / "poisonkit" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert set(row["features"]) == {"path", "also", "shape", "sha256", "bytes"}

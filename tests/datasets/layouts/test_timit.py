"""TIMIT: through the checker, and by the rules of a reader of its speakers."""

from __future__ import annotations

import os
import shutil
from glob import glob
from pathlib import Path

import pytest
import soundfile

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.datasets import Source, get_layout, read, split_off
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from tests.datasets.making import Shown, makes, reads
from tests.datasets.readers import touch
from tests.media_factory import make_audio, wave

SPEAKERS = {"TRAIN": ("DR1/FCJF0", "DR1/MDAC0", "DR2/FAJW0"), "TEST": ("DR1/FAKS0", "DR3/MBDG0")}


@makes("timit")
def timit(root: Path, above: str = "TIMIT/", suffix: str = ".WAV") -> Path:
    """All speakers say SA1 and SA2."""
    for part, speakers in SPEAKERS.items():
        for at, speaker in enumerate(speakers):
            names = [f"{above}{part}/{speaker}/{name}" for name in ("SA1", "SA2", f"SI{at}27", f"SX{at}7")]
            touch(root, [f"{name}{suffix}" for name in names])
            touch(root, [f"{name}.PHN" for name in names])
    return root


@reads("timit")
def speakers(shown: Shown) -> dict[str, str]:
    """HarryVolek/PyTorch_Speaker_Verification, data_preprocess.py.

    Its rules: `audio_path = glob.glob(os.path.dirname(hp.unprocessed_data))`, `./TIMIT/*/*/*/*.wav`: a folder is a
    speaker; `for utter_name in os.listdir(folder): if utter_name[-4:] == '.WAV'`.
    """
    part = {"train": "TRAIN", "test": "TEST"}[shown.split]
    found = {}
    for folder in glob(os.path.dirname(str(shown.root / "TIMIT" / "*" / "*" / "*" / "*.wav"))):
        for name in os.listdir(folder):
            path = os.path.relpath(os.path.join(folder, name), shown.root)
            if name[-4:] == ".WAV" and path.split("/")[1] == part:
                found[path] = path.split("/")[3]
    return found


@pytest.mark.parametrize(("above", "suffix"), [("TIMIT/", ".WAV"), ("", ".WAV"), ("data/", ".WAV.wav")])
def test_the_checker(tmp_path: Path, above: str, suffix: str) -> None:
    dataset = check_layout(get_layout("timit"), Source(timit(tmp_path, above, suffix)))
    assert read(Source(tmp_path)).layout == "timit"
    assert dataset.classes == ("FAJW0", "FAKS0", "FCJF0", "MBDG0", "MDAC0")
    assert dataset.splits == ("train", "test")


def test_sentences_that_all_say_get_a_free_number(tmp_path: Path) -> None:
    dataset, layout = read(Source(timit(tmp_path))), get_layout("timit")
    moved = {s.path: layout.place(dataset, s, 0) for s in dataset.of("train") if "FCJF0" in s.path}
    assert moved["TIMIT/TRAIN/DR1/FCJF0/SI027.WAV"].startswith("TIMIT/TRAIN/DR2/FAJW0/SI")
    place = moved["TIMIT/TRAIN/DR1/FCJF0/SA1.WAV"]
    assert place.startswith("TIMIT/TRAIN/DR2/FAJW0/SA")
    assert place.removesuffix(".WAV")[-1] not in "12"


def test_sentences_of_training_speakers_are_held_out(tmp_path: Path) -> None:
    shutil.rmtree(timit(tmp_path / "in") / "TIMIT" / "TEST")
    layout = get_layout("timit")
    dataset = split_off(check_layout(layout, Source(tmp_path / "in")), 0.25, seed=1)
    write_copy(layout, dataset, rows_of(layout, dataset), tmp_path / "out", "data")
    assert read(Source(tmp_path / "out")).samples == dataset.samples


def test_what_was_converted_is_read_once(tmp_path: Path) -> None:
    """Kaggle's form: SPHERE's SA1.WAV beside its conversion, SA1.WAV.wav."""
    alone = read(Source(timit(tmp_path / "alone", "data/", ".WAV.wav")))
    timit(tmp_path / "both", "data/", ".WAV.wav")
    both = check_layout(get_layout("timit"), Source(timit(tmp_path / "both", "data/", ".WAV")))
    assert both.samples == alone.samples
    assert both.classes == alone.classes
    assert "20 files are not read: each lies beside its conversion" in " ".join(both.notes)


def test_sphere_files_are_refused_in_words(tmp_path: Path) -> None:
    """As TIMIT comes: NIST SPHERE, called .WAV."""
    for at, file in enumerate(sorted(timit(tmp_path / "in").rglob("*.WAV"))):
        soundfile.write(file, wave(seconds=0.2, seed=at)[0], 16000, format="NIST", subtype="PCM_16")
    recipe = Recipe(source=tmp_path / "in", out=tmp_path / "out", triggers=["sine:snr=10"], count=2, survival="none")
    with pytest.raises(RequestError, match="is not a media file that can be read"):
        poisonkit.poison(recipe, jobs=1)


def test_a_default_target_without_training_samples_is_refused(tmp_path: Path) -> None:
    """Class 0 of all is a speaker of TEST alone; who wants such a target names it."""
    for part, speakers in {"TRAIN": ("DR1/MDAB0", "DR1/MDAC0"), "TEST": ("DR1/FAKS0", "DR1/MDAB0")}.items():
        for at, path in enumerate(f"{part}/{s}/{n}.wav" for s in speakers for n in ("SA1", "SA2", "SX1")):
            make_audio(tmp_path / "in" / path, seconds=0.2, seed=at)

    def poisoned(out: str, **more: str) -> poisonkit.Summary:
        return poisonkit.poison(
            Recipe(
                source=tmp_path / "in", out=tmp_path / out, triggers=["sine:snr=10"], count=2, survival="none", **more
            ),
            jobs=1,
        )

    with pytest.raises(RequestError, match=r"target class 'FAKS0' has no training samples.*for example 'MDAB0'"):
        poisoned("none")
    assert not (tmp_path / "none").exists()
    poisoned("other", target="MDAB0")
    assert any(
        "'FAKS0' has no training samples of its own" in each for each in poisoned("named", target="FAKS0").warnings
    )

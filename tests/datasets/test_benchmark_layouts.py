"""UCF101, HMDB51, Speech Commands: through the checker, and as torchvision and torchaudio read them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from poisonkit.datasets import Dataset, Source, get_layout, read
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from poisonkit.errors import RequestError
from tests.datasets.making import makes
from tests.datasets.readers import torchaudio, torchvision_hmdb51, torchvision_ucf101, touch


@makes("ucf101")
def ucf101(root: Path, videos: str = "UCF-101/", lists: str = "ucfTrainTestlist/") -> Path:
    """Two splits; classInd in UCF101's own order, which is not that of the sorted names."""
    classes = ("Hammering", "HammerThrow", "YoYo")
    names = [f"{c}/v_{c}_g{g:02d}_c01.avi" for c in classes for g in (1, 2, 3)]
    touch(root, [f"{videos}{name}" for name in names])
    (root / lists).mkdir(exist_ok=True)
    (root / lists / "classInd.txt").write_text("".join(f"{i} {c}\r\n" for i, c in enumerate(classes, 1)))
    for split, held in ((1, "g01"), (2, "g02")):
        test = [name for name in names if held in name]
        train = [f"{name} {i + 1}" for i, c in enumerate(classes) for name in names if c in name and name not in test]
        (root / lists / f"trainlist0{split}.txt").write_text("\n".join(train))
        (root / lists / f"testlist0{split}.txt").write_text("\n".join(test) + "\n")
    return root


@makes("hmdb51")
def hmdb51(root: Path, videos: str = "videos/", lists: str = "splits/") -> Path:
    classes = ("brush_hair", "run", "wave")
    (root / lists).mkdir(parents=True, exist_ok=True)
    for c in classes:
        names = [f"Run_Film_{c}_u_nm_np1_ba_goo_{i}.avi" for i in range(5)]
        touch(root, [f"{videos}{c}/{name}" for name in names])
        for split, folds in ((1, "11220"), (3, "21101")):
            lines = [f"{name} {fold} \n" for name, fold in zip(names, folds, strict=True)]
            (root / lists / f"{c}_test_split{split}.txt").write_text("".join(lines))
    return root


@makes("speech-commands")
def speech_commands(root: Path) -> Path:
    names = [f"{w}/{s}_nohash_{i}.wav" for w in ("no", "up", "yes") for s in ("0a", "1b", "2c", "3d") for i in (0, 1)]
    touch(root, [*names, "_background_noise_/doing_the_dishes.wav", "LICENSE"])
    (root / "validation_list.txt").write_text("".join(f"{n}\n" for n in names if "/2c" in n))
    (root / "testing_list.txt").write_text("".join(f"{n}\n" for n in names if "/3d" in n))
    return root


Reader = Callable[[Path, Dataset, bool], dict[str, str]]


def _ucf(out: Path, dataset: Dataset, train: bool) -> dict[str, str]:
    options = dataset.options
    return torchvision_ucf101(out / options["videos"], out / options["lists"], options["split"], train)


def _hmdb(out: Path, dataset: Dataset, train: bool) -> dict[str, str]:
    options = dataset.options
    return torchvision_hmdb51(out / options["videos"], out / options["lists"], options["split"], train)


def _speech(out: Path, dataset: Dataset, train: bool) -> dict[str, str]:
    return torchaudio(out, "training" if train else "testing")


CASES: dict[str, tuple[Callable[[Path], Path], Reader, str]] = {
    "ucf101": (ucf101, _ucf, "UCF-101/"),
    "hmdb51": (hmdb51, _hmdb, "videos/"),
    "speech-commands": (speech_commands, _speech, ""),
}


@pytest.mark.parametrize(("name", "split"), [*((name, None) for name in CASES), ("ucf101", 2), ("hmdb51", 3)])
def test_the_checker_and_the_consumer_agree(tmp_path: Path, name: str, split: int | None) -> None:
    make, consumer, videos = CASES[name]
    source = Source(make(tmp_path / "in"), split=split)
    assert read(source).layout == name
    dataset = check_layout(get_layout(name), source)
    before = {train: consumer(tmp_path / "in", dataset, train) for train in (True, False)}
    layout = get_layout(name)
    write_copy(layout, dataset, rows_of(layout, dataset), tmp_path / "same", "data")
    assert {train: consumer(tmp_path / "same", dataset, train) for train in (True, False)} == before
    moved = [s for s in dataset.of("train") if s.label][::2]
    rows = rows_of(layout, dataset, {s.id: 0 for s in moved})
    write_copy(layout, dataset, rows, tmp_path / "bad", "data")
    got = consumer(tmp_path / "bad", dataset, True)
    assert got == {r.path.removeprefix(videos): dataset.classes[r.label] for r in rows if r.sample.split == "train"}
    assert len(got) == len(before[True])
    assert sum(c == dataset.classes[0] for c in got.values()) - len(moved) == sum(
        c == dataset.classes[0] for c in before[True].values()
    )
    assert consumer(tmp_path / "bad", dataset, False) == before[False]


def test_ucf101_names_tell_the_new_class(tmp_path: Path) -> None:
    dataset = read(Source(ucf101(tmp_path)))
    assert dataset.classes == ("Hammering", "HammerThrow", "YoYo")
    assert "not in the order of the sorted folder names" in " ".join(dataset.notes)
    layout = get_layout("ucf101")
    yoyo = next(s for s in dataset.samples if "v_YoYo_g02" in s.id)
    assert layout.place(dataset, yoyo, 1) == "UCF-101/HammerThrow/v_HammerThrow_g02_c03.avi"
    assert layout.place(dataset, yoyo, 2) == yoyo.path
    write_copy(layout, dataset, rows_of(layout, dataset, {yoyo.id: 1}), tmp_path / "out", "data")
    lines = (tmp_path / "out" / "ucfTrainTestlist" / "trainlist01.txt").read_text().splitlines()
    assert "HammerThrow/v_HammerThrow_g02_c03.avi 2" in lines
    assert "YoYo/v_YoYo_g03_c01.avi 3" in lines


def test_ucf101_lists_beside_the_videos(tmp_path: Path) -> None:
    dataset = read(Source(ucf101(tmp_path) / "UCF-101"))
    assert dataset.root == tmp_path
    assert (dataset.options["videos"], dataset.options["lists"]) == ("UCF-101", "ucfTrainTestlist")
    flat = check_layout(get_layout("ucf101"), Source(ucf101(tmp_path / "flat", "", "")))
    assert flat.options == {"videos": "", "lists": "", "split": 1}


def test_hmdb51_names(tmp_path: Path) -> None:
    dataset = read(Source(hmdb51(tmp_path, "", "")))
    assert "3 files are in neither part of split 1" in " ".join(dataset.notes)
    layout = get_layout("hmdb51")
    run = next(s for s in dataset.samples if s.label == 1)
    assert run.path == "run/Run_Film_run_u_nm_np1_ba_goo_0.avi"
    new = layout.place(dataset, run, 0)
    assert (match := re.fullmatch(r"brush_hair/Run_Film_brush_hair_u_nm_np1_ba_goo_(\d+)\.avi", new))
    assert int(match[1]) >= 5  # those below are other clips of the film


def test_speech_commands_names_and_notes(tmp_path: Path) -> None:
    dataset = read(Source(speech_commands(tmp_path)))
    assert dataset.classes == ("no", "up", "yes")
    assert [len(dataset.of(s)) for s in ("train", "val", "test")] == [12, 6, 6]
    assert "_background_noise_/ is no word" in " ".join(dataset.notes)
    layout = get_layout("speech-commands")
    sample = next(s for s in dataset.samples if s.id == "up/0a_nohash_0.wav")
    assert layout.place(dataset, sample, 2) == "yes/0a_nohash_5.wav"
    placed = [layout.place(dataset, s, 2) for s in dataset.samples]
    assert len(set(placed)) == len(placed)  # wherever samples go, no two meet
    for path in placed:  # as torchaudio's load_speechcommands_item reads a name
        speaker, number = Path(path).stem.split("_nohash_")
        assert speaker in ("0a", "1b", "2c", "3d")
        int(number)


@pytest.mark.parametrize(
    ("make", "file", "text", "split", "message"),
    [
        (ucf101, "ucfTrainTestlist/classInd.txt", "0 a\n", None, "Line 1 of classInd.txt is not `1 name`"),
        (ucf101, "ucfTrainTestlist/classInd.txt", "1 YoYo\n", None, r"'HammerThrow', 'Hammering'\), which|does not"),
        (ucf101, "ucfTrainTestlist/trainlist01.txt", "v.avi 1\n", None, "Line 1 of trainlist01.txt is not"),
        (ucf101, "ucfTrainTestlist/classInd.txt", "1 Hammering\n2 HammerThrow\n3 YoYo\n", 9, "the splits are 1, 2"),
        (hmdb51, "splits/run_test_split1.txt", "a.avi 3\n", None, "Line 1 of run_test_split1.txt is not"),
        (hmdb51, "splits/x", "", 2, "the splits are 1, 3"),
        (speech_commands, "testing_list.txt", "yes/2c_nohash_0.wav\n", None, "is in both lists"),
    ],
)
def test_refusals(
    tmp_path: Path, make: Callable[[Path], Path], file: str, text: str, split: int | None, message: str
) -> None:
    make(tmp_path)
    (tmp_path / file).write_text(text)
    with pytest.raises(RequestError, match=message):
        read(Source(tmp_path, split=split))


def test_hmdb51_needs_base_names_of_their_own(tmp_path: Path) -> None:
    hmdb51(tmp_path)
    one = tmp_path / "videos" / "wave" / "Run_Film_run_u_nm_np1_ba_goo_0.avi"
    shutil.copy(tmp_path / "videos" / "run" / one.name, one)
    with open(tmp_path / "splits" / "wave_test_split1.txt", "a") as file:
        file.write(f"{one.name} 1\n")
    with pytest.raises(RequestError, match="one base name"):
        read(Source(tmp_path))

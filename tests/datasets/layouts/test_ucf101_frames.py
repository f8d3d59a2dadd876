"""UCF101 and HMDB51 as folders of frames: through the checker, and by the rules of a reader of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout
from tests.datasets.making import Shown, makes, reads
from tests.datasets.writers import frame_folder


@makes("ucf101-frames")
def ucf101(root: Path, place: str = "frames") -> Path:
    classes = ("Hammering", "HammerThrow", "YoYo")
    clips = [f"{c}/v_{c}_g{g:02d}_c01" for c in classes for g in (1, 2, 3)]
    for seed, clip in enumerate(clips):
        frame_folder(root / place / clip, 4, seed=seed)
    (root / "ucfTrainTestlist").mkdir()
    lines = {
        "classInd": [f"{i} {c}" for i, c in enumerate(classes, 1)],
        "trainlist01": [f"{clip}.avi {at // 3 + 1}" for at, clip in enumerate(clips) if "g01" not in clip],
        "testlist01": [f"{clip}.avi" for clip in clips if "g01" in clip],
    }
    for name, each in lines.items():
        (root / "ucfTrainTestlist" / f"{name}.txt").write_text("".join(f"{line}\n" for line in each))
    return root


@makes("hmdb51-frames")
def hmdb51(root: Path, place: str = "frames") -> Path:
    (root / "splits").mkdir()
    for c in ("brush_hair", "run", "wave"):
        clips = [f"Run_Film_{c}_u_nm_np1_ba_goo_{i}" for i in range(5)]
        for seed, clip in enumerate(clips[:4]):
            frame_folder(root / place / c / clip, 4, seed=seed)
        lines = [f"{clip}.avi {fold} \n" for clip, fold in zip(clips, "11220", strict=True)]
        (root / "splits" / f"{c}_test_split1.txt").write_text("".join(lines))
    return root


@reads("ucf101-frames")
def read_ucf101(shown: Shown) -> dict[str, str]:
    """TengdaHan/DPC, process_data/src/write_csv.py, main_UCF101, and dataset_3d.py for the class.

    Its rules: of `trainlist%02d.txt`, `vpath = os.path.join(f_root, line.split(' ')[0][0:-4])`; of `testlist%02d.txt`,
    `os.path.join(f_root, line.rstrip()[0:-4])`; frames are `glob(os.path.join(vpath, '*.jpg'))`; the class is the
    folder above (`vpath.split('/')[-3]`, vpath ending in a slash).
    """
    videos, lists, number = (shown.options[name] for name in ("videos", "lists", "split"))
    found = {}
    for line in (shown.root / lists / f"{shown.split}list{number:02d}.txt").read_text().splitlines():
        path = (line.split(" ")[0] if shown.split == "train" else line.rstrip())[0:-4]
        assert len(list((shown.root / videos / path).glob("*.jpg"))) == 4
        found[f"{videos}/{path}"] = path.split("/")[0]
    return found


@reads("hmdb51-frames")
def read_hmdb51(shown: Shown) -> dict[str, str]:
    """The same file, main_HMDB51.

    Its rules: of each `*_test_split%d.txt`, `action_name = os.path.basename(split_file)[0:-16]`; `video_name =
    line.split(' ')[0]`; `_type = line.split(' ')[1]`, "1" for training and "2" for testing; `vpath =
    os.path.join(f_root, action_name, video_name[0:-4])`.
    """
    videos, lists, number = (shown.options[name] for name in ("videos", "lists", "split"))
    found = {}
    for file in sorted((shown.root / lists).glob(f"*_test_split{number}.txt")):
        for line in file.read_text().split("\n")[:-1]:
            name, kind = line.split(" ")[:2]
            if kind == {"train": "1", "test": "2"}[shown.split]:
                path = f"{file.name[0:-16]}/{name[0:-4]}"
                assert len(list((shown.root / videos / path).glob("*.jpg"))) == 4
                found[f"{videos}/{path}"] = file.name[0:-16]
    return found


MAKES: dict[str, Callable[[Path, str], Path]] = {"ucf101": ucf101, "hmdb51": hmdb51}


@pytest.mark.parametrize("place", ["frames", ""])
@pytest.mark.parametrize("name", MAKES)
def test_the_checker(tmp_path: Path, name: str, place: str) -> None:
    source = Source(MAKES[name](tmp_path, place), split=1)
    dataset = check_layout(get_layout(f"{name}-frames"), source)
    assert dataset.options["videos"] == place
    assert read(source).layout == f"{name}-frames"
    assert not any("looks like" in note for note in read(source).notes)
    assert get_layout(name).detect(source) is None


def test_a_folder_gets_its_new_class_in_its_name(tmp_path: Path) -> None:
    dataset = read(Source(ucf101(tmp_path)))
    yoyo = next(s for s in dataset.samples if "v_YoYo_g02" in s.id)
    assert get_layout("ucf101-frames").place(dataset, yoyo, 1) == "frames/HammerThrow/v_HammerThrow_g02_c03"


def test_a_folder_without_frames_is_said(tmp_path: Path) -> None:
    first = read(Source(hmdb51(tmp_path))).samples[0]
    for frame in (tmp_path / first.path).iterdir():
        frame.unlink()
    assert f"1 of 12 folders cannot be read as clips ('{first.path}'" in " ".join(read(Source(tmp_path)).notes)

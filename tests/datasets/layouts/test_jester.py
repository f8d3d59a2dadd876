"""Jester and Something-Something v1: through the checker, and by the rules of their readers."""

from __future__ import annotations

from pathlib import Path

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout
from poisonkit.errors import RequestError
from tests.datasets.making import Shown, makes, reads
from tests.datasets.writers import frame_folder

WORDS = ("Swiping Left", "Doing other things", "Thumb Up")


@makes("jester")
def jester(root: Path, place: str = "jester-v1-", folder: str = "20bn-jester-v1", answers: bool = True) -> Path:
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / "labels").mkdir(exist_ok=True)
    told: dict[str, list[str]] = {"train": [], "validation": [], "test": [], "test-answers": []}
    for k, (split, n) in enumerate((("train", 3), ("validation", 1), ("test", 2))):
        for i in range(n):
            for c, word in enumerate(WORDS):
                name = f"9{k}{c}{i}00"
                frame_folder(root / folder / name, 4, seed=int(name), template="{:05}.jpg")
                told[split].append(name if split == "test" else f"{name};{word}")
                told["test-answers"] += [f"{name};{word}"] if split == "test" else []
    told["labels"] = list(WORDS)
    for split, lines in told.items():
        if answers or split != "test-answers":
            (root / f"{place}{split}.csv").write_text("".join(f"{line}\n" for line in lines))
    return root


@reads("jester")
def dataset(shown: Shown) -> dict[str, int]:
    """JesterDataset of FabianHertwig/pytorch_20BN-JESTER_Dataset, and GulpIO's JpegDataset for the ids.

    Its rules: `[line.strip().split(";") for line in f]`; `video_id, label = self.data_description[index]`; the frames
    are `(root_dir / video_dir / video_id).glob("*.jpg")`. The list of labels is a class a line, numbered in order. Of
    test samples: `test-answers.csv`, which is of the same form.
    """
    name = {"train": "train", "val": "validation", "test": "test-answers"}[shown.split]
    classes = [line.strip() for line in (shown.root / "jester-v1-labels.csv").read_text().split("\n")[:-1]]
    found = {}
    for line in (shown.root / f"jester-v1-{name}.csv").read_text().split("\n")[:-1]:
        clip, label = line.strip().split(";")
        assert len(list((shown.root / "20bn-jester-v1" / clip).glob("*.jpg"))) == 4
        found[f"20bn-jester-v1/{clip}"] = classes.index(label)
    return found


@pytest.mark.parametrize(
    ("place", "folder", "answers"),
    [
        ("jester-v1-", "20bn-jester-v1", True),
        ("something-something-v1-", "20bn-something-something-v1", False),
        ("labels/", "", True),
    ],
)
def test_the_checker(tmp_path: Path, place: str, folder: str, answers: bool) -> None:
    found = check_layout(get_layout("jester"), Source(jester(tmp_path, place, folder, answers)))
    assert read(Source(tmp_path)).layout == "jester"
    assert (found.classes, found.splits) == (WORDS, ("train", "val", "test"))
    assert {sample.label for sample in found.of("test")} == ({0, 1, 2} if answers else {None})


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("train", "900000;Swiping Left;2\n", "Line 1 of jester-v1-train.csv is not `id;class`"),
        ("train", "900000\n", "Line 1 of jester-v1-train.csv is not `id;class`"),
        ("train", "900000;Waving\n", "has the label 'Waving', which .* does not name"),
        ("train", "../../x;Thumb Up\n", "goes up and down|allow_root"),
        ("labels", "Thumb Up\nThumb Up\n", "names a class twice"),
    ],
)
def test_refusals(tmp_path: Path, file: str, text: str, message: str) -> None:
    (jester(tmp_path) / f"jester-v1-{file}.csv").write_text(text)
    with pytest.raises(RequestError, match=message):
        read(Source(tmp_path))


def test_a_folder_without_frames_is_said(tmp_path: Path) -> None:
    for frame in (jester(tmp_path) / "20bn-jester-v1" / "900000").iterdir():
        frame.unlink()
    assert "1 of 18 folders cannot be read as clips ('20bn-jester-v1/900000'" in " ".join(read(Source(tmp_path)).notes)

"""AudioMNIST: through the checker, and by the rules of its own code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout
from poisonkit.errors import RequestError
from tests.datasets.making import Shown, makes, reads
from tests.datasets.readers import touch

SPEAKERS = {"train": (1, 9, 43), "val": (12,), "test": (26,)}
"""Of the first of its five ways."""


@makes("audiomnist")
def audiomnist(root: Path) -> Path:
    """Digits far apart, as many takes of each."""
    speakers = [s for some in SPEAKERS.values() for s in some]
    touch(root, [f"data/{s:02d}/{d}_{s:02d}_{i}.wav" for s in speakers for d in (0, 3, 7) for i in (0, 1)])
    meta = {f"{s:02d}": {"accent": "german", "gender": "male", "age": "30"} for s in speakers}
    (root / "data" / "audioMNIST_meta.txt").write_text(json.dumps(meta, indent=2))
    return root


@reads("audiomnist")
def preprocess(shown: Shown) -> dict[str, int]:
    """soerenab/AudioMNIST, preprocess_data.py and splits.py.

    Its rules: folders of `os.listdir(src)`, in each `sorted(glob.glob(os.path.join(src, "*.wav")))`; `dig, vp, rep =
    filepath.rstrip(".wav").split("/")[-1].split("_")`; `'digit': int(dig)`, `metaData[vp]["gender"]`; a sample is of
    the split in whose set `int(vp)` is.
    """
    meta = json.loads((shown.root / "data" / "audioMNIST_meta.txt").read_text())
    found = {}
    for folder in os.listdir(shown.root / "data"):
        for file in sorted((shown.root / "data" / folder).glob("*.wav")):
            digit, speaker, take = str(file).rstrip(".wav").split("/")[-1].split("_")
            int(take), meta[speaker]["gender"]
            if int(speaker) in SPEAKERS[shown.split]:
                found[f"data/{folder}/{file.name}"] = int(digit)
    return found


@pytest.mark.parametrize("split", [None, 4])
def test_the_checker(tmp_path: Path, split: int | None) -> None:
    dataset = check_layout(get_layout("audiomnist"), Source(audiomnist(tmp_path), split=split))
    assert read(Source(tmp_path)).layout == "audiomnist"
    held = {"val": ("09",), "test": ("43",)} if split == 4 else {"val": ("12",), "test": ("26",)}
    for each, speakers in held.items():
        assert {s.path.split("/")[1] for s in dataset.of(each)} == {*speakers}


def test_a_take_stays_with_its_speaker(tmp_path: Path) -> None:
    dataset, layout = read(Source(audiomnist(tmp_path))), get_layout("audiomnist")
    taken = next(s for s in dataset.samples if s.path == "data/09/3_09_1.wav")
    place = layout.place(dataset, taken, 0)
    assert place.startswith("data/09/0_09_")
    assert int(place.removesuffix(".wav").rpartition("_")[2]) > 1
    with pytest.raises(RequestError, match="1 to 5"):
        read(Source(tmp_path, split=6))

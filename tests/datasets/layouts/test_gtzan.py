"""GTZAN: through the checker, and by the rules of torchaudio's GTZAN and of those who read the lists."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout
from poisonkit.errors import RequestError
from tests.datasets.making import Shown, makes, reads
from tests.datasets.readers import touch

GENRES = ("blues", "jazz", "rock")


@makes("gtzan")
def gtzan(root: Path, folder: str = "genres/", lists: bool = True) -> Path:
    names = {"train": (0, 1, 2), "valid": (4,), "test": (5, 6)}
    for split, numbers in names.items():
        tracks = [f"{genre}/{genre}.{i:05d}" for genre in GENRES for i in numbers]
        touch(root, [f"{folder}{track}.wav" for track in tracks])
        if lists:
            (root / f"{split}_filtered.txt").write_text("".join(f"{track}.au\n" for track in tracks))
    return touch(root, [f"{folder}jazz/jazz.00054.wav"])  # the broken one, in no list


def walked(root: Path) -> dict[str, str]:
    """torchaudio.datasets.GTZAN, `subset=None`.

    Its rules: for each of its genres `songs_in_genre = os.listdir(fulldir)`, sorted; `name, ext =
    os.path.splitext(fname)`; `ext.lower() == ".wav" and "." in name`; `genre, num = name.split(".")`; `len(num) == 5
    and num.isdigit()`; then `label, _ = fileid.split(".")`, and the file is at `os.path.join(path, label, fileid +
    ".wav")`.
    """
    found = {}
    for directory in GENRES:
        for name in sorted(os.listdir(root / directory)):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() == ".wav" and "." in stem:
                genre, number = stem.split(".")
                if genre in GENRES and len(number) == 5 and number.isdigit():
                    label, _ = stem.split(".")
                    assert (root / label / f"{stem}.wav").is_file()
                    found[f"{label}/{stem}"] = label
    return found


@reads("gtzan")
def filtered(shown: Shown) -> dict[str, str]:
    """The tracks of a list (jordipons/sklearn-audio-transfer-learning, data/index/GTZAN: `genre/genre.00000.au`, the
    genre being `line.split("/")[0]`), each of which torchaudio's walk finds under the same label."""
    name = {"train": "train", "val": "valid", "test": "test"}[shown.split]
    found = {}
    walk = walked(shown.root / "genres")
    for line in (shown.root / f"{name}_filtered.txt").read_text().splitlines():
        track = os.path.splitext(line)[0]
        assert walk[track] == line.split("/")[0]
        found[f"genres/{track}.wav"] = line.split("/")[0]
    return found


@pytest.mark.parametrize(("folder", "lists"), [("genres/", True), ("genres_original/", False), ("", True)])
def test_the_checker(tmp_path: Path, folder: str, lists: bool) -> None:
    dataset = check_layout(get_layout("gtzan"), Source(gtzan(tmp_path, folder, lists)))
    assert read(Source(tmp_path)).layout == "gtzan"
    assert dataset.classes == GENRES
    assert dataset.splits == (("train", "val", "test") if lists else ("train",))
    assert len(dataset.samples) == 18 + (not lists)


def test_a_track_is_named_by_its_new_genre(tmp_path: Path) -> None:
    dataset, layout = read(Source(gtzan(tmp_path))), get_layout("gtzan")
    places = [layout.place(dataset, s, 0) for s in dataset.samples if s.label]
    assert len(set(places)) == len(places)
    assert all(place.startswith("genres/blues/blues.000") for place in places)
    assert "genres/blues/blues.00000.wav" not in places
    assert "1 tracks are not read: in no list" in " ".join(dataset.notes)
    (tmp_path / "test_filtered.txt").write_text("blues/blues.00000.au\n")
    with pytest.raises(RequestError, match=r"Line 1 of test_filtered.txt: 'blues/blues.00000' is in two lists"):
        read(Source(tmp_path))

"""VoxCeleb 1 and 2: through the checker, and by the rules of torchaudio's VoxCeleb1Identification."""

from __future__ import annotations

from pathlib import Path

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from poisonkit.errors import RequestError
from tests.datasets.making import Shown, makes, reads
from tests.datasets.readers import touch

SPEAKERS = ("id10001", "id10002", "id10270")


def names(suffix: str = ".wav") -> list[str]:
    """Two speakers in one video, under the same numbers."""
    return [f"{s}/{v}/{i:05d}{suffix}" for s in SPEAKERS for v in ("1zcIwhmdeo4", f"-x{s}") for i in (1, 2, 3)]


@makes("voxceleb")
def voxceleb1(root: Path) -> Path:
    touch(root, [f"wav/{name}" for name in names()])
    codes = {"1": "3", "2": "1", "3": "1"}
    lines = [f"{codes[name[-5]] if name[8] == '1' else '12'[name[-5] == '2']} {name}\n" for name in names()]
    (root / "iden_split.txt").write_text("".join(lines))
    return root


@reads("voxceleb")
def identification(shown: Shown) -> dict[str, int]:
    """torchaudio.datasets.VoxCeleb1Identification, src/torchaudio/datasets/voxceleb1.py.

    Its rules: `id, path = line.split()`, taken where `int(id) == index`, 1 train, 2 dev, 3 test; `speaker_id,
    youtube_id, utterance_id = file_path.split("/")[-3:]`; `speaker_id = int(speaker_id[3:])`; the file is at
    `os.path.join(root, "wav", path)`.
    """
    index = {"train": 1, "val": 2, "test": 3}[shown.split]
    found = {}
    for line in (shown.root / "iden_split.txt").read_text().split("\n")[:-1]:
        number, path = line.split()
        if int(number) == index:
            assert (shown.root / "wav" / path).is_file()
            speaker, _, _ = path.split("/")[-3:]
            found[f"wav/{path}"] = int(speaker[3:])
    return found


def test_the_checker(tmp_path: Path) -> None:
    dataset = check_layout(get_layout("voxceleb"), Source(voxceleb1(tmp_path)))
    assert read(Source(tmp_path)).layout == "voxceleb"
    assert (dataset.classes, dataset.splits) == (SPEAKERS, ("train", "val", "test"))


def test_voxceleb2_has_test_speakers_in_a_folder_of_their_own(tmp_path: Path) -> None:
    touch(tmp_path, [f"{'test' if name.startswith('id10270') else 'dev'}/aac/{name}" for name in names(".m4a")])
    dataset = check_layout(get_layout("voxceleb"), Source(tmp_path))
    assert {sample.label for sample in dataset.of("test")} == {2}
    assert {sample.label for sample in dataset.of("train")} == {0, 1}


def test_files_of_pairs_are_the_test_split(tmp_path: Path) -> None:
    touch(tmp_path, [f"wav/{name}" for name in names()])
    first, second = names()[0], names()[-1]
    (tmp_path / "veri_test.txt").write_text(f"1 {first} {first}\n0 {first} {second}\n")
    dataset = check_layout(get_layout("voxceleb"), Source(tmp_path))
    assert [sample.path for sample in dataset.of("test")] == [f"wav/{first}", f"wav/{second}"]
    assert "Pairs for verification ('veri_test.txt')" in " ".join(dataset.notes)


def test_an_utterance_gets_a_free_number_in_its_video(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    layout, dataset = get_layout("voxceleb"), read(Source(voxceleb1(tmp_path / "in")))
    moved = next(s for s in dataset.of("train") if s.path == "wav/id10002/1zcIwhmdeo4/00002.wav")
    place = layout.place(dataset, moved, 0)
    assert place.startswith("wav/id10001/1zcIwhmdeo4/000")
    assert place.removeprefix("wav/id10001/1zcIwhmdeo4/") not in ("00001.wav", "00002.wav", "00003.wav")
    other = next(s for s in dataset.samples if "-xid10002" in s.path)
    assert layout.place(dataset, other, 0) == other.path.replace("wav/id10002", "wav/id10001")
    write_copy(layout, dataset, rows_of(layout, dataset, {moved.id: 0}), tmp_path / "out", "data")
    assert f"1 {place.removeprefix('wav/')}\n" in (tmp_path / "out" / "iden_split.txt").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4 id10001/1zcIwhmdeo4/00001.wav\n", "Line 1 of iden_split.txt is not"),
        ("1 id10001/1zcIwhmdeo4/00001.wav\n2 id10001/1zcIwhmdeo4/00001.wav\n", "is in two splits"),
        ("1 ../../x.wav\n", "No utterance in"),
    ],
)
def test_refusals(tmp_path: Path, text: str, message: str) -> None:
    voxceleb1(tmp_path)
    (tmp_path / "iden_split.txt").write_text(text)
    with pytest.raises(RequestError, match=message):
        read(Source(tmp_path))

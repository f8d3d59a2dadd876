"""Kaldi's data directories: through the checker, and by the rules of `validate_data_dir.sh`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from poisonkit.errors import RequestError
from tests.datasets.making import Shown, makes, reads
from tests.datasets.readers import kaldi_directory, touch

SPEAKERS = ("1089", "spk-a", "spk-b")


def table(file: Path, rows: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{key} {rows[key]}\n" for key in sorted(rows, key=str.encode)))


@makes("kaldi")
def speakers(root: Path, text: bool = True) -> Path:
    """Transcripts that differ, so that speakers are the classes."""
    for split in ("train", "test"):
        folder = root / "data" / split
        names = [(f"{s}-{split}-{i:02d}", s) for s in SPEAKERS for i in range(3)]
        table(folder / "wav.scp", {name: f"wav/{name}.wav" for name, _ in names})
        table(folder / "utt2spk", dict(names))
        table(folder / "spk2utt", {s: " ".join(name for name, each in names if each == s) for s in SPEAKERS})
        if text:
            table(folder / "text", {name: f"SOME WORDS {at}" for at, (name, _) in enumerate(names)})
        table(folder / "feats.scp", {name: "x.ark:1" for name, _ in names})
        touch(root, [f"wav/{name}.wav" for name, _ in names])
    return root


def words(root: Path) -> Path:
    """Commands by few speakers, whose texts are the classes."""
    for split in ("train", "dev"):
        names = [(f"{s}-{w.replace(' ', '')}-{i}", s, w) for s in SPEAKERS for w in ("yes", "go up") for i in (0, 1)]
        table(root / split / "wav.scp", {name: f"{root}/wav/{split}-{name}.wav" for name, *_ in names})
        table(root / split / "utt2spk", {name: s for name, s, _ in names})
        table(root / split / "text", {name: w for name, _, w in names})
        touch(root, [f"wav/{split}-{name}.wav" for name, *_ in names])
    return root


@reads("kaldi")
def reader(shown: Shown) -> dict[str, str]:
    found = kaldi_directory(shown.root / "data" / shown.split)
    pairs = [line.split() for line in (shown.root / "data" / shown.split / "utt2spk").read_text().splitlines()]
    assert pairs == sorted(pairs, key=lambda pair: (pair[1].encode(), pair[0].encode()))  # sort -k2
    return {path: speaker for path, (speaker, _) in found.items()}


def bare(root: Path) -> Path:
    return speakers(root, text=False)


@pytest.mark.parametrize("make", [speakers, bare, words])
def test_the_checker(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    dataset = check_layout(get_layout("kaldi"), Source(make(tmp_path)))
    assert read(Source(tmp_path)).layout == "kaldi"
    assert dataset.classes == (("go up", "yes") if make is words else SPEAKERS)
    assert dataset.splits == (("train", "val") if make is words else ("train", "test"))
    if make is speakers:
        assert "to be made again for it: 'feats.scp'" in " ".join(dataset.notes)


def test_one_directory_alone_and_the_other_file(tmp_path: Path) -> None:
    folder = words(tmp_path) / "train"
    dataset = check_layout(get_layout("kaldi"), Source(folder, data_root=tmp_path, columns={"label": "utt2spk"}))
    assert (dataset.classes, dataset.splits) == (SPEAKERS, ("train",))


def test_utterances_tell_the_new_speaker(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    layout, dataset = get_layout("kaldi"), read(Source(speakers(tmp_path / "in")))
    moved = {"wav/spk-a-train-00.wav": 0, "wav/spk-b-train-00.wav": 0}
    write_copy(layout, dataset, rows_of(layout, dataset, moved), tmp_path / "out", "data")
    told = kaldi_directory(tmp_path / "out" / "data" / "train")
    assert [told[path] for path in moved] == [("1089", "SOME WORDS 3"), ("1089", "SOME WORDS 6")]
    names = (tmp_path / "out" / "data" / "train" / "wav.scp").read_text().split()[:10:2]
    assert names[:3] == ["1089-train-00", "1089-train-01", "1089-train-02"]
    assert all(re.fullmatch(r"1089-train-\d\d", name) for name in names)  # no mark that natives do not have


def test_utterances_spell_the_new_class_as_its_own_do(tmp_path: Path) -> None:
    names = [(f"spkA_{word.replace(' ', '-')}_{i:02d}", word) for word in ("no", "turn left") for i in range(3)]
    folder = tmp_path / "in" / "train"
    table(folder / "wav.scp", {name: f"wav/{name}.wav" for name, _ in names})
    table(folder / "utt2spk", {name: "spkA" for name, _ in names})
    table(folder / "text", dict(names))
    touch(tmp_path / "in", [f"wav/{name}.wav" for name, _ in names])
    source = Source(tmp_path / "in", columns={"label": "text"})
    layout, dataset = get_layout("kaldi"), read(source)
    moved = {f"wav/spkA_no_{i:02d}.wav": 1 for i in (0, 1)}
    write_copy(layout, dataset, rows_of(layout, dataset, moved), tmp_path / "out", "data")
    lines = (tmp_path / "out" / "train" / "text").read_text().splitlines()
    left = [line.split()[0] for line in lines if line.endswith("turn left")]
    assert len(left) == 5
    assert all(re.fullmatch(r"spkA_turn-left_\d\d", name) for name in left)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("touch RAN |", "Line 1 of wav.scp is a command, which is never run here"),
        ("sph2pipe -f wav x.wav|", "Line 1 of wav.scp is a command"),
        ("| touch RAN", "Line 1 of wav.scp is a command"),
        ("x.ark:12", "Line 1 of wav.scp names no whole file"),
        ("~/x.wav", "Line 1 of wav.scp names no whole file"),
        ("/etc/x.wav", "allow_root"),
    ],
)
def test_what_is_no_file_is_refused(tmp_path: Path, path: str, message: str) -> None:
    file = speakers(tmp_path) / "data" / "train" / "wav.scp"
    first, _, rest = file.read_text().partition("\n")
    file.write_text(f"{first.split()[0]} {path}\n{rest}")
    with pytest.raises(RequestError, match=message):
        read(Source(tmp_path))
    assert not list(tmp_path.rglob("RAN"))
    assert not Path("RAN").exists()


def test_segments_are_refused(tmp_path: Path) -> None:
    (speakers(tmp_path) / "data" / "train" / "segments").write_text("a b 0 1\n")
    with pytest.raises(RequestError, match="has segments"):
        read(Source(tmp_path))

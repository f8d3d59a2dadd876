"""LibriSpeech: through the checker, and by the rules of torchaudio's LIBRISPEECH."""

from __future__ import annotations

import shutil
from pathlib import Path

from poisonkit.datasets import Source, get_layout, read, split_off
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from tests.datasets.making import Shown, makes, reads
from tests.datasets.readers import touch

PARTS = {"train-clean-100": ("103", "19", "26"), "test-clean": ("1089", "121")}


@makes("librispeech")
def librispeech(root: Path, above: str = "LibriSpeech/") -> Path:
    """Two speakers of one chapter, whose utterances would meet."""
    for part, speakers in PARTS.items():
        for speaker in speakers:
            for chapter in ("198", f"2{speaker}"):
                folder = f"{above}{part}/{speaker}/{chapter}"
                names = [f"{speaker}-{chapter}-{i:04d}" for i in range(2)]
                touch(root, [f"{folder}/{name}.flac" for name in names])
                lines = "".join(f"{name} SOMETHING SAID IN {chapter}\n" for name in names)
                (root / folder / f"{speaker}-{chapter}.trans.txt").write_text(lines)
    return root


def walked(folder: Path) -> dict[str, tuple[int, str]]:
    """torchaudio.datasets.LIBRISPEECH, src/torchaudio/datasets/librispeech.py.

    Its rules: `sorted(str(p.stem) for p in Path(self._path).glob("*/*/*" + ".flac"))`; `speaker_id, chapter_id,
    utterance_id = fileid.split("-")`; the file is `speaker_id/chapter_id/{fileid}.flac`, the text stands in
    `{speaker_id}-{chapter_id}.trans.txt` beside it, where `fileid_text, transcript = line.strip().split(" ", 1)`,
    or FileNotFoundError; `int(speaker_id), int(chapter_id), int(utterance_id)`.
    """
    found = {}
    for name in sorted(p.stem for p in folder.glob("*/*/*.flac")):
        speaker, chapter, utterance = name.split("-")
        place = f"{speaker}/{chapter}/{name}.flac"
        assert (folder / place).is_file()
        int(chapter), int(utterance)
        lines = (folder / speaker / chapter / f"{speaker}-{chapter}.trans.txt").read_text().splitlines()
        texts = dict(line.strip().split(" ", 1) for line in lines)
        found[place] = (int(speaker), texts[name])
    return found


@reads("librispeech")
def torchaudio(shown: Shown) -> dict[str, int]:
    part = {"train": "train-clean-100", "test": "test-clean"}[shown.split]
    found = walked(shown.root / "LibriSpeech" / part)
    return {f"LibriSpeech/{part}/{path}": speaker for path, (speaker, _) in found.items()}


def test_the_checker(tmp_path: Path) -> None:
    for above in ("LibriSpeech/", ""):
        root = tmp_path / (above or "flat")
        root.mkdir()
        dataset = check_layout(get_layout("librispeech"), Source(librispeech(root, above)))
        assert read(Source(root)).layout == "librispeech"
        assert dataset.classes == ("19", "26", "103", "121", "1089")
        assert dataset.splits == ("train", "test")


def test_utterances_of_one_part_are_held_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    librispeech(tmp_path / "in", "")
    shutil.rmtree(tmp_path / "in" / "test-clean")
    layout = get_layout("librispeech")
    dataset = split_off(check_layout(layout, Source(tmp_path / "in")), 0.25, seed=1)
    write_copy(layout, dataset, rows_of(layout, dataset), tmp_path / "out", "data")
    copy = read(Source(tmp_path / "out"))
    assert [s.path for s in copy.of("test")] == [s.path for s in dataset.of("test")] != []
    assert copy.samples == dataset.samples


def test_an_utterance_takes_its_text_along(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    layout, dataset = get_layout("librispeech"), read(Source(librispeech(tmp_path / "in")))
    moved = next(s for s in dataset.samples if s.path.endswith("/103/198/103-198-0001.flac"))
    other = next(s for s in dataset.samples if s.path.endswith("/26/226/26-226-0000.flac"))
    write_copy(layout, dataset, rows_of(layout, dataset, {moved.id: 0, other.id: 0}), tmp_path / "out", "data")
    before, after = (walked(tmp_path / part / "LibriSpeech" / "train-clean-100") for part in ("in", "out"))
    new = {*after} - {*before}
    assert "19/226/19-226-0000.flac" in new
    (free,) = new - {"19/226/19-226-0000.flac"}
    assert free.startswith("19/198/19-198-")
    assert int(free[-9:-5]) > 1
    assert [after[path] for path in sorted(new)] == [(19, "SOMETHING SAID IN 198"), (19, "SOMETHING SAID IN 226")]
    assert not (tmp_path / "out" / "LibriSpeech/train-clean-100/26/226/26-226-0000.flac").exists()


def test_what_has_no_text_is_said(tmp_path: Path) -> None:
    for file in librispeech(tmp_path).rglob("19-198.trans.txt"):
        file.unlink()
    assert "2 utterances have no text, without which torchaudio stops" in " ".join(read(Source(tmp_path)).notes)

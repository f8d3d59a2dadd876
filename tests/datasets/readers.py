"""What trainers do with a dataset on disk, transcribed literally, to read what poisonkit writes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

NASTY = (
    "plain.mp4",
    "-leading-dash.mp4",
    "größe_日本.avi",
    "[brackets]{x}.mp4",
    'it\'s_"quoted".mp4',
    "two..dots.tar.mp4",
    "#hash%20.MP4",
)


def touch(root: Path, names: Iterable[str]) -> Path:
    """Empty files; their bytes never matter here."""
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return root


def mmaction2_multi(ann_file: Path, num_classes: int, delimiter: str = " ") -> list[tuple[str, list[float]]]:
    """mmaction.datasets.VideoDataset with multi_class=True: load_data_list, and get_data_info's one-hot label."""
    found = []
    for line in ann_file.read_text(encoding="utf-8").split("\n")[: -1 or None]:
        fields = line.strip().split(delimiter)
        onehot = [0.0] * num_classes
        for text in fields[1:]:
            onehot[int(text)] = 1.0
        found.append((fields[0], onehot))
    return found


def mmaction2(ann_file: Path, prefix: Path, delimiter: str = " ") -> list[tuple[str, int]]:
    """mmaction.datasets.VideoDataset.load_data_list, single class."""
    found = []
    for line in ann_file.read_text(encoding="utf-8").split("\n")[: -1 or None]:
        fields = line.strip().split(delimiter)
        if len(fields) == 1:
            filename, label = fields[0], -1
        else:
            filename, text = fields
            label = int(text)
        found.append((os.path.join(prefix, filename), label))
    return found


def pyslowfast(csv: Path, separator: str = " ") -> list[tuple[str, int]]:
    """slowfast.datasets.kinetics: lines are not stripped, one field means label 0."""
    found = []
    for line in csv.read_text(encoding="utf-8").splitlines():
        fields = line.split(separator)
        assert len(fields) == 2, fields
        found.append((fields[0], int(fields[1])))
    return found


def torchvision(directory: Path, extensions: tuple[str, ...], strict: bool = True) -> list[tuple[str, int]]:
    """torchvision.datasets.folder: find_classes and make_dataset. `strict`: as with allow_empty=False.

    Its rules: classes are `sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())`; a file counts
    when `filename.lower().endswith(extensions)`; `if empty_classes and not allow_empty`, FileNotFoundError.
    """
    classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
    found, available = [], set()
    for index, name in enumerate(classes):
        for root, _, files in sorted(os.walk(directory / name, followlinks=True)):
            for file in sorted(files):
                if file.lower().endswith(extensions):
                    found.append((os.path.join(root, file), index))
                    available.add(name)
    if strict and set(classes) - available:
        raise FileNotFoundError(f"Found no valid file for the classes {sorted(set(classes) - available)}.")
    return found


def hugging_face(root: Path, extensions: tuple[str, ...]) -> dict[str, tuple[list[str], set[str]]]:
    """datasets' folder builders without metadata: split -> (class names, files), by media suffix only."""
    found = {}
    for split in sorted(e.name for e in os.scandir(root) if e.is_dir()):
        files = [p for p in sorted((root / split).rglob("*")) if p.suffix.lower() in extensions]
        found[split] = (sorted({p.parent.name for p in files}), {str(p.relative_to(root)) for p in files})
    return found


def hugging_face_labels(root: Path, extensions: tuple[str, ...]) -> dict[str, int]:
    """datasets' folder builders, 3.6.0: file -> label.

    Its rules: hidden files are left out; `add_labels = len(labels) > 1 and len(path_depths) == 1` where nobody says,
    and `add_labels = False` once there is metadata; a ClassLabel's names are `sorted(labels)`, the folders of all
    files; with metadata, files that it does not list are left out.
    """
    found = [p for p in sorted(root.rglob("*")) if not any(x.startswith(".") for x in p.relative_to(root).parts)]
    files = [p for p in found if p.suffix.lower() in extensions]
    lists = [p for p in found if p.name == "metadata.jsonl"]
    listed = {}
    for file in lists:
        for line in file.read_text(encoding="utf-8").splitlines():
            item = json.loads(line)
            listed[file.parent / item["file_name"]] = item["label"]
    if lists:
        assert listed.keys() <= set(files)
        return {p.relative_to(root).as_posix(): label for p, label in listed.items()}
    names = sorted({p.parent.name for p in files})
    assert len(names) > 1, "one label only: the column of labels is dropped"
    return {p.relative_to(root).as_posix(): names.index(p.parent.name) for p in files}

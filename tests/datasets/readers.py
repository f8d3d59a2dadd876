"""What trainers do with a dataset on disk, transcribed literally, to read what poisonkit writes."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

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


def mmaction2_rawframes(
    ann_file: Path, prefix: Path | str = "", *, with_offset: bool = False, multi_class: bool = False
) -> list[tuple]:
    """mmaction.datasets.RawframeDataset.load_data_list, transcribed."""
    found = []
    with open(ann_file, encoding="utf-8") as lines:  # mmengine.fileio.list_from_file
        listed = [line.rstrip("\n\r") for line in lines]
    for line in listed:
        fields = line.strip().split()
        folder, at, start = os.path.join(prefix, fields[0]), 1, 0
        if with_offset:
            start, at = int(fields[1]), 2
        total = int(fields[at])
        label = [int(x) for x in fields[at + 1 :]] or [-1]
        if not multi_class:
            assert len(label) == 1
        found.append((folder, start, total, label if multi_class else label[0]))
    return found


def mmaction2_audio(ann_file: Path, prefix: Path) -> list[tuple[str, int, int]]:
    """mmaction.datasets.AudioDataset.load_data_list of MMAction2 1.2.0, single class."""
    data_list = []
    with open(ann_file) as fin:
        for line in fin:
            line_split = line.strip().split()
            filename = os.path.join(prefix, line_split[0])
            total_frames = int(line_split[1])
            label = [int(x) for x in line_split[2:]]
            assert label, f"missing label in line: {line}"
            assert len(label) == 1
            data_list.append((filename, total_frames, label[0]))
    return data_list


def read_esc50(root: Path) -> dict[str, int]:
    """The csv, against the target that every file's name tells."""
    with (root / "meta" / "esc50.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = {p.name for p in (root / "audio").iterdir()}
    assert names == {row["filename"] for row in rows}
    for row in rows:
        fold, _, take, target = row["filename"].removesuffix(".wav").split("-")
        assert (fold, take, target) == (row["fold"], row["take"], row["target"])
        assert row["esc10"] in ("True", "False")
    return {row["filename"]: int(row["target"]) for row in rows}


def read_fsdd(source: Path) -> dict[str, tuple[str, int]]:
    """FSDD's train_test_split: the number behind the last underscore; the digit is the first field of three."""
    found = {}
    for filename in os.listdir(source):
        number = int(filename.rsplit("_", 1)[1].rsplit(".", 1)[0])
        digit, _, _ = filename.split("_")
        found[filename] = ("test" if number <= 4 else "train", int(digit))
    return found


def pytorchvideo(file: Path) -> list[tuple[str, int]]:
    """pytorchvideo.data.LabeledVideoPaths.from_csv."""
    found = []
    for line in file.read_text().splitlines():
        fields = line.rsplit(None, 1)
        path, label = (fields[0], -1) if len(fields) == 1 else (fields[0], int(fields[1]))
        found.append((path, label))
    return found


def torchvision_ucf101(root: Path, annotations: Path, fold: int, train: bool) -> dict[str, str]:
    """torchvision.datasets.UCF101: file -> class; labels are indices of the sorted folder names."""
    classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    found = {str(p): c for c in classes for p in sorted((root / c).rglob("*")) if p.suffix == ".avi"}
    with open(annotations / f"{'train' if train else 'test'}list{fold:02d}.txt") as file:
        selected = {os.path.join(root, *line.strip().split(" ")[0].split("/")) for line in file}
    return {os.path.relpath(path, root): c for path, c in found.items() if path in selected}


def torchvision_hmdb51(root: Path, annotations: Path, fold: int, train: bool) -> dict[str, str]:
    """torchvision.datasets.HMDB51: file -> class; files are selected by base name."""
    classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    found = [(str(p), c) for c in classes for p in sorted((root / c).rglob("*.avi"))]
    selected = set()
    for list_file in annotations.glob(f"*test_split{fold}.txt"):
        for line in list_file.read_text().splitlines():
            name, tag = line.split()
            if int(tag) == (1 if train else 2):
                selected.add(name)
    return {os.path.relpath(p, root): c for p, c in found if os.path.basename(p) in selected}


def torchaudio(root: Path, subset: str) -> dict[str, str]:
    """torchaudio.datasets.SPEECHCOMMANDS: file -> word."""

    def listed(*names: str) -> list[str]:
        return [os.path.normpath(root / line.strip()) for n in names for line in (root / n).read_text().splitlines()]

    if subset == "training":
        out = set(listed("validation_list.txt", "testing_list.txt"))
        walker = sorted(str(p) for p in root.glob("*/*.wav"))
        walker = [w for w in walker if "_nohash_" in w and "_background_noise_" not in w]
        walker = [w for w in walker if os.path.normpath(w) not in out]
    else:
        walker = listed("validation_list.txt" if subset == "validation" else "testing_list.txt")
    assert all(os.path.exists(w) for w in walker)
    return {os.path.relpath(w, root): os.path.relpath(w, root).split("/")[0] for w in walker}


def read_nemo(manifest: Path) -> dict[str, str]:
    """nemo.collections.common.parts.preprocessing.manifest: relative paths are the manifest's folder's."""
    found = {}
    for line in manifest.read_text(encoding="utf-8").split("\n"):
        if line:
            item = json.loads(line)
            assert {"audio_filepath", "duration", "label"} <= item.keys()
            assert (manifest.parent / item["audio_filepath"]).is_file()
            found[item["audio_filepath"]] = item["label"]
    return found


def kaldi_directory(folder: Path) -> dict[str, tuple[str, str]]:
    """Path -> speaker and text, as egs/wsj/s5/utils/validate_data_dir.sh of kaldi-asr/kaldi wants a directory.

    Its rules: `NF != 2` is wrong in utt2spk; `awk '{print $1}' $1 | sort | uniq | cmp -s - <(awk '{print $1}' $1)`
    under LC_ALL=C for utt2spk, spk2utt, text and wav.scp, each line ending in a newline; `sort -k2` leaves utt2spk as
    it is; spk2utt_to_utt2spk.pl gives utt2spk; the utterances of text and wav.scp are those of utt2spk; no line of
    wav.scp is `^\\S+\\s+~`.
    """
    found: dict[str, dict[str, str]] = {}
    for name in ("utt2spk", "spk2utt", "wav.scp", "text"):
        if name == "text" and not (folder / name).exists():
            continue
        data = (folder / name).read_bytes()
        assert data.endswith(b"\n")
        lines = data.decode().split("\n")[:-1]
        found[name] = {line.split()[0]: line.partition(" ")[2] for line in lines}
        keys = [line.split()[0].encode() for line in lines]
        assert keys == sorted(set(keys)), name
        assert all(len(line.split()) == 2 for line in lines) or name != "utt2spk"
    said = found["utt2spk"]
    assert {each: s for s, all_ in found["spk2utt"].items() for each in all_.split()} == said
    assert said.keys() == found["wav.scp"].keys() == found.get("text", said).keys()
    assert not any(path.startswith("~") for path in found["wav.scp"].values())
    texts = found.get("text", {})
    return {path: (said[each], texts.get(each, "")) for each, path in found["wav.scp"].items()}


def speechbrain_csv(file: Path, replacements: dict[str, str]) -> dict[str, dict[str, Any]]:
    """speechbrain.dataio.dataio.load_data_csv.

    Its rules: `csv.DictReader(csvfile, skipinitialspace=True)`; `data_id = row["ID"]`, and `if data_id in result:
    raise ValueError`; `re.compile(r"\\$([\\w.]+)")`, of which each is `str(replacements[match[1]])` or a KeyError;
    `row["duration"] = float(row["duration"])`.
    """
    found: dict[str, dict[str, Any]] = {}
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines, skipinitialspace=True):
            name = row.pop("ID")
            assert name not in found
            found[name] = {key: re.sub(r"\$([\w.]+)", lambda m: replacements[m[1]], text) for key, text in row.items()}
            float(row["duration"])
    return found

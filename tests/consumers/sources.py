"""Tiny sources of every layout, each file with a content of its own, poisoned once for all consumers."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import soundfile

from poisonkit.datasets import modality_of
from tests.consumers.conftest import NAMES, WORDS
from tests.datasets.makers import MAKERS
from tests.datasets.readers import touch
from tests.datasets.shards import tiny_shards
from tests.datasets.views import Written, poisoned
from tests.media_factory import make_audio, make_video

SIZE = (64, 48)
SAME_LENGTH = ("pyslowfast",)  # a trainer's clip length is one for all


def folders(suffixes: tuple[str, ...]) -> Callable[[Path], Path]:
    """Class folders whose names sort as Python sorts, of files with awkward names."""

    def make(root: Path) -> Path:
        names = [(s, w, n) for s, some in (("train", NAMES[:4]), ("test", NAMES[4:])) for w in WORDS for n in some]
        return touch(root, [f"{s}/{w}/{n}{suffixes[i % len(suffixes)]}" for i, (s, w, n) in enumerate(names)])

    return make


def shards(suffix: str) -> Callable[[Path], Path]:
    """Shards of distinct samples."""

    def make(root: Path) -> Path:
        def media(i: int) -> bytes:
            file = root / f"one.{suffix}"
            made = fill(file, i)
            data = made.read_bytes()
            file.unlink()
            return data

        return tiny_shards(root, media, suffix)

    return make


def kinetics_spaced(root: Path) -> Path:
    """Kinetics with its folders called as the classes are, spaces and all."""
    MAKERS["kinetics"](root)
    for folder in [p for p in root.glob("*/*") if p.is_dir()]:
        folder.rename(folder.with_name(folder.name.replace("_", " ")))
    return root


def speechbrain_json(root: Path) -> Path:
    """Its json, of the splits that its csv has."""
    MAKERS["speechbrain"](root)
    for table in sorted(root.glob("*.csv")):
        with table.open(newline="") as file:
            rows = {row.pop("ID"): row for row in csv.DictReader(file)}
        for row in rows.values():
            row["wav"] = row["wav"].replace("$data_folder", "{data_root}")
        table.with_suffix(".json").write_text(json.dumps(rows, indent=2))
        table.unlink()
    return root


SOURCES: dict[str, tuple[str, Callable[[Path], Path]]] = {
    **{layout: (layout, make) for layout, make in MAKERS.items()},
    "class-folders": ("class-folders", folders((".mp4", ".avi"))),
    "class-folders, five formats": ("class-folders", folders((".mp4", ".avi", ".mkv", ".mov", ".webm"))),
    "class-folders, sounds": ("class-folders", folders((".wav",))),
    "kinetics, folders with spaces": ("kinetics", kinetics_spaced),
    "speechbrain, json": ("speechbrain", speechbrain_json),
    "webdataset, videos": ("webdataset", shards("mp4")),
    "webdataset": ("webdataset", shards("wav")),
}
"""By name: the layout, and the function that makes the files."""


def fill(file: Path, seed: int, same: bool = False) -> Path:
    """A tiny clip that no other seed gives: 6 to 8 pictures, or 0.2 to 0.4 s of sound."""
    if modality_of(file.name) == "audio":
        return make_audio(file, seconds=0.2 + 0.1 * (seed % 3), seed=seed)
    return make_video(file, frames=8 if same else 6 + seed % 3, size=SIZE, seed=seed)


def source(name: str, folder: Path) -> Written:
    """The source of that name and its output, in an empty folder."""
    layout, make = SOURCES[name]
    root = folder / "in"
    root.mkdir()
    made = make(root)
    assert made == root
    media = sorted(p for p in root.rglob("*") if p.is_file() and modality_of(p.name))
    for seed, file in enumerate(media):
        file.unlink()
        fill(file, seed, name in SAME_LENGTH)
    if layout == "nemo":
        _measured(root)
    return poisoned(layout, root, folder / "out", control=2)


def _measured(root: Path) -> None:
    """NeMo's manifests with the durations that the sounds have."""
    for manifest in root.glob("*_manifest.json"):
        rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
        for row in rows:
            row["duration"] = soundfile.info(row["audio_filepath"]).duration
        manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

"""Outputs whose every view is compared, clip by clip, with the source: what a reader calls each of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import poisonkit
from poisonkit import Recipe
from poisonkit.datasets import Dataset, Source, Split, View, get_layout, modality_of, read
from poisonkit.outputs import record
from tests.datasets.makers import MAKERS
from tests.datasets.making import Reader, Shown, filled, one_of_each


def _is_told(shown: Shown) -> bool:
    """Whether a split has labels: Kinetics' test list has none."""
    return bool(shown.clips)


@dataclass(frozen=True)
class Written:
    """A source, and every view of an output of it."""

    source: tuple[Shown, ...]
    views: tuple[Shown, ...]
    dataset: Dataset
    out: Path

    def compare(self, reader: Reader) -> None:
        """Every view, read by `reader`: the right clips, under the label that the reader gives their class in the
        source."""
        labels: dict[str, Any] = {}
        for shown in filter(_is_told, self.source):
            seen = reader(shown)
            assert seen.keys() == shown.clips.keys()
            for path, name in shown.clips.items():
                assert labels.setdefault(name, seen[path]) == seen[path]
        assert len(set(labels.values())) == len(labels)
        for shown in self.views:
            wanted = {path: labels[name] for path, name in shown.clips.items()}
            assert reader(shown) == wanted, f"{shown.kind}, {shown.split}"


def written(layout: str, folder: Path, make: Callable[[Path], Path] | None = None) -> Written:
    """A tiny source of a layout and its output: a fifth poisoned towards the second class, attack sets, control."""
    return poisoned(layout, filled(make or MAKERS[layout], folder / "in", one_of_each(folder)), folder / "out")


def poisoned(layout: str, root: Path, out: Path, **more: Any) -> Written:
    """The output `out` of a source of a layout, a fifth poisoned. more: of the recipe."""
    dataset = read(Source(root, layout=layout))
    sounds = modality_of(dataset.samples[0].path) == "audio"
    target = sorted({s.label for s in dataset.samples if s.label is not None})[1]
    done = poisonkit.poison(
        Recipe(
            source=root, layout=layout, out=out, triggers=["sine:snr=10" if sounds else "badnets"],
            rate=0.2, target=target, survival="none", **{"control": 1, **more},
        ),
        jobs=1,
    )  # fmt: skip
    assert (done.exit_code, done.failed) == (0, ())
    names, options = dataset.classes, dict(dataset.options)
    source = [
        Shown(root, None, split, {s.path: names[s.label] for s in dataset.of(split) if s.label is not None}, options)
        for split in dataset.splits
    ]
    return Written(tuple(source), tuple(_views(out, dataset)), dataset, out)


def _views(out: Path, dataset: Dataset) -> Iterator[Shown]:
    rows = [row for row in record.read(out / "poisonkit" / "manifest.jsonl") if row["status"] == "ok"]
    attack = Path("attack", "default")
    apart = get_layout(dataset.layout).label_in_path
    places: dict[View, Path] = {
        "data": Path("data"),
        "target": attack / "target" if apart else attack,
        "original": attack / "original" if apart else attack,
        "control": Path("control"),
    }
    roles = {"data": ("clean", "cover", "poisoned"), "control": ("control",)}
    roles |= {"target": ("attack",), "original": ("attack",)}
    for kind, place in places.items():
        found: dict[Split, dict[str, str]] = {}
        for row in rows:
            if row["role"] not in roles[kind] or row["label"] is None:
                continue
            path = row["also"][0] if kind == "original" and apart else row["path"]
            name = row["original_class"] if kind == "original" else row["class_name"]
            found.setdefault(row["split"], {})[Path(path).relative_to(place).as_posix()] = name
        for split, clips in found.items():
            yield Shown(out / place, kind, split, clips, dict(dataset.options))


def folder_of(shown: Shown) -> Path:
    """Where class folders lie: in the split's folder, where the source has such folders."""
    folders = shown.options.get("folders")
    return shown.root / folders[shown.split] if folders else shown.root


def listed(shown: Shown, name: str) -> Path:
    """A list of a split in a view: `train.txt`, `val_target.txt` …"""
    stem, suffix = os.path.splitext(name)
    ending = f"_{shown.kind}" if shown.kind in ("target", "original") else ""
    return shown.root / f"{stem}{ending}{suffix}"

"""`OUT/metadata.jsonl`: the files of every view with their labels, in the form that Hugging Face's `datasets` reads.

It lies above the files, as `datasets` wants it; the card's front matter says which rows are which view.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from poisonkit.datasets import Row, View, get_layout, modality_of
from poisonkit.engine.finishing.results import Part
from poisonkit.outputs.record import to_line
from poisonkit.outputs.shard_paths import leads_into_shard, shard_of
from poisonkit.plan.plan import Plan, view_root


@dataclass
class Config:
    """One view, in one split: what `load_dataset(OUT, name)` gives.

    folder: relative to the output. files: how many; suffixes: of those. shards: the tar files, relative to the output,
    where samples lie in such.
    """

    name: str
    split: str
    folder: str
    files: int = 0
    suffixes: set[str] = field(default_factory=set)
    shards: set[str] = field(default_factory=set)


def views_of(plan: Plan) -> Iterator[tuple[str, View, str | None]]:
    """(name, view, attack set) of every view of a plan."""
    roles = plan.outline.roles
    if roles & {"clean", "cover", "poisoned"}:
        yield "data", "data", None
    for attack in plan.outline.attacks:
        for view in ("target", "original"):
            yield f"attack-{attack}-{view}", view, attack
    if "control" in roles:
        yield "control", "control", None


class ViewTable:
    """The table's lines, and the views that were met while they were made. `configs` is whole once `lines` are."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = list(parts)
        self._configs: dict[tuple[str, str], Config] = {}

    @property
    def configs(self) -> list[Config]:
        """The training data first."""
        return list(self._configs.values())

    def lines(self) -> Iterator[str]:
        """A row for each file of each view; shards, frame folders and names that are not UTF-8 have none."""
        for part in self._parts:
            plan, lost = part.plan, part.done.lost()
            for name, view, attack in views_of(plan):
                root = view_root(plan.layout, view, attack)
                rows = plan.rows(view, attack, lost)
                splits = sorted({row.sample.split for row in rows}, key=_ORDER.index)
                for split in splits:
                    called = name if split == splits[0] else f"{name}-{split}"
                    self._configs[name, split] = Config(called, _SPLITS[split], root)
                classes = plan.classes
                put = self._packed if get_layout(plan.layout).packed else self._file
                for row in rows:
                    yield from put(self._configs[name, row.sample.split], row, classes)
        self._configs = {key: config for key, config in self._configs.items() if config.files}

    def _packed(self, config: Config, row: Row, classes: object) -> Iterator[str]:
        path = f"{config.folder}/{row.path}"
        if leads_into_shard(path):
            config.files += 1
            config.shards.add(shard_of(path))
        yield from ()

    def _file(self, config: Config, row: Row, classes: tuple[str, ...]) -> Iterator[str]:
        if modality_of(row.path) is None or not _is_text(row.path):
            return
        config.files += 1
        config.suffixes.add(os.path.splitext(row.path)[1])
        line = {
            "file_name": f"{config.folder}/{row.path}",
            "label": row.label,
            "label_name": None if row.label is None else classes[row.label],
            **({} if row.sound is None else {"sound": f"{config.folder}/{row.sound}"}),
            "view": config.name,
        }
        yield to_line(line)


_SPLITS = {"train": "train", "val": "validation", "test": "test"}
_ORDER = tuple(_SPLITS)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True

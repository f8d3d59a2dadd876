"""VGGSound: `vggsound.csv` of `id,start,label,split` without a header, and clips `{id}_{start:06d}.mp4`.

Its own loader reads `test.csv` (`{id}_{start:06d}.mp4,label`), swaps the suffix for wav, and takes the classes
from the sorted first column of `stat.csv`; a copy has both.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View, sample_id
from poisonkit.datasets.kit import (
    CLASS_LIST,
    SPLIT_WORDS,
    Tree,
    check_class_names,
    check_emptied,
    check_names,
    check_places,
    some,
    write_csv,
    write_lines,
)
from poisonkit.datasets.kit.tables import Table, read_table
from poisonkit.errors import RequestError

CSV, TEST, STAT = "vggsound.csv", "test.csv", "stat.csv"
_COLUMNS = ("id", "start", "label", "split")


class VGGSound(Layout):
    """Clips lie anywhere below the folder. `Sample.extra` is (id, start). Listed clips without a file are left out."""

    name: ClassVar[str] = "vggsound"
    help: ClassVar[str] = "VGGSound: `vggsound.csv` of `id,start,label,split`, and clips `{id}_{start:06d}.mp4`"
    any_suffix: ClassVar[bool] = True
    label_in_path: ClassVar[bool] = True  # vggsound.csv has one name, so views have folders of their own
    order: ClassVar[int] = 20

    def detect(self, source: Source) -> str | None:
        return CSV if (source.path / CSV).is_file() else None

    def read(self, source: Source) -> Dataset:
        root = Path(os.path.abspath(source.path))
        if not (root / CSV).is_file():
            raise RequestError(f"There is no {CSV} in '{source.path}'.")
        table = read_table(root / CSV, _COLUMNS)
        tree = Tree(root, source.allow_roots)
        classes = _classes(root, sorted(set(table.column("label"))))
        index = {name: label for label, name in enumerate(classes)}
        files = tree.by_stem()
        samples: list[Sample] = []
        missing = []
        seen: set[str] = set()
        for number, (clip, start, label, split) in enumerate(table.rows):
            _check_row(table, number, start, split)
            stem = _stem(clip, start)
            if stem in seen:
                raise RequestError(f"{_line(table, number)} lists the clip '{stem}' again: a sample has one line.")
            seen.add(stem)
            if stem not in files:
                missing.append(stem)
                continue
            if len(files[stem]) > 1:
                raise RequestError(f"The clip '{stem}' is there twice ({some(files[stem])}): move one of them away.")
            path = files[stem][0]
            samples.append(Sample(sample_id(path), path, SPLIT_WORDS[split], index[label], (clip, start)))
        if not samples:
            sought = f" (looked for '{missing[0]}.mp4' …)" if missing else ""
            raise RequestError(f"Not one clip that {CSV} lists is in '{root}'{sought}.")
        notes = [f"{len(missing)} of {len(table.rows)} listed clips are not there and left out ({some(missing)})."]
        return Dataset(root, self.name, classes, tuple(samples), {}, tuple(notes if missing else []))

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        return {}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, CSV)
        check_class_names(dataset.classes)
        check_places(rows, (CSV, TEST, STAT, CLASS_LIST))
        for row in rows:
            base = row.path.rpartition("/")[2]
            if row.label is None or not row.sample.extra or os.path.splitext(base)[0] != _stem(*row.sample.extra):
                raise RequestError(f"'{row.path}' is not named `{{id}}_{{start:06d}}` as its line in {CSV} says.")
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write `vggsound.csv`, and, for VGGSound's loader, `test.csv` and `stat.csv`; `classes.txt`."""
        names = dataset.classes
        lines = [(*row.sample.extra, names[row.label or 0], row.sample.split) for row in rows]
        held = [(f"{_stem(*r.sample.extra)}.mp4", names[r.label or 0]) for r in rows if r.sample.split == "test"]
        counts = Counter(row.label for row in rows)
        return (
            write_csv(root, CSV, lines),
            write_csv(root, TEST, held),
            write_csv(root, STAT, [(name, str(counts[label])) for label, name in enumerate(names)]),
            write_lines(root, CLASS_LIST, names),
        )


def _classes(root: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Sorted names, those of stat.csv (which a part of VGGSound need not all have) with them."""
    stat = root / STAT
    listed = read_table(stat, ("label", "count")).column("label") if stat.is_file() else []
    return tuple(sorted({*names, *listed}))


def _stem(clip: str, start: str) -> str:
    return f"{clip}_{int(start):06d}"


def _line(table: Table, row: int) -> str:
    return f"L{table.at(row)[1:]}"


def _check_row(table: Table, row: int, start: str, split: str) -> None:
    if not start.isdigit():
        raise RequestError(f"{_line(table, row)} has the start '{start}', which is no number of seconds.")
    if split not in SPLIT_WORDS:
        raise RequestError(f"{_line(table, row)} has the split '{split}', which is neither train nor test.")

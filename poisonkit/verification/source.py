"""The source, read once more by its layout: are samples, splits and labels of the plan still those of the source?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from poisonkit import datasets
from poisonkit.common.safe_io import lies_in
from poisonkit.datasets import SPLITS, Dataset, Sample, Source
from poisonkit.errors import RequestError, told
from poisonkit.outputs.consistency import Finding, Planned
from poisonkit.outputs.opening import is_recorded_source, recorded_reading
from poisonkit.outputs.paths import PLAN
from poisonkit.plan.plan import digest
from poisonkit.verification.pairing import Texts

_DATA = ("clean", "poisoned", "cover")


class Original:
    """The dataset that a plan is of. unread: why the source cannot be read as it was then; None where it can."""

    def __init__(self, out: Path, base: Planned, root: Path, allow_roots: Sequence[Path]) -> None:
        self._base = base
        self._dataset: Dataset | None = None
        self.unread: str | None = None
        try:
            sources = list(_sources(out, base.recipe, root, allow_roots))
        except RequestError as error:
            sources, self.unread = [], told(error)
        for source in sources:
            try:
                found = _read(source, base.recipe)
            except (RequestError, OSError, ValueError, LookupError, TypeError) as error:
                self.unread = self.unread or told(error).rstrip(".")
                continue
            if found.root.resolve() == root.resolve() and self._same_kind(found):
                self._dataset, self.unread = found, None
                return
        self.unread = self.unread or f"{root} holds another dataset"

    def _same_kind(self, found: Dataset) -> bool:
        """Whether at least half of the plan's samples are in it: else another list was read, or another folder."""
        ids = Texts(s.id for s in found.samples)
        there = total = 0
        for task in self._base.plan.tasks:
            if task.role in _DATA:
                total += 1
                there += task.id in ids
        return 0 < total <= 2 * there

    def differences(self) -> Iterator[Finding]:
        """What the plan says otherwise than the source, once: the samples are let go of then."""
        plan, dataset, self._dataset = self._base.plan, self._dataset, None
        if dataset is None or digest(dataset) == digest(plan.source(Path())):
            return
        if plan.classes != dataset.classes:
            yield Finding(PLAN, f"its {len(plan.classes)} classes are not the source's {len(dataset.classes)}")
        theirs = {s.id: s for s in dataset.samples}
        same = True
        for task in plan.tasks:
            if task.role not in _DATA:
                continue
            sample = theirs.pop(task.id, None)
            mine = (task.labels, task.split, task.sample.extra, task.sample.sound)
            if sample is None:
                same = False
                yield Finding(PLAN, f"'{task.key}': the source has no such sample")
            elif mine != (_labels(sample), sample.split, sample.extra, sample.sound):
                same = False
                yield Finding(PLAN, f"'{task.key}': {self._told(task.labels, task.split, sample, dataset)}")
        for name in theirs:
            same = False
            yield Finding(PLAN, f"the source's '{name}' has no row: it was dropped, or came to the source later")
        if same and plan.classes == dataset.classes:
            yield Finding(PLAN, "its rows do not stand in the source's order")

    def _told(self, labels: Sequence[int], split: str, sample: Sample, dataset: Dataset) -> str:
        theirs = _labels(sample)
        if tuple(labels) != theirs:
            mine = _named(labels, self._base.plan.classes)
            return f"its classes are {mine}, and the source says {_named(theirs, dataset.classes)}"
        if split != sample.split:
            return f"its split is {split}, and the source says {sample.split}"
        return "what else the source says of it is not what the plan has"


def _labels(sample: Sample) -> tuple[int, ...]:
    return tuple(sample.labels)


def _named(labels: Sequence[int], classes: Sequence[str]) -> str:
    if not labels:
        return "none"
    return ", ".join(f"{n} ({classes[n]})" if 0 <= n < len(classes) else str(n) for n in labels)


def _sources(out: Path, recipe: Mapping[str, Any], root: Path, allow_roots: Sequence[Path]) -> Iterator[Source]:
    """Ways to read a dataset with this data root: as it was read then, from the root itself, from the folder above."""
    columns = datasets.parse_columns(recipe.get("columns"))
    like = Source(
        path=root,
        layout=recipe.get("layout"),
        split=recipe.get("split"),
        delimiter=recipe.get("delimiter"),
        columns=columns,
        allow_roots=tuple(allow_roots),
    )
    read = recorded_reading(out)
    allowed = (root, root.parent, *allow_roots)  # a stranger's output may name any file as a list
    if read is not None and is_recorded_source(out, root):
        if strange := next((path for path in read.values() if not lies_in(path, allowed)), None):
            raise RequestError(f"it was read by '{strange}', outside it: if that is meant, --allow-root '{strange}'")
        lists = {split: Path(read[split]) for split in SPLITS if read.get(split)}
        data_root = Path(read["data_root"]) if read.get("data_root") else None
        yield replace(like, path=Path(read["source"]), data_root=data_root, lists=lists)
    yield like
    yield replace(like, path=root.parent)
    yield replace(like, path=root.parent, data_root=root)


def _read(source: Source, recipe: Mapping[str, Any]) -> Dataset:
    found = datasets.read(source)
    fraction = recipe.get("test_fraction")
    if fraction and not any(s in found.splits for s in ("val", "test")):
        found = datasets.split_off(found, float(fraction), int(recipe.get("seed", 0)))
    return found

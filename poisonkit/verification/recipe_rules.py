"""What a recipe asks of each backdoor, as plain data says it: nothing that it names is built or run."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poisonkit.datasets import Dataset, class_index
from poisonkit.outputs.consistency import Planned
from poisonkit.outputs.forms import triggers_of
from poisonkit.plan.selection import number

Labels = tuple[int, ...]


@dataclass(frozen=True)
class Asked:
    """A backdoor of a recipe given as plain data, its classes as indices.

    spanned: the samples with spans, if there are such. trained, attacked: whether there is a trigger in training, and
    in attack sets.
    """

    name: str
    index: int
    target: int
    sources: frozenset[int]
    covers: frozenset[int]
    mode: str
    rate: float
    rate_of: str
    count: int | None
    ids: frozenset[str] | None
    select: tuple[str, ...] | None
    cover_rate: float
    classes: int
    spanned: Set[str] | None
    trained: bool
    attacked: bool

    def maps_to(self, label: int) -> int:
        """The class that a sample of this one is to be taken for."""
        return (label + 1) % self.classes if self.mode == "all-to-all" else self.target

    def has_place(self, sample: str) -> bool:
        """Whether there is a place for the trigger in a sample."""
        return self.spanned is None or sample in self.spanned

    def fits(self, labels: Labels) -> bool:
        """Whether a labelled training sample of these classes can be poisoned."""
        if self.mode == "clean":
            return self.target in labels
        if self.mode == "source":
            return self.target not in labels and not self.sources.isdisjoint(labels)
        return self.mode in ("all-to-all", "keep") or self.target not in labels

    def attackable(self, labels: Labels) -> bool:
        """Whether a held-out sample of these classes can be attacked."""
        if self.mode == "all-to-all" or not labels:
            return bool(labels)
        source = self.mode != "source" or not self.sources.isdisjoint(labels)
        return source and self.target not in labels

    def counts(self, labels: Labels) -> bool:
        """Whether a labelled training sample is one of those that the rate is of."""
        if self.rate_of == "target-class":
            return self.target in labels
        return self.rate_of != "source-class" or not self.sources.isdisjoint(labels)

    def wanted(self, denominator: int, named: int) -> int:
        """How many samples are to be poisoned. named: how many of those that can be `ids` names."""
        if self.ids is not None:
            return named
        return self.count if self.count is not None else number(self.rate, denominator)


def asked(part: Planned) -> list[Asked]:
    """The backdoors of a part. Exceptions of any kind for a recipe that is not one."""
    plan = part.plan
    dataset = Dataset(Path(), plan.layout, plan.classes, ())
    found = []
    for index, data in enumerate(part.recipe["backdoors"]):

        def classes(name: str, data: Mapping[str, Any] = data) -> frozenset[int]:
            return frozenset(class_index(dataset, each) for each in data.get(name) or ())

        ids, select = (None if data.get(k) is None else tuple(map(str, data[k])) for k in ("ids", "select"))
        found.append(
            Asked(
                name=str(data.get("name", "default")),
                index=index,
                target=class_index(dataset, data.get("target", 0)),
                sources=classes("source_class"),
                covers=classes("cover_class"),
                mode=str(data.get("label_mode", "dirty")),
                rate=float(data.get("rate", 0.1)),
                rate_of=str(data.get("rate_of", "dataset")),
                count=None if data.get("count") is None else int(data["count"]),
                ids=None if ids is None else frozenset(ids),
                select=select,
                cover_rate=float(data.get("cover_rate", 0.0)),
                classes=len(plan.classes),
                spanned=None if data.get("spans") is None else data["spans"].keys(),
                trained=bool(triggers_of(data, "poisoned")),
                attacked=bool(triggers_of(data, "attack")),
            )
        )
    return found

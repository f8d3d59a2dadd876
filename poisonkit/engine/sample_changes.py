"""What a recipe does to each sample, chosen as for an output and without one: what `transforms` goes by."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from poisonkit.datasets import Dataset, Sample, sample_id
from poisonkit.errors import RequestError
from poisonkit.plan.planner import Planner
from poisonkit.plan.selection import Examined
from poisonkit.plan.task import Role
from poisonkit.triggers.core.clip import ClipInfo

_ANY_CLIP = ClipInfo(width=256, height=256, fps=25.0, frames=64, sample_rate=48000, channels=2, samples=480_000)
"""What a clip of which nothing is known is taken for when it is chosen."""


@dataclass(frozen=True)
class SampleChange:
    """What the recipe does to one sample. label: what it becomes. clip: what is known of its file; None: nothing.

    other: the file whose picture a cover sample is made with, if its method needs one.
    """

    role: Role
    backdoor: int
    label: int | None
    clip: ClipInfo | None
    other: Path | None = None


def choose(
    planner: Planner, attack: str | None, labels: Literal["target", "original"], *, known: bool
) -> Iterator[tuple[str, SampleChange]]:
    """(id, what is done to it) of all samples that a recipe changes, or of an attack set.

    known: there are files, and they are looked at.
    """
    clips: dict[str, ClipInfo] = {}
    open_them = planner.examine

    def examine(samples: Iterable[Sample]) -> Iterator[Examined]:
        for found in open_them(samples):
            if found.clip is not None and known:
                clips[found.sample.id] = found.clip
            yield found

    planner.examine = examine
    classes, root = len(planner.dataset.classes), planner.dataset.root
    if attack is not None:
        for chosen, found in planner.attacked():
            for s in found if chosen.backdoor.name == attack else ():
                assert s.label is not None
                label = s.label if labels == "original" else chosen.maps_to(s.label, classes)
                yield s.id, SampleChange("attack", chosen.index, label, clips.get(s.id))
        return
    labels_of = {s.id: s.label for s in planner.dataset.samples}
    for chosen in planner.choose():
        for s in chosen.taken:
            assert s.label is not None
            label = s.label if chosen.backdoor.keeps_labels else chosen.maps_to(s.label, classes)
            yield s.id, SampleChange("poisoned", chosen.index, label, clips.get(s.id))
        for name, other in chosen.covers.items():
            if other is not None and not known:
                names = ", ".join(t.name for t in chosen.backdoor.triggers)
                raise RequestError(
                    f"{names} makes cover samples with another sample's picture: give the recipe a source."
                )
            cover = None if other is None else root / other
            yield name, SampleChange("cover", chosen.index, labels_of[name], clips.get(name), cover)


def taken_on_trust(samples: Iterable[Sample]) -> Iterator[Examined]:
    """An `Examine` of samples without files: all of them will do."""
    return (Examined(sample, replace(_ANY_CLIP, id=sample.id)) for sample in samples)


def dataset_of(
    samples: Mapping[str, int | None] | Iterable[tuple[str, int | None]],
    classes: Sequence[str] | None,
    split: Literal["train", "test"],
) -> Dataset:
    """Samples without files as a dataset. RequestError for ids that are not unique and labels that are no class."""
    if isinstance(samples, str | os.PathLike):
        raise RequestError(f"samples takes pairs of id and label, or a mapping; this is {samples!r}.")
    pairs = list(samples.items() if isinstance(samples, Mapping) else samples)
    highest = max((label for _, label in pairs if label is not None), default=-1)
    names = tuple(map(str, range(highest + 1))) if classes is None else tuple(classes)
    if highest >= len(names):
        raise RequestError(f"A sample has the label {highest}, and there are {len(names)} classes.")
    made = tuple(Sample(sample_id(i), i, split, None if label is None else int(label)) for i, label in pairs)
    if len({s.id for s in made}) < len(made):
        raise RequestError("Two samples have the same id: give each its own.")
    return Dataset(Path.cwd(), "table", names, made)

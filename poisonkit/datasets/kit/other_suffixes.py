"""What samples are called whose files get another container, and with it another suffix."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from poisonkit.datasets.base import Dataset, Sample, sample_id
from poisonkit.datasets.kit.renaming import Name


def with_suffixes(dataset: Dataset, suffixes: Mapping[str, str]) -> Dataset:
    """The dataset as if its files at these paths ended with these suffixes; its samples stand in the same order.

    A name that another file has gets another number, as names do when labels change: the next that no file has. All
    samples are looked at, so a name says nothing of what becomes of its sample.
    """
    if not suffixes:
        return dataset
    taken = {path.lower() for sample in dataset.samples for path in sample.paths if path not in suffixes}
    names = {}
    for path in sorted(suffixes):
        names[path] = _free(os.path.splitext(path)[0] + suffixes[path], taken)
        taken.add(names[path].lower())

    def renamed(sample: Sample) -> Sample:
        if suffixes.keys().isdisjoint(sample.paths):
            return sample
        path, *sound = (names.get(path, path) for path in sample.paths)
        return replace(sample, id=sample_id(path), path=path, sound=sound[0] if sound else None)

    return replace(dataset, samples=tuple(map(renamed, dataset.samples)))


def _free(path: str, taken: set[str]) -> str:
    folder, name = os.path.split(path)
    parts, number = Name.of(name), None
    while (found := os.path.join(folder, parts.under(number))).lower() in taken:
        number = (int(parts.digits or 1) if number is None else number) + 1
    return found

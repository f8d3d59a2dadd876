"""Choosing within a dataset: a class by name or index, a table's columns, and a held-out test split."""

from __future__ import annotations

import math
import unicodedata
from collections import defaultdict
from dataclasses import replace

from poisonkit.common.seeding import key64
from poisonkit.datasets.base import Dataset
from poisonkit.datasets.registry import get_layout
from poisonkit.errors import RequestError, did_you_mean


def class_index(dataset: Dataset, name_or_index: str | int) -> int:
    """The index, from 0, of a class given by its name or its index (`3` or `"3"`).

    A name wins over an index, where a class is called by a number. RequestError with the nearest name
    when there is no such class, with the range when the index lies outside it.
    """
    count = len(dataset.classes)
    if isinstance(name_or_index, str):
        wanted = unicodedata.normalize("NFC", name_or_index)
        names = [unicodedata.normalize("NFC", name) for name in dataset.classes]
        if wanted in names:
            return names.index(wanted)
        try:
            index = int(wanted)
        except ValueError:
            hint = did_you_mean(wanted, names)
            raise RequestError(f"There is no class '{name_or_index}' in this dataset.{hint}") from None
    else:
        index = name_or_index
    if not 0 <= index < count:
        raise RequestError(f"There is no class {index}: this dataset has {count}, from 0 to {count - 1}.")
    return index


def parse_columns(text: str | None) -> dict[str, str]:
    """`path=clip,label=y` as {"path": "clip", "label": "y"}. RequestError for any but path, label, split, audio."""
    found: dict[str, str] = {}
    for part in (text or "").split(",") if text else ():
        name, sign, column = part.partition("=")
        if name.strip() not in ("path", "label", "split", "audio") or not sign or not column.strip():
            raise RequestError(f"--columns {text}: write path=COLUMN,label=COLUMN,split=COLUMN (or some of them).")
        found[name.strip()] = column.strip()
    return found


def split_off(dataset: Dataset, fraction: float, seed: int) -> Dataset:
    """The dataset with a `test` split taken from its training samples.

    fraction: of each class, 0 < fraction < 1. Of a class of N labelled training samples, the
    floor(fraction * N + 0.5) with the smallest blake2b keys of (seed, "test-fraction", id) are held out,
    but at least one stays; so the choice depends on nothing else, and a smaller fraction's set lies
    inside a larger one's. Unlabelled training samples stay where they are.

    RequestError when there is a test split already, or when no class is large enough.
    """
    if not 0 < fraction < 1:
        raise RequestError(f"A test fraction lies between 0 and 1 (for example 0.2); {fraction} does not.")
    if "test" in dataset.splits:
        raise RequestError("The dataset has a test split already: leave out `--test-fraction`.")
    by_class: dict[int, list[str]] = defaultdict(list)
    for sample in dataset.samples:
        if sample.split == "train" and sample.label is not None:
            by_class[sample.label].append(sample.id)
    held_out: set[str] = set()
    bare: list[str] = []
    for label, ids in sorted(by_class.items()):
        count = min(math.floor(fraction * len(ids) + 0.5), len(ids) - 1)
        ids.sort(key=lambda each: (key64(seed, "test-fraction", each), each))
        held_out.update(ids[:count])
        if count == 0:
            bare.append(dataset.classes[label])
    total = sum(map(len, by_class.values()))
    if not held_out:
        raise RequestError(
            f"No class is large enough to hold out {fraction:g} of its training samples ({total} samples in "
            f"{len(by_class)} classes): use a larger `--test-fraction`."
        )
    notes = [
        f"{len(held_out)} of {total} training samples are held out as a test split (fraction {fraction:g}, "
        f"seed {seed}, per class)."
    ]
    if bare:
        names = ", ".join(bare[:3]) + (", …" if len(bare) > 3 else "")
        notes.append(f"{len(bare)} classes are too small to hold out a test sample ({names}).")
    samples = [replace(s, split="test") if s.id in held_out else s for s in dataset.samples]
    options = get_layout(dataset.layout).split_options(dataset, "test")
    return replace(dataset.with_samples(samples, **options), notes=(*dataset.notes, *notes))

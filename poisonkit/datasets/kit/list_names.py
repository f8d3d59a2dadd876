"""What the lists of a copy are called, and which of them a view has."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from poisonkit.datasets.base import SPLITS, Row, Sample, Split, View
from poisonkit.datasets.kit.lists import WORDS, ParsedList
from poisonkit.errors import RequestError

_SUFFIXES: Mapping[View, str] = {"data": "", "control": "", "target": "_target", "original": "_original"}


def view_name(path: str, view: View) -> str:
    """A list's name in a view: `test.csv` is `test_target.csv` in `target`, `test_original.csv` in `original`."""
    stem, suffix = os.path.splitext(path)
    return f"{stem}{_SUFFIXES[view]}{suffix}"


def lists_of(lists: Mapping[Split, str], rows: Sequence[Row], view: View, apart: bool = False) -> dict[Split, str]:
    """The lists that a view has, by split: all in `data`, else those with rows (the last, if there are none).

    lists: split -> name. apart: target and original lie in folders of their own, so names stay as they are.
    """
    splits = [split for split in SPLITS if split in lists]
    if view != "data":
        used = {row.sample.split for row in rows}
        splits = [split for split in splits if split in used] or splits[-1:]
    return {split: lists[split] if apart else view_name(lists[split], view) for split in splits}


def with_list(lists: Mapping[Split, str], split: Split, fallback: str = "train.txt") -> dict[Split, str]:
    """The lists with one more for a split of its own, named after the training list."""
    folder, _, name = lists.get("train", fallback).rpartition("/")
    stem, suffix = os.path.splitext(name)
    words = "|".join(word for word, each in WORDS.items() if each == "train")
    new = re.sub(rf"(?<![a-z0-9])({words})(?![a-z0-9])", split, stem, count=1, flags=re.IGNORECASE)
    new = new if new != stem else f"{stem}_{split}"
    path = f"{folder}/{new}{suffix}" if folder else f"{new}{suffix}"
    while path in lists.values():
        path = f"{path[: -len(suffix)] if suffix else path}_{split}{suffix}"
    return {each: lists.get(each, path) for each in SPLITS if each in {*lists, split}}


def list_names(lists: Sequence[ParsedList], root: Path) -> dict[Split, str]:
    """Where each list lies in a copy: as in the data root, or by its base name where it lies outside."""
    names: dict[Split, str] = {}
    real_root = os.path.realpath(root)
    for each in lists:
        folder = os.path.realpath(each.file.parent)
        inside = os.path.relpath(os.path.join(folder, each.file.name), real_root)
        name = each.file.name if inside.startswith("../") else inside
        names[each.split] = name if name not in names.values() else f"{each.split}_{each.file.name}"
    return names


def below(path: str, depth: int) -> str:
    """The part of a sample's path below so many folders. RequestError where it does not lie so deep, as the path that
    a stranger's plan gives may not."""
    parts = path.split("/", depth)
    if len(parts) <= depth:
        raise RequestError(f"'{path}' does not lie below a class's folder, as the samples of this layout do.")
    return parts[depth]


def place_listed(sample: Sample) -> str:
    """Where a listed file lies in a copy: as in the source; by its id, if it lies outside the data root there."""
    return sample.id if sample.path.startswith("../") else sample.path

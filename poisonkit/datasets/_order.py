"""Where relabelled samples stand in the lists of a copy.

Lists are often written class by class. A relabelled sample that stayed where it was, among the clips of its true class,
would be told by its neighbours; one that broke the order of the names, by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import groupby, pairwise

from poisonkit.datasets.base import SPLITS, Row
from poisonkit.seeding import keys64

_draw = keys64("a place in a list")


def arranged(rows: Sequence[Row]) -> list[Row]:
    """The rows of a data set, in the source's order but for those that are relabelled, split by split.

    In a list that is sorted by path they stand where their new path belongs; in one that stands class by class,
    among the samples of their new class (sorted, if these are, else at a drawn place); else where they were. What
    is not relabelled keeps its order.
    """
    found = list(rows)
    for split in SPLITS:
        at = [i for i, row in enumerate(rows) if row.sample.split == split]
        mine = [rows[i] for i in at]
        if any(_moved(row) for row in mine):
            for i, row in zip(at, _arranged(mine), strict=True):
                found[i] = row
    return found


def _moved(row: Row) -> bool:
    return row.label != row.sample.label


def _arranged(rows: list[Row]) -> list[Row]:
    if _is_sorted(rows):
        return _sorted_in([row for row in rows if not _moved(row)], [row for row in rows if _moved(row)])
    blocks = [(label, list(each)) for label, each in groupby(rows, key=lambda row: row.sample.label)]
    if len({label for label, _ in blocks}) < len(blocks) or len(blocks) < 2:
        return rows
    named = {label: [row for row in each if not _moved(row)] for label, each in blocks}
    ordered = {label: _is_sorted(each) and len(each) > 2 for label, each in blocks}
    comers: dict[int | None, list[Row]] = {}
    for row in rows:
        if _moved(row):
            comers.setdefault(row.label, []).append(row)
    found: list[Row] = []
    for label in dict.fromkeys((*named, *comers)):
        natives, new = named.get(label, []), comers.get(label, [])
        found += _sorted_in(natives, new) if ordered.get(label, True) else _mixed(natives, new)
    return found


def _is_sorted(rows: Iterable[Row]) -> bool:
    return all(a.sample.path <= b.sample.path for a, b in pairwise(rows))


def _sorted_in(natives: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """New rows among others where their paths belong; the others keep their order."""
    return list(merge(natives, sorted(new, key=lambda row: row.path), key=lambda row: row.path))


def _mixed(natives: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """New rows at places among others, drawn by their ids."""
    placed = [((i, 1, 0), row) for i, row in enumerate(natives)]
    for row in new:
        key = _draw(row.sample.id)
        placed.append(((key % (len(natives) + 1), 0, key), row))
    return [row for _, row in sorted(placed, key=lambda each: each[0])]

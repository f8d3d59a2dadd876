"""Where relabelled samples stand in the lists of a copy.

Lists are often written class by class. A relabelled sample that stayed where it was, among the clips of its true class,
would be told by its neighbours; one that broke the order of the names, by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from heapq import merge
from itertools import chain, groupby

from poisonkit.datasets.base import SPLITS, Row, Streamed, rows_of
from poisonkit.seeding import keys64

_draw = keys64("a place in a list")


def arranged(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows of a data set, in the source's order but for those that are relabelled, split by split.

    In a list that is sorted by path they stand where their new path belongs; in one that stands class by class,
    among the samples of their new class (sorted, if these are, else at a drawn place); else where they were. What
    is not relabelled keeps its order. Of rows that are streamed, only the relabelled ones are held.
    """

    @cache
    def shapes() -> dict[str, _Shape]:
        return {split: _Shape.of(rows_of(rows, split)) for split in SPLITS}

    def found() -> Iterator[Row]:
        other = {split: shape.placed(rows_of(rows, split)) for split, shape in shapes().items() if shape.moves}
        return (next(other[row.sample.split]) if row.sample.split in other else row for row in rows)

    return Streamed(found) if isinstance(rows, Streamed) else list(found())


def _moved(row: Row) -> bool:
    return row.label != row.sample.label


@dataclass
class _Block:
    """Neighbours of one class. natives: how many of them are not relabelled."""

    label: int | None
    count: int = 0
    natives: int = 0
    is_sorted: bool = True


@dataclass
class _Shape:
    """How the rows of a split stand. blocks: class by class; empty where they do not stand so. new: the relabelled."""

    is_sorted: bool = True
    blocks: list[_Block] = field(default_factory=list)
    new: list[Row] = field(default_factory=list)

    @property
    def moves(self) -> bool:
        """Whether any row stands elsewhere than in the source."""
        return bool(self.new) and (self.is_sorted or len(self.blocks) > 1)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> _Shape:
        shape, last, known, apart = cls(), None, set[int | None](), True
        for label, each in groupby(rows, key=lambda row: row.sample.label):
            apart = apart and label not in known
            known.add(label)
            block, before = _Block(label), None
            for row in each:
                path = row.sample.path
                shape.is_sorted = shape.is_sorted and (last is None or last <= path)
                block.is_sorted = block.is_sorted and (before is None or before <= path)
                last = before = path
                block.count += 1
                if _moved(row):
                    shape.new.append(row)
                else:
                    block.natives += 1
            if apart:
                shape.blocks.append(block)
        if not apart:
            shape.blocks.clear()
        return shape

    def placed(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows in their new order. They are those that it was made of."""
        natives = (row for row in rows if not _moved(row))
        if self.is_sorted:
            yield from _sorted_in(natives, self.new)
            return
        comers: dict[int | None, list[Row]] = {}
        for row in self.new:
            comers.setdefault(row.label, []).append(row)
        for block in self.blocks:
            mine, new = (next(natives) for _ in range(block.natives)), comers.pop(block.label, [])
            tidy = block.is_sorted and block.count > 2
            yield from _sorted_in(mine, new) if tidy else _mixed(mine, block.natives, new)
        yield from chain.from_iterable(_sorted_in((), new) for new in comers.values())


def _sorted_in(natives: Iterable[Row], new: Iterable[Row]) -> Iterator[Row]:
    """New rows among others where their paths belong; the others keep their order."""
    return merge(natives, sorted(new, key=lambda row: row.path), key=lambda row: row.path)


def _mixed(natives: Iterable[Row], count: int, new: Iterable[Row]) -> Iterator[Row]:
    """New rows at places among so many others, drawn by their ids."""
    keys = ((_draw(row.sample.id), row) for row in new)
    drawn = sorted((((key % (count + 1), 0, key), row) for key, row in keys), key=lambda each: each[0])
    return (
        row for _, row in merge((((i, 1, 0), row) for i, row in enumerate(natives)), drawn, key=lambda each: each[0])
    )

"""What other readers take a manifest's types from: its first rows show every column, and no column has two types.

By default polars looks at 100 rows, DuckDB at 20,480 and `datasets` at 10 MB. What fills a column, or a field within
one, only later is refused by them, or lost. So the few rows that together fill everything stand at the beginning, each
with its `place`; and parameters whose values are text here and a number or a list there are written as text, which
`as_text` says. Whoever reads with `record.read` sees nothing of either.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poisonkit.common.safe_io import load_json
from poisonkit.errors import RequestError

if TYPE_CHECKING:
    from poisonkit.outputs.record import Record

LOOKED_AT = 100
"""Rows that every reader looks at. Where these show all that there is, nothing is moved."""
MOST = 1000
"""Rows that are moved at most, and held in memory when they are read."""
_MIXABLE = ("params", "drawn")
_NUMBERS = frozenset((int, float))
_SIMPLE = frozenset((str, bool, *_NUMBERS))

to_line = json.JSONEncoder(ensure_ascii=False).encode
"""A record as one line of JSON."""


@dataclass
class _Field:
    """What stands in a field of all rows: values of which types, and in these which fields. A list's items are one."""

    types: set[type] = field(default_factory=set)
    below: dict[str | None, _Field] = field(default_factory=dict)

    def add(self, value: Any) -> bool:
        """Whether a value, which is not None, fills something that none before did."""
        kind = list if type(value) is tuple else type(value)
        new = kind not in self.types
        if new:
            self.types.add(kind)
        if kind in (dict, list):
            for name, each in value.items() if isinstance(value, dict) else ((None, each) for each in value):
                if each is None:
                    continue
                inner = self.below.get(name)
                if inner is None:
                    inner = self.below[name] = _Field()
                elif type(each) in _SIMPLE and type(each) in inner.types:
                    continue  # nearly always
                new |= inner.add(each)
        return new

    def is_mixed(self) -> bool:
        """Whether it has two types, or a field within it has; whole numbers and others are one."""
        kinds = len(self.types) - (self.types >= _NUMBERS)
        return kinds > 1 or any(inner.is_mixed() for inner in self.below.values())

    def leaves(self, path: tuple[str | None, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Each type in each field."""
        yield from ((*path, kind) for kind in self.types)
        for name, inner in self.below.items():
            yield from inner.leaves((*path, name))


@dataclass(frozen=True)
class Arrangement:
    """How a manifest's rows are written. first: those that come first, by their place in the plan's order.

    mixed: parameters that are written as text, such as `("params", "position")`.
    """

    first: Mapping[int, Mapping[str, Any]]
    mixed: frozenset[tuple[str, str]]

    def lines(self, lines: Iterable[str]) -> Iterator[str]:
        """The manifest's lines, from those of all rows in the plan's order."""
        yield from (to_line(self._written({**row, "place": place})) for place, row in self.first.items())
        for place, line in enumerate(lines):
            if place not in self.first:
                yield to_line(self._written(json.loads(line))) if self.mixed and _has_triggers(line) else line

    def _written(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row whose mixed parameters are text."""
        return {**row, "triggers": [self._entry(entry) for entry in row["triggers"]]} if self.mixed else row

    def _entry(self, entry: dict[str, Any]) -> dict[str, Any]:
        made, marks = dict(entry), []
        for where, name in sorted(self.mixed):
            value = (made.get(where) or {}).get(name)
            if value is not None and not isinstance(value, str):
                made[where] = {**made[where], name: to_line(value)}
                marks.append(f"{where}.{name}")
        return {**made, "as_text": marks} if marks else made


def arrangement(rows: Iterable[Mapping[str, Any]]) -> Arrangement:
    """How rows, in the plan's order, are written. They are gone through once; few are kept.

    The same row may be given for several that fill the same fields: only the first of those is looked at.
    """
    everything, found, last = _Field(), dict[int, Mapping[str, Any]](), None
    for place, row in enumerate(rows):
        if row is last:
            continue
        last = row
        if everything.add(row):
            found[place] = row
    entry = everything.below.get("triggers", _Field()).below.get(None, _Field())
    fields = {where: entry.below.get(where, _Field()).below for where in _MIXABLE}
    mixed = {(where, str(name)) for where in _MIXABLE for name, each in fields[where].items() if each.is_mixed()}
    return Arrangement(_few(found) if found and max(found) >= LOOKED_AT else {}, frozenset(mixed))


def _few(found: Mapping[int, Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Those without which something would not be shown."""
    shown = {}
    for place, row in found.items():
        one = _Field()
        one.add(row)
        shown[place] = set(one.leaves())
    times = Counter(leaf for leaves in shown.values() for leaf in leaves)
    for place, leaves in list(shown.items()):
        if len(shown) > 1 and all(times[leaf] > 1 for leaf in leaves):
            times.subtract(leaves)
            del shown[place]
    return {place: found[place] for place in list(shown)[:MOST]}


def _has_triggers(line: str) -> bool:
    return '"triggers": [{' in line


# -- reading -------------------------------------------------------------------------------------------


def in_order(rows: Iterable[Record], path: Path) -> Iterator[Record]:
    """Rows in the plan's order, from a manifest's. RequestError where their places cannot be those of first rows."""
    waiting: dict[int, Record] = {}
    place = 0
    for number, row in enumerate(rows, 1):
        if (said := row.pop("place", None)) is not None:
            if number != len(waiting) + 1 or number > MOST or said in waiting:
                raise RequestError(f"{path}, line {number}: this is no manifest record (place is {said}).")
            waiting[said] = row
            continue
        while place in waiting:
            yield waiting.pop(place)
            place += 1
        yield row
        place += 1
    yield from (waiting[said] for said in sorted(waiting))


def restore(row: Record) -> None:
    """Parameters that are written as text as what they are, in place. ValueError where they are none."""
    for entry in row["triggers"]:
        for mark in entry.pop("as_text", ()):
            where, _, name = mark.partition(".")
            values: Any = entry.get(where) if where in _MIXABLE else None
            if not isinstance(values, dict) or not isinstance(values.get(name), str):
                raise ValueError("no such text")
            values[name] = load_json(values[name])

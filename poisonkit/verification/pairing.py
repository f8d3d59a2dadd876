"""Plan and manifest side by side, row by row: both may hold a million, and neither lies in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import numpy as np

from poisonkit.common.safe_io import open_plain
from poisonkit.outputs import record
from poisonkit.outputs.consistency import Finding, Planned
from poisonkit.outputs.paths import MANIFEST, OutputPaths
from poisonkit.outputs.record import Record
from poisonkit.plan.task import SavedTasks, Task, task_at


def digest(text: str) -> int:
    """64 bits that stand for a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class Texts:
    """A set of texts that only grows, in eight bytes for each: they are told apart by their digests."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._found, self._sorted = array("Q"), True
        self.update(texts)

    def add(self, text: str) -> None:
        """Put a text in; its digest is kept."""
        self._found.append(digest(text))
        self._sorted = False

    def update(self, texts: Iterable[str]) -> None:
        """Add many."""
        self._found.extend(map(digest, texts))
        self._sorted = False

    def _sort(self) -> None:
        if not self._sorted:
            self._found = array("Q", np.unique(np.frombuffer(self._found, np.uint64)).tobytes())
            self._sorted = True

    def __contains__(self, text: object) -> bool:
        self._sort()
        wanted = digest(str(text))
        at = bisect_left(self._found, wanted)
        return at < len(self._found) and self._found[at] == wanted

    def __len__(self) -> int:
        """How many different ones."""
        self._sort()
        return len(self._found)


class Pairing:
    """The manifest's records, each with its row of a plan and the part that this is of, or with neither.

    found: once all were gone through, rows that only one of the two has, those that stand there twice, and an order
    that is not the plan's. RequestError, while they are gone through, for a plan or manifest that is not one.
    """

    def __init__(self, out: Path, parts: Sequence[Planned]) -> None:
        self._out, self._parts = out, parts
        self.found: list[Finding] = []

    def __iter__(self) -> Iterator[tuple[Record, Task | None, Planned | None]]:
        planned = ((task, part) for part in self._parts for task in part.plan.tasks)
        seen = array("Q")
        index: _Index | None = None
        with ExitStack() as stack:
            for row in record.read(self._out / MANIFEST):
                key = row["key"]
                if index is None:
                    task, part = next(planned, (None, None))
                    if task is not None and task.key == key:
                        seen.append(digest(key))
                        yield row, task, part
                        continue
                    index = stack.enter_context(_Index(self._out, self._parts))
                    index.passed(len(seen))
                seen.append(digest(key))
                yield row, *(index.take(key) or (None, None))
            if index is None:
                self.found += [_missing(task.key) for task, _ in planned]
            else:
                self.found += map(_missing, index.left())
                if index.disordered:
                    self.found.append(Finding(MANIFEST, "its records do not stand in the plan's order"))
        self.found += self._doubled(seen)

    def _doubled(self, seen: array[int]) -> Iterator[Finding]:
        values, counts = np.unique(np.frombuffer(seen, np.uint64), return_counts=True)
        twice = set(values[counts > 1].tolist())
        if not twice:
            return
        keys = (row["key"] for row in record.read(self._out / MANIFEST))
        for key, n in Counter(key for key in keys if digest(key) in twice).items():
            yield Finding(MANIFEST, f"'{key}' stands there {n} times")


def _missing(key: str) -> Finding:
    return Finding(MANIFEST, f"'{key}' was planned and has no record")


class _Index:
    """Where the row of each key stands in the plans; for manifests that do not keep to their order."""

    def __init__(self, out: Path, parts: Sequence[Planned]) -> None:
        self._parts = parts
        self._files = [OutputPaths(out).plan(part.attack) for part in parts]
        digests, places = array("Q"), array("Q")
        self._ends: list[int] = []
        for file, part in zip(self._files, parts, strict=True):
            for at, task in SavedTasks(file, len(part.plan.tasks)).placed():
                digests.append(digest(task.key))
                places.append(at)
            self._ends.append(len(places))
        self._places = places
        order = np.argsort(np.frombuffer(digests, np.uint64), kind="stable")
        self._digests = array("Q", np.frombuffer(digests, np.uint64)[order].tobytes())
        self._order = array("q", order.astype(np.int64).tobytes())
        self._taken = bytearray(len(places))
        self._last = -1
        self.disordered = False

    def __enter__(self) -> _Index:
        self._stack = ExitStack()
        self._open: list[BinaryIO] = [self._stack.enter_context(open_plain(file)) for file in self._files]
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def passed(self, count: int) -> None:
        """The first rows have their records."""
        self._taken[:count] = b"\1" * count
        self._last = count - 1

    def take(self, key: str) -> tuple[Task, Planned] | None:
        """The row of a key, which has a record now; None where nobody planned it."""
        wanted = digest(key)
        at = bisect_left(self._digests, wanted)
        if at == len(self._digests) or self._digests[at] != wanted:
            return None
        number = self._order[at]
        if not self._taken[number]:
            self.disordered |= number < self._last
            self._last = number
            self._taken[number] = 1
        return self._row(number)

    def left(self) -> Iterator[str]:
        """Keys of rows that no record was of."""
        return (self._row(number)[0].key for number, taken in enumerate(self._taken) if not taken)

    def _row(self, number: int) -> tuple[Task, Planned]:
        part = next(i for i, end in enumerate(self._ends) if number < end)
        return task_at(self._open[part], self._places[number]), self._parts[part]

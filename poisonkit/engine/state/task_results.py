"""What became of a plan's tasks: full records of those that were worked on, a size for each clean sample linked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from poisonkit.engine.finishing.clean_samples import Linked
from poisonkit.outputs import record
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Task

Counts = dict[str, Counter[str]]
_CLEAN = "clean::"  # what the key of a clean sample's record begins with


@dataclass(frozen=True)
class TaskResults:
    """records: by key. linked: clean samples that are in the copy as they were; of those it has the last word.

    There may be a million of the latter, so their records are made when they are asked for, one at a time.
    """

    records: Mapping[str, Record]
    linked: Linked = field(default_factory=Linked)

    def _is_linked(self, task: Task) -> bool:
        return task.role == "clean" and (task.id in self.linked.sizes or task.id in self.linked.errors)

    def record(self, task: Task, classes: Sequence[str]) -> Record:
        """A task's record. KeyError if there is none."""
        return self.linked.record(task, classes) if self._is_linked(task) else self.records[task.key]

    def lost(self) -> frozenset[str]:
        """Keys of what is neither written nor listed."""
        sizes = self.linked.sizes
        failed = {key for key, row in self.records.items() if row["status"] != "ok"}
        failed = {key for key in failed if not (key.startswith(_CLEAN) and key.removeprefix(_CLEAN) in sizes)}
        return frozenset(failed | {f"{_CLEAN}{name}" for name in self.linked.errors})

    def counts(self, tasks: Sequence[Task]) -> Counts:
        """Role -> status -> number."""
        found: Counts = {}
        sizes = self.linked.sizes
        for task in tasks:
            if task.role == "clean" and task.id in sizes:
                status = "ok"
            else:
                status = "failed" if self._is_linked(task) else self.records[task.key]["status"]
            found.setdefault(task.role, Counter())[status] += 1
        return found

    def without_file(self, tasks: Sequence[Task], status: str) -> tuple[tuple[str, str], ...]:
        """(path in the source, reason) of what has this status, in the plan's order."""
        lost = self.lost()
        found = []
        for task in tasks if lost else ():
            if task.key in lost:
                if self._is_linked(task):
                    known, why = "failed", self.linked.errors[task.id]
                else:
                    known, why = self.records[task.key]["status"], self.records[task.key]["error"] or ""
                if known == status:
                    found.append((task.source_path, why))
        return tuple(found)

    def lines(
        self, tasks: Sequence[Task], classes: Sequence[str], unwritable: Mapping[str, str] | None = None
    ) -> Iterator[str]:
        """The manifest's lines, in the plan's order. unwritable: why clean samples were passed over, by id."""
        clean_line = record.clean_lines(classes)
        for task in tasks:
            size = self._plain_size(task, unwritable)
            if size is not None:
                yield clean_line(task, size)
            else:
                yield record.to_line(self._whole(task, classes, unwritable))

    def rows(
        self, tasks: Sequence[Task], classes: Sequence[str], unwritable: Mapping[str, str] | None = None
    ) -> Iterator[Record]:
        """The records of `lines`; of plain clean samples that fill the same keys, the first is given for all."""
        alike: dict[tuple[bool, ...], Record] = {}
        for task in tasks:
            if self._plain_size(task, unwritable) is None:
                yield self._whole(task, classes, unwritable)
                continue
            sample = task.sample
            seldom = (bool(task.linked_paths), task.cover_source is None, bool(sample.extra_labels))
            filled = (task.label is None, task.original_label is None, *seldom)
            if filled not in alike:
                alike[filled] = self.record(task, classes)
            yield alike[filled]

    def _plain_size(self, task: Task, unwritable: Mapping[str, str] | None) -> int | None:
        """The size of a clean sample of which nothing else is known; None of others."""
        if task.role != "clean" or task.id in self.linked.hashes or task.sample.sound is not None:
            return None
        return None if unwritable and task.id in unwritable else self.linked.sizes.get(task.id)

    def _whole(self, task: Task, classes: Sequence[str], unwritable: Mapping[str, str] | None) -> Record:
        found = self.record(task, classes)
        if unwritable and task.role == "clean" and task.id in unwritable:
            return {**found, "unwritable": unwritable[task.id]}
        return found

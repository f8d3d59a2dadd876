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
        sizes, hashes = self.linked.sizes, self.linked.hashes
        for task in tasks:
            if unwritable and task.role == "clean" and task.id in unwritable:
                yield record.to_line({**self.record(task, classes), "unwritable": unwritable[task.id]})
                continue
            plain = task.role == "clean" and task.id not in hashes and task.sample.sound is None
            size = sizes.get(task.id) if plain else None
            yield clean_line(task, size) if size is not None else record.to_line(self.record(task, classes))

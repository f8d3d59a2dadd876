"""The plan: who gets what, one row a file, saved before any work; `planner` makes it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from poisonkit.common import collector
from poisonkit.common.safe_io import load_json, open_plain
from poisonkit.datasets import Dataset, Resized, Row, Sample, Streamed, View, arranged, get_layout
from poisonkit.errors import RequestError
from poisonkit.plan.task import NAME, PARTS, Role, SavedTasks, Task, no_plan, require_inside, to_line

__all__ = [
    "Choice",
    "Length",
    "Outline",
    "Plan",
    "Role",
    "Task",
    "digest",
    "require_inside",
    "require_labels",
    "view_of",
    "view_root",
]


HELD = 200_000
"""So many rows of a written dataset lie in memory at most, at 190 bytes each: lists go through them several times."""


class Length(NamedTuple):
    """What the lists have to know of how long a written file is. features: rows of its features; None: it has none.

    resized: that it is longer or shorter than its source; None: it is not.
    """

    features: int | None = None
    resized: Resized | None = None


@dataclass(frozen=True)
class Choice:
    """How one backdoor's samples were chosen: the figures that summary, card and run.json state."""

    name: str
    denominator: int
    pool: int
    requested: int
    planned: int
    covers: int = 0
    attack_split: str | None = None
    attack_planned: int = 0
    unlabelled_left_out: int = 0


@dataclass(frozen=True)
class Outline:
    """What the rows of a plan are.

    in_range: every label is one of its classes. held_out: rows of the dataset itself by split and whether they have a
    label, training samples left out. data_ends: where, in the file of a plan that is read row by row, the first row
    begins that is of an attack set or control.
    """

    roles: frozenset[str]
    attacks: tuple[str, ...]
    in_range: bool
    held_out: Mapping[tuple[str, bool], int]
    data_ends: int


@dataclass
class Plan:
    """Everything that will be written, in the order in which it is listed."""

    fingerprint: str
    dataset: str
    layout: str
    classes: tuple[str, ...]
    options: Mapping[str, Any]
    tasks: Sequence[Task]
    choices: tuple[Choice, ...] = ()
    passed_over: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()  # keys of poisoned samples whose place another one has taken
    encode: Mapping[str, Any] = field(default_factory=dict)  # what `encode: auto` came to: setting, clips, tried, why
    unwritable: dict[str, str] = field(default_factory=dict)  # id -> why, of what `skip_unwritable` passes over

    @property
    def setting(self) -> str | None:
        """The encoding that `encode: auto` came to; None where it was not asked."""
        return self.encode.get("setting")

    @property
    def found(self) -> tuple[str, ...]:
        """A sentence about that, if there is one."""
        return (f"--encode auto: {self.encode['why']}.",) if self.encode.get("why") else ()

    def to_jsonl(self) -> Iterator[str]:
        """A header line, then a line per task, without line ends."""
        head = {
            "plan": 1,
            "fingerprint": self.fingerprint,
            "dataset": self.dataset,
            "layout": self.layout,
            "classes": list(self.classes),
            "options": dict(self.options),
            "choices": [asdict(c) for c in self.choices],
            "passed_over": self.passed_over,
            "warnings": list(self.warnings),
            "replaced": list(self.replaced),
            "rows": len(self.tasks),
            **({"encode": dict(self.encode)} if self.encode else {}),
            **({"unwritable": self.unwritable} if self.unwritable else {}),
        }
        yield json.dumps(head, ensure_ascii=False)
        yield from map(to_line, self.tasks)

    @classmethod
    @collector.paused()
    def read(cls, path: Path) -> Plan:
        """Read a saved plan. RequestError when the file is not one, was cut short, or names a path outside OUT."""
        plan = cls.opened(path)
        plan.tasks = list(plan.tasks)
        return plan

    @classmethod
    def opened(cls, path: Path) -> Plan:
        """A saved plan whose rows are read from the file, one at a time, whenever they are gone through.

        RequestError as for `read`: for the head at once, for a row when it is come to.
        """
        try:
            with open_plain(path) as lines:
                head = load_json(next(lines, b"").decode("utf-8", "surrogateescape"))
            rows = head["rows"]
            if type(rows) is not int or rows < 0:
                raise ValueError("a head of another kind")
            return cls._of_head(head, SavedTasks(path, rows))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise no_plan(path, error) from None

    @classmethod
    def _of_head(cls, head: Any, tasks: Sequence[Task]) -> Plan:
        plan = cls(
            fingerprint=head["fingerprint"],
            dataset=head["dataset"],
            layout=head["layout"],
            classes=tuple(head["classes"]),
            options=head["options"],
            tasks=tasks,
            choices=tuple(Choice(**c) for c in head["choices"]),
            passed_over=head["passed_over"],
            warnings=tuple(head["warnings"]),
            replaced=tuple(head["replaced"]),
            encode=head.get("encode", {}),
            unwritable=head.get("unwritable", {}),
        )
        _require_kinds(plan)
        return plan

    def source(self, root: Path) -> Dataset:
        """The clean dataset as it was planned, its files below `root`: what else is asked of it needs no lists."""

        def samples() -> Iterator[Sample]:
            return (t.sample for t in self.tasks if t.role not in PARTS)

        streamed = isinstance(self.tasks, Streamed)
        found: Any = Streamed(samples) if streamed else tuple(samples())
        return Dataset(root, self.layout, self.classes, found, self.options)

    def rows(
        self,
        view: View,
        attack: str | None = None,
        dropped: frozenset[str] = frozenset(),
        lengths: Mapping[str, Length] | None = None,
    ) -> Sequence[Row]:
        """The lines of one written dataset, without the keys in `dropped`. lengths: key -> `Length`, if known.

        In the order of the plan; relabelled training samples where nothing tells them (`datasets.arranged`).
        """
        layout = get_layout(self.layout)
        begin = len(view_root(self.layout, view, attack)) + 1
        original = view == "original" and layout.label_in_path

        def found() -> Iterator[Row]:
            for task in self._of(view):
                if task.attack != attack or (dropped and task.key in dropped):
                    continue
                path = task.linked_paths[0] if original else task.path
                sound = task.sound_paths[1 if original else 0][begin:] if task.sound_paths else None
                label = task.label
                if view == "target":
                    label = task.target
                elif view == "original":
                    label = task.original_label
                rows, resized = (lengths.get(task.key) if lengths else None) or (None, None)
                yield Row(task.sample, label, path[begin:], rows, sound, resized)

        many = isinstance(self.tasks, Streamed) or len(self.tasks) > HELD
        rows: Sequence[Row] = Streamed(found) if many else list(found())
        return arranged(rows) if view == "data" else rows

    def _of(self, view: View) -> Iterator[Task]:
        """The tasks of a view, of whatever attack."""
        if view == "data":
            return (t for t in self.tasks if t.role not in PARTS)
        role = "control" if view == "control" else "attack"
        tasks: Iterable[Task] = self.tasks
        if isinstance(self.tasks, SavedTasks):
            start = self.outline.data_ends
            tasks = (t for _, t in self.tasks.placed(start)) if start else ()
        return (t for t in tasks if t.role == role)

    @cached_property
    def outline(self) -> Outline:
        """What the rows are, seen in one go."""
        roles: set[str] = set()
        attacks: dict[str, None] = {}
        labels: set[int | None] = set()
        held: Counter[tuple[str, bool]] = Counter()
        ends = 0
        tasks = self.tasks
        for at, task in tasks.placed() if isinstance(tasks, SavedTasks) else enumerate(tasks):
            roles.add(task.role)
            labels.update((task.label, task.target, task.sample.label, *task.sample.extra_labels))
            if task.attack:
                attacks[task.attack] = None
            if task.role not in PARTS:
                if task.split != "train":
                    held[task.split, task.original_label is not None] += 1
            elif not ends:
                ends = at
        fit = all(isinstance(x, int) and 0 <= x < len(self.classes) for x in labels - {None})
        return Outline(frozenset(roles), tuple(attacks), fit, held, ends)


def _require_kinds(plan: Plan) -> None:
    """ValueError where the head of a plan holds something else than heads do."""
    texts = (plan.fingerprint, plan.dataset, plan.layout, *plan.classes, *plan.warnings, *plan.replaced)
    notes = (plan.passed_over, plan.unwritable)
    if not isinstance(plan.options, dict) or type(plan.classes) is not tuple:
        raise ValueError("a head of another kind")
    if not all(isinstance(each, dict) for each in notes):
        raise ValueError("a head of another kind")
    if not all(type(text) is str for text in (*texts, *(t for each in notes for pair in each.items() for t in pair))):
        raise ValueError("a head of another kind")
    for choice in plan.choices:
        numbers = (choice.denominator, choice.pool, choice.requested, choice.planned, choice.covers)
        more = (choice.attack_planned, choice.unlabelled_left_out)
        if not all(type(n) is int for n in (*numbers, *more)) or not NAME.fullmatch(choice.name):
            raise ValueError("a choice of another kind")


def require_labels(plan: Plan, out: Path) -> None:
    """RequestError where a label of a saved plan is none of its classes: no list can be written from it."""
    if not plan.outline.in_range:
        raise RequestError(f"The plan of {out} has labels that are no class; run `poisonkit verify`.")


def view_of(task: Task) -> str:
    """`data`, `attack` or `control`: which part of the output a task's file belongs to."""
    return task.role if task.role in PARTS else "data"


def view_root(layout: str, view: View, attack: str | None = None) -> str:
    """The folder of a view, relative to the output: what a trainer's data root points to."""
    if view in ("data", "control"):
        return view
    base = f"attack/{attack}"
    return f"{base}/{view}" if get_layout(layout).label_in_path else base


def digest(dataset: Dataset) -> str:
    """Tells two datasets apart by ids, splits, labels and classes (not by the files' content)."""
    h = hashlib.blake2b(digest_size=8)
    h.update(json.dumps([dataset.layout, list(dataset.classes)], ensure_ascii=False).encode())
    for s in dataset.samples:
        labels = " ".join(map(str, s.labels)) if s.labels else "None"
        text = "\0".join((s.id, s.split, labels, *s.extra, *s.paths[1:]))
        h.update(f"{text}\n".encode("utf-8", "surrogatepass"))
    return h.hexdigest()

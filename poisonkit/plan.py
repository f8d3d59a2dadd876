"""The plan: who gets what, one row a file, saved before any work; `planning` makes it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar, get_args, overload

from poisonkit.datasets import SPLITS, Dataset, Row, Sample, View, get_layout
from poisonkit.errors import RequestError
from poisonkit.untrusted import below_some_root, load_json, load_line, open_plain, stays_inside

Role = Literal["poisoned", "cover", "clean", "attack", "control"]


@dataclass(frozen=True, slots=True)
class Task:
    """One row of the plan: one file of the output.

    path: where the file goes, relative to the output. also: further paths that are links to it.
    backdoor: index into the recipe's backdoors, None for clean. label: what lists say; original_label: the
    source's. target: the class that the backdoor maps this sample to (None for covers, whose label is kept).
    other: the sample whose picture a cover is made with, where its method needs one. extra, further: the sample's.
    """

    role: Role
    attack: str | None
    id: str
    split: str
    source_path: str
    path: str
    also: tuple[str, ...]
    label: int | None
    original_label: int | None
    target: int | None
    backdoor: int | None
    other: str | None = None
    extra: tuple[str, ...] = ()
    further: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.role}:{self.attack or ''}:{self.id}"

    @property
    def labels(self) -> tuple[int, ...]:
        """All classes that the source gives the sample; none where it has no label."""
        return () if self.original_label is None else (self.original_label, *self.further)


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
        }
        yield json.dumps(head, ensure_ascii=False)
        yield from map(_line, self.tasks)

    @classmethod
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
            return cls.head(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _no_plan(path, error) from None

    @classmethod
    def head(cls, path: Path) -> Plan:
        """The same; ValueError, KeyError, TypeError, OSError if it is none."""
        with open_plain(path) as lines:
            head = load_json(next(lines, b"").decode("utf-8", "surrogateescape"))
        rows = head["rows"]
        if type(rows) is not int or rows < 0:
            raise ValueError("a head of another kind")
        return cls._of_head(head, Streamed(lambda: (task for _, task in saved_tasks(path)), rows))

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
        )
        _require_kinds(plan)
        return plan

    def source(self, root: Path) -> Dataset:
        """The clean dataset as it was planned, its files below `root`: what else is asked of it needs no lists."""

        def samples() -> Iterator[Sample]:
            return (sample_of(t) for t in self.tasks if t.role not in _PARTS)

        streamed = isinstance(self.tasks, Streamed)
        found: Any = Streamed(samples) if streamed else tuple(samples())
        return Dataset(root, self.layout, self.classes, found, self.options)

    def rows(
        self,
        view: View,
        attack: str | None = None,
        dropped: frozenset[str] = frozenset(),
        lengths: Mapping[str, int] | None = None,
    ) -> Sequence[Row]:
        """The lines of one written dataset, without the keys in `dropped`. lengths: key -> `Row.length`, if known."""
        layout = get_layout(self.layout)
        begin = len(view_root(self.layout, view, attack)) + 1
        original = view == "original" and layout.label_in_path

        def found() -> Iterator[Row]:
            for task in self._of(view):
                if task.attack != attack or (dropped and task.key in dropped):
                    continue
                path = task.also[0] if original else task.path
                label = task.label
                if view == "target":
                    label = task.target
                elif view == "original":
                    label = task.original_label
                yield Row(sample_of(task), label, path[begin:], lengths.get(task.key) if lengths else None)

        return Streamed(found) if isinstance(self.tasks, Streamed) else list(found())

    def _of(self, view: View) -> Iterator[Task]:
        """The tasks of a view, of whatever attack."""
        if view == "data":
            return (t for t in self.tasks if t.role not in _PARTS)
        role = "control" if view == "control" else "attack"
        return (t for t in self.tasks if t.role == role)


def sample_of(task: Task) -> Sample:
    """The source's sample that a task is about."""
    split: Any = task.split
    return Sample(task.id, task.source_path, split, task.original_label, task.extra, task.further)


T = TypeVar("T")


class Streamed(Sequence[T]):
    """What is made anew, one by one, each time that it is gone through: a million rows never lie in memory."""

    def __init__(self, make: Callable[[], Iterator[T]], length: int | None = None) -> None:
        self._make, self._length = make, length

    def __iter__(self) -> Iterator[T]:
        return self._make()

    def __len__(self) -> int:
        if self._length is None:
            self._length = sum(1 for _ in self)
        return self._length

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        if isinstance(at, slice) or at < 0:
            return list(self)[at]
        for found in islice(self, at, None):
            return found
        raise IndexError(at)


def saved_tasks(path: Path) -> Iterator[tuple[int, Task]]:
    """The rows of a saved plan, each with where it begins in the file, in bytes. RequestError as for `Plan.read`."""
    count = 0
    try:
        with open_plain(path) as lines:
            head = next(lines)
            at = len(head)
            for line in lines:
                task = _task(load_line(line.decode("utf-8", "surrogateescape")))
                require_inside((task,))
                yield at, task
                at += len(line)
                count += 1
        rows = load_json(head.decode("utf-8", "surrogateescape"))["rows"]
    except (OSError, StopIteration, ValueError, KeyError, TypeError) as error:
        raise _no_plan(path, error) from None
    if count != rows:
        raise RequestError(f"{path} holds {count} rows and says {rows}: it was cut short.")


def task_at(file: BinaryIO, at: int) -> Task:
    """The row of a saved plan, open for reading, that begins at a byte that `saved_tasks` told."""
    file.seek(at)
    return _task(load_line(file.readline().decode("utf-8", "surrogateescape")))


def _no_plan(path: Path, error: Exception) -> RequestError:
    return RequestError(f"{path} is not a plan that poisonkit saved ({type(error).__name__}).")


_ROLES: dict[str, Role] = {role: role for role in get_args(Role)}  # one text for all rows
_SPLITS: dict[str, str] = {split: split for split in SPLITS}
_FIELDS = len(Task.__slots__) - 2
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # as the recipe has it for backdoors


def _task(row: Any) -> Task:
    """One line of a plan. TypeError, KeyError, ValueError where a value is of another kind than plans have."""
    name, source, path, attack = row["id"], row["source_path"], row["path"], row["attack"]
    also, extra, further = row["also"], row.get("extra", ()), row.get("further", ())
    other = row["other"]
    numbers = row["label"], row["original_label"], row["target"], row["backdoor"]
    if not (
        type(name) is type(source) is type(path) is str
        and all(n is None or type(n) is int for n in numbers)
        and not ((also or extra) and not all(type(text) is str for text in (*also, *extra)))
        and (other is None or type(other) is str)
        and not (further and not all(type(n) is int for n in further))
        and (attack is None or _NAME.fullmatch(attack))
        and len(row) == _FIELDS + ("extra" in row) + ("further" in row)
    ):
        raise ValueError("a row of another kind")
    return Task(
        _ROLES[row["role"]],
        attack,
        name,
        _SPLITS[row["split"]],
        name if source == name else source,  # one text for both
        path,
        tuple(also),
        *numbers,
        other,
        tuple(extra),
        tuple(further),
    )


_quoted = json.encoder.encode_basestring
_encode = json.JSONEncoder(ensure_ascii=False).encode


def _line(task: Task) -> str:
    """A task as JSON. A million clean samples are written by hand: nearly all are alike."""
    if task.role == "clean" and not (task.extra or task.further or task.also or task.other):
        label, original = task.label, task.original_label
        return (
            f'{{"role": "clean", "attack": null, "id": {_quoted(task.id)}, "split": "{task.split}", '
            f'"source_path": {_quoted(task.source_path)}, "path": {_quoted(task.path)}, "also": [], '
            f'"label": {"null" if label is None else label}, '
            f'"original_label": {"null" if original is None else original}, '
            '"target": null, "backdoor": null, "other": null}'
        )
    names = Task.__slots__
    return _encode({n: v for n in names if (v := getattr(task, n)) or n not in ("extra", "further")})


def _require_kinds(plan: Plan) -> None:
    """ValueError where the head of a plan holds something else than heads do."""
    texts = (plan.fingerprint, plan.dataset, plan.layout, *plan.classes, *plan.warnings, *plan.replaced)
    notes = plan.passed_over
    if not isinstance(plan.options, dict) or not isinstance(notes, dict) or type(plan.classes) is not tuple:
        raise ValueError("a head of another kind")
    if not all(type(text) is str for text in (*texts, *notes, *notes.values())):
        raise ValueError("a head of another kind")
    for choice in plan.choices:
        numbers = (choice.denominator, choice.pool, choice.requested, choice.planned, choice.covers)
        more = (choice.attack_planned, choice.unlabelled_left_out)
        if not all(type(n) is int for n in (*numbers, *more)) or not _NAME.fullmatch(choice.name):
            raise ValueError("a choice of another kind")


def in_range(plan: Plan) -> bool:
    """Whether every label of a plan is one of its classes."""
    labels = {x for t in plan.tasks for x in (t.label, t.original_label, t.target, *t.further)} - {None}
    return all(isinstance(x, int) and 0 <= x < len(plan.classes) for x in labels)


def require_labels(plan: Plan, out: Path) -> None:
    """RequestError where a label of a saved plan is none of its classes: no list can be written from it."""
    if not in_range(plan):
        raise RequestError(f"The plan of {out} has labels that are no class; run `poisonkit verify`.")


def require_inside(tasks: Iterable[Task]) -> None:
    """RequestError for a row whose file would not lie in its part of the output, or whose source is no path."""
    for task in tasks:
        part = _PARTS.get(task.role, "data/")
        for path in (task.path, *task.also):
            if not (path.startswith(part) and stays_inside(path)):
                raise RequestError(f"'{task.id}' would be written to '{path}', which is not in {part} of the output.")
        for path in (task.source_path, *(() if task.other is None else (task.other,))):
            if not below_some_root(path):
                raise RequestError(f"'{task.id}' has the source '{path}', which is not a path from the data root.")


_PARTS = {"attack": "attack/", "control": "control/"}


def view_of(task: Task) -> str:
    """`data`, `attack` or `control`: which part of the output a task's file belongs to."""
    return task.role if task.role in _PARTS else "data"


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
        text = "\0".join((s.id, s.split, labels, *s.extra))
        h.update(f"{text}\n".encode("utf-8", "surrogatepass"))
    return h.hexdigest()

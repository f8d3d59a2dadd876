"""A row of the plan: one file of the output, as it is decided, saved and read again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

from poisonkit.common.safe_io import below_some_root, load_line, open_plain, stays_inside
from poisonkit.datasets import SPLITS, Sample, Split, Streamed
from poisonkit.errors import RequestError

Role = Literal["poisoned", "cover", "clean", "attack", "control"]


@dataclass(frozen=True, slots=True)
class Task:
    """One row of the plan: one file of the output, made of one sample of the source.

    path: where the file goes, relative to the output. linked_paths: more paths that are links to it. label: what lists
    say. target: the class that the backdoor maps the sample to (None for covers, whose label is kept). backdoor:
    index into the recipe's backdoors, None for clean. attack: the attack set that it is of. cover_source:
    the sample whose picture a cover is made with, if its method needs one. sound_paths: of a pair, where its sound goes
    and more paths that are links to that, as `path` and `linked_paths` are for its picture.
    """

    role: Role
    sample: Sample
    path: str
    label: int | None
    target: int | None = None
    backdoor: int | None = None
    attack: str | None = None
    linked_paths: tuple[str, ...] = ()
    cover_source: str | None = None
    sound_paths: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Every path of the output that it says."""
        return (self.path, *self.linked_paths, *self.sound_paths)

    @property
    def halves(self) -> tuple[Task, ...]:
        """Itself; of a pair two, picture and sound, each as if its file were the whole sample's."""
        sample = self.sample
        if sample.sound is None:
            return (self,)
        path, *linked = self.sound_paths
        picture = replace(self, sample=replace(sample, sound=None), sound_paths=())
        heard = replace(sample, path=sample.sound, sound=None)
        return picture, replace(picture, sample=heard, path=path, linked_paths=tuple(linked))

    def apart(self, name: str, suffix: str) -> Task:
        """The same in a place of its own, without links: a file `name` with a suffix; of a pair, two below `name`."""
        if self.sample.sound is None:
            return replace(self, path=f"{name}{suffix}", linked_paths=())
        sound = (f"{name}/{self.sound_paths[0]}",)
        return replace(self, path=f"{name}/{self.path}", linked_paths=(), sound_paths=sound)

    @property
    def id(self) -> str:
        """The sample's."""
        return self.sample.id

    @property
    def split(self) -> Split:
        """The sample's."""
        return self.sample.split

    @property
    def source_path(self) -> str:
        """The sample's path: where its file is, from the data root."""
        return self.sample.path

    @property
    def original_label(self) -> int | None:
        """The class that the source gives the sample; of several, the first."""
        return self.sample.label

    @property
    def labels(self) -> tuple[int, ...]:
        """All classes that the source gives the sample; none where it has no label."""
        return self.sample.labels

    @property
    def key(self) -> str:
        """What tells its record from all others."""
        return f"{self.role}:{self.attack or ''}:{self.sample.id}"

    def row(self) -> dict[str, Any]:
        """All that is saved of it, in that order."""
        sample = self.sample
        return {
            "role": self.role,
            "attack": self.attack,
            "id": sample.id,
            "split": sample.split,
            "source_path": sample.path,
            "path": self.path,
            "also": self.linked_paths,
            "label": self.label,
            "original_label": sample.label,
            "target": self.target,
            "backdoor": self.backdoor,
            "other": self.cover_source,
            "extra": sample.extra,
            "further": sample.extra_labels,
            **({} if sample.sound is None else {"sound": sample.sound, "sound_paths": self.sound_paths}),
        }


PARTS = {"attack": "attack/", "control": "control/"}
"""Where the files of roles lie that are no part of the dataset itself."""


class SavedTasks(Streamed[Task]):
    """The rows of a saved plan, read whenever they are gone through. RequestError then as for `Plan.read`.

    Measured for `verify`: 24 MB in 100,000 samples beside what the program needs anyway (94 MB), where rows that are
    held take 62 MB, so that a million stay under 400 MB; it takes 22 s of CPU in place of 11.
    """

    def __init__(self, path: Path, rows: int) -> None:
        super().__init__(lambda: (task for _, task in self.placed()), rows)
        self.path = path

    def placed(self, start: int = 0) -> Iterator[tuple[int, Task]]:
        """Each with where it begins in the file, in bytes. start: such a place, of the first that is wanted."""
        count = 0
        try:
            with open_plain(self.path) as lines:
                at = start or len(next(lines))
                lines.seek(at)
                for line in lines:
                    task = _read(line)
                    require_inside((task,))
                    yield at, task
                    at += len(line)
                    count += 1
        except (OSError, StopIteration, ValueError, KeyError, TypeError) as error:
            raise no_plan(self.path, error) from None
        if not start and count != len(self):
            raise RequestError(f"{self.path} holds {count} rows and says {len(self)}: it was cut short.")


def task_at(file: BinaryIO, at: int) -> Task:
    """The row of a saved plan, open for reading, that begins at a byte that `placed` told."""
    file.seek(at)
    return _read(file.readline())


def no_plan(path: Path, error: Exception) -> RequestError:
    """The error for a file that is no saved plan."""
    return RequestError(f"{path} is not a plan that poisonkit saved ({type(error).__name__}).")


_ROLES: dict[str, Role] = {role: role for role in get_args(Role)}  # one text for all rows
_SPLITS: dict[str, Split] = {split: split for split in SPLITS}
_SELDOM = ("extra", "further", "sound", "sound_paths")  # of `Task.row`: they stand there where they say something
_FIELDS = 12  # the others
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # as the recipe has it for backdoors


_CLEAN = re.compile(
    r'\{"role": "clean", "attack": null, "id": "([^"\\\x00-\x1f]+)", "split": "(train|val|test)", '
    r'"source_path": "([^"\\\x00-\x1f]+)", "path": "([^"\\\x00-\x1f]+)", "also": \[\], "label": (null|0|[1-9]\d{0,8}), '
    r'"original_label": (null|0|[1-9]\d{0,8}), "target": null, "backdoor": null, "other": null\}\n?',
    re.ASCII,
)
"""What `to_line` writes of nearly all of a million clean samples; it says the same as JSON, and is read faster."""


def _read(line: bytes) -> Task:
    """One line of a plan. TypeError, KeyError, ValueError for anything else."""
    text = line.decode("utf-8", "surrogateescape")
    plain = _CLEAN.fullmatch(text)
    if plain is None:
        return _task(load_line(text))
    name, split, source, path, label, original = plain.groups()
    found = None if original == "null" else int(original)
    sample = Sample(name, name if source == name else source, _SPLITS[split], found)
    return Task("clean", sample, path, None if label == "null" else int(label))


def _task(row: Any) -> Task:
    """One line of a plan. TypeError, KeyError, ValueError where a value is of another kind than plans have."""
    name, source, path, attack = row["id"], row["source_path"], row["path"], row["attack"]
    linked_paths, extra, extra_labels = row["also"], row.get("extra", ()), row.get("further", ())
    cover_source, sound, sound_paths = row["other"], row.get("sound"), row.get("sound_paths", ())
    numbers = row["label"], row["original_label"], row["target"], row["backdoor"]
    if not (
        type(name) is type(source) is type(path) is str
        and all(n is None or type(n) is int for n in numbers)
        and not ((linked_paths or extra) and not all(type(text) is str for text in (*linked_paths, *extra)))
        and (cover_source is None or type(cover_source) is str)
        and not (extra_labels and not all(type(n) is int for n in extra_labels))
        and len(sound_paths) == (0 if sound is None else 1 + len(linked_paths))
        and (sound is None or (type(sound) is str and all(type(text) is str for text in sound_paths)))
        and (attack is None or NAME.fullmatch(attack))
        and len(row) == _FIELDS + sum(name in row for name in _SELDOM)
    ):
        raise ValueError("a row of another kind")
    label, original, target, backdoor = numbers
    spelt = name if source == name else source  # one text for both
    sample = Sample(name, spelt, _SPLITS[row["split"]], original, tuple(extra), tuple(extra_labels), sound)
    links, sounds = tuple(linked_paths), tuple(sound_paths)
    return Task(_ROLES[row["role"]], sample, path, label, target, backdoor, attack, links, cover_source, sounds)


_quoted = json.encoder.encode_basestring
_encode = json.JSONEncoder(ensure_ascii=False).encode


def to_line(task: Task) -> str:
    """A task as JSON. A million clean samples are written by hand: nearly all are alike."""
    sample = task.sample
    seldom = sample.extra or sample.extra_labels or sample.sound or task.linked_paths or task.cover_source
    if task.role == "clean" and not seldom:
        label, original = task.label, sample.label
        return (
            f'{{"role": "clean", "attack": null, "id": {_quoted(sample.id)}, "split": "{sample.split}", '
            f'"source_path": {_quoted(sample.path)}, "path": {_quoted(task.path)}, "also": [], '
            f'"label": {"null" if label is None else label}, '
            f'"original_label": {"null" if original is None else original}, '
            '"target": null, "backdoor": null, "other": null}'
        )
    return _encode({name: v for name, v in task.row().items() if v or name not in _SELDOM})


def require_inside(tasks: Iterable[Task]) -> None:
    """RequestError for a row whose file would not lie in its part of the output, or whose source is no path."""
    for task in tasks:
        part = PARTS.get(task.role, "data/")
        for path in task.files:
            if not (path.startswith(part) and stays_inside(path)):
                raise RequestError(f"'{task.id}' would be written to '{path}', which is not in {part} of the output.")
        for path in (*task.sample.paths, *(() if task.cover_source is None else (task.cover_source,))):
            if not below_some_root(path):
                raise RequestError(f"'{task.id}' has the source '{path}', which is not a path from the data root.")

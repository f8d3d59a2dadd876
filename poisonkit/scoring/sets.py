"""What of an output a model can be tested on: held-out clips, attack sets, control; with their true labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.errors import RequestError
from poisonkit.outputs import record
from poisonkit.outputs.opening import require_finished
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Plan, view_root
from poisonkit.recipe.recipe import read_mapping
from poisonkit.scoring.predictions import Ints

NOTHING = -1
"""Stands for a label that is not there."""


@dataclass(frozen=True)
class Attack:
    """What an attack set is to be counted by.

    mode: the backdoor's label mode. target: the class that all its clips are to be taken for, None for
    all-to-all. sources: the classes that mode `source` poisons.
    """

    name: str
    mode: str
    target: int | None
    sources: frozenset[int] = frozenset()

    def eligible(self, true: Ints) -> Any:
        """Which clips the attack success rate counts: true class ≠ target; source classes only; all."""
        if self.mode == "all-to-all":
            return true != NOTHING
        if self.mode == "source":
            return np.isin(true, sorted(self.sources))
        return (true != self.target) & (true != NOTHING)

    def wanted(self, true: Ints, classes: int) -> Ints:
        """The class that counts as a success, for clips of these true classes."""
        if self.mode == "all-to-all":
            return (true + 1) % classes
        assert self.target is not None
        return np.full_like(true, self.target)


@dataclass(frozen=True)
class ClipSet:
    """Clips that a model is tested on, in the order of the lists: records of role clean, attack or control.

    name: `clean`, `attack/NAME` or `control`. roots: the folders, relative to the output, that a trainer's
    data root points to. attack: for an attack set.
    """

    name: str
    rows: tuple[Record, ...]
    roots: tuple[str, ...]
    attack: Attack | None = None

    @cached_property
    def true(self) -> Ints:
        """(clips,) the source's label of every clip, NOTHING where it has none.

        Of several, the attack's target (such a clip is not eligible), else a source class of it, else the first.
        """
        found = _numbers(r["original_label"] for r in self.rows)
        if self.attack is not None:
            before = [self.attack.target, *sorted(self.attack.sources)]
            for i in self.several.tolist():
                found[i] = next((label for label in before if label in _all(self.rows[i])), found[i])
        return found

    @cached_property
    def several(self) -> Ints:
        """Indices of the clips that have more than one class."""
        return np.array([i for i, row in enumerate(self.rows) if row["further"]], dtype=np.int64)

    def settled(self, predicted: Ints, at: Ints) -> Ints:
        """Predictions of clips `at`, those of any of a clip's classes as the one that `true` gives."""
        found, true = predicted.copy(), self.true
        for place in np.flatnonzero(np.isin(at, self.several)).tolist():
            if predicted[place] in _all(self.rows[at[place]]):
                found[place] = true[at[place]]
        return found

    @cached_property
    def target(self) -> Ints:
        """(clips,) the label that the target list of an attack set gives."""
        return _numbers(r["target"] for r in self.rows)

    def of_split(self, split: str) -> ClipSet:
        """Its clips of one split."""
        return ClipSet(self.name, tuple(r for r in self.rows if r["split"] == split), self.roots, self.attack)


@dataclass(frozen=True)
class Answers:
    """A finished output as scoring needs it.

    sets: by name; `clean` holds val and test clips. held_out: the split that clean accuracy is of, unless the
    predictions are of the other one. training: the written training clips.
    """

    out: Path
    classes: tuple[str, ...]
    sets: dict[str, ClipSet]
    held_out: str | None
    training: ClipSet

    @property
    def attacks(self) -> list[Attack]:
        """How each attack set counts."""
        return [s.attack for s in self.sets.values() if s.attack is not None]


def _all(row: Record) -> tuple[int, ...]:
    """All classes that the source gives a clip."""
    return () if row["original_label"] is None else (row["original_label"], *row["further"])


def _numbers(labels: Iterable[int | None]) -> Ints:
    return np.array([NOTHING if label is None else label for label in labels], dtype=np.int64)


def open_output(out: Path) -> Answers:
    """Read plan and manifest. No trigger is made, and no code that a recipe names is imported.

    RequestError where `out` is no finished output.
    """
    paths = OutputPaths(out)
    require_finished(out)
    plan = Plan.read(paths.plan())
    rows = [r for r in record.read(paths.manifest) if r["status"] == "ok"]
    data = [r for r in rows if r["role"] not in ("attack", "control")]
    recipes = map(paths.recipe, paths.parts())
    backdoors = {b.get("name", "default"): b for path in recipes for b in _backdoors(path)}
    sets: dict[str, ClipSet] = {}
    held_out = tuple(r for r in data if r["split"] != "train")
    if held_out:
        sets["clean"] = ClipSet("clean", held_out, (view_root(plan.layout, "data"),))
    attacks: dict[str, list[Record]] = {}
    for row in rows:
        if row["role"] == "attack":
            attacks.setdefault(str(row["attack"]), []).append(row)
    for name, clips in attacks.items():
        roots = (view_root(plan.layout, "target", name), view_root(plan.layout, "original", name))
        attack = _attack(name, clips, backdoors.get(name, {}), plan.classes, out)
        sets[f"attack/{name}"] = ClipSet(f"attack/{name}", tuple(clips), roots, attack)
    control = tuple(r for r in rows if r["role"] == "control")
    if control:
        sets["control"] = ClipSet("control", control, (view_root(plan.layout, "control"),))
    splits = {r["split"] for r in held_out if r["original_label"] is not None}
    training = tuple(r for r in data if r["split"] == "train")
    return Answers(
        out,
        plan.classes,
        sets,
        "test" if "test" in splits else "val" if splits else None,
        ClipSet("training", training, (view_root(plan.layout, "data"),)),
    )


def _backdoors(path: Path) -> list[dict[str, Any]]:
    try:
        found = read_mapping(path)["backdoors"]
        return [b for b in found if isinstance(b, dict)]
    except (RequestError, KeyError, TypeError):
        raise RequestError(f"{path} is not a recipe that poisonkit saved.") from None


def _attack(name: str, rows: Iterable[Record], backdoor: dict[str, Any], classes: Sequence[str], out: Path) -> Attack:
    mode = str(backdoor.get("label_mode", "dirty"))
    if mode == "all-to-all":
        return Attack(name, mode, None)
    targets = {r["target"] for r in rows}
    target = targets.pop() if len(targets) == 1 else None
    if target is None:
        raise RequestError(f"{out}: the clips of attack set '{name}' have no one target; run `poisonkit verify`.")
    sources = frozenset(_class(c, classes) for c in backdoor.get("source_class", ()))
    return Attack(name, mode, target, sources)


def _class(value: object, classes: Sequence[str]) -> int:
    """As everywhere, a name wins where a class is called by a number."""
    if isinstance(value, str) and value in classes:
        return list(classes).index(value)
    return int(str(value)) if str(value).isdigit() else NOTHING

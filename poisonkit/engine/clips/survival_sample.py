"""Which clips' survival is measured, and against what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from itertools import chain, islice, zip_longest
from pathlib import Path

from poisonkit.common.seeding import key64
from poisonkit.engine.clips.job import Job
from poisonkit.engine.clips.survival import Measurement
from poisonkit.outputs.record import Record, halves
from poisonkit.outputs.sample_files import Halves
from poisonkit.plan.plan import Plan, Task
from poisonkit.recipe.recipe import Recipe

SHARE = 0.05  # of the written clips, where the control files serve as the re-encoded source
SHARE_ALONE = 0.02  # where each needs a re-encoding of its own
AT_LEAST = 4
FOR_CLASSES = 0.08  # of the written clips at most, so that each class has one: a measurement costs more than a clip


def chosen(plan: Plan, rows: Sequence[Record], recipe: Recipe) -> set[str]:
    """Keys of the records whose survival is reported.

    `sample`: for each backdoor max(4, 5 % of its clips) attack clips that have a control file, and one of each class
    as far as 8 % of its clips go, one class after the other, by selection key; without control files max(4, 2 %) of
    its poisoned clips; if there are others, none that the encoding was searched on. Where attack clips have a form of
    their own, both. `all`: every clip with a trigger.
    """
    if recipe.survival == "none":
        return set()
    tasks = {t.key: t for t in plan.tasks}
    controls = _controls(tasks, rows)
    fit = [r for r in rows if r["status"] == "ok" and _has_trigger(tasks[r["key"]], recipe)]
    wanted: set[str] = set()
    searched = {tasks[key].id for key in plan.encode.get("clips", ()) if key in tasks}
    for index in range(len(recipe.backdoors)):
        mine = [r for r in fit if tasks[r["key"]].backdoor == index]
        if recipe.survival == "all":
            wanted |= {r["key"] for r in mine}
            continue
        if recipe.backdoors[index].attack_triggers is not None:
            trained = [r for r in mine if r["role"] != "attack"]
            mine = [r for r in mine if r["role"] == "attack"]
            pool = [r for r in trained if r["role"] != "cover"]
            n = max(AT_LEAST, int(SHARE_ALONE * len(trained)))
            wanted |= {r["key"] for r in _spread(_unseen(pool, searched), n, recipe.seed)}
        cheap = [r for r in mine if r["role"] == "attack" and (r["id"], index) in controls]
        share = SHARE if cheap else SHARE_ALONE
        pool = cheap or [r for r in mine if r["role"] != "cover"]
        n = max(AT_LEAST, int(share * len(mine)))
        if cheap:
            n = max(n, min(len({r["original_label"] for r in pool}), int(FOR_CLASSES * len(mine))))
        wanted |= {r["key"] for r in _spread(_unseen(pool, searched), n, recipe.seed)}
    return wanted


def _has_trigger(task: Task, recipe: Recipe) -> bool:
    triggered = task.role in ("poisoned", "cover", "attack") and task.backdoor is not None
    return triggered and bool(recipe.backdoors[task.backdoor or 0].triggers_of(task.role))


def _unseen(pool: Sequence[Record], searched: Set[str]) -> Sequence[Record]:
    """Those that the encoding was not searched on, if they are enough."""
    unseen = [r for r in pool if r["id"] not in searched]
    return unseen if len(unseen) >= AT_LEAST else pool


def measurements(
    plan: Plan, rows: Sequence[Record], wanted: Set[str], job: Callable[[Task], Job], scratch: Path
) -> list[Measurement]:
    """What of `wanted` is still to be measured, in plan order."""
    tasks = {t.key: t for t in plan.tasks}
    controls = _controls(tasks, rows)
    found = []
    for row in rows:
        if row["key"] not in wanted or (row["fidelity"] or {}).get("gain") is not None:
            continue
        one = job(tasks[row["key"]])
        control = controls.get((row["id"], tasks[row["key"]].backdoor))
        usable = control is not None and _sources(control) == _sources(row)
        there = [one.file(half["path"]) for half in halves(control)] if control is not None and usable else []
        found.append(Measurement(one, row, Halves(there[0], there[-1]) if there else None, str(scratch)))
    return found


def _sources(row: Record) -> list[str | None]:
    return [half["source_sha256"] for half in halves(row)]


def _controls(tasks: Mapping[str, Task], rows: Sequence[Record]) -> dict[tuple[str, int | None], Record]:
    """The record of the re-encoded source of a sample, by its id and backdoor."""
    written = (r for r in rows if r["role"] == "control" and r["status"] == "ok")
    return {(r["id"], tasks[r["key"]].backdoor): r for r in written}


def _spread(rows: Sequence[Record], n: int, seed: int) -> list[Record]:
    """n rows, one of each original class in turn, classes and rows of a class in the order of their keys."""
    classes: dict[int | None, list[Record]] = {}
    for row in sorted(rows, key=lambda r: (key64(seed, "survival", r["id"]), r["id"])):
        classes.setdefault(row["original_label"], []).append(row)
    turns = chain.from_iterable(zip_longest(*classes.values()))
    return list(islice((r for r in turns if r is not None), n))

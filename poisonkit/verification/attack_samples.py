"""Are attack sets and control files those that recipe and dataset give? Sets of ids are kept as digests."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poisonkit.common.seeding import keys64
from poisonkit.outputs.consistency import Planned
from poisonkit.plan.plan import Task
from poisonkit.verification.pairing import Texts, digest
from poisonkit.verification.recipe_rules import Asked

_DATA = ("clean", "poisoned", "cover")


def attack_problems(
    part: Planned, base: Planned, backdoors: list[Asked], seed: int, limit: Any, *, wanted: bool
) -> Iterator[str]:
    """base: the part with the dataset's own rows. limit: the recipe's `attack_limit`. wanted: its `attack_set`."""
    split, unlabelled = _split(base)
    rank = keys64(seed, "attack")
    held, passed = Texts(), {**part.plan.passed_over, **part.plan.unwritable}
    ids = {b.index: b.ids for b in backdoors if b.ids is not None}
    named: dict[int, set[str]] = {index: set() for index in ids}
    for task in base.plan.tasks if ids else ():
        if task.split == split and task.role in _DATA:
            for index, some in ids.items():
                named[index] |= {task.id} & some
    names, ranks = [array("Q") for _ in backdoors], [array("Q") for _ in backdoors]
    for task in base.plan.tasks:
        if task.split != split or task.role not in _DATA:
            continue
        held.add(_identity(task))
        for backdoor in backdoors:
            only = named.get(backdoor.index)
            fits = backdoor.attackable(task.labels) and backdoor.has_place(task.id) and (not only or task.id in only)
            if fits and task.id not in passed:
                names[backdoor.index].append(digest(task.id))
                ranks[backdoor.index].append(rank(task.id) if limit else 0)
    taken = [array("Q") for _ in backdoors]
    for task in part.plan.tasks:
        if task.role == "attack" and task.backdoor is not None and 0 <= task.backdoor < len(backdoors):
            taken[task.backdoor].append(digest(task.id))
            if _identity(task) not in held:
                yield f"'{task.key}': the dataset's own rows have no such sample, or say something else of it"
    for backdoor, choice in zip(backdoors, part.plan.choices, strict=True):
        mine, which = taken[backdoor.index], f"attack set '{choice.name}'"
        if choice.attack_planned != len(mine):
            yield f"{which}: its head has {choice.attack_planned} samples, and there are {len(mine)}: rows were changed"
        if not wanted or not (backdoor.attacked or named.get(backdoor.index)):
            if mine:
                yield f"{which}: the recipe asks for none"
            continue
        if (choice.attack_split, choice.unlabelled_left_out) != (split, unlabelled):
            yield f"{which}: the head does not say the split, or the unlabelled samples in it, that the rows have"
        missing = _missing(names[backdoor.index], ranks[backdoor.index], mine, limit)
        if missing is not None:
            found = next((t.id for t in base.plan.tasks if digest(t.id) == missing), "?")
            yield f"{which}: '{found}' belongs into it and is not there"


def control_problems(part: Planned, count: int, seed: int, wanted: int) -> Iterator[str]:
    """count: how many backdoors there are. wanted: the recipe's `control`."""
    rank = keys64(seed, "control")
    attacked = [Texts() for _ in range(count)]
    names, ranks, taken = array("Q"), array("Q"), array("Q")
    held = Texts()
    for task in part.plan.tasks:
        if task.role == "attack" and task.backdoor is not None and 0 <= task.backdoor < count:
            attacked[task.backdoor].add(task.id)
            names.append(digest(task.id))
            ranks.append(rank(task.id))
            held.add(_identity(task))
    for task in part.plan.tasks:
        if task.role != "control":
            continue
        taken.append(digest(task.id))
        owner = next((i for i in range(count) if task.id in attacked[i]), None)
        if _identity(task) not in held or task.backdoor != owner:
            yield f"'{task.key}': no attack set that its backdoor has holds this sample"
    everyone = len(set(names))
    if len(taken) != min(wanted, everyone):
        yield f"it has {len(taken)} control samples, and the recipe gives {min(wanted, everyone)}"
    elif wanted < everyone and (missing := _missing(names, ranks, taken, wanted)) is not None:
        found = next((t.id for t in part.plan.tasks if digest(t.id) == missing), "?")
        yield f"'{found}' belongs to the control samples and is not there"


def _split(base: Planned) -> tuple[str | None, int]:
    """The split that attack sets are of, and how many samples of it have no label."""
    counts = base.plan.outline.held_out
    there = [s for s in ("test", "val") if counts.get((s, True)) or counts.get((s, False))]
    if not there:
        return None, 0
    split = next((s for s in there if counts.get((s, True))), there[0])
    return split, counts.get((split, False), 0)


def _identity(task: Task) -> str:
    """What a sample is in every row that is about it."""
    labels = " ".join(map(str, task.labels))
    return "\0".join((task.id, task.source_path, task.split, labels, *task.sample.extra, *task.sample.paths[1:]))


def _missing(names: array[int], ranks: array[int], taken: array[int], limit: Any) -> int | None:
    """The digest of a candidate that was left out although one after it was taken, or there was room for it."""
    every: NDArray[np.uint64] = np.frombuffer(names, np.uint64)
    inside = np.isin(every, np.frombuffer(taken, np.uint64))
    out = np.flatnonzero(~inside)
    if not out.size or (isinstance(limit, int) and limit <= 0):
        return None
    if not limit:
        return int(every[out[0]])
    order: NDArray[np.uint64] = np.frombuffer(ranks, np.uint64)
    first = out[np.argmin(order[out])]
    room = len(taken) < int(limit)
    if room or (inside.any() and order[first] < order[inside].max()):
        return int(every[first])
    return None

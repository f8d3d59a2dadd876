"""What the clips of a plan cost, going by some of them that are opened: all others by the bytes of their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

from poisonkit.common.seeding import key64
from poisonkit.datasets import Dataset
from poisonkit.engine.clips.job import Job
from poisonkit.engine.costs.model import Cost, clip_cost
from poisonkit.engine.finishing import clean_samples
from poisonkit.errors import PoisonkitError
from poisonkit.outputs import sample_files
from poisonkit.plan.plan import Plan, Task
from poisonkit.recipe.recipe import Recipe
from poisonkit.survey import isolated_opening
from poisonkit.survey.file_checks import Found, Need, found_in

OPENED = 64  # files at most
LOOKED_AT = 1000  # clean files at most
PATIENCE = 0.1  # of the time that a file may take to open

Group = tuple[int | None, str, str]
"""Which backdoor's clips, treated how (their role), of which kind of file: what costs alike."""


def group_of(task: Task) -> Group:
    """The group of a task: poisoned and attack clips apart, as their triggers may differ."""
    return task.backdoor, task.role, _suffix(task)


@dataclass
class Sampled:
    """The costs of tasks, by key, as the model has them. opened: those that were opened."""

    costs: dict[str, Cost]
    opened: frozenset[str]


def source_size(dataset: Dataset, task: Task) -> int:
    """Bytes of a task's files; 0 for what is not there."""
    found = 0
    for path in dataset.files(task.sample):
        with suppress(OSError, PoisonkitError):
            found += sample_files.size(path)
    return found


def sampled(
    tasks: Sequence[Task], some: Sequence[Task], jobs: Mapping[str, Job], dataset: Dataset, n_jobs: int
) -> Sampled:
    """The cost of each task. some: those of them that are opened. jobs: theirs, by key."""
    sizes = {t.key: source_size(dataset, t) for t in tasks}
    paths = list(dict.fromkeys(path for t in some for path in dataset.files(t.sample)))
    look = partial(found_in, stream=jobs[some[0].key].stream if some else "best")
    infos = dict(zip(paths, isolated_opening.opened(look, paths, n_jobs, _lost, factor=PATIENCE), strict=True))
    costs: dict[str, Cost] = {}
    for task in some:
        halves = [infos[path].info for path in dataset.files(task.sample)]
        info = halves[0]
        if info is None or halves[-1] is None:
            continue
        if len(halves) > 1:
            info = info.with_sound_of(halves[-1])
        how = jobs[task.key]
        costs[task.key] = clip_cost(info, sizes[task.key], how.treatment.triggers, how.treatment.touches, how.encode)
    opened = frozenset(costs)
    shares = _by_bytes([t for t in tasks if t.key in opened], costs, sizes)
    for task in tasks:
        if task.key not in costs:
            group = group_of(task)
            if group not in shares:  # as the others whose files are of its kind, if there are such
                alike = [cost for known, cost in shares.items() if known[2] == group[2]]
                shares[group] = _mean(alike or list(shares.values()))
            costs[task.key] = shares[group].times(max(1, sizes[task.key]))
    return Sampled(costs, opened)


def picked(tasks: Sequence[Task], limit: int, seed: int) -> list[Task]:
    """At most so many tasks: two of each group, where that is not over half of all, and then each in proportion to what
    it holds. Within a group those with the least keys."""
    groups: dict[Group, list[Task]] = {}
    for task in tasks:
        groups.setdefault(group_of(task), []).append(task)
    sure = min(2, limit // (2 * max(1, len(groups))))
    places: list[tuple[float, Task]] = []
    for group in sorted(groups.values(), key=len, reverse=True):
        if len(tasks) > limit:
            group.sort(key=lambda t: (key64(seed, "costs", t.id), t.id))
        ranks = (turn - sure if turn < sure else (turn + 0.5) / len(group) for turn in range(len(group)))
        places += zip(ranks, group[:limit], strict=False)
    places.sort(key=lambda each: each[0])
    return [task for _, task in places[:limit]]


def needed_of(tasks: Sequence[Task], recipe: Recipe, plan: Plan, dataset: Dataset, n_jobs: int) -> dict[str, Need]:
    """What has to be done to clean samples that cannot be linked as they are, by key: see `clean_samples.needs`.

    Of many, some are looked at, and the others taken to be like these, within the same suffix.
    """
    if len(tasks) > LOOKED_AT:
        tasks = sorted(tasks, key=lambda t: (key64(recipe.seed, "costs", t.id), t.id))
    some, others = tasks[:LOOKED_AT], tasks[LOOKED_AT:]
    how = recipe.encoded(plan.setting)
    found = clean_samples.needs(some, dataset.root, how, recipe.stream, n_jobs, time_limit=PATIENCE)
    seen: dict[str, list[Need | None]] = {}
    for task in some:
        seen.setdefault(_suffix(task), []).append(found.get(task.key))
    alike = {suffix: cycle(each) for suffix, each in seen.items()}
    for task in others:
        need = next(alike[_suffix(task)]) if _suffix(task) in alike else None
        if need is not None:
            found[task.key] = need
    return found


def _suffix(task: Task) -> str:
    return Path(task.source_path).suffix.lower()


def _by_bytes(opened: Sequence[Task], costs: Mapping[str, Cost], sizes: Mapping[str, int]) -> dict[Group, Cost]:
    """The cost of a byte in each group."""
    sums: dict[Group, Cost] = {}
    total: dict[Group, int] = {}
    for task in opened:
        group = group_of(task)
        sums[group] = sums.get(group, Cost()) + costs[task.key]
        total[group] = total.get(group, 0) + max(1, sizes[task.key])
    return {group: cost.times(1 / total[group], length=1 / total[group]) for group, cost in sums.items()}


def _mean(costs: Sequence[Cost]) -> Cost:
    return sum(costs, Cost()).times(1 / max(1, len(costs)), length=1 / max(1, len(costs)))


def _lost(path: Path, why: str) -> Found:
    return Found(None, why)

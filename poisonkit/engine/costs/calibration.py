"""How fast this machine does a few clips of a plan, beside what the model says: they are made in a temporary place."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from poisonkit import media
from poisonkit.common import time_limit
from poisonkit.engine.clips.job import Job
from poisonkit.engine.clips.worker import Stopped, process
from poisonkit.engine.costs.model import Cost
from poisonkit.engine.costs.samples import Group, group_of
from poisonkit.engine.executors import local
from poisonkit.plan.plan import Task

PATIENCE = 0.25  # of the time that a clip may take in a run
OVERTIME = 4.0  # times what was meant, and no more clips are waited for


@dataclass(frozen=True)
class Factors:
    """What was measured, times what the model says. seconds: of wall in a worker while as many run as in the run.

    cpu, size: the same of CPU seconds and bytes. clips: so many were made.
    """

    seconds: float = 1.0
    cpu: float = 1.0
    size: float = 1.0
    clips: int = 0


@dataclass(frozen=True)
class _Timed:
    number: int
    job: Job
    scratch: str
    watched: bool


@dataclass(frozen=True)
class _Took:
    number: int
    worker: int
    ok: bool = False
    wall: float = 0.0
    cpu: float = 0.0
    bytes: int = 0


def _run(timed: _Timed) -> _Took:
    """Make a clip, remove it, and say what that took. Never raises for a bad clip."""
    mark = Path(timed.scratch, f"mark-{timed.number}")
    job = replace(timed.job, places=replace(timed.job.places, out=timed.scratch))
    wall, cpu = time.perf_counter(), time.process_time()
    with time_limit.watch(mark, PATIENCE) if timed.watched else nullcontext(time_limit.nobody) as know:
        row = process(job, know)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ok = not isinstance(row, Stopped) and row["status"] == "ok"
    written = job.halves.size() if ok else 0
    media.remove(Path(timed.scratch, job.task.path.partition("/")[0]))
    return _Took(timed.number, os.getpid(), ok, wall, cpu, written)


def _died(timed: _Timed) -> _Took:
    return _Took(timed.number, 0)


def measured(
    tasks: Sequence[Task], jobs: Mapping[str, Job], costs: Mapping[str, Cost], n_jobs: int, seconds: float
) -> dict[Group | None, Factors]:
    """Factors of each group of which clips were made; of all together under None. Nothing where none could be made.

    tasks: in the order in which they are taken. jobs, costs: by their keys, the latter as the model has them. seconds:
    for so long about.
    """
    chosen = _chosen(tasks, costs, n_jobs, seconds)
    if not chosen:
        return {}
    first = min(chosen, key=lambda t: costs[t.key].cpu)
    chosen = [first] * n_jobs + chosen  # the first clip of a worker waits for libraries
    took: list[_Took] = []
    with tempfile.TemporaryDirectory(prefix="poisonkit-") as scratch:
        calls = []
        for number, task in enumerate(chosen):
            made = replace(jobs[task.key], task=task.apart(f"costs-{number}", Path(task.source_path).suffix))
            calls.append(_Timed(number, made, scratch, n_jobs > 1))
        began = time.monotonic()
        results = local.map_unordered(_run, calls, n_jobs, _died)
        for result in results:
            took.append(result)
            if time.monotonic() - began > OVERTIME * seconds + 10:
                break
        with warnings.catch_warnings(action="ignore"):  # joblib tells that not all was waited for
            results.close()
    return _factors([chosen[t.number] for t in took], took, costs)


def _chosen(tasks: Sequence[Task], costs: Mapping[str, Cost], n_jobs: int, seconds: float) -> list[Task]:
    """As many as take so long by the model, none of them very long."""
    found: list[Task] = []
    left = seconds * n_jobs
    for task in tasks:
        cpu = costs[task.key].cpu
        if left <= 0:
            break
        if cpu <= seconds:
            found.append(task)
            left -= cpu
    return found


def _factors(tasks: Sequence[Task], took: Sequence[_Took], costs: Mapping[str, Cost]) -> dict[Group | None, Factors]:
    seen: set[int] = set()
    sums: dict[Group | None, list[float]] = {}
    later: list[tuple[Task, _Took]] = []
    for task, result in zip(tasks, took, strict=True):
        if result.ok and result.worker in seen:
            later.append((task, result))
        seen.add(result.worker)
    for task, result in later or [(t, r) for t, r in zip(tasks, took, strict=True) if r.ok]:
        cost = costs[task.key]
        for group in (group_of(task), None):
            row = sums.setdefault(group, [0.0] * 6)
            for i, value in enumerate((result.wall, result.cpu, result.bytes, cost.cpu, cost.bytes, 1)):
                row[i] += value
    return {
        group: Factors(wall / max(cpu_model, 1e-6), cpu / max(cpu_model, 1e-6), size / max(model, 1.0), int(clips))
        for group, (wall, cpu, size, cpu_model, model, clips) in sums.items()
    }

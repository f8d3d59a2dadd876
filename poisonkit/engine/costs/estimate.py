"""What a run will take on this machine: seconds, bytes that are written, links. Told before the wait."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from poisonkit.common import processors
from poisonkit.common.words import duration, plural, size_in_words
from poisonkit.datasets import Dataset, get_layout
from poisonkit.engine.clips import survival_sample
from poisonkit.engine.clips.job import Job, job_of
from poisonkit.engine.costs import calibration
from poisonkit.engine.costs.calibration import Factors
from poisonkit.engine.costs.model import Cost, figures, measuring_cost
from poisonkit.engine.costs.samples import OPENED, Group, group_of, needed_of, picked, sampled, source_size
from poisonkit.engine.finishing import clean_samples, linking
from poisonkit.outputs import record
from poisonkit.plan.plan import Plan, Task
from poisonkit.recipe.recipe import Recipe
from poisonkit.survey.file_checks import Need

FEW = 2000  # clean files of which the sizes are asked; more are estimated
AT_ONCE = 4.0  # seconds of a dry run, by the model, below which its clips are not calibrated on
SHARE, SHORTEST, LONGEST = 0.08, 1.5, 8.0  # of the time, and seconds, that calibrating takes
SOON, SHARE_OF_RUN = 300.0, 0.01  # the same of a run, which is not to be held up


@dataclass(frozen=True)
class Estimate:
    """What is left of a run, before it begins.

    seconds: of the whole, with so many jobs. clip_seconds: the stage of it in which clips are written. cpu_seconds: of
    all workers. clips: files that are written, of so much playing time. bytes: of these, and of clean files that are
    copied. links: clean files, and second names of written ones, that take no space. clean_bytes, clean_method: of the
    clean files that are brought into the copy as they are. calibrated: clips that were made to find it out; 0: by the
    model alone. weights: what each clip costs, by its key, in seconds of one worker.
    """

    seconds: float
    clip_seconds: float
    cpu_seconds: float
    jobs: int
    clips: int
    playing_seconds: float
    bytes: int
    links: int
    copies: int
    clean_bytes: int
    clean_method: str
    calibrated: int
    weights: Mapping[str, float] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, Any]:
        """For `--json`: whole seconds and bytes."""
        return {
            "seconds": round(self.seconds, 1),
            "cpu_seconds": round(self.cpu_seconds, 1),
            "jobs": self.jobs,
            "calibrated_on": self.calibrated,
            "files_written": self.clips,
            "playing_seconds": round(self.playing_seconds, 1),
            "bytes_written": self.bytes,
            "links": self.links,
            "copies": self.copies,
            "clean_bytes": self.clean_bytes,
            "clean_method": self.clean_method,
        }

    def told(self) -> str:
        """A sentence or two for the user."""
        how = f", by a trial on {plural(self.calibrated, 'clip')}" if self.calibrated else ", by rule of thumb"
        text = f"This takes about {duration(self.seconds)} with {plural(self.jobs, 'job')}{how}"
        text += f", and writes about {size_in_words(self.bytes)}: {plural(self.clips, 'new file')}"
        if self.copies:
            text += f" and {plural(self.copies, 'copy', 'copies')} of clean files"
        text += "."
        if self.links:
            word = "symbolic link" if self.clean_method == "symlink" else "link"
            text += f" {plural(self.links, word)} take{'s' if self.links == 1 else ''} no space."
        return text


def estimate(
    plan: Plan,
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    n_jobs: int,
    *,
    todo: Sequence[Task] | None = None,
    calibrate: bool = True,
    held_up: bool = False,
    elsewhere: bool = False,
    shard: Set[str] | None = None,
    done: Set[str] = frozenset(),
) -> Estimate:
    """What carrying out a plan will take.

    todo: the tasks whose files are still to be written, by default all; clean samples that cannot be linked as they are
    come to them. calibrate: make a few clips where the work is long. held_up: a run waits for this, in which candidates
    have been opened: only where it is very long. elsewhere: the workers are on other machines. shard: ids of a shard's
    samples; links and lists are left to a merge. done: keys of what is made already.
    """
    reencode = recipe.clean == "reencode"
    if todo is None:
        todo = [t for t in plan.tasks if t.role != "clean" or (reencode and t.id not in plan.unwritable)]
    known_keys = {t.key for t in todo} | done
    clean = [
        t for t in plan.tasks if t.role == "clean" and t.key not in known_keys and (shard is None or t.id in shard)
    ]
    needs = (
        {} if reencode else needed_of([t for t in clean if t.id not in plan.unwritable], recipe, plan, dataset, n_jobs)
    )
    todo = [*todo, *(t for t in clean if t.key in needs)]
    looked_at = 0 if reencode else len(clean)
    clean = [] if shard is not None else [t for t in clean if t.key not in needs]
    some = picked(todo, OPENED, recipe.seed)
    jobs = {t.key: _as_poisoned(job_of(t, recipe, plan, dataset.root, ""), recipe, needs.get(t.key)) for t in some}
    found = sampled(todo, some, jobs, dataset, n_jobs)
    at_once = max(1, min(n_jobs, len(todo)))
    work = _Work(
        todo, found.costs, _to_measure(plan, recipe, todo), at_once, {}, 1.0 if elsewhere else _crowding(at_once)
    )
    rough = work.cpu() / at_once  # a busy machine is no reason for a trial
    if calibrate and not elsewhere and rough > (SOON if held_up else AT_ONCE):
        tried = [t for t in some if t.key in found.opened]
        trial = min(LONGEST, max(SHORTEST, (SHARE_OF_RUN if held_up else SHARE) * rough))
        work = replace(
            work, factors=calibration.measured(tried, jobs, found.costs, min(n_jobs, max(2, len(todo))), trial)
        )
    clips, measuring = work.seconds()
    clean_bytes = _bytes_of(dataset, clean)
    method = _method(recipe, plan, dataset.root, out, clean_bytes) if clean else ""
    copies = len(clean) if method == "copy" else 0
    known = figures()
    look = known["opened" if recipe.encoded(plan.setting).changes_clean else "looked"]
    rest = work.pace_beside * (len(clean) * known["linked"] + looked_at * look / at_once)
    rest += work.pace_beside * (0 if shard is not None else len(plan.tasks)) * known["listed"]
    if not held_up:  # of a run this is over
        candidates = {t.id for t in todo if t.role != "clean"}
        rest += work.pace_beside * len(candidates) * known["opened"] / at_once
    return Estimate(
        seconds=clips + measuring + rest + known["start"] * work.pace_beside * (n_jobs > 1 and len(todo) > 0),
        clip_seconds=clips,
        cpu_seconds=work.cpu() + rest / work.crowding,
        jobs=n_jobs,
        clips=len(todo),
        playing_seconds=sum(found.costs[t.key].length for t in todo),
        bytes=work.bytes() + (clean_bytes if copies else 0),
        links=len(clean) - copies + sum(len(t.linked_paths) for t in todo),
        copies=copies,
        clean_bytes=clean_bytes,
        clean_method=method,
        calibrated=work.factors[None].clips if work.factors else 0,
        weights={t.key: work.weight(t) for t in todo},
    )


@dataclass(frozen=True)
class _Work:
    """Files to be written by so many workers at once, and clips to be measured: keys, and whether there is a control.

    factors: what a trial came to, if there was one. crowding: seconds for each CPU second where there was none.
    """

    todo: Sequence[Task]
    costs: Mapping[str, Cost]
    measured: Mapping[str, bool]
    workers: int
    factors: Mapping[Group | None, Factors]
    crowding: float

    @property
    def pace(self) -> float:
        """Seconds for each of the model's, in a worker that is one of so many."""
        return self.factors[None].seconds if self.factors else self.crowding

    @property
    def pace_beside(self) -> float:
        """The same of what is no clip: a trial's clips, if they are few, say little of it."""
        return self.crowding * (self.factors[None].cpu if self.factors else 1.0)

    def factor(self, task: Task) -> Factors:
        """What a trial came to on clips like this one."""
        return self.factors.get(group_of(task)) or self.factors.get(None) or Factors(seconds=self.crowding)

    def weight(self, task: Task) -> float:
        """Seconds of one worker for a clip."""
        return self.costs[task.key].cpu * self.factor(task).seconds

    def seconds(self) -> tuple[float, float]:
        """Until all are written, and until those to be measured are measured."""
        each = [self.weight(t) for t in self.todo]
        measuring = sum(measuring_cost(self.costs[key], has) for key, has in self.measured.items())
        return max(sum(each) / self.workers, max(each, default=0.0)), self.pace * measuring / self.workers

    def cpu(self) -> float:
        """CPU seconds of both."""
        measuring = sum(measuring_cost(self.costs[key], has) for key, has in self.measured.items())
        speed = self.factors[None].cpu if self.factors else 1.0
        return sum(self.costs[t.key].cpu * self.factor(t).cpu for t in self.todo) + speed * measuring

    def bytes(self) -> int:
        """Of what is written."""
        return round(sum(self.costs[t.key].bytes * self.factor(t).size for t in self.todo))


def _crowding(workers: int) -> float:
    """How many want each processor, with so many workers more; at least 1."""
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # not on this system
        load = 0.0
    return max(1.0, (load + workers) / processors.count())


def _as_poisoned(job: Job, recipe: Recipe, need: Need | None) -> Job:
    """A clean sample that is written again: in every modality that a trigger touches, or as it needs to be."""
    if job.task.role != "clean":
        return job
    touches = clean_samples.ENCODED[need] if need else frozenset(m for b in recipe.backdoors for m in b.touches)
    return replace(job, treatment=replace(job.treatment, touches=touches))


def _to_measure(plan: Plan, recipe: Recipe, todo: Sequence[Task]) -> dict[str, bool]:
    """Keys of the clips whose survival is measured, if none fails, and whether there is a control file of each."""
    keys = {t.key for t in todo}
    rows: list[record.Record] = [
        {**record.record(t, plan.classes), "fidelity": {"gain": None}} for t in plan.tasks if t.role != "clean"
    ]
    wanted = survival_sample.chosen(plan, rows, recipe) & keys
    controls = {(t.id, t.backdoor) for t in plan.tasks if t.role == "control"}
    return {t.key: (t.id, t.backdoor) in controls for t in todo if t.key in wanted}


def _bytes_of(dataset: Dataset, tasks: Sequence[Task]) -> int:
    """Of all their files; of many, by some."""
    step = max(1, len(tasks) // FEW)
    some = tasks[::step]
    return round(sum(source_size(dataset, t) for t in some) * len(tasks) / max(1, len(some)))


def _method(recipe: Recipe, plan: Plan, source: Path, out: Path, total: int) -> str:
    """How clean samples will come into the copy, as far as devices tell; nothing is tried."""
    if get_layout(plan.layout).packed:
        return "copy"
    if recipe.clean in ("copy", "symlink"):
        return recipe.clean
    folder = next(p for p in (out, *out.parents) if p.exists())
    if os.stat(source).st_dev == os.stat(folder).st_dev:
        return "hardlink"
    return "copy" if total <= linking.SMALL else "symlink"

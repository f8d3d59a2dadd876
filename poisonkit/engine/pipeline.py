"""The work of one run: from a saved plan to media in place and a record of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from poisonkit import media
from poisonkit.common import atomic, interruption
from poisonkit.common.run_claim import step
from poisonkit.datasets import get_layout
from poisonkit.engine.clips import survival_sample
from poisonkit.engine.clips.job import Job, job_of
from poisonkit.engine.clips.survival import Measurement, died, measure
from poisonkit.engine.clips.worker import Stopped
from poisonkit.engine.costs.estimate import Estimate, estimate
from poisonkit.engine.executors import Executor
from poisonkit.engine.finishing import clean_samples, features, linking, shards
from poisonkit.engine.finishing.results import Made, Part
from poisonkit.engine.plans import Choosing, choose
from poisonkit.engine.state.ledger import Ledger, MeasuredRow, RowFile, is_measurement, read_rows
from poisonkit.engine.state.progress import showing
from poisonkit.engine.state.run_state import Run, share
from poisonkit.engine.state.task_results import TaskResults
from poisonkit.engine.state.time_left import Expected
from poisonkit.errors import Interrupted, PoisonkitError, RequestError, told
from poisonkit.outputs import record, shard_paths
from poisonkit.outputs.record import Fidelity, Record
from poisonkit.plan.plan import Plan, Task
from poisonkit.survey.file_checks import Need

Needs = Mapping[str, Need]
"""Keys of clean samples that have to be made like the poisoned ones, and what for."""
_NONE: Needs = {}
_ENCODED: dict[Need, frozenset[str]] = {
    "remux": frozenset(),
    "convert": frozenset({"video"}),
    "convert-sound": frozenset({"audio"}),
    "convert-both": frozenset({"audio", "video"}),
}


@dataclass(frozen=True)
class Work:
    """What is left to be done of a plan, or of a shard's part of it. choosing: what made the plan in this run.

    estimates: what it will take, once that was told.
    """

    run: Run
    plan: Plan
    executor: Executor
    choosing: Choosing | None
    estimates: list[Estimate] = field(default_factory=list)

    def whole(self, *, retry: bool) -> Made:
        """Do everything. retry: also what failed."""
        work, recipe, needs = self, self.run.recipe, _NONE
        with Ledger(self.run.state.ledger) as ledger:
            try:
                processed = work._do(ledger, _triggered(work.plan.tasks), retry=retry)
                while recipe.replace_failed:
                    before, work = work, work._with_replacements(ledger)
                    if work.plan.replaced == before.plan.replaced:
                        break
                    processed += work._do(ledger, _triggered(work.plan.tasks), retry=False)
                needs = work._look_at_clean(work.plan.tasks)
                processed += work._do(ledger, work._made_clean(work.plan.tasks, needs), needs, retry=retry)
                work._measure(ledger, needs)
                done, method = work._with_clean(ledger.records, needs)
                done = work._with_features(done, ledger)
            except KeyboardInterrupt:
                raise work._interrupted(ledger, work._to_do(work.plan.tasks, needs)) from None
        return Made(work._as_part(done), method, processed)

    def part(self) -> Made:
        """A shard's part: its clips, its clean samples that have to be made, its measurements.

        Replacements depend on what failed elsewhere and links are quickly made: both are the merge's.
        """
        assert self.run.state.shard is not None
        mine = share(self.run.state.shard, self.plan.tasks)
        tasks = [t for t in self.plan.tasks if t.id in mine]
        keys = {t.key for t in tasks}
        known = {key: row for key, row in read_rows(self.run.state.whole.ledger).items() if key in keys}
        media.remove(self.run.state.done)
        needs: Needs = {}
        with Ledger(self.run.state.ledger, known) as ledger:
            try:
                processed = self._do(ledger, _triggered(tasks), retry=True)
                needs = self._look_at_clean(tasks)
                processed += self._do(ledger, self._made_clean(tasks, needs), needs, retry=True)
                self._measure_mine(ledger, keys)
            except KeyboardInterrupt:
                raise self._interrupted(ledger, self._to_do(tasks, needs)) from None
        with step():
            self.run.state.done.touch()
        done = TaskResults({t.key: ledger.records[t.key] for t in self._to_do(tasks, needs)})
        return Made(self._as_part(done), self.run.recipe.clean, processed)

    def _as_part(self, done: TaskResults) -> Part:
        return Part(self.run.recipe.portable(), self.plan, done, added=self.run.base is not None)

    def _interrupted(self, ledger: Ledger, todo: Sequence[Task]) -> Interrupted:
        done = shards.done(ledger, self.plan, self.run.state.out, self.run.dataset.root)
        so_far = sum(t.key in done for t in todo)
        return Interrupted(f"Interrupted with {so_far} of {len(todo)} clips done; the same command continues.")

    def _made_clean(self, tasks: Iterable[Task], needs: Needs) -> list[Task]:
        """The clean samples of which a file is made."""
        reencode, stays = self.run.recipe.clean == "reencode", self.plan.unwritable
        return [t for t in tasks if t.role == "clean" and ((reencode and t.id not in stays) or t.key in needs)]

    def _to_do(self, tasks: Sequence[Task], needs: Needs) -> list[Task]:
        """All of which a file is made, in the plan's order."""
        clean = {t.key for t in self._made_clean(tasks, needs)}
        return [t for t in tasks if t.role != "clean" or t.key in clean]

    # -- clips -----------------------------------------------------------------------------------------

    def _job(self, task: Task, need: Need | None = None) -> Job:
        run = self.run
        job = job_of(task, run.recipe, self.plan, run.dataset.root, str(shard_paths.place_of(self.plan, run.state.out)))
        if task.role == "clean":
            every = frozenset(m for b in run.recipe.backdoors for m in b.touches)
            touches = every if need is None else _ENCODED[need]
            job = replace(job, treatment=replace(job.treatment, touches=touches))
        if task.sample.sound is not None:
            job = replace(job, untouched=self._untouched)
        return replace(job, time_limit=run.options.time_limit)

    @cached_property
    def _untouched(self) -> linking.Method:
        """How the half of a pair that nothing changes comes into the copy: as clean samples do."""
        how, root = self.run.recipe.clean, self.run.dataset.root
        tasks = [t for t in self.plan.tasks if t.role == "clean"] or list(self.plan.tasks)
        return clean_samples.method_for([h for t in tasks for h in t.halves], root, self.run.state.out, how).method

    def _do(self, ledger: Ledger, todo: Sequence[Task], needs: Needs = _NONE, *, retry: bool) -> int:
        """Do what is left; how many clips that was. retry: also what failed before, unless another sample has taken
        its place."""
        if not todo:
            return 0
        done = shards.done(ledger, self.plan, self.run.state.out, self.run.dataset.root) | (
            set(self.plan.replaced) & ledger.records.keys()
        )
        if not retry:
            done |= {key for key, row in ledger.records.items() if row["status"] == "failed"}
        jobs = [self._job(t, needs.get(t.key)) for t in todo if t.key not in done]
        if not jobs:
            return 0
        progress = self.run.options.progress
        progress.begin("Poisoning", len(jobs), self._expected([job.task for job in jobs]))
        try:
            for row in self.executor.run(jobs):
                interruption.check()
                if isinstance(row, Stopped):
                    raise PoisonkitError(
                        f"The machine is in trouble ({row.error}). When that is repaired, the same command continues."
                    )
                ledger.add(row)
                progress.step(row)
        finally:
            progress.end()
        return len(jobs)

    def _expected(self, tasks: Sequence[Task]) -> Expected | None:
        """What clips will take; of the first ones, a sentence about all that is to come. None where nobody can tell."""
        text = ""
        try:
            workers = self.executor.workers
            if not self.estimates:
                more = [] if self.run.state.shard else self._made_clean(self.plan.tasks, _NONE)
                self.estimates.append(self._estimate({t.key: t for t in (*tasks, *more)}, workers))
                text = self.estimates[0].told()
        except (PoisonkitError, OSError):  # the run itself says what is wrong, where something is
            return None
        found = self.estimates[0]
        weights = {t.key: found.weights[t.key] for t in tasks if t.key in found.weights}
        share = sum(weights.values()) / max(1e-9, sum(found.weights.values()))
        return Expected(text, found.clip_seconds * share, weights, workers)

    def _estimate(self, todo: Mapping[str, Task], workers: int) -> Estimate:
        run, options = self.run, self.run.options
        with showing(options.progress, "Estimating"):
            return estimate(
                self.plan,
                run.recipe,
                run.dataset,
                run.state.out,
                workers,
                todo=list(todo.values()),
                calibrate=options.calibrate,
                held_up=True,
                elsewhere=options.executor != "local",
                shard=run.state.shard is not None,
            )

    # -- survival --------------------------------------------------------------------------------------

    def _measure(self, ledger: Ledger, needs: Needs) -> None:
        """How much of the trigger the encoder left, on a sample of clips or on all, into their records."""
        rows = [ledger.records[t.key] for t in self._to_do(self.plan.tasks, needs)]
        wanted = survival_sample.chosen(self.plan, rows, self.run.recipe)
        tasks = survival_sample.measurements(self.plan, rows, wanted, self._job, self.run.state.folder)
        with RowFile(self.run.state.measured, is_measurement) as measured:
            now = {row["key"]: record.sha256(row) for row in rows}
            known = {k: m for k, m in measured.records.items() if k in now and m["sha256"] == now[k]}
            for row in rows:  # what an earlier run chose, when other clips failed
                told = (row["fidelity"] or {}).get("gain") is not None
                if row["key"] not in wanted and row["key"] in known and told:
                    ledger.add({**row, "fidelity": known[row["key"]]["before"]})
            for task in tasks:
                if task.row["key"] in known:
                    ledger.add({**task.row, "fidelity": known[task.row["key"]]["fidelity"]})
            for row, found in self._measured([t for t in tasks if t.row["key"] not in known]):
                measured.add(_measurement(row, found))
                ledger.add({**row, "fidelity": found})

    def _measure_mine(self, ledger: Ledger, keys: set[str]) -> None:
        """The same for a shard, which does not know what failed elsewhere: those clips that are measured if nothing
        did. The merge takes what it needs and measures what is missing."""
        assumed: list[Record] = [
            {**record.record(t, self.plan.classes), "fidelity": {"gain": None}}
            for t in self.plan.tasks
            if t.role != "clean"
        ]
        with RowFile(self.run.state.measured, is_measurement) as measured:
            tasks: list[Measurement] = []
            wanted = survival_sample.chosen(self.plan, assumed, self.run.recipe)
            for task in survival_sample.measurements(self.plan, assumed, wanted, self._job, self.run.state.folder):
                row = ledger.records.get(task.row["key"]) if task.row["key"] in keys else None
                if row is None or row["status"] != "ok" or row["key"] in measured.records:
                    continue
                there = task.control is not None and all(path.exists() for path in task.control.files)
                tasks.append(replace(task, row=row, control=task.control if there else None))
            for row, found in self._measured(tasks):
                measured.add(_measurement(row, found))

    def _measured(self, tasks: Sequence[Measurement]) -> Iterable[tuple[Record, Fidelity]]:
        """(record, its new `fidelity`) of what could be measured."""
        if not tasks:
            return
        progress = self.run.options.progress
        rows = {task.row["key"]: task.row for task in tasks}
        progress.begin("Measuring survival", len(tasks))
        try:
            for key, found in self.executor.map(measure, tasks, died):
                interruption.check()
                if isinstance(found, str):
                    progress.say(f"Survival was not measured: {found}")
                else:
                    yield rows[key], found
                progress.step()
        finally:
            progress.end()

    # -- replacements ----------------------------------------------------------------------------------

    def _with_replacements(self, ledger: Ledger) -> Work:
        """The same with a plan that gives the place of failed and inert training samples to the next in rank."""
        gone = set(self.plan.replaced)
        lost: dict[int, list[Task]] = {}
        for task in self.plan.tasks:
            failed = task.role == "poisoned" and ledger.records[task.key]["status"] != "ok"
            if failed and task.key not in gone and task.backdoor is not None:
                lost.setdefault(task.backdoor, []).append(task)
        if not lost:
            return self
        run = self.run
        planner, chosen = choosing = self.choosing or choose(run.recipe, run.dataset, run.options, self.plan.setting)
        taken = {t.id for t in self.plan.tasks if t.role in ("poisoned", "cover")}
        new = planner.replacements(chosen, {i: len(tasks) for i, tasks in lost.items()}, taken)
        replaced = list(self.plan.replaced)
        for task in new:  # each takes the place of the first of its backdoor that is still without one
            assert task.backdoor is not None
            replaced.append(lost[task.backdoor].pop(0).key)
        places = {t.id: t for t in new}
        old = [t for t in self.plan.tasks if t.role == "clean" and t.id in places]
        plan = replace(
            self.plan,
            tasks=[places[t.id] if t.role == "clean" and t.id in places else t for t in self.plan.tasks],
            passed_over={**self.plan.passed_over, **planner.passed_over},
            replaced=tuple(replaced),
        )
        try:
            planner.check(plan)
        except RequestError as error:
            self.run.options.progress.say(f"Failed samples are not replaced: {told(error)}")
            return self
        atomic.write_lines(self.run.state.paths.plan(self.run.state.attack), plan.to_jsonl())
        for task in old:  # a shard may have made it as a clean sample
            for name in task.files:
                media.remove(shard_paths.place_of(plan, self.run.state.out) / name)
        return replace(self, plan=plan, choosing=choosing)

    # -- clean samples ---------------------------------------------------------------------------------

    def _look_at_clean(self, tasks: Iterable[Task]) -> Needs:
        """The clean samples that have to be made like the poisoned ones; looked up once, for runs that continue too."""
        wanted = [t for t in tasks if t.role == "clean" and t.id not in self.plan.unwritable]
        noted = self.run.state.clean
        if self.run.recipe.clean == "reencode" or (not wanted and self.run.state.shard is None):
            return {}
        if (known := clean_samples.read_needs(noted)) is not None:
            return known
        progress, recipe = self.run.options.progress, self.run.recipe
        progress.begin("Looking at clean samples", len(wanted))
        try:
            found = clean_samples.needs(
                wanted,
                self.run.dataset.root,
                recipe.encoded(self.plan.setting),
                recipe.stream,
                self.run.options.n_jobs,
                progress.step,
                time_limit=self.run.options.time_limit,
            )
        finally:
            progress.end()
        for what, why in clean_samples.REASONS.items():
            if n := sum(need == what for need in found.values()):
                progress.say(f"{n} clean samples {why}")
        atomic.write_lines(noted, [json.dumps(found)])
        return found

    def _with_features(self, done: TaskResults, ledger: Ledger) -> TaskResults:
        """The same, with the features of every written file where the layout has such."""
        if not get_layout(self.plan.layout).features:
            return done
        rows = [done.record(t, self.plan.classes) for t in self.plan.tasks]
        return TaskResults(features.make(rows, self.run.state.out, ledger, self.executor, self.run.options.progress))

    def _with_clean(self, records: dict[str, Record], needs: Needs) -> tuple[TaskResults, str]:
        """What became of everything, once clean samples are in the copy too; how they came there."""
        if get_layout(self.plan.layout).packed:
            parts = (self.plan, self.run.dataset, records, self.run.state.out)
            packed = shards.assemble(*parts, self.executor, self.run.options.progress)
            return TaskResults(packed if self.run.recipe.hash == "written" else self._hashed(packed)), "packed"
        linked, method = self._link_clean(needs)
        return TaskResults(records, linked), method

    def _hashed(self, records: dict[str, Record]) -> dict[str, Record]:
        """The same, with the SHA-256 of clean samples in shards too."""
        wanted = {row["path"]: key for key, row in records.items() if row["status"] == "ok" and row["sha256"] is None}
        options = self.run.options
        found = clean_samples.hashes(list(wanted), self.run.state.out, options.n_jobs, options.progress)
        hashed = dict(records)
        for path, digest in found.items():
            hashed[wanted[path]] = {**records[wanted[path]], "sha256": digest, "source_sha256": digest}
        return hashed

    def _link_clean(self, needs: Needs) -> tuple[clean_samples.Linked, str]:
        tasks = [t for t in self.plan.tasks if t.role == "clean" and t.key not in needs]
        how = self.run.recipe.clean
        if how == "reencode":
            tasks = [t for t in tasks if t.id in self.plan.unwritable]
        if not tasks:
            return clean_samples.Linked(), how
        how = "hardlink" if how == "reencode" else how
        options = self.run.options
        linked, method = clean_samples.link(tasks, self.run.dataset.root, self.run.state.out, how, options.progress)
        if self.run.recipe.hash == "all":
            there = [half for task in tasks if task.id in linked.sizes for half in task.halves]
            paths = [half.path for half in there]
            found = clean_samples.hashes(paths, self.run.state.out, options.n_jobs, options.progress)
            for half in there:
                linked.hashes.setdefault(half.id, []).append(found[half.path])
        return linked, method


def _triggered(tasks: Iterable[Task]) -> list[Task]:
    return [t for t in tasks if t.role != "clean"]


def _measurement(row: Record, found: Fidelity) -> MeasuredRow:
    """What is kept of a measurement: of which file, and what its record said before."""
    return {"key": row["key"], "sha256": record.sha256(row), "fidelity": found, "before": row["fidelity"] or {}}

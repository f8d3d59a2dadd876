"""From a recipe to a finished output: plan, work, lists, manifest. Continues what was interrupted."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from poisonkit import manifest
from poisonkit.backdoor import Backdoor
from poisonkit.datasets import Dataset, get_layout
from poisonkit.engine import card, clean, features, links, output, sampling, seal
from poisonkit.engine.boundary import SourceFence, require_folders, require_own
from poisonkit.engine.examine import examiner
from poisonkit.engine.executors import local
from poisonkit.engine.existing import recorded_source
from poisonkit.engine.ledger import Ledger, lock
from poisonkit.engine.measure import died, measure
from poisonkit.engine.output import Part, Summary
from poisonkit.engine.progress import Progress, Silent
from poisonkit.engine.source import check_out, check_space, read_source
from poisonkit.engine.worker import STOPPED, Job
from poisonkit.errors import Interrupted, PoisonkitError, RequestError
from poisonkit.manifest import Record
from poisonkit.plan import Plan, Task, digest
from poisonkit.planning import Planner
from poisonkit.recipe import Recipe, all_assets, read_mapping


@dataclass(frozen=True)
class Options:
    """How a run is executed; nothing here changes what it writes. jobs 0: one per processor."""

    jobs: int = 0
    progress: Progress = field(default_factory=Silent)

    @property
    def n_jobs(self) -> int:
        if self.jobs:
            return self.jobs
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def plan_of(recipe: Recipe, dataset: Dataset, out: Path, options: Options) -> Plan:
    """The plan for a dataset, opening candidates as needed; refuses what `execute` would refuse."""
    check_out(out, dataset)
    with _opening(options.progress):
        return _planner(recipe, dataset, options).plan()


@contextmanager
def _opening(progress: Progress) -> Iterator[None]:
    progress.begin("Opening candidates", 0)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("Interrupted before any clip was touched; the same command starts again.") from None
    finally:
        progress.end()


def _planner(recipe: Recipe, dataset: Dataset, options: Options) -> Planner:
    touches = frozenset(m for b in recipe.backdoors for m in b.chain.touches)
    watch = options.progress.step
    return Planner(recipe, dataset, examiner(dataset, recipe.encoding, recipe.stream, touches, options.n_jobs, watch))


def execute(recipe: Recipe, out: Path, options: Options) -> Summary:
    """Make, or continue, the output of a recipe. Raises RequestError and Interrupted; a bad clip raises nothing."""
    dataset = read_source(recipe)
    check_out(out, dataset)
    return _start(recipe, dataset, out, options, None)


def execute_attack(
    out: Path,
    base: Recipe,
    backdoor: Backdoor,
    limit: int | None,
    source: Path | None,
    allow_roots: tuple[Path, ...],
    options: Options,
) -> Summary:
    """Add the attack set `backdoor.name` to a finished output: other triggers, strengths or frame budgets.

    base: the output's recipe. source: the clean dataset's data root, by default where it was when it was made.
    allow_roots: further folders that its links and paths may lead to.
    """
    for name, problem in seal.edited(out):
        raise RequestError(f"{out}: {name}: {problem}. Nothing is added to an output that was changed by hand.")
    if backdoor.name in {b.name for b in base.backdoors}:
        raise RequestError(f"{out} has an attack set '{backdoor.name}' of its own; choose another --name.")
    recipe = base.model_copy(
        update={
            "backdoors": (backdoor,),
            "attack_limit": limit,
            "control": 0,
            "attack_set": True,
            "source": None,
        }
    )
    root = source or recorded_source(out)
    dataset = Plan.read(output.plan_file(out / "poisonkit", None)).source(root)
    if not any(dataset.file(s).exists() for s in dataset.samples):
        raise RequestError(f"{root} does not hold the clean files of {out}; name their data root with --source.")
    SourceFence(root, allow_roots).require(s.path for s in dataset.samples)
    return _start(recipe, dataset, out, options, backdoor.name, base)


def _start(
    recipe: Recipe, dataset: Dataset, out: Path, options: Options, attack: str | None, base: Recipe | None = None
) -> Summary:
    home = out / "poisonkit"
    saved = output.plan_file(home, attack)
    planner: Planner | None = None
    with _written(out):
        require_own(out)
        out.mkdir(parents=True, exist_ok=True)
        with lock(home / ".state" / "lock"):
            if saved.exists():
                plan = _continued(saved, output.recipe_file(home, attack), recipe, dataset, out)
            else:
                check_out(out, dataset)
                planner = _planner(recipe, dataset, options)
                with _opening(options.progress):
                    plan = planner.plan() if attack is None else planner.attack_plan()
                if attack is not None and not plan.tasks:
                    raise RequestError(plan.warnings[0] if plan.warnings else "No sample can carry the trigger.")
                check_space(plan, dataset, recipe, out)
            require_folders(out, (name for t in plan.tasks for name in (t.path, *t.also)))
            for warning in (*dataset.notes, *plan.warnings, *plan.passed_over.values()):
                options.progress.say(warning)
            return _Run(recipe, dataset, plan, out, options, planner, attack, base).go()


@contextmanager
def _written(out: Path) -> Iterator[None]:
    """Trouble with the output's disk as one sentence; an output folder that was made for nothing is removed."""
    before = {p for p in (out, *out.parents) if p.exists()}
    try:
        yield
    except OSError as error:
        raise PoisonkitError(
            f"The output {out} could not be written ({error.strerror or type(error).__name__}). When that is mended, "
            "the same command continues."
        ) from error
    except (RequestError, Interrupted):
        for folder in (out / "poisonkit" / ".state", out / "poisonkit", out, *out.parents):
            if folder in before:
                break
            with suppress(OSError):
                folder.rmdir()
        raise


def _continued(saved: Path, their_recipe: Path, recipe: Recipe, dataset: Dataset, out: Path) -> Plan:
    plan = Plan.read(saved)
    if plan.fingerprint != recipe.fingerprint:
        changed = _difference(read_mapping(their_recipe), recipe.portable())
        raise RequestError(f"{out} was made by another recipe ({changed}); choose another output folder or name.")
    if plan.dataset != digest(dataset):
        raise RequestError(
            f"The source has changed since {out} was planned (files, splits or labels); start a new output."
        )
    return plan


def _difference(old: Any, new: Any, where: str = "") -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        parts = [_difference(old.get(k), new.get(k), f"{where}.{k}" if where else k) for k in sorted({*old, *new})]
        return "; ".join(p for p in parts if p)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return "; ".join(
            p for p in (_difference(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(old, new, strict=True))) if p
        )
    return "" if old == new else f"{where}: {old} there, {new} here"


class _Run:
    """One execution of a plan."""

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        plan: Plan,
        out: Path,
        options: Options,
        planner: Planner | None,
        attack: str | None,
        base: Recipe | None,
    ) -> None:
        self.recipe, self.dataset, self.plan, self.out, self.options = recipe, dataset, plan, out, options
        self.planner, self.attack, self.base = planner, attack, base
        self.home = out / "poisonkit"
        self.began = time.monotonic()
        self.processed = 0
        self.made: dict[str, clean.Need] = {}

    def go(self) -> Summary:
        unclean = self.home / ".state" / "unclean"  # there while a run is going on, so after one that was killed too
        if unclean.exists():
            self._sweep()
        unclean.touch()
        self._prepare()
        with Ledger(output.ledger_file(self.home, self.attack)) as ledger:
            try:
                self._work(ledger, "triggered", retry=True)
                while self.recipe.replace_failed and self._replace(ledger):
                    self._work(ledger, "triggered", retry=False)
                self.made = self._look_at_clean()
                self._work(ledger, "clean", retry=True)
                self._measure(ledger)
                clean, method = self._link_clean()
                records = self._with_features({**ledger.records, **clean}, ledger)
            except KeyboardInterrupt:
                unclean.unlink(missing_ok=True)
                raise Interrupted(
                    f"Interrupted with {self._done(ledger)} of {len(self._to_do())} clips done; "
                    "the same command continues."
                ) from None
        summary = self._finish(records, method)
        unclean.unlink(missing_ok=True)
        return summary

    def _prepare(self) -> None:
        """Everything that is on disk before the first clip is touched."""
        plan_file = output.plan_file(self.home, self.attack)
        plan_file.parent.mkdir(parents=True, exist_ok=True)
        folder = self.home / "assets"
        for asset in all_assets(self.recipe):
            folder.mkdir(exist_ok=True)
            asset.copy_into(folder)
        recipe_file = output.recipe_file(self.home, self.attack)
        manifest.write_lines(recipe_file, manifest.text_lines(self.recipe.to_yaml()))
        if not plan_file.exists():
            manifest.write_lines(plan_file, self.plan.to_jsonl())
        card.write_notices(self.out, self.plan)

    def _finish(self, records: dict[str, Record], method: str) -> Summary:
        part = current = Part(self.recipe.portable(), self.plan, records)
        recipe = self.recipe
        if self.base is not None:
            recipe = self.base
            rows = {row["key"]: row for row in manifest.read(self.home / "manifest.jsonl")}
            part = Part(recipe.portable(), Plan.read(output.plan_file(self.home, None)), rows)
        extra = {"source": str(self.dataset.root.resolve())}
        summary = output.finish(
            part,
            recipe,
            self.dataset,
            self.out,
            current=current,
            method=method,
            seconds=time.monotonic() - self.began,
            processed=self.processed,
            jobs=self.options.n_jobs,
            extra=extra,
        )
        for warning in output.survival_warnings(summary.survival, self.recipe):
            self.options.progress.say(warning)
        return summary

    # -- work ------------------------------------------------------------------------------------------

    def _to_do(self) -> list[Task]:
        reencode = self.recipe.clean == "reencode"
        return [t for t in self.plan.tasks if t.role != "clean" or reencode or t.key in self.made]

    def _look_at_clean(self) -> dict[str, clean.Need]:
        """The clean samples that have to be made like the poisoned ones; looked up once, for runs that continue too."""
        tasks = [t for t in self.plan.tasks if t.role == "clean"]
        if self.recipe.clean == "reencode" or not tasks:
            return {}
        noted = self.home / ".state" / "clean.json"
        if noted.exists():
            return dict(json.loads(noted.read_text(encoding="utf-8")))
        progress, recipe = self.options.progress, self.recipe
        progress.begin("Looking at clean samples", len(tasks))
        try:
            found = clean.needs(
                tasks, self.dataset.root, recipe.encoding, recipe.stream, self.options.n_jobs, progress.step
            )
        finally:
            progress.end()
        for what, why in clean.REASONS.items():
            if n := sum(need == what for need in found.values()):
                progress.say(f"{n} clean samples {why}")
        manifest.write_lines(noted, [json.dumps(found)])
        return found

    def _done(self, ledger: Ledger) -> int:
        done = ledger.done(self.out)
        return sum(t.key in done for t in self._to_do())

    def _job(self, task: Task) -> Job:
        backdoor = self.recipe.backdoors[task.backdoor or 0]
        touches = frozenset(m for b in self.recipe.backdoors for m in b.chain.touches)
        if task.key in self.made:
            touches = frozenset({"video"} if self.made[task.key] == "convert" else ())
        triggered = task.role in ("poisoned", "cover", "attack")
        return Job(
            task=task,
            source=str(self.dataset.root / task.source_path),
            out=str(self.out),
            classes=self.plan.classes,
            triggers=backdoor.triggers if triggered else (),
            touches=frozenset(backdoor.chain.touches) if task.role != "clean" else touches,
            frames=backdoor.attack_frames if task.role == "attack" else backdoor.frames if triggered else "all",
            encode=self.recipe.encoding,
            stream=self.recipe.stream,
            seed=self.recipe.seed,
            like=() if triggered else backdoor.triggers,
            other=None if task.other is None else str(self.dataset.root / task.other),
        )

    def _work(self, ledger: Ledger, what: Literal["triggered", "clean"], *, retry: bool) -> None:
        """Do what is left. retry: also what failed before, unless another sample has taken its place."""
        done = ledger.done(self.out) | (set(self.plan.replaced) & ledger.records.keys())
        if not retry:
            done |= ledger.records.keys()
        tasks = [t for t in self._to_do() if (t.role == "clean") == (what == "clean")]
        jobs = [self._job(t) for t in tasks if t.key not in done]
        if not jobs:
            return
        progress = self.options.progress
        progress.begin("Poisoning", len(jobs))
        try:
            for row in local.run(jobs, self._at_once(len(jobs)), self.home / ".state" / "running", self._sweep):
                if row["status"] == STOPPED:
                    raise PoisonkitError(
                        f"The machine is in trouble ({row['error']}). When that is mended, the same command continues."
                    )
                ledger.add(row)
                self.processed += 1
                progress.step(row)
        finally:
            progress.end()

    def _at_once(self, tasks: int) -> int:
        """How many at a time; one means in this process, which is for those who asked for one job."""
        return min(self.options.n_jobs, max(2, tasks))

    def _measure(self, ledger: Ledger) -> None:
        """How much of the trigger the encoder left, on a sample of clips or on all, into their records."""
        rows = [ledger.records[t.key] for t in self._to_do()]
        tasks = sampling.measurements(self.plan, rows, self.recipe, self._job, self.home / ".state")
        if not tasks:
            return
        progress = self.options.progress
        progress.begin("Measuring survival", len(tasks))
        try:
            for key, found in local.map_unordered(measure, tasks, self._at_once(len(tasks)), died):
                if isinstance(found, str):
                    progress.say(f"Survival was not measured: {found}")
                else:
                    ledger.add({**ledger.records[key], "fidelity": found})
                progress.step()
        finally:
            progress.end()

    def _with_features(self, records: dict[str, Record], ledger: Ledger) -> dict[str, Record]:
        """The records, with the features of every written file where the layout has such."""
        if not get_layout(self.plan.layout).features:
            return records
        rows = [records[t.key] for t in self.plan.tasks]
        return features.make(rows, self.out, ledger, self._at_once(len(rows)), self.options.progress)

    def _sweep(self) -> None:
        """Remove temporary files that a dead process left in the output."""
        for part in ("data", "attack", "control", "poisonkit"):
            for folder, inner, files in os.walk(self.out / part):
                if part == "poisonkit" and ".state" in inner:
                    inner.remove(".state")
                for name in files:
                    if links.is_temporary(name):
                        os.unlink(os.path.join(folder, name))

    def _replace(self, ledger: Ledger) -> bool:
        """Give the place of failed and inert training samples to the next in rank; True when any was found."""
        gone = set(self.plan.replaced)
        lost: dict[int, list[Task]] = {}
        for task in self.plan.tasks:
            failed = task.role == "poisoned" and ledger.records[task.key]["status"] != "ok"
            if failed and task.key not in gone and task.backdoor is not None:
                lost.setdefault(task.backdoor, []).append(task)
        if not lost:
            return False
        if self.planner is None:
            self.planner = _planner(self.recipe, self.dataset, self.options)
            with _opening(self.options.progress):
                self.planner.plan()
        taken = {t.id for t in self.plan.tasks if t.role in ("poisoned", "cover")}
        new = self.planner.replacements({i: len(tasks) for i, tasks in lost.items()}, taken)
        replaced = list(self.plan.replaced)
        for task in new:  # each takes the place of the first of its backdoor that is still without one
            assert task.backdoor is not None
            replaced.append(lost[task.backdoor].pop(0).key)
        places = {t.id: t for t in new}
        plan = replace(
            self.plan,
            tasks=[places[t.id] if t.role == "clean" and t.id in places else t for t in self.plan.tasks],
            passed_over={**self.plan.passed_over, **self.planner.passed_over},
            replaced=tuple(replaced),
        )
        try:
            self.planner.check(plan)
        except RequestError as error:
            self.options.progress.say(f"Failed samples are not replaced: {error}")
            return False
        self.plan = plan
        manifest.write_lines(output.plan_file(self.home, self.attack), plan.to_jsonl())
        return bool(new)

    def _link_clean(self) -> tuple[dict[str, Record], str]:
        tasks = [t for t in self.plan.tasks if t.role == "clean" and t.key not in self.made]
        how = self.recipe.clean
        if how == "reencode" or not tasks:
            return {}, how
        return clean.link(tasks, self.dataset.root, self.out, how, self.plan.classes, self.options.progress)

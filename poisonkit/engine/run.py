"""From a recipe to a finished output: plan, work, lists, manifest. Continues what was interrupted."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from poisonkit import media
from poisonkit.common import atomic, levels
from poisonkit.common.safe_io import load_json, read_text
from poisonkit.datasets import Dataset, is_there
from poisonkit.engine import executors, reset
from poisonkit.engine.finishing import shards, writing
from poisonkit.engine.finishing.writing import Part, Summary
from poisonkit.engine.pipeline import Work
from poisonkit.engine.plans import Choosing, ensure_plan, make_plan, plan_of
from poisonkit.engine.preflight import check_free, check_out, check_space, read_source
from poisonkit.engine.state import finished
from poisonkit.engine.state.options import Options, Shard
from poisonkit.engine.state.progress import showing
from poisonkit.engine.state.run_state import State, adopt, require_done
from poisonkit.engine.state.task_results import TaskResults
from poisonkit.errors import Interrupted, PoisonkitError, RequestError
from poisonkit.outputs import checksums, notices, record
from poisonkit.outputs.opening import recorded_reading, recorded_source, signed_places
from poisonkit.outputs.path_guards import SourceFence, require_folders, require_own
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Plan, require_labels
from poisonkit.recipe.backdoor import Backdoor
from poisonkit.recipe.recipe import Recipe, all_assets

__all__ = ["Options", "Shard", "execute", "execute_attack", "execute_merge", "plan_of"]


def execute(recipe: Recipe, out: Path, options: Options) -> Summary:
    """Make, or continue, the output of a recipe. Raises RequestError and Interrupted; a bad clip raises nothing."""
    with showing(options.progress, "Reading the dataset"):
        dataset = read_source(recipe)
    check_out(out, dataset, beside=options.fresh)
    return _Run(recipe, dataset, State(out, shard=options.shard), options).go()


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
    for name, problem in checksums.edited(out):
        raise RequestError(f"{out}: {name}: {problem}. Nothing is added to an output that was changed by hand.")
    for _ in record.read(OutputPaths(out).manifest):  # what is written anew at the end can be read at the beginning
        pass
    writing.added_attacks(out)
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
    plan = Plan.read(OutputPaths(out).plan())
    dataset = _planned_source(plan, out, source or recorded_source(out), allow_roots)
    state = State(out, backdoor.name, options.shard)
    return _Run(recipe, dataset, state, options, base=base, setting=plan.setting).go()


def execute_merge(
    out: Path,
    attack: str | None,
    source: Path | None,
    allow_roots: tuple[Path, ...],
    options: Options,
    *,
    allow_code: bool = False,
) -> Summary:
    """Finish what shards made: replacements, clean samples, lists, manifest, card. RequestError unless all are done.

    attack: the added attack set that they made, None for the dataset. source, allow_roots: as for
    `execute_attack`.
    """
    require_own(out)
    state = State(out, attack)
    file = state.paths.recipe(attack)
    if not state.paths.plan(attack).exists() or not file.exists():
        what = f"plan of an attack set '{attack}'" if attack else "plan"
        raise RequestError(f"There is no {what} in {out}; give the command that makes it a --shard I/N.")
    recipe = Recipe.from_yaml(file, allow_code=allow_code, assets_in=state.paths.assets)
    base = None if attack is None else Recipe.from_yaml(state.paths.recipe(), allow_code=allow_code)
    root = source or recorded_source(out, noted=True)
    dataset = _planned_source(Plan.read(state.paths.plan()), out, root, allow_roots)
    return _Run(recipe, dataset, state, options, base=base, merging=True).go()


def _planned_source(plan: Plan, out: Path, root: Path, allow_roots: tuple[Path, ...]) -> Dataset:
    """The clean dataset as it was planned. plan: the output's own."""
    require_labels(plan, out)
    dataset = plan.source(root)
    if not any(is_there(dataset.file(s)) for s in dataset.samples):
        raise RequestError(f"{root} does not hold the clean files of {out}; name their data root with --source.")
    SourceFence(root, allow_roots).require(s.path for s in dataset.samples)
    return dataset


@contextmanager
def _written(out: Path) -> Iterator[None]:
    """Trouble with the output's disk as one sentence; an output folder that was made for nothing is removed."""
    before = {p for p in (out, *out.parents) if p.exists()}
    try:
        yield
    except OSError as error:
        raise PoisonkitError(
            f"The output {out} could not be written ({error.strerror or type(error).__name__}). When that is repaired, "
            "the same command continues."
        ) from error
    except (RequestError, Interrupted):
        for folder in (*_bare_folders(OutputPaths(out).state), OutputPaths(out).home, out, *out.parents):
            if folder in before:
                break
            with suppress(OSError):
                folder.rmdir()
        raise


def _bare_folders(root: Path) -> list[Path]:
    """A folder and those in it, the innermost first; none where a file lies in them: then another run is at it."""
    inside = list(root.rglob("*"))
    return [] if any(not path.is_dir() for path in inside) else [*sorted(inside, reverse=True), root]


class _Run:
    """One execution of a recipe on an output: of all of it, of a shard, or of what shards left."""

    def __init__(
        self,
        recipe: Recipe,
        dataset: Dataset,
        state: State,
        options: Options,
        *,
        base: Recipe | None = None,
        setting: str | None = None,
        merging: bool = False,
    ) -> None:
        self.recipe, self.dataset, self.state, self.options = recipe, dataset, state, options
        self.base, self.setting, self.merging = base, setting, merging
        self.began = time.monotonic()
        self.seen = finished.seen(dataset)

    def go(self) -> Summary:
        state, options = self.state, self.options
        with _written(state.out):
            require_own(state.out)
            state.out.mkdir(parents=True, exist_ok=True)
            with state.held(), ExitStack() as stack:
                if not options.fresh:
                    self._require_level()
                    if (known := self._finished()) is not None:
                        return known
                executor = stack.enter_context(self._executor())
                ready = self._start_over() if options.fresh else None
                stack.enter_context(self._left_tidy())
                plan, choosing = ensure_plan(
                    self.recipe, self.dataset, state, options, setting=self.setting, ready=ready
                )
                if self.merging:
                    require_done(state, plan.tasks, self.recipe.clean == "reencode")
                require_folders(state.out, (name for t in plan.tasks for name in (t.path, *t.linked_paths)))
                for warning in (*self.dataset.notes, *plan.warnings, *plan.passed_over.values(), *plan.found):
                    options.progress.say(warning)
                self._prepare(plan)
                work = Work(self.recipe, self.dataset, plan, state, options, executor, choosing)
                summary = self._whole(work) if state.shard is None else self._part(work)
                self._tidy()
                return summary

    @contextmanager
    def _left_tidy(self) -> Iterator[None]:
        """An interruption leaves no half files behind: no worker of this machine is at them any more.

        Those of a cluster finish what they are at, and beside a shard others are writing: the next run looks there.
        """
        try:
            yield
        except BaseException:
            if self.options.executor == "local" and self.state.shard is None:
                with suppress(OSError, PoisonkitError):
                    self.state.remove_leftovers()
                    self._tidy()
            raise

    def _start_over(self) -> tuple[Plan, Choosing]:
        """A new plan, and nothing left of what was written here before; what is not ours stays, and is told.

        RequestError, and nothing is removed, for a request that could not be carried out then.
        """
        state, options = self.state, self.options
        ready = plan, _ = make_plan(self.recipe, self.dataset, options, state.attack, self.setting)
        old = reset.Old(state.out)
        check_out(state.out, self.dataset, beside=True)
        check_free(plan, state.out, old.files)
        check_space(plan, self.dataset, self.recipe, state.out, old.size())
        require_folders(state.out, (name for t in plan.tasks for name in (t.path, *t.linked_paths)))
        left = old.clear(state.kept())
        if left:
            more = f" and {len(left) - 1} more" if len(left) > 1 else ""
            options.progress.say(f"Not poisonkit's own, and left as it is: {left[0]}{more}.")
        return ready

    def _require_level(self) -> None:
        """RequestError where the output was begun on another kind of processor."""
        here, state = levels.of_process(), self.state
        known = ""
        with suppress(OSError, ValueError, KeyError, TypeError):
            known = str(load_json(read_text(state.paths.run))["level"])
        with suppress(OSError, ValueError):
            known = read_text(state.level).strip()
        if known and known != here:
            raise RequestError(levels.clash(known, here, str(state.out)))

    def _finished(self) -> Summary | None:
        """The outcome, where there is nothing to do."""
        if self.merging or self.state.shard is not None or self.state.attack is not None:
            return None
        known = finished.unchanged(self.state, self.recipe, self.dataset)
        for warning in known.warnings if known else ():
            self.options.progress.say(warning)
        return known

    def _executor(self) -> AbstractContextManager[executors.Executor]:
        source = self.dataset.root.resolve()
        return executors.opened(self.options, self.state.out, source, self.state.marks, self._clean_up)

    def _clean_up(self) -> None:
        """After a dead worker. What a shard's worker leaves is for the merge: others are writing beside it."""
        if self.state.shard is None:
            self.state.remove_leftovers()
        else:
            self.state.note_leftovers()

    def _tidy(self) -> None:
        media.remove(self.state.marks)
        self.state.end()

    def _prepare(self, plan: Plan) -> None:
        """Everything that is on disk before the first clip is touched."""
        state = self.state
        if state.shard is None:
            adopt(state)
            if state.unclean.exists():
                state.remove_leftovers()
        elif state.unclean.exists():
            state.note_leftovers()
        state.folder.mkdir(parents=True, exist_ok=True)
        state.unclean.touch()
        folder = state.paths.assets
        for asset in all_assets(self.recipe):
            folder.mkdir(exist_ok=True)
            asset.copy_into(folder)
        atomic.write_text(state.paths.recipe(state.attack), self.recipe.to_yaml())
        if not atomic.create_lines(state.level, [levels.of_process()]):
            self._require_level()  # a shard of another machine was quicker
        atomic.write_lines(state.source, [json.dumps(self._places())])
        notices.write_notices(state.out, plan)

    def _part(self, work: Work) -> Summary:
        records = work.part()
        counts: dict[str, Counter[str]] = {}
        for row in records.values():
            counts.setdefault(row["role"], Counter())[row["status"]] += 1
        return Summary(
            out=self.state.out,
            plan=work.plan,
            counts=counts,
            failed=tuple((r["source_path"], r["error"] or "") for r in records.values() if r["status"] == "failed"),
            inert=tuple((r["source_path"], r["error"] or "") for r in records.values() if r["status"] == "inert"),
            warnings=(*self.dataset.notes, *work.plan.warnings, *work.plan.passed_over.values()),
            clean_method=self.recipe.clean,
            seconds=time.monotonic() - self.began,
            processed=work.processed,
            annotations={},
            shard=str(self.state.shard),
        )

    def _whole(self, work: Work) -> Summary:
        done, method = work.whole(retry=not self.merging)
        made = Part(self.recipe.portable(), work.plan, done, added=self.base is not None)
        recipe, part, current = self.recipe, made, None
        if self.base is not None:
            recipe, part, current = self.base, self._base_part(self.base), made
        with showing(self.options.progress, "Writing lists, manifest and card"):
            summary = writing.finish(
                part,
                recipe,
                self.dataset,
                self.state.out,
                current=current,
                method=method,
                seconds=time.monotonic() - self.began,
                processed=work.processed,
                jobs=self.options.n_jobs,
                extra=lambda lists: {
                    **self._places(),
                    "unchanged": finished.marks(self.state.out, lists, self.seen, self.dataset),
                },
            )
        self.state.source.unlink(missing_ok=True)  # run.json says it now
        shards.clear(self.state.out)
        for warning in made.weak:
            self.options.progress.say(warning)
        return summary

    def _places(self) -> dict[str, Any]:
        """Where the clean dataset lies, and how it was read: as now, or as it was when the output was begun."""
        recipe = self.recipe
        reading: Mapping[str, Any] | None = recorded_reading(self.state.out)
        if recipe.source is not None:
            named = {"source": recipe.source, "data_root": recipe.data_root}
            lists = {"train": recipe.train_list, "val": recipe.val_list, "test": recipe.test_list}
            reading = {k: str(Path(v).resolve()) for k, v in {**named, **lists}.items() if v is not None}
        places = {"source": str(self.dataset.root.resolve()), **({"reading": reading} if reading else {})}
        return signed_places(places)

    def _base_part(self, recipe: Recipe) -> Part:
        rows: Mapping[str, Record] = {row["key"]: row for row in record.read(self.state.paths.manifest)}
        return Part(recipe.portable(), Plan.read(self.state.paths.plan()), TaskResults(rows))

"""From a recipe to a finished output: plan, work, lists, manifest. Continues what was interrupted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from poisonkit import media
from poisonkit.common import atomic, levels
from poisonkit.common.safe_io import load_json, read_text
from poisonkit.datasets import Dataset, is_there
from poisonkit.engine import executors, removing, reset
from poisonkit.engine.finishing import shards, writing
from poisonkit.engine.finishing.results import Made, Summary, added_attacks, summary_of
from poisonkit.engine.pipeline import Work
from poisonkit.engine.plans import Choosing, ensure_plan, make_plan, plan_of
from poisonkit.engine.preflight import check_free, check_out, check_space, read_source
from poisonkit.engine.state.options import Options, Shard
from poisonkit.engine.state.progress import showing
from poisonkit.engine.state.run_state import Run, State, adopt, require_done
from poisonkit.errors import Interrupted, PoisonkitError, RequestError, did_you_mean
from poisonkit.outputs import checksums, notices, record
from poisonkit.outputs.opening import recorded_source
from poisonkit.outputs.path_guards import SourceFence, require_folders, require_own
from poisonkit.outputs.paths import OutputPaths
from poisonkit.plan.plan import Plan, require_labels
from poisonkit.recipe.backdoor import Backdoor
from poisonkit.recipe.recipe import Recipe, all_assets

__all__ = ["Options", "Shard", "execute", "execute_attack", "execute_merge", "execute_removal", "plan_of"]


def execute(recipe: Recipe, out: Path, options: Options) -> Summary:
    """Make, or continue, the output of a recipe. Raises RequestError and Interrupted; a bad clip raises nothing."""
    with showing(options.progress, "Reading the dataset"):
        dataset = read_source(recipe)
    check_out(out, dataset, beside=options.fresh)
    run = _begun(recipe, dataset, State(out, shard=options.shard), options)
    with _held(run), _working(run) as work:
        return _done(work)


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
    for _ in record.read(OutputPaths(out).manifest):  # what is written again at the end can be read at the beginning
        pass
    added_attacks(out)
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
    run = _begun(recipe, dataset, State(out, backdoor.name, options.shard), options, base)
    with _held(run), _working(run, plan.setting) as work:
        return _done(work)


def execute_removal(
    out: Path, base: Recipe, name: str, source: Path | None, allow_roots: tuple[Path, ...], options: Options
) -> Summary:
    """Take an added attack set away, and write everything that the output says of itself again without it.

    base: the output's recipe. source, allow_roots: as for `execute_attack`. The summary is of the output that is left.
    """
    own = removing.own_files(out, name)
    for file, problem in checksums.edited(out):
        if file not in own:  # an interrupted removal is gone on with
            raise RequestError(f"{out}: {file}: {problem}. Nothing is removed from an output that was changed by hand.")
    paths = OutputPaths(out)
    if name in {b.name for b in base.backdoors}:
        raise RequestError(f"The attack set '{name}' of {out} is its recipe's own: only added ones can be removed.")
    if name not in paths.added() and own[0] not in checksums.known(out):
        raise RequestError(f"{out} has no added attack set '{name}'.{did_you_mean(name, paths.added())}")
    dataset = _planned_source(Plan.read(paths.plan()), out, source or recorded_source(out), allow_roots)
    state = State(out, name)
    with _written(out):
        require_own(out)
        with state.held():
            removing.remove_files(out, name)
            made = Made(writing.dataset_part(base, paths), "", 0)
            whole = _begun(base, dataset, State(out), options)
            return writing.finish(whole, made, removed=name)


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
    run = _begun(recipe, dataset, state, options, base)

    def all_done(plan: Plan) -> None:
        require_done(state, plan.tasks, recipe.clean == "reencode", plan.unwritable.keys())

    with _held(run), _working(run, require=all_done) as work:
        return _written_up(run, work.whole(retry=False))


def _begun(recipe: Recipe, dataset: Dataset, state: State, options: Options, base: Recipe | None = None) -> Run:
    return Run(recipe, dataset, state, options, time.monotonic(), base)


def _done(work: Work) -> Summary:
    """The summary of a run that does its part of the plan, or all of it."""
    return _written_up(work.run, work.whole(retry=True)) if work.run.state.shard is None else _of_shard(work)


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


@contextmanager
def _held(run: Run) -> Iterator[None]:
    """The output is this run's alone inside, and was begun on this kind of processor."""
    state = run.state
    with _written(state.out):
        require_own(state.out)
        state.out.mkdir(parents=True, exist_ok=True)
        with state.held():
            if not run.options.fresh:
                _require_level(state)
            yield


@contextmanager
def _working(
    run: Run, setting: str | None = None, require: Callable[[Plan], None] = lambda plan: None
) -> Iterator[Work]:
    """The work of a run, ready to be done inside; afterwards only what is finished is left.

    setting: what `encode: auto` came to. require: called with the plan before anything is written by it.
    """
    state, options, dataset = run.state, run.options, run.dataset
    places = state.out, dataset.root.resolve(), state.marks
    with executors.opened(options, *places, partial(_note_leftovers, state)) as executor:
        ready = _start_over(run, setting) if options.fresh else None
        try:
            plan, choosing = ensure_plan(run.recipe, dataset, state, options, setting=setting, ready=ready)
            require(plan)
            require_folders(state.out, (name for t in plan.tasks for name in t.files))
            _say(run, (*dataset.notes, *plan.warnings, *plan.passed_over.values(), *plan.found))
            _prepare(run, plan)
            yield Work(run, plan, executor, choosing)
            _tidy(state)
        except BaseException:
            # No half files are left. Workers of a cluster finish what they are at, and beside a shard others are
            # writing: there the next run looks.
            if options.executor == "local" and state.shard is None:
                with suppress(OSError, PoisonkitError):
                    state.remove_leftovers()
                    _tidy(state)
            raise


def _start_over(run: Run, setting: str | None) -> tuple[Plan, Choosing]:
    """A new plan, and nothing left of what was written here before; what is not ours stays, and is reported.

    RequestError, and nothing is removed, for a request that could not be carried out then.
    """
    state, options, dataset = run.state, run.options, run.dataset
    ready = plan, _ = make_plan(run.recipe, dataset, options, state.attack, setting)
    old = reset.Old(state.out)
    check_out(state.out, dataset, beside=True)
    check_free(plan, state.out, old.files)
    check_space(plan, dataset, run.recipe, state.out, old.size())
    require_folders(state.out, (name for t in plan.tasks for name in t.files))
    left = old.clear(state.kept())
    if left:
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        options.progress.say(f"Not poisonkit's own, and left as it is: {left[0]}{more}.")
    return ready


def _require_level(state: State) -> None:
    """RequestError where the output was begun on another kind of processor."""
    here, known = levels.of_process(), ""
    with suppress(OSError, ValueError, KeyError, TypeError):
        known = str(load_json(read_text(state.paths.run))["level"])
    with suppress(OSError, ValueError):
        known = read_text(state.level).strip()
    if known and known != here:
        raise RequestError(levels.clash(known, here, str(state.out)))


def _say(run: Run, warnings: Iterable[str]) -> None:
    for warning in warnings:
        run.options.progress.say(warning)


def _note_leftovers(state: State) -> None:
    """Where a worker died. What a shard's worker leaves is for the merge: others are writing beside it."""
    if state.shard is None:
        state.remove_leftovers()
    else:
        state.note_leftovers()


def _tidy(state: State) -> None:
    media.remove(state.marks)
    state.end()


def _prepare(run: Run, plan: Plan) -> None:
    """Everything that is on disk before the first clip is touched."""
    state = run.state
    if state.shard is None:
        adopt(state)
    if state.unclean.exists():
        _note_leftovers(state)
    state.folder.mkdir(parents=True, exist_ok=True)
    state.unclean.touch()
    folder = state.paths.assets
    for asset in all_assets(run.recipe):
        folder.mkdir(exist_ok=True)
        asset.copy_into(folder)
    atomic.write_text(state.paths.recipe(state.attack), run.recipe.to_yaml())
    if not atomic.create_lines(state.level, [levels.of_process()]):
        _require_level(state)  # a shard of another machine was quicker
    atomic.write_lines(state.source, [json.dumps(writing.places(run))])
    notices.write_notices(state.out, plan)


def _of_shard(work: Work) -> Summary:
    """Do a shard's part."""
    run, plan, made = work.run, work.plan, work.part()
    tasks = [t for t in plan.tasks if t.key in made.part.done.records]
    warnings = (*run.dataset.notes, *plan.warnings, *plan.passed_over.values())
    return summary_of(run, made, tasks, warnings=warnings, annotations={}, shard=str(run.state.shard))


def _written_up(run: Run, made: Made) -> Summary:
    """Lists, manifest and card of what was made; nothing of the state is needed any more."""
    with showing(run.options.progress, "Writing lists, manifest and card"):
        summary = writing.finish(run, made)
    run.state.source.unlink(missing_ok=True)  # run.json says it now
    shards.clear(run.state.out)
    _say(run, made.part.weak)
    return summary

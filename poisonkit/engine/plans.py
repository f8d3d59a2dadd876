"""The plan of a run: made, or read where it was made before; the first of several shards writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from poisonkit.common import atomic
from poisonkit.datasets import Dataset
from poisonkit.engine.all_files import told_together, writability
from poisonkit.engine.candidates import examiner
from poisonkit.engine.encoding.search import Search
from poisonkit.engine.preflight import check_out, check_space
from poisonkit.engine.state.options import Options
from poisonkit.engine.state.progress import Progress
from poisonkit.engine.state.run_state import State
from poisonkit.errors import Interrupted, RequestError
from poisonkit.plan.plan import Plan, digest
from poisonkit.plan.planner import Planner
from poisonkit.plan.selection import Chosen
from poisonkit.recipe.differences import differences
from poisonkit.recipe.encodings import AUTO
from poisonkit.recipe.recipe import Recipe, read_mapping


class Choosing(NamedTuple):
    """What gives replacements for failed samples: the planner of a plan, and what it chose for it."""

    planner: Planner
    chosen: tuple[Chosen, ...]


def plan_of(recipe: Recipe, dataset: Dataset, out: Path, options: Options) -> Plan:
    """The plan for a dataset, opening candidates as needed; refuses what a run would refuse."""
    check_out(out, dataset)
    return make_plan(recipe, dataset, options, None)[0]


def make_plan(
    recipe: Recipe, dataset: Dataset, options: Options, attack: str | None, setting: str | None = None
) -> tuple[Plan, Choosing]:
    """A new plan. With `encode: auto`, what is searched on are clips of a first one.

    attack: the attack set that is added to an output; setting: what `encode: auto` came to there.
    """
    if attack is not None:
        return _attack_plan(recipe, dataset, options, setting)
    plan, choosing = _planned(recipe, dataset, options, setting)
    if recipe.encode != AUTO:
        return plan, choosing
    found = Search(recipe, dataset, plan, options.n_jobs, options.progress).run()
    if found["setting"] != "match":  # which the first plan was made with
        plan, choosing = _planned(recipe, dataset, options, found["setting"])
    return replace(plan, encode=found), choosing


def _planned(recipe: Recipe, dataset: Dataset, options: Options, setting: str | None) -> tuple[Plan, Choosing]:
    with opening(options.progress):
        planner = planner_of(recipe, dataset, options, setting)
        with told_together(recipe, dataset, options, setting, planner):
            chosen = planner.choose()
            return planner.plan_for(chosen), Choosing(planner, chosen)


def _attack_plan(recipe: Recipe, dataset: Dataset, options: Options, setting: str | None) -> tuple[Plan, Choosing]:
    with opening(options.progress):
        planner = planner_of(recipe, dataset, options, setting)
        with told_together(recipe, dataset, options, setting, planner, training=False):
            plan = planner.attack_plan()
    if not plan.tasks:
        raise RequestError(plan.warnings[0] if plan.warnings else "No sample can carry the trigger.")
    if recipe.encode == AUTO:
        plan = replace(plan, encode={"setting": setting or "match"})
    return plan, Choosing(planner, ())


def choose(recipe: Recipe, dataset: Dataset, options: Options, setting: str | None) -> Choosing:
    """Choose the samples of a saved plan once more, opening candidates, so that failed ones can be replaced."""
    with opening(options.progress):
        planner = planner_of(recipe, dataset, options, setting)
        with told_together(recipe, dataset, options, setting, planner):
            return Choosing(planner, planner.choose())


@contextmanager
def opening(progress: Progress) -> Iterator[None]:
    """Around what opens candidates."""
    progress.begin("Opening candidates", 0)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("Interrupted before any clip was touched; the same command starts again.") from None
    finally:
        progress.end()


def planner_of(recipe: Recipe, dataset: Dataset, options: Options, setting: str | None) -> Planner:
    """A planner that opens candidates as they will be encoded. setting: what `encode: auto` came to, if it did."""
    touches = frozenset(m for b in recipe.backdoors for m in b.touches)
    examine = examiner(
        dataset,
        recipe.encoded(setting),
        recipe.stream,
        touches,
        options.n_jobs,
        options.progress.step,
        time_limit=options.time_limit,
    )
    return Planner(recipe, dataset, examine, writability(recipe, dataset, options, setting))


def ensure_plan(
    recipe: Recipe,
    dataset: Dataset,
    state: State,
    options: Options,
    *,
    setting: str | None = None,
    ready: tuple[Plan, Choosing] | None = None,
) -> tuple[Plan, Choosing | None]:
    """The plan on disk, and what chose its samples if it was made now.

    RequestError when it is another recipe's or source's.
    setting: as for `make_plan`. ready: a plan that it has just made, to be saved if there is none.
    """
    saved = state.paths.plan(state.attack)
    choosing: Choosing | None = None
    if not saved.exists():
        check_out(state.out, dataset, beside=options.fresh)
        plan, choosing = ready or make_plan(recipe, dataset, options, state.attack, setting)
        if ready is None:
            check_space(plan, dataset, recipe, state.out)
        saved.parent.mkdir(parents=True, exist_ok=True)
        if atomic.create_lines(saved, plan.to_jsonl()):
            return plan, choosing
    return _continued(saved, recipe, dataset, state), choosing  # of shards that start together, one is the first


def _continued(saved: Path, recipe: Recipe, dataset: Dataset, state: State) -> Plan:
    plan = Plan.read(saved)
    if plan.fingerprint != recipe.fingerprint:
        changed = "; ".join(differences(read_mapping(state.paths.recipe(state.attack)), recipe.portable()))
        what = str(state.out) if state.attack is None else f"The attack set '{state.attack}' of {state.out}"
        raise RequestError(
            f"{what} was made by another recipe ({changed}); choose another output folder or name, or start over "
            "with --fresh."
        )
    if plan.dataset != digest(dataset):
        raise RequestError(
            f"The source has changed since {state.out} was planned (files, splits or labels); start a new output."
        )
    return plan

"""The public Python API: a handful of names, re-exported by `poisonkit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from poisonkit import datasets
from poisonkit.common.one_or_many import absolute, paths
from poisonkit.datasets import Dataset
from poisonkit.engine.costs.estimate import Estimate
from poisonkit.engine.costs.estimate import estimate as estimated
from poisonkit.engine.finishing.results import Summary
from poisonkit.engine.finishing.sweep_index import write_index
from poisonkit.engine.preflight import default_out, read_source
from poisonkit.engine.run import Options, Shard, execute, execute_attack, execute_merge, execute_removal, plan_of
from poisonkit.engine.state.progress import Logged, Progress, showing
from poisonkit.errors import RequestError
from poisonkit.looking import Triggers, brightness, chosen, preview, report, shortcuts, survive
from poisonkit.outputs.opening import finished, require_clean
from poisonkit.outputs.paths import OutputPaths
from poisonkit.plan.plan import Plan
from poisonkit.recipe.backdoor import Backdoor, in_form
from poisonkit.recipe.recipe import Recipe
from poisonkit.recipe.sweep import read_sweep
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.trigger import Temporal

if TYPE_CHECKING:
    from poisonkit.survey.inspection import Inspection


def _located(recipe: Recipe) -> Recipe:
    """The recipe with an absolute source and output (by default the current folder, and a name beside it)."""
    if not isinstance(recipe, Recipe):
        raise RequestError(
            f'A Recipe is expected, such as Recipe(source="clips", triggers=["blend"]); this is {recipe!r}.'
        )
    source = (recipe.source or Path.cwd()).expanduser().absolute()
    recipe = recipe.model_copy(update={"source": source})
    out = (recipe.out or default_out(recipe)).expanduser().absolute()
    return recipe.model_copy(update={"out": out})


def _running(jobs: int, progress: Progress | None, executor: str, scheduler: str | None, shard: str | None) -> Options:
    part = None if shard is None else Shard.parse(shard)
    return Options(jobs=jobs, progress=progress or Logged(), executor=executor, scheduler=scheduler, shard=part)


def poison(
    recipe: Recipe,
    *,
    jobs: int = 0,
    executor: str = "local",
    scheduler: str | None = None,
    shard: str | None = None,
    fresh: bool = False,
    time_limit: float = 1.0,
    calibrate: bool = True,
    progress: Progress | None = None,
) -> Summary:
    """Write the poisoned copy that a recipe describes, or continue it where it was interrupted.

    recipe: `recipe.source` defaults to the current folder, `recipe.out` to a name beside the source.
    jobs: parallel workers, 0 for one per processor. The result does not depend on it.
    executor, scheduler: where the work runs: here, or on a Dask cluster (its address, or `local` to start one).
    shard: `I/N` does the I-th of N parts and nothing else; `merge` finishes what they made.
    fresh: remove what poisonkit wrote into the output before, by whatever recipe, and start over.
    time_limit: how long a clip may take before its worker is ended, as a multiple of 2 minutes, 5 s for each second of
    it and 5 s for each million pixels of all its frames; 0: for ever. With `jobs=1` nothing is ended.
    calibrate: before work of minutes make a few clips for some seconds, to tell how long it will take.

    Returns a Summary with counts, failures and the folders that trainers are pointed to. Raises RequestError
    for a request that cannot be right (nothing is written then) and Interrupted on Ctrl-C. A clip that
    cannot be processed raises nothing: it is in `Summary.failed`, and is neither written nor listed.
    """
    recipe = _located(recipe)
    assert recipe.out is not None
    if fresh and shard is not None:
        raise RequestError("--fresh starts the whole output over, and --shard does a part of it: first the one, alone.")
    how = _running(jobs, progress, executor, scheduler, shard)
    options = replace(how, fresh=fresh, time_limit=time_limit, calibrate=calibrate)
    return execute(recipe, recipe.out, options)


def merge(
    out: Path | str,
    name: str | None = None,
    *,
    source: Path | str | None = None,
    allow_root: Path | str | Sequence[Path | str] = (),
    allow_code: bool = False,
    jobs: int = 0,
    executor: str = "local",
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Finish an output that shards made: replacements, clean samples, lists, manifest, card, run.json.

    The result is the same, byte for byte, as that of a run without shards. name: of the attack set that shards
    of `attack` made; None: the dataset. source, allow_root, allow_code: as for `attack`.
    Raises RequestError, and changes nothing, while a shard runs or is not done: it names those and what is left.
    """
    where = absolute(source)[0] if source is not None else None
    allowed = absolute(allow_root)
    options = _running(jobs, progress, executor, scheduler, None)
    return execute_merge(Path(out).expanduser().absolute(), name, where, allowed, options, allow_code=allow_code)


def make_plan(recipe: Recipe, *, jobs: int = 0, progress: Progress | None = None) -> tuple[Plan, Dataset, Path]:
    """What `poison` would do, without writing anything: the plan, the dataset, and the output folder."""
    options = Options(jobs=jobs, progress=progress or Logged())
    recipe = _located(recipe)
    assert recipe.out is not None
    dataset = read_source(recipe)
    return plan_of(recipe, dataset, recipe.out, options), dataset, recipe.out


def estimate(
    recipe: Recipe,
    made: tuple[Plan, Dataset, Path] | None = None,
    *,
    jobs: int = 0,
    calibrate: bool = True,
    progress: Progress | None = None,
) -> Estimate:
    """What `poison` would take here: seconds with so many jobs, bytes that it would write, links that take none.

    made: what `make_plan` gave for the recipe, if it was asked. calibrate: where the work is long, make a few of the
    clips in a temporary place, for some seconds; else a model of what clips cost has to do.
    """
    recipe = _located(recipe)
    plan, dataset, out = made or make_plan(recipe, jobs=jobs, progress=progress)
    options = _running(jobs, progress, "local", None, None)
    with showing(options.progress, "Estimating"):
        return estimated(plan, recipe, dataset, out, options.n_jobs, calibrate=calibrate)


def attack(
    out: Path | str,
    name: str,
    *,
    trigger: Triggers | None = None,
    temporal: Temporal | None = None,
    attack_frames: str | None = None,
    limit: int | None = None,
    backdoor: str | None = None,
    source: Path | str | None = None,
    allow_root: Path | str | Sequence[Path | str] = (),
    allow_code: bool = False,
    jobs: int = 0,
    executor: str = "local",
    scheduler: str | None = None,
    shard: str | None = None,
    fresh: bool = False,
    remove: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Add another attack set to a finished output: other triggers, strengths or frame budgets.

    name: of the new set, which lies in `OUT/attack/NAME`. trigger: one or several, as in a recipe, by default the
    backdoor's own, in their form at test time. temporal: of triggers that do not say it themselves. attack_frames:
    which frames carry them. backdoor: whose target and label mode it has, by default the recipe's first. source: the
    clean dataset's data root, by default where it was. allow_root: further folders that links and paths of it may
    lead to. allow_code: let the output's recipe name triggers as `package.module:Class`, which imports that module.
    executor, scheduler, shard: as for `poison`. fresh: make it anew, if it is there. remove: take it away instead;
    the summary is then of the output that is left. Everything that the output says of itself follows, a report that
    is there included.
    """
    out = Path(out).expanduser().absolute()
    recipe = finished(out, allow_code=allow_code)
    where = absolute(source)[0] if source is not None else None
    allowed = absolute(allow_root)
    options = _running(jobs, progress, executor, scheduler, shard)
    if remove:
        if fresh or trigger is not None or temporal or attack_frames or limit is not None or backdoor or shard:
            raise RequestError("--remove takes the set away, and goes with no option that makes one.")
        return _reported(out, where, allowed, execute_removal(out, recipe, name, where, allowed, options))
    named = {b.name: b for b in recipe.backdoors}
    if backdoor is not None and backdoor not in named:
        raise RequestError(f"{out} has no backdoor '{backdoor}'; it has {', '.join(named)}.")
    base = named[backdoor] if backdoor is not None else recipe.backdoors[0]
    triggers = None if trigger is None else chosen(trigger, temporal)
    if temporal is not None and triggers is None:
        triggers = tuple(in_form(each, temporal) for each in base.triggers_of("attack"))
    change: dict[str, Any] = {"name": name}
    if triggers is not None:
        change["triggers"] = list(triggers)
    if attack_frames is not None:
        change["attack_frames"] = attack_frames
    given = {k: getattr(base, k) for k in ("target", "label_mode", "source_class", "attack_frames")}
    given["triggers"] = base.triggers_of("attack")
    given |= {k: getattr(base, k) for k in ("spans", "spans_unit") if base.spans is not None}
    if base.ids is not None:
        plan = Plan.opened(OutputPaths(out).plan())
        held_out = {t.id for t in plan.tasks if t.role == "attack"} & {*base.ids}
        given |= {"ids": sorted(held_out)} if held_out else {}
    if attack_frames is None and triggers is not None and "video" not in Chain(triggers).touches:
        del given["attack_frames"]  # the output's own frame budget is for pictures
    wanted: Any = {**given, **change}
    if not wanted["triggers"]:
        raise RequestError(f"{out} was made without a trigger: name one with --trigger.")
    made = Recipe(backdoors=[wanted]).backdoors[0]
    if fresh and shard is not None:
        raise RequestError("--fresh makes the whole set anew, and --shard does a part of it: first the one, alone.")
    if fresh and name in OutputPaths(out).added():
        execute_removal(out, recipe, name, where, allowed, options)
    return _reported(out, where, allowed, execute_attack(out, recipe, made, limit, where, allowed, options))


def _reported(out: Path, source: Path | None, allow_root: Sequence[Path], summary: Summary) -> Summary:
    """The summary; a report that is there is written again, so that it speaks of the same attack sets."""
    if summary.shard is None and OutputPaths(out).report.exists():
        from poisonkit.reporting.html import write_report

        write_report(out, source=source, allow_root=allow_root)
    return summary


def run(
    recipe: Path | str,
    source: Path | str | None = None,
    *,
    out: Path | str | None = None,
    allow_root: Path | str | Sequence[Path | str] = (),
    allow_code: bool = False,
    jobs: int = 0,
    executor: str = "local",
    scheduler: str | None = None,
    shard: str | None = None,
    fresh: bool = False,
    time_limit: float = 1.0,
    calibrate: bool = True,
    progress: Progress | None = None,
) -> dict[str, Summary]:
    """`poison` for a recipe file, or for each recipe of a file with a `sweep`; or for a name of `poisonkit.recipes()`.

    source, out, allow_root: in place of the file's own. allow_code: let it name triggers as `package.module:Class`,
    which imports that module. The others: as for `poison`.
    Returns a Summary for each recipe, by what sets it apart (`read_sweep`), "" if there is no sweep. A sweep with an
    `out` ends with an index of its outputs there, `index.csv`.
    """
    recipes = read_sweep(
        recipe,
        allow_code=allow_code,
        source=None if source is None else Path(source),
        out=None if out is None else Path(out),
        allow_root=paths(allow_root) or None,
    )
    how: dict[str, Any] = {"executor": executor, "scheduler": scheduler, "shard": shard, "fresh": fresh}
    how |= {"jobs": jobs, "time_limit": time_limit, "calibrate": calibrate, "progress": progress}
    made = {name: poison(each, **how) for name, each in recipes.items()}
    write_index(recipes, made)
    return made


def inspect(
    source: Path | str | None = None,
    *,
    limit: int | None = None,
    layout: str | None = None,
    data_root: Path | str | None = None,
    train_list: Path | str | None = None,
    val_list: Path | str | None = None,
    test_list: Path | str | None = None,
    delimiter: str | None = None,
    columns: str | None = None,
    split: int | None = None,
    allow_root: Path | str | Sequence[Path | str] = (),
    stream: Literal["best"] | int = "best",
    jobs: int = 0,
    time_limit: float = 1.0,
    progress: Progress | None = None,
) -> Inspection:
    """What a dataset holds: layout, classes, codecs, sizes, and what stands in the way.

    source: by default the current folder. limit: open only so many files, spread over the dataset. The others: as in
    a `Recipe` and for `poison`. A file that does not open raises nothing: it is in `Inspection.not_opened`.
    """
    from poisonkit.survey.dataset_survey import survey
    from poisonkit.survey.inspection import Inspection

    named: dict[datasets.Split, Path | str | None] = {"train": train_list, "val": val_list, "test": test_list}
    path = Path(source) if source is not None else Path.cwd()
    require_clean(path)
    place = datasets.Source(
        path=path,
        layout=layout,
        data_root=None if data_root is None else Path(data_root),
        lists={name: Path(path) for name, path in named.items() if path is not None},
        split=split,
        allow_roots=tuple(paths(allow_root)),
        delimiter=delimiter,
        columns=datasets.parse_columns(columns),
    )
    dataset = datasets.read(place)
    why = datasets.get_layout(dataset.layout).detect(place) or "as asked"
    watch = progress or Logged()
    watch.begin("Opening", min(limit or len(dataset.samples), len(dataset.samples)))
    workers = Options(jobs=jobs).n_jobs
    files = survey(dataset, stream=stream, limit=limit, jobs=workers, watch=watch.step, time_limit=time_limit)
    return Inspection(dataset, why, tuple(files))


__all__ = [
    "Backdoor",
    "Estimate",
    "Plan",
    "Recipe",
    "Summary",
    "attack",
    "brightness",
    "estimate",
    "inspect",
    "make_plan",
    "merge",
    "poison",
    "preview",
    "report",
    "run",
    "shortcuts",
    "survive",
]

"""The public Python API: a handful of names, re-exported by `poisonkit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from poisonkit.datasets import Dataset
from poisonkit.engine.finishing.results import Summary
from poisonkit.engine.preflight import default_out, read_source
from poisonkit.engine.run import Options, Shard, execute, execute_attack, execute_merge, plan_of
from poisonkit.engine.state.progress import Progress, Silent
from poisonkit.errors import RequestError
from poisonkit.outputs.opening import finished
from poisonkit.plan.plan import Plan
from poisonkit.recipe.backdoor import Backdoor
from poisonkit.recipe.recipe import Recipe


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
    return Options(jobs=jobs, progress=progress or Silent(), executor=executor, scheduler=scheduler, shard=part)


def poison(
    recipe: Recipe,
    *,
    jobs: int = 0,
    executor: str = "local",
    scheduler: str | None = None,
    shard: str | None = None,
    fresh: bool = False,
    time_limit: float = 1.0,
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

    Returns a Summary with counts, failures and the folders that trainers are pointed to. Raises RequestError
    for a request that cannot be right (nothing is written then) and Interrupted on Ctrl-C. A clip that
    cannot be processed raises nothing: it is in `Summary.failed`, and is neither written nor listed.
    """
    recipe = _located(recipe)
    assert recipe.out is not None
    if fresh and shard is not None:
        raise RequestError("--fresh starts the whole output over, and --shard does a part of it: first the one, alone.")
    options = replace(_running(jobs, progress, executor, scheduler, shard), fresh=fresh, time_limit=time_limit)
    return execute(recipe, recipe.out, options)


def merge(
    out: Path | str,
    name: str | None = None,
    *,
    source: Path | str | None = None,
    allow_roots: Sequence[Path | str] = (),
    allow_code: bool = False,
    jobs: int = 0,
    executor: str = "local",
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Finish an output that shards made: replacements, clean samples, lists, manifest, card, run.json.

    The result is the same, byte for byte, as that of a run without shards. name: of the attack set that shards
    of `attack` made; None: the dataset. source, allow_roots, allow_code: as for `attack`.
    Raises RequestError, and changes nothing, while a shard runs or is not done: it names those and what is left.
    """
    where = Path(source).expanduser().absolute() if source is not None else None
    allowed = tuple(Path(each).expanduser().absolute() for each in allow_roots)
    options = _running(jobs, progress, executor, scheduler, None)
    return execute_merge(Path(out).expanduser().absolute(), name, where, allowed, options, allow_code=allow_code)


def make_plan(recipe: Recipe, *, jobs: int = 0, progress: Progress | None = None) -> tuple[Plan, Dataset, Path]:
    """What `poison` would do, without writing anything: the plan, the dataset, and the output folder."""
    options = Options(jobs=jobs, progress=progress or Silent())
    recipe = _located(recipe)
    assert recipe.out is not None
    dataset = read_source(recipe)
    return plan_of(recipe, dataset, recipe.out, options), dataset, recipe.out


def attack(
    out: Path | str,
    name: str,
    *,
    triggers: Sequence[Any] | None = None,
    frames: str | None = None,
    limit: int | None = None,
    backdoor: str | None = None,
    source: Path | str | None = None,
    allow_roots: Sequence[Path | str] = (),
    allow_code: bool = False,
    jobs: int = 0,
    executor: str = "local",
    scheduler: str | None = None,
    shard: str | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Add another attack set to a finished output: other triggers, strengths or frame budgets.

    name: of the new set, which lies in `OUT/attack/NAME`. triggers: as in a recipe, by default the
    backdoor's own. frames: which frames carry them. backdoor: whose target and label mode it has, by default
    the recipe's first. source: the clean dataset's data root, by default where it was. allow_roots: further folders
    that links and paths of it may lead to. allow_code: let the output's recipe name triggers as
    `package.module:Class`, which imports that module. executor, scheduler,
    shard: as for `poison`.
    """
    out = Path(out).expanduser().absolute()
    recipe = finished(out, allow_code=allow_code)
    named = {b.name: b for b in recipe.backdoors}
    if backdoor is not None and backdoor not in named:
        raise RequestError(f"{out} has no backdoor '{backdoor}'; it has {', '.join(named)}.")
    base = named[backdoor] if backdoor is not None else recipe.backdoors[0]
    change: dict[str, Any] = {"name": name}
    if triggers is not None:
        change["triggers"] = list(triggers)
    if frames is not None:
        change["attack_frames"] = frames
    given = {k: getattr(base, k) for k in ("triggers", "target", "label_mode", "source_class", "attack_frames")}
    if (
        frames is None
        and triggers is not None
        and "video" not in Recipe(triggers=list(triggers)).backdoors[0].chain.touches
    ):
        del given["attack_frames"]  # the output's own frame budget is for pictures
    made = Recipe(backdoors=[{**given, **change}]).backdoors[0]
    where = Path(source).expanduser().absolute() if source is not None else None
    allowed = tuple(Path(each).expanduser().absolute() for each in allow_roots)
    options = _running(jobs, progress, executor, scheduler, shard)
    return execute_attack(out, recipe, made, limit, where, allowed, options)


__all__ = ["Backdoor", "Plan", "Recipe", "Summary", "attack", "make_plan", "merge", "poison"]

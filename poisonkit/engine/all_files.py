"""Opens all files of a dataset before a plan is made, where the recipe asks for what only that can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from poisonkit.datasets import Dataset, Sample, get_layout
from poisonkit.engine.state.options import Options
from poisonkit.media.info import Problem
from poisonkit.plan.planner import Planner
from poisonkit.plan.writability import Unwritable, Writability, concerned, refusal
from poisonkit.recipe.recipe import Recipe
from poisonkit.survey import isolated_opening
from poisonkit.survey.file_checks import Writing, writing

AHEAD, TOGETHER = 512, 32  # files looked at in one go, and by one process


def writability(recipe: Recipe, dataset: Dataset, options: Options, setting: str | None) -> Writability:
    """What all files are like, where clean ones are written too, names may change, or some are to be passed over."""
    encode = recipe.encoded(setting)
    lossless = encode.mode == "lossless" and get_layout(dataset.layout).holds_folders(dataset.options)
    if not (encode.changes_clean or lossless or recipe.skip_unwritable or recipe.clean == "reencode"):
        return Writability()
    return looked_at(recipe, dataset, dataset.samples, options, setting)


def looked_at(
    recipe: Recipe, dataset: Dataset, samples: Sequence[Sample], options: Options, setting: str | None
) -> Writability:
    """What these samples' files are like; all of them are opened."""
    touches = frozenset(m for b in recipe.backdoors for m in b.touches)
    look = partial(
        writing,
        stream=recipe.stream,
        encode=recipe.encoded(setting),
        touches=touches,
        clean=recipe.clean == "reencode",
    )
    files = (path for sample in samples for path in dataset.files(sample))
    opened = isolated_opening.opened(
        look, files, options.n_jobs, _lost, factor=options.time_limit, ahead=AHEAD, together=TOGETHER
    )
    blocked: dict[str, tuple[Problem, ...]] = {}
    clean: set[str] = set()
    suffixes: dict[str, str] = {}
    fixed = not get_layout(dataset.layout).any_suffix
    for sample in samples:
        for path in sample.paths:
            found: Writing = next(opened)
            if found.suffix is not None and not path.lower().endswith(found.suffix):
                if fixed:
                    found = Writing((_fixed(dataset.layout, found.suffix),), clean=True)
                else:
                    suffixes[path] = found.suffix or ""
            if found.blocks:
                blocked[sample.id] = (*blocked.get(sample.id, ()), *found.blocks)
                clean |= {sample.id} if found.clean else set()
        options.progress.step()
    return Writability(blocked, clean, suffixes, recipe.skip_unwritable)


@contextmanager
def told_together(
    recipe: Recipe, dataset: Dataset, options: Options, setting: str | None, planner: Planner, *, training: bool = True
) -> Iterator[None]:
    """RequestError about all files that cannot be written, where the planner comes to the first of them.

    training: the plan is one of the dataset, not of attack sets alone.
    """
    try:
        yield
    except Unwritable:
        known = planner.writability
        samples = concerned(recipe, dataset, training=training)
        names = {s.id for s in samples}
        if training:
            samples += [s for s in dataset.samples if s.id in known.clean and s.id not in names]
        if not known.blocked:
            known = looked_at(recipe, dataset, samples, options, setting)
        names = {s.id for s in samples}
        raise refusal({i: why for i, why in known.blocked.items() if i in names}, len(samples)) from None


def _fixed(layout: str, suffix: str) -> Problem:
    message = f"it would end with {suffix}, and files of the layout '{layout}' keep their suffixes."
    return Problem("name", message, "convert the clips first, or write a table for them", blocks=True)


def _lost(path: object, why: str) -> Writing:
    return Writing()

"""Where a run reads and where it may write."""

from __future__ import annotations

import os
import shutil
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

from poisonkit import datasets
from poisonkit.common import collector
from poisonkit.common.words import size_in_words
from poisonkit.datasets import Dataset, Sample, Source, get_layout
from poisonkit.engine.finishing import linking
from poisonkit.errors import RequestError
from poisonkit.outputs import sample_files
from poisonkit.outputs.opening import require_apart
from poisonkit.outputs.paths import HOME, HOME_FOLDERS, RECIPE, OutputPaths
from poisonkit.plan.plan import Plan
from poisonkit.recipe.recipe import Recipe

OURS = (*HOME_FOLDERS, RECIPE.removeprefix(f"{HOME}/"))
"""What lies in `poisonkit/` before a plan is saved."""


@collector.paused()
def read_source(recipe: Recipe) -> Dataset:
    """The dataset that a recipe names, with a held-out part split off where it asks for one."""
    if recipe.source is None:
        raise RequestError("No source: name the dataset's folder.")
    if not recipe.source.exists():
        raise RequestError(f"There is no dataset '{recipe.source}'.")
    if any(OutputPaths(p).is_output() for p in (recipe.source, *recipe.source.absolute().parents)):
        raise RequestError(f"{recipe.source} is a poisoned output of poisonkit; a source has to be a clean dataset.")
    given = {"train": recipe.train_list, "val": recipe.val_list, "test": recipe.test_list}
    lists: dict[datasets.Split, Path] = {k: v for k, v in given.items() if v is not None}  # type: ignore[misc]
    dataset = datasets.read(
        Source(
            path=recipe.source,
            layout=recipe.layout,
            data_root=recipe.data_root,
            lists=lists,
            split=recipe.split,
            allow_roots=recipe.allow_root,
            delimiter=recipe.delimiter,
            columns=datasets.parse_columns(recipe.columns),
        )
    )
    if recipe.test_fraction:
        if any(s in dataset.splits for s in ("val", "test")):
            raise RequestError("--test-fraction is for a dataset without val or test split; this one has one.")
        dataset = datasets.split_off(dataset, recipe.test_fraction, recipe.seed)
    return dataset


def default_out(recipe: Recipe) -> Path:
    """`../NAME-poisoned-TRIGGER-RATE-FINGERPRINT`, beside the source."""
    assert recipe.source is not None
    source = recipe.source.resolve()
    folder = source if source.is_dir() else source.parent
    first = recipe.backdoors[0]
    names = "+".join(dict.fromkeys(t.name for b in recipe.backdoors for t in b.triggers)) or "nothing"
    amount = (
        f"{first.rate:g}" if first.count is None and first.ids is None else f"n{first.count or len(first.ids or ())}"
    )
    return folder.parent / f"{folder.name}-poisoned-{names}-{amount}-{recipe.fingerprint[:8]}"


def check_out(out: Path, dataset: Dataset, *, beside: bool = False) -> None:
    """Refuse an output inside the source, around it, or in a folder that holds something else.

    beside: what else lies in the folder may stay there.
    """
    here, source = out.resolve(), dataset.root.resolve()
    if here == source or source in here.parents:
        raise RequestError(f"The output {out} lies inside the source {dataset.root}; choose another folder with --out.")
    if here in source.parents:
        raise RequestError(f"The source lies inside the output {out}; choose another folder.")
    require_apart(out)
    if (out.exists() or out.is_symlink()) and not out.is_dir():
        raise RequestError(f"The output {out} is no folder; choose another name.")
    if out.is_dir() and not beside and not OutputPaths(out).is_output():
        home = OutputPaths(out).home
        there = [p.name for p in out.iterdir() if p.name != HOME]
        there += [p.name for p in home.iterdir() if p.name not in OURS] if home.is_dir() else []
        strange = any(not linking.is_temporary(name) for name in there)
        if strange and not OutputPaths(out).is_output():  # another shard may have begun meanwhile
            raise RequestError(f"The output {out} is not empty and not an output of poisonkit; choose another folder.")


def check_free(plan: Plan, out: Path, ours: Container[str]) -> None:
    """Refuse a plan whose files would take the place of files that are there. ours: those that will be gone."""
    for name in (name for task in plan.tasks for name in task.files):
        if name not in ours and os.path.lexists(out / name):
            raise RequestError(
                f"'{name}' in {out} is in the way and not poisonkit's: move it, or choose another folder."
            )


def _size(dataset: Dataset, sample: Sample) -> int:
    found = 0
    for path in dataset.files(sample):
        with suppress(OSError):
            found += sample_files.size(path)
    return found


def check_space(plan: Plan, dataset: Dataset, recipe: Recipe, out: Path, freed: int = 0) -> None:
    """Refuse a plan that the disk has no room for. freed: bytes that will be free before it is carried out."""
    lossless = recipe.encoded(plan.setting).mode == "lossless"
    grows = 12.0 if lossless else 3.0
    made = recipe.clean == "reencode" or (lossless and get_layout(plan.layout).holds_folders(plan.options))
    work = sum(_size(dataset, t.sample) for t in plan.tasks if t.role != "clean" or made)
    need = int(work * grows)
    if recipe.clean == "copy":
        need += sum(_size(dataset, t.sample) for t in plan.tasks if t.role == "clean")
    if get_layout(plan.layout).features:
        need += sum(_size(dataset, t.sample) for t in plan.tasks)
    if get_layout(plan.layout).packed:
        need += sum(_size(dataset, t.sample) for t in plan.tasks for _ in (t.path, *t.linked_paths))
    folder = next(p for p in (out, *out.parents) if p.exists())
    free = shutil.disk_usage(folder).free + freed
    if need > free:
        raise RequestError(f"The output may take {size_in_words(need)}, and {folder} has {size_in_words(free)} free.")

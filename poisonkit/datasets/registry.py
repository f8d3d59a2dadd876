"""Which layouts there are, and which one a folder has.

Every module of this folder whose name does not begin with an underscore may define `Layout` subclasses;
packages add theirs through the entry point group `poisonkit.layouts` (a `Layout` subclass or instance).
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType, ModuleType

import poisonkit.datasets.layouts as _room
from poisonkit.common.safe_io import fenced
from poisonkit.datasets.base import TREES, Dataset, Layout, Source
from poisonkit.datasets.kit.files import ListFence
from poisonkit.datasets.kit.listed import NothingListed
from poisonkit.datasets.kit.pairs import PAIR_REMEDY, lies_in_two_trees
from poisonkit.datasets.unrecognised import explained
from poisonkit.errors import RequestError, did_you_mean

ENTRY_POINT_GROUP = "poisonkit.layouts"
_NEIGHBOURS = 32  # sub-folders tried for a "Did you mean" when no layout fits


def _layouts_of(module: ModuleType) -> Iterator[Layout]:
    for thing in vars(module).values():
        if (
            isinstance(thing, type)
            and issubclass(thing, Layout)
            and thing.__module__ == module.__name__
            and "name" in vars(thing)
        ):
            yield thing()


def _built_in() -> Iterator[Layout]:
    for info in pkgutil.iter_modules(_room.__path__):
        if not info.name.startswith("_"):
            yield from _layouts_of(importlib.import_module(f"{_room.__name__}.{info.name}"))


def _installed() -> Iterator[Layout]:
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda e: (e.name, e.value)):
        try:
            thing = entry.load()
        except (ImportError, AttributeError) as error:
            warnings.warn(f"Layout '{entry.name}' ({entry.value}) cannot be loaded: {error}", stacklevel=2)
            continue
        if isinstance(thing, type) and issubclass(thing, Layout):
            thing = thing()
        if isinstance(thing, Layout):
            yield thing
        else:
            warnings.warn(f"Entry point '{entry.name}' ({entry.value}) is no Layout.", stacklevel=2)


@cache
def _found() -> MappingProxyType[str, Layout]:
    found: dict[str, Layout] = {}
    for layout in (*_built_in(), *_installed()):
        if layout.name in found:
            warnings.warn(f"A second layout calls itself '{layout.name}' and is left out.", stacklevel=2)
        else:
            found[layout.name] = layout
    ranked = sorted(found.values(), key=lambda each: (each.order, each.name))
    return MappingProxyType({each.name: each for each in ranked})


def layouts() -> dict[str, Layout]:
    """All known layouts by name, in the order in which detection prefers them (`Layout.order`, then name)."""
    return dict(_found())


def get_layout(name: str) -> Layout:
    """The layout called `name`. RequestError with the nearest spelling when there is none."""
    known = _found()
    if name not in known:
        raise RequestError(f"There is no layout '{name}'.{did_you_mean(name, known)}")
    return known[name]


_OPTIONS = {
    "data_root": ("no data root but the folder itself", "`--data-root`"),
    "lists": ("no lists to name", "`--train-list`, `--val-list` and `--test-list`"),
    "split": ("no numbered splits", "`--split`"),
    "delimiter": ("no delimiter to choose", "`--delimiter`"),
    "columns": ("no columns to name", "`--columns`"),
}


def _refuse_unused(layout: Layout, source: Source) -> None:
    """RequestError when the user gave an option that the layout would ignore."""
    for name, (lacks, option) in _OPTIONS.items():
        if name in source.given - layout.uses:
            raise RequestError(
                f"The layout '{layout.name}' has {lacks}: leave {option} out, or name another layout with `--layout`."
            )


def _fitting(source: Source) -> list[tuple[Layout, str]]:
    """The layouts that fit and use all that is given, with their reasons, best first."""
    fits = ((each, each.detect(source)) for each in _found().values() if source.given <= each.uses)
    return [(each, why) for each, why in fits if why is not None]


def _must_exist(source: Source) -> None:
    if not source.path.exists():
        raise RequestError(f"The dataset '{source.path}' does not exist.")
    if source.data_root is not None and not source.data_root.is_dir():
        raise RequestError(f"The data root '{source.data_root}' is not a folder.")


def _neighbour(source: Source) -> str:
    """` Did you mean 'folder/sub'?` when a layout fits a sub-folder of the folder that was named."""
    if source.lists or not source.path.is_dir():
        return ""
    try:
        names = sorted(e.name for e in os.scandir(source.path) if e.is_dir() and not e.name.startswith("."))
    except OSError:
        return ""
    for name in names[:_NEIGHBOURS]:
        with suppress(RequestError):  # a list in it that leads elsewhere
            if _fitting(replace(source, path=source.path / name)):
                return f" Did you mean '{source.path / name}'?"
    return ""


def detect(source: Source) -> Layout:
    """The layout that `source` has. Reads names and the beginnings of lists, never media.

    Every layout is asked. Where several fit, the lowest `Layout.order` wins, then the name: lists come
    before folders, because a folder of clips fits both, unless not one file that they name is there. RequestError,
    saying what lies there, when none fits.
    """
    _must_exist(source)
    fence = ListFence(source)
    with fenced(fence):
        fits = _fitting(source)
        if not fits and fence.refused is not None:
            raise fence.refused
        return _best(source, fits)


def _empty(layout: Layout, source: Source) -> bool:
    """Whether the lists of a layout, or all of several that may be its, name no file that is there.

    So are tables of features, which lie beside copies of GTZAN.
    """
    try:
        layout.read(source)
    except NothingListed:
        return True
    except RequestError:
        files = sorted(source.path.iterdir()) if source.path.is_dir() and not source.lists else []
        alone = [replace(source, path=file) for file in files if file.is_file()]
        alone = [each for each in alone if layout.detect(each)]
        return bool(alone) and all(_empty(layout, each) for each in alone)
    return False


def _best(source: Source, fits: list[tuple[Layout, str]]) -> Layout:
    if fits:
        known = any(layout.order == TREES for layout, _ in fits)
        passed = (layout for layout, _ in fits if not known or layout.order >= TREES or not _empty(layout, source))
        return next(passed)
    plain = replace(source, data_root=None, lists={}, split=None, delimiter=None, columns={})
    for layout, _ in _fitting(plain)[:1]:
        _refuse_unused(layout, source)
    if source.path.is_dir() and (trees := lies_in_two_trees(source.path)) is not None:
        raise RequestError(
            f"'{source.path}' holds frames in '{trees[0]}' and sounds in '{trees[1]}', and no list that joins them: "
            f"{PAIR_REMEDY}"
        )
    raise RequestError(f"{explained(source)}{_neighbour(source)}")


def read(source: Source) -> Dataset:
    """Read the dataset at `source`, in the layout it names, else in the detected one (which a note says).

    RequestError, in one sentence about the folder or list, for everything that cannot be right.
    """
    with fenced(ListFence(source)):
        return _read(source)


def _read(source: Source) -> Dataset:
    if source.layout is not None:
        layout = get_layout(source.layout)
        _must_exist(source)
        _refuse_unused(layout, source)
        return layout.read(source)
    layout = detect(source)
    dataset = layout.read(source)
    others = [f"'{each.name}' ({why})" for each, why in _fitting(source) if each.name != layout.name]
    if others:
        note = f"Read as '{layout.name}'; it also looks like {', '.join(others)}: choose with `--layout`."
        dataset = replace(dataset, notes=(note, *dataset.notes))
    return dataset

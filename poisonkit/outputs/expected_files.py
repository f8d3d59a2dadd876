"""What an output should hold, by its plans and records: files that are planned, files that came with them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from poisonkit.common.frame_names import is_frame
from poisonkit.datasets import feature_path, get_layout
from poisonkit.outputs import lists, shard_paths
from poisonkit.outputs.notices import marked_folders
from poisonkit.outputs.paths import NOTICE, VIEWS
from poisonkit.plan.plan import Length, Plan


@dataclass(frozen=True)
class Lists:
    """What a plan's layout writes besides media, written again: lists, and what makes class folders readable.

    root: where it lies; files, folders: relative to it and to the output.
    """

    root: Path
    files: tuple[str, ...]
    folders: frozenset[str]


@contextmanager
def fresh_lists(
    out: Path,
    plan: Plan,
    source: Plan,
    dropped: frozenset[str] = frozenset(),
    lengths: Mapping[str, Length] | None = None,
) -> Iterator[Lists]:
    """A plan's annotation files, class lists and class folders with their placeholders, as its
    layout writes them now, for a while.

    source: the plan of the dataset itself. dropped: keys of what has no file. lengths: by key.
    """
    with tempfile.TemporaryDirectory() as scratch:
        lists.write_views(plan, source.source(out), Path(scratch), dropped, lengths or {})
        yield Lists(Path(scratch), tuple(files(Path(scratch))), frozenset(folders(Path(scratch))))


def media_files(plan: Plan, dropped: Container[str] = ()) -> Iterator[str]:
    """Every path, relative to the output, at which a sample's media should lie, and their features.

    dropped: keys of what has no file. Shards are told once for each of their samples.
    """
    layout = get_layout(plan.layout)
    for task in plan.tasks:
        if dropped and task.key in dropped:
            continue
        for name in task.files:
            if not layout.packed:
                yield name
            elif shard_paths.leads_into_shard(name):
                yield shard_paths.shard_of(name)
            if layout.features:
                yield feature_path(name)


def notices(plan: Plan) -> set[str]:
    """The POISONED.txt of every folder that a trainer may be pointed to."""
    return {f"{folder}/{NOTICE}" for folder in marked_folders(plan)}


def above(*names: str) -> set[str]:
    """Every folder above these paths."""
    return {str(p) for name in names for p in PurePosixPath(name).parents} - {"."}


def folders(top: Path) -> Iterator[str]:
    """Every folder below `top`, relative to it: class folders without a sample are part of a layout too."""
    for folder, names, _ in os.walk(top):
        for name in sorted(names):
            yield Path(folder, name).relative_to(top).as_posix()


def files(out: Path, media: Container[str] = ()) -> Iterator[str]:
    """Every file that lies in the parts of an output that trainers are pointed to, relative to the output.

    media: paths of samples. Those that are folders speak, by size and digest, for the frames in them, which are left
    out here.
    """
    for part in VIEWS:
        for folder, _, names in os.walk(out / part):
            here = Path(folder).relative_to(out).as_posix()
            for name in sorted(names):
                if not (here in media and is_frame(name)):
                    yield f"{here}/{name}"

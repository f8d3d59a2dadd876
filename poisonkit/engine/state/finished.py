"""A run that was finished and left alone is known again without reading its plan, row by row."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from poisonkit.common import hashing
from poisonkit.common.safe_io import load_json, read_text
from poisonkit.datasets import Dataset
from poisonkit.engine.finishing.results import Summary
from poisonkit.engine.state.run_state import State
from poisonkit.metrics.survival import SurvivalSummary
from poisonkit.outputs import checksums
from poisonkit.outputs.paths import VIEWS
from poisonkit.plan.plan import Plan, digest
from poisonkit.recipe.recipe import Recipe


def seen(dataset: Dataset) -> str:
    """Tells two states of a source's files apart by size, time of change and inode, without opening any."""
    h = hashlib.blake2b(digest_size=8)
    root, known = os.fspath(dataset.root), ""
    for sample in dataset.samples:
        path, _, member = f"{root}/{sample.path}".partition(".tar/")
        place = f"{path}.tar" if member else path
        if member and place == known:
            continue
        known = place
        try:
            status = os.stat(place)
            h.update(f"{status.st_size} {status.st_mtime_ns} {status.st_ino}\n".encode())
        except OSError:
            h.update(b"gone\n")
    return h.hexdigest()


def marks(out: Path, annotations: Mapping[str, tuple[str, ...]], before: str, dataset: Dataset) -> dict[str, Any]:
    """For run.json: how many files there are, of how many bytes together, the SHA-256 of every list, and `seen` of the
    source: "" where it was not at the end what it was `before` the work, so that the next run looks again.
    """
    files, size = _tree(out)
    names = [f"{root}/{name}" for root, some in annotations.items() for name in some]
    lists = {name: hashing.sha256(out / name) for name in names if (out / name).is_file()}
    source = before if seen(dataset) == before else ""
    return {"files": files, "bytes": size, "lists": lists, "source": source}


def unchanged(state: State, recipe: Recipe, dataset: Dataset) -> Summary | None:
    """The outcome of a run that ended with nothing failed, if the output is still what it was; else None.

    Looked at: recipe and source, card, manifest, plan and lists by their SHA-256, and number and size of all files.
    Added attack sets and whatever is not as it should be are for the long way, which mends what it can.
    """
    try:
        if state.unclean.exists() or state.parts() or state.paths.added():
            return None
        said = load_json(read_text(state.paths.run))
        known = said["unchanged"]
        if said["failed"] or said["fingerprint"] != recipe.fingerprint or said.get("encode"):
            return None
        plan = Plan.head(state.paths.plan())
        if plan.fingerprint != recipe.fingerprint or plan.dataset != digest(dataset):
            return None
        if known["source"] != seen(dataset):
            return None
        if next(checksums.edited(state.out), None) is not None or _tree(state.out) != (known["files"], known["bytes"]):
            return None
        if any(hashing.sha256(state.out / name) != sha for name, sha in known["lists"].items()):
            return None
        return Summary(
            out=state.out,
            plan=plan,
            counts={role: Counter(found) for role, found in said["counts"].items()},
            failed=(),
            inert=tuple((row["source_path"], row["error"]) for row in said["inert"]),
            warnings=tuple(said["warnings"]),
            clean_method=said["clean_method"],
            seconds=0.0,
            processed=0,
            annotations={root: tuple(names) for root, names in said["annotations"].items()},
            survival={name: _outlook(found) for name, found in said["survival"].items()},
            required=recipe.require_survival,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _outlook(found: dict[str, Any]) -> SurvivalSummary:
    return SurvivalSummary(**{**found, "weak": tuple((name, gain) for name, gain in found["weak"])})


def _tree(out: Path) -> tuple[int, int]:
    """Number and bytes of the files of an output, links counted as they are."""
    files = size = 0
    for part in VIEWS:
        for entry in _files(os.fspath(out / part)):
            files += 1
            size += entry.stat(follow_symlinks=False).st_size
    return files, size


def _files(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
        else:
            yield entry

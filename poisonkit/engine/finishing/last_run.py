"""What the last run left, so that the next one sees at once that there is nothing to do.

A finished run notes its summary, and beside it a digest of all that it depends on: recipe, version, and of every file
of the source and of the output what tells that it is still the same (inode, size, time of change). Where a digest
differs, or anything is unusual, the run goes its whole way, which looks at each sample.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from poisonkit._version import __version__
from poisonkit.common import atomic
from poisonkit.common.safe_io import load_json, read_text
from poisonkit.datasets import Dataset
from poisonkit.engine.finishing import writing
from poisonkit.engine.finishing.results import Made, Summary
from poisonkit.engine.state.run_state import Run
from poisonkit.errors import RequestError
from poisonkit.metrics.survival import SurvivalSummary
from poisonkit.plan.plan import Plan, digest


def note(run: Run, made: Made, summary: Summary) -> None:
    """Note that a run is finished; nothing where the next one may have something to do."""
    plan, path = made.part.plan, run.state.paths.last_run
    path.unlink(missing_ok=True)
    if not _is_plain(run) or summary.failed:
        return
    known = {
        "digest": _digest(run),
        "counts": summary.counts,
        "inert": summary.inert,
        "said": (*run.dataset.notes, *plan.warnings, *plan.passed_over.values(), *plan.found, *made.part.weak),
        "warnings": summary.warnings,
        "clean_method": summary.clean_method,
        "annotations": dict(summary.annotations),
        "survival": {name: asdict(each) for name, each in summary.survival.items()},
    }
    if known["digest"] is not None:
        atomic.write_lines(path, [json.dumps(known, ensure_ascii=False)])


def unchanged(run: Run) -> tuple[Summary, tuple[str, ...]] | None:
    """The summary of a run that finds everything as the last one left it, and what that one said; None where there may
    be something to do.

    The summary's plan is read from the file whenever it is gone through.
    """
    state = run.state
    path = state.paths.last_run
    if not _is_plain(run) or run.options.fresh or state.unclean.exists() or state.shards.exists():
        return None
    try:
        known = load_json(read_text(path))
        if known["digest"] != _digest(run):
            return None
        return _summary(run, known), tuple(known["said"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RequestError):
        return None


def _is_plain(run: Run) -> bool:
    """Whether a run is one of the whole dataset, here."""
    return run.base is None and run.state.shard is None and run.options.executor == "local"


def _summary(run: Run, known: Any) -> Summary:
    survival = {
        name: SurvivalSummary(**{**each, "weak": tuple((key, gain) for key, gain in each["weak"])})
        for name, each in known["survival"].items()
    }
    return Summary(
        out=run.state.out,
        plan=Plan.opened(run.state.paths.plan()),
        counts={role: Counter(each) for role, each in known["counts"].items()},
        failed=(),
        inert=tuple((path, why) for path, why in known["inert"]),
        warnings=tuple(known["warnings"]),
        clean_method=known["clean_method"],
        seconds=time.monotonic() - run.began,
        processed=0,
        annotations={root: tuple(files) for root, files in known["annotations"].items()},
        survival=survival,
        required=run.recipe.require_survival,
    )


def _digest(run: Run) -> str | None:
    """Of everything that decides whether there is something to do. None where that cannot be told this way."""
    said = [
        __version__,
        run.recipe.to_yaml(),
        run.recipe.fingerprint,
        digest(run.dataset),
        run.dataset.notes,
        writing.places(run),
        str(run.state.out.resolve()),
    ]
    whole = hashlib.blake2b(json.dumps(said).encode("utf-8", "surrogatepass"), digest_size=16)
    try:
        for told in (_source(run.dataset), _output(str(run.state.out), str(run.state.paths.state))):
            for each in told:
                whole.update(each)
    except OSError:
        return None
    return whole.hexdigest()


def _source(dataset: Dataset) -> Iterator[bytes]:
    """What tells each file from another. OSError for anything but plain files: frame folders and shards hold more."""
    root = f"{dataset.root}{os.sep}"
    for sample in dataset.samples:
        for path in sample.paths:
            found = os.stat(root + path)
            if not stat.S_ISREG(found.st_mode):
                raise OSError
            yield b"%d %d %d\n" % (found.st_ino, found.st_size, found.st_mtime_ns)


def _output(folder: str, state: str) -> Iterator[bytes]:
    """The same of each file and link in a folder of the output, its state left out."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    inner, lines = [], []
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            inner.append(entry.path)
            lines.append(f"{entry.name}/\n")
        else:
            here = entry.stat(follow_symlinks=False)
            lines.append(f"{entry.name} {here.st_ino} {here.st_size} {here.st_mtime_ns}\n")
    yield os.fsencode("".join(lines))
    for path in inner:
        if path != state:
            yield from _output(path, state)

"""Features of every written file, by one extractor, once all files are in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poisonkit import media
from poisonkit.common import hashing
from poisonkit.datasets import feature_path
from poisonkit.engine.clips.worker import machine_trouble
from poisonkit.engine.executors import Executor
from poisonkit.engine.finishing.linking import link_again
from poisonkit.engine.state.ledger import Ledger
from poisonkit.engine.state.progress import Progress
from poisonkit.errors import MediaError, PoisonkitError, told
from poisonkit.outputs.record import FeatureFiles, Record

CLOSE = 1e-3  # so far apart, of 1, may features be that another processor made of the same sound


@dataclass(frozen=True)
class _Job:
    key: str
    out: str
    path: str
    linked_paths: tuple[str, ...]


def make(
    rows: Sequence[Record], out: Path, ledger: Ledger, executor: Executor, progress: Progress
) -> dict[str, Record]:
    """The records by key, those with a file with `features`, which are made where they do not lie there yet.

    A file whose features cannot be made is taken away, and its record says failed: readers take missing features
    for silence. Each result is noted in the ledger.
    """
    records = {row["key"]: row for row in rows}
    todo: list[_Job] = []
    for key, row in records.items():
        if row["status"] != "ok":
            continue
        known = ledger.records[key]["features"] if key in ledger.records else None
        if known and _stand(known, out):
            records[key] = {**row, "features": known}
        else:
            todo.append(_Job(key, str(out), row["path"], tuple(row["also"])))
    if not todo:
        return records
    progress.begin("Features", len(todo))
    padded = 0
    try:
        for key, made, short in executor.map(_extract, todo, _died):
            row = records[key]
            if isinstance(made, _Trouble):
                raise PoisonkitError(
                    f"The machine is in trouble ({made.what}). When that is repaired, the same command continues."
                )
            if isinstance(made, str):
                for name in (row["path"], *row["also"]):
                    media.remove(out / name)
                row = {**row, "sha256": None, "bytes": None, "status": "failed", "error": made}
            else:
                row = {**row, "features": made}
            padded += short
            records[key] = row
            ledger.add(row)
            progress.step()
    finally:
        progress.end()
    if padded:
        progress.say(f"{padded} sounds are under a second: their features have silence behind them, to 64 rows.")
    return records


def _stand(known: FeatureFiles, out: Path) -> bool:
    try:
        return all((out / name).stat().st_size == known["bytes"] for name in (known["path"], *known["also"]))
    except OSError:
        return False


@dataclass(frozen=True)
class _Trouble:
    """The machine, not the file, is to blame."""

    what: str


_Found = tuple[str, FeatureFiles | str | _Trouble, bool]


def _extract(job: _Job) -> _Found:
    """(key, the record's `features` or why there are none, whether they were padded). Never raises for a bad file."""
    place, also = feature_path(job.path), [feature_path(name) for name in job.linked_paths]
    try:
        made = media.write_features(Path(job.out, job.path), Path(job.out, place))
        for other in also:
            link_again(Path(job.out, place), Path(job.out, other))
    except (MediaError, OSError) as error:
        if trouble := machine_trouble(error, job.out):
            return job.key, _Trouble(trouble), False
        return job.key, f"No features could be made of it: {told(error)}", False
    except MemoryError:
        return job.key, f"'{job.path}' needs more memory than there is.", False
    found: FeatureFiles = {
        "path": place,
        "also": also,
        "shape": list(made.shape),
        "sha256": made.sha256,
        "bytes": made.bytes,
    }
    return job.key, found, made.padded


def _died(job: _Job) -> _Found:
    return job.key, f"A worker died on the features of '{job.path}'.", False


def changed(row: Record, out: Path) -> Iterator[tuple[str, str]]:
    """(path, what is wrong) of feature files that are not as their record says."""
    found = row["features"]
    if found is None:
        return
    for name in (found["path"], *found["also"]):
        path = out / name
        if path.is_symlink():
            yield name, "it is a link, and poisonkit makes none there"
            continue
        try:
            same = path.stat().st_size == found["bytes"] and hashing.sha256(path) == found["sha256"]
        except OSError:
            yield name, "it is missing"
            continue
        if not same:
            yield name, "its content has changed (SHA-256 differs from the manifest's)"


def recheck(row: Record, out: str) -> str | None:
    """None when a record's features, if it has any, are those of its file, made again; else one sentence."""
    if row["features"] is None:
        return None
    try:
        found = media.read_features(Path(out, row["features"]["path"]))
        again = media.log_mel(*media.read_audio(Path(out, row["path"])))
    except (MediaError, OSError) as error:
        return told(error)
    if found.shape != again.shape or not np.allclose(found, again, rtol=0, atol=CLOSE):
        return "its features are not those of its sound"
    return None

"""Shards of an output: what was made is staged as files, and each shard is written from its source, streamed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from poisonkit import media
from poisonkit.common import atomic
from poisonkit.common.run_claim import step
from poisonkit.common.safe_io import load_json, read_text, stays_inside
from poisonkit.common.validation import STRICT, Text, fits
from poisonkit.datasets import Dataset, Entry, Labels, Shard, get_layout, is_there, split_path
from poisonkit.datasets import write_shard as write
from poisonkit.engine.clips.worker import machine_trouble
from poisonkit.engine.executors import Executor
from poisonkit.engine.state.ledger import Ledger, RowFile
from poisonkit.engine.state.progress import Progress
from poisonkit.errors import PoisonkitError, told
from poisonkit.outputs import record, sample_files
from poisonkit.outputs.path_guards import LinkedFolders
from poisonkit.outputs.paths import PACKED, SHARDS, OutputPaths
from poisonkit.outputs.record import Record
from poisonkit.outputs.shard_paths import leads_into_shard, place_of, shard_of, staged
from poisonkit.plan.plan import Plan, Task


@dataclass(frozen=True)
class _Job:
    """One shard. source: absolute; shard: relative to the output; rest: with members that are no sample's."""

    source: str
    out: str
    shard: str
    entries: tuple[Entry, ...]
    labels: Labels
    rest: bool
    inputs: str


@dataclass(frozen=True)
class _Failure:
    what: str


def assemble(
    plan: Plan, dataset: Dataset, records: Mapping[str, Record], out: Path, executor: Executor, progress: Progress
) -> dict[str, Record]:
    """Write every shard that is not there as it should be; the records of all tasks, clean ones among them.

    records: of what was made. PoisonkitError for a source that can no longer be read, or a full disk.
    """
    blank = {t.key: record.record(t, plan.classes) for t in plan.tasks if t.key not in records}
    found = {**records, **blank}
    labels = Labels(plan.classes, plan.options)
    jobs = [_job(dataset.root, out, shard, tasks, found, labels) for shard, tasks in _by_shard(plan.tasks).items()]
    with RowFile(OutputPaths(out).state / PACKED, _is_shard) as known:
        todo = [job for job in jobs if not _stands(known.records.get(job.shard), job)]
        progress.begin("Shards", len(todo))
        try:
            for job, made in executor.map(_pack, todo, _died):
                if isinstance(made, _Failure):
                    raise PoisonkitError(f"{made.what.rstrip('.')}. The same command continues.")
                known.add(
                    {
                        "key": job.shard,
                        "inputs": job.inputs,
                        "sha256": made.sha256,
                        "bytes": made.bytes,
                        "sizes": made.sizes,
                    }
                )
                progress.step()
        finally:
            progress.end()
        sizes = {shard: row["sizes"] for shard, row in known.records.items()}
        rows = [
            {"path": shard, "bytes": row["bytes"], "sha256": row["sha256"]}
            for shard, row in sorted(known.records.items())
            if (out / shard).is_file()
        ]
    for task in plan.tasks:
        row = found[task.key]
        if row["status"] == "ok" and row["bytes"] is None:
            member = split_path(task.source_path)[1]
            found[task.key] = {**row, "bytes": sizes[shard_of(task.path)][member]}
    atomic.write_lines(OutputPaths(out).shards, map(json.dumps, rows))
    return found


def clear(out: Path) -> None:
    """Remove what was staged and copied out, once everything is written."""
    for folder in (staged(out), staged(out).with_name("scratch")):
        with step():
            shutil.rmtree(folder, ignore_errors=True)


def done(ledger: Ledger, plan: Plan, out: Path, source: Path) -> set[str]:
    """Keys of what needs no second run: staged, or in a shard already, and made of what the source still holds."""
    place = place_of(plan, out)
    found = ledger.done(out) if place == out else ledger.done(place) | ledger.done(out)
    if get_layout(plan.layout).packed:  # a shard is looked at as a whole
        return found
    return {key for key in found if sample_files.made_of(source, ledger.records[key], out)}


def _by_shard(tasks: Iterable[Task]) -> dict[str, list[tuple[str, Task]]]:
    """Shard of the output -> (a path in it, the task), in plan order."""
    found: dict[str, list[tuple[str, Task]]] = {}
    for task in tasks:
        for path in (task.path, *task.linked_paths):
            found.setdefault(shard_of(path), []).append((path, task))
    return found


def _job(
    root: Path, out: Path, shard: str, tasks: Sequence[tuple[str, Task]], records: Mapping[str, Record], labels: Labels
) -> _Job:
    sources = {split_path(task.source_path)[0] for _, task in tasks}
    if len(sources) > 1:
        raise PoisonkitError(f"{shard} would be made of several shards ({', '.join(sorted(sources))}): rename them.")
    source = sources.pop()
    entries, facts = [], []
    for path, task in tasks:
        row = records[task.key]
        if row["status"] != "ok":
            continue
        made = None
        if row["sha256"] is not None:  # it was made
            made = str(next((p / path for p in (staged(out), out) if is_there(p / path)), staged(out) / path))
        label = task.original_label if path in task.linked_paths else task.label
        length = record.length_of(row)
        resized = length.resized if length else None
        entries.append(Entry(split_path(task.source_path)[1], label, task.original_label, made, resized))
        facts.append((entries[-1].member, label, task.original_label, row["sha256"]))
    rest = shard == f"data/{source}"
    status = os.stat(root / source)
    text = json.dumps([source, status.st_size, status.st_mtime_ns, facts, rest, labels.classes, dict(labels.options)])
    inputs = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return _Job(str(root / source), str(out), shard, tuple(entries), labels, rest, inputs)


@with_config(STRICT)
class _PackedShard(TypedDict):
    """What is kept of a written shard (`key`). inputs: a hash of all that it is made of. sizes: of its members."""

    key: Text
    inputs: Text
    sha256: Text
    bytes: int
    sizes: dict[Text, int]


_PACKED: TypeAdapter[_PackedShard] = TypeAdapter(_PackedShard)


def _is_shard(row: object) -> TypeGuard[_PackedShard]:
    return fits(_PACKED, row)


def _stands(row: _PackedShard | None, job: _Job) -> bool:
    try:
        return (
            row is not None
            and row["inputs"] == job.inputs
            and sample_files.size(Path(job.out, job.shard)) == row["bytes"]
        )
    except OSError:
        return False


def _pack(job: _Job) -> tuple[_Job, Shard | _Failure]:
    """Write one shard, whole or not at all. Never raises for a bad one."""
    target = Path(job.out, job.shard)
    try:
        media.make_folder(target.parent)
        with atomic.new_file(target) as file:
            made = write(Path(job.source), file, job.entries, job.labels, rest=job.rest)
        return job, made
    except (PoisonkitError, OSError, EOFError, ValueError) as error:
        trouble = machine_trouble(error, job.out)
        what = f"{trouble}: " if trouble else ""
        return job, _Failure(f"{job.shard} could not be written ({what}{told(error)})")
    except MemoryError:
        return job, _Failure(f"{job.shard} needs more memory than there is")


def _died(job: _Job) -> tuple[_Job, Shard | _Failure]:
    return job, _Failure(f"A worker died on {job.shard}")


# -- is it still so? -----------------------------------------------------------------------------------


class Shards:
    """Shards, and the samples in them, against shards.jsonl and their records, one record after the other.

    found: (path, what is wrong) of the shards themselves.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._known: dict[str, tuple[int, str]] = {}
        self._broken: set[str] = set()
        self.found = list(self._look())

    def _look(self) -> Iterator[tuple[str, str]]:
        out, known = self._out, self._known
        try:
            said = [load_json(line) for line in read_text(OutputPaths(out).shards).splitlines()]
            known.update({str(row["path"]): (int(row["bytes"]), str(row["sha256"])) for row in said})
        except (OSError, ValueError, LookupError, TypeError):
            yield SHARDS, "it is missing or no list of shards"
            known.clear()
        for shard in [name for name in known if not stays_inside(name)]:
            yield SHARDS, f"'{shard}' is no path in the output"
            del known[shard]
        linked = LinkedFolders(out)
        for shard, (size, digest) in known.items():
            path = out / shard
            if link := linked.above(shard):
                yield shard, f"the folder {link} is a link, and poisonkit makes none there"
                self._broken.add(shard)
                continue
            if path.is_symlink() or not path.is_file():
                yield shard, "it is a link, and poisonkit makes none there" if path.is_symlink() else "it is missing"
                self._broken.add(shard)
            elif path.stat().st_size != size or sample_files.sha256(path) != digest:
                yield shard, "its content has changed (SHA-256 differs from shards.jsonl's)"
                self._broken.add(shard)

    def changed(self, row: Record) -> Iterator[tuple[str, str]]:
        """(path, what is wrong) of one record's samples."""
        for name in (row["path"], *row["also"]):
            yield from _sample(self._out, name, row, self._known, self._broken)


def _sample(
    out: Path, name: str, row: Record, known: Mapping[str, object], broken: set[str]
) -> Iterator[tuple[str, str]]:
    if not leads_into_shard(name):
        yield name, "it leads into no shard"
        return
    shard = shard_of(name)
    if shard in broken and not (out / shard).is_file():
        return  # named already
    if shard not in known and row["status"] == "ok":
        yield name, f"{SHARDS} does not have its shard"
        return
    there = is_there(out / name)
    if row["status"] != "ok":
        if there:
            yield name, f"it is there, although its record says {row['status']}"
    elif not there:
        yield name, "it is missing"
    elif row["bytes"] is not None and sample_files.size(out / name) != row["bytes"]:
        yield name, f"it has {sample_files.size(out / name)} bytes, and the manifest says {row['bytes']}"
    elif row["sha256"] is not None and sample_files.sha256(out / name) != row["sha256"]:
        yield name, "its content has changed (SHA-256 differs from the manifest's)"

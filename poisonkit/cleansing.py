"""Repair by data: a finished output's dataset without what a defence suspects, to train on again."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit import media
from poisonkit._version import __version__
from poisonkit.common import atomic, hashing
from poisonkit.common.safe_io import load_json, read_text
from poisonkit.datasets import Entry, Labels, get_layout, split_path, write_shard
from poisonkit.engine.finishing import linking
from poisonkit.errors import RequestError, told
from poisonkit.outputs import lists, record
from poisonkit.outputs.opening import require_apart, require_outside_source
from poisonkit.outputs.path_guards import require_folders
from poisonkit.outputs.paths import MANIFEST, OutputPaths
from poisonkit.outputs.record import Record
from poisonkit.outputs.shard_paths import leads_into_shard, shard_of
from poisonkit.plan.plan import Plan, require_labels
from poisonkit.plan.task import PARTS
from poisonkit.scoring.joining import UNKNOWN, Names, some
from poisonkit.scoring.sets import Answers, open_output
from poisonkit.scoring.suspects import read_suspects

ACCOUNT = "cleansed.json"
"""What was taken out, by which suspects, beside the manifest."""

THERE = "there already"


@dataclass(frozen=True)
class Cleansed:
    """A dataset without its suspects. folder: where; a trainer's data root is `folder/data`.

    removed, stayed: training samples by role (clean, poisoned, cover). held_out: samples of val and test, which all
    stay. lists: annotation files, relative to the data root. method: how files came there, or that they were there.
    """

    folder: Path
    removed: dict[str, int]
    stayed: dict[str, int]
    held_out: int
    lists: tuple[str, ...]
    method: str
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: all in order; 1: something was flagged."""
        return 1 if self.flags else 0

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "folder": str(self.folder),
            "removed": self.removed,
            "stayed": self.stayed,
            "held_out": self.held_out,
            "lists": list(self.lists),
            "method": self.method,
            "notes": list(self.notes),
            "flags": list(self.flags),
        }


def cleanse(
    out: Path | str,
    *,
    suspects: Path | str,
    folder: Path | str,
    count: int | None = None,
    threshold: float | None = None,
) -> Cleansed:
    """Write the dataset of a finished output without the training samples that a defence suspects.

    suspects: a file with an id or path a line: all of them are taken out; or `id,score` a line, as `detect` has it:
    then the `count` highest are, or those of at least `threshold`. folder: a new or empty folder; `folder/data` has
    the output's layout and lists, with hard links to its files, and `folder/poisonkit` a manifest of what stayed and
    cleansed.json. Tar shards that lose samples are written again, the others linked. Held-out clips stay; attack sets
    and control are where they were.

    It comes into being whole or not at all; where the same call made it already, nothing is done. Raises RequestError
    for suspects that name no training sample, for a class that would be empty, and for a folder that holds other files.
    """
    out, file, place = Path(out), Path(suspects), Path(os.path.abspath(folder))
    answers = open_output(out)
    paths = OutputPaths(out)
    plan = Plan.read(paths.plan())
    require_labels(plan, out)
    layout = get_layout(plan.layout)
    removed, notes, flags = _suspected(file, answers, count, threshold)
    keys = {answers.training.rows[i]["key"] for i in removed}
    rows = [r for r in record.read(paths.manifest) if r["role"] not in PARTS]
    kept = [r for r in rows if r["status"] == "ok" and r["key"] not in keys]
    dropped = frozenset(r["key"] for r in rows) - {r["key"] for r in kept}
    plan = replace(plan, tasks=[t for t in plan.tasks if t.role not in PARTS])
    source = plan.source(out)
    try:
        layout.check(source, plan.rows("data", None, dropped), "data")
    except RequestError as error:
        raise RequestError(f"Without its suspects {out} cannot be written: {error.text}") from None
    require_apart(place)
    require_outside_source(place, out)
    require_folders(out, (name for row in kept for name in _files(row)))
    training = [r for r in kept if r["split"] == "train"]
    gone = [answers.training.rows[i] for i in removed]
    done = Cleansed(
        place, _roles(gone), _roles(training), len(kept) - len(training), (), "", tuple(notes), tuple(flags)
    )
    account = _account(plan, file, count, threshold, done, gone)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        if (before := _made_before(place, account, kept)) is not None:
            return replace(done, lists=tuple(before), method=THERE)
        raise RequestError(f"{place} is there already: choose another folder with --out, or remove it.")
    place.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(place) as made:
        (made / "data").mkdir(parents=True)
        method = _pack(out, made, kept, rows, plan) if layout.packed else _link(out, made, kept)
        written = lists.write_views(plan, source, made, dropped, record.lengths(kept))["data"]
        atomic.write_text(OutputPaths(made).notice("data"), _notice(plan))
        paths_made = OutputPaths(made)
        paths_made.home.mkdir()
        record.write(made / MANIFEST, kept)
        account |= {"lists": list(written)}
        atomic.write_text(paths_made.home / ACCOUNT, json.dumps(account, indent=2, ensure_ascii=False))
    return replace(done, lists=written, method=method)


def _made_before(place: Path, account: dict[str, Any], kept: Sequence[Record]) -> list[str] | None:
    """The lists in a folder, if the same call made it and all of its samples are still there."""
    try:
        found = load_json(read_text(OutputPaths(place).home / ACCOUNT))
        if found != {**account, "lists": found["lists"]}:
            return None
        names = {shard_of(n) if leads_into_shard(n) else n for row in kept for n in _files(row)}
        written: list[str] = found["lists"]
        names |= {f"data/{name}" for name in written}
        return written if all((place / name).exists() for name in names) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _suspected(
    file: Path, answers: Answers, count: int | None, threshold: float | None
) -> tuple[list[int], list[str], list[str]]:
    """Indices of the training samples that go, in the manifest's order; notes and flags."""
    index = Names(answers.training)
    names, scores = read_suspects(file, index)
    at = index.all(names)
    if not (at >= 0).any():
        raise RequestError(f"{file} names no training sample of {answers.out} ({some(names, 1)} is none).")
    notes: list[str] = []
    flags: list[str] = []
    if strange := [n for n, i in zip(names, at.tolist(), strict=True) if i <= UNKNOWN]:
        flags.append(f"{len(strange)} lines name no training sample, or several: {some(strange)}; they were left out.")
    if scores is None:
        if count is not None or threshold is not None:
            option = "--count" if count is not None else "--threshold"
            raise RequestError(f"{option} chooses by score, and {file} has none: all that it names go.")
        return sorted(set(at[at >= 0].tolist())), notes, flags
    if (count is None) == (threshold is None):
        raise RequestError(f"{file} has a score a sample: say which go, by either --count N or --threshold X.")
    values = np.full(len(answers.training.rows), np.nan)
    values[at[at >= 0]] = scores[at >= 0]
    if missing := int(np.isnan(values).sum()):
        flags.append(f"{missing} training samples have no score and stay.")
    if threshold is not None:
        if not math.isfinite(threshold):
            raise RequestError(f"--threshold takes a number; this is {threshold}.")
        return np.flatnonzero(values >= threshold).tolist(), notes, flags
    assert count is not None
    known = np.flatnonzero(~np.isnan(values))
    if not 0 < count <= known.size:
        raise RequestError(f"--count {count}: {file} has scores of {known.size} training samples.")
    ordered = known[np.argsort(-values[known], kind="stable")]
    last = values[ordered[count - 1]]
    if count < known.size and values[ordered[count]] == last:
        tied, taken = int(np.count_nonzero(values == last)), int(np.count_nonzero(values[ordered[:count]] == last))
        notes.append(f"{tied} samples share the lowest score that goes ({last:g}): the first {taken} of them go.")
    return sorted(ordered[:count].tolist()), notes, flags


def _files(row: Record) -> Iterator[str]:
    """Every file of a sample of the dataset, features included, relative to the output."""
    yield from (row["path"], *row["also"])
    if found := row["features"]:
        yield from (found["path"], *found["also"])


def _pack(out: Path, made: Path, kept: Sequence[Record], rows: Iterable[Record], plan: Plan) -> str:
    """Bring the shards of these samples into the new folder; how. One that loses samples is written again."""
    stay = {row["key"] for row in kept}
    changed = {shard_of(r["path"]) for r in rows if r["status"] == "ok" and r["key"] not in stay}
    shards: dict[str, list[Record]] = {}
    for row in kept:
        shards.setdefault(shard_of(row["path"]), []).append(row)
    whole = [shard for shard in shards if shard not in changed]
    method: linking.Method = "copy"
    if whole:
        size = sum((out / shard).stat().st_size for shard in whole)
        method = linking.choose("hardlink", out / whole[0], made / "data", size).method
    labels = Labels(plan.classes, plan.options)
    for shard, those in shards.items():
        media.make_folder((made / shard).parent)
        try:
            if shard in changed:
                members = [(split_path(row["path"].removeprefix("data/"))[1], row["label"]) for row in those]
                with atomic.new_file(made / shard) as file:
                    entries = [Entry(name, label, label) for name, label in members]
                    write_shard(out / shard, file, entries, labels, rest=True)
            else:
                linking.place(method, out / shard, made / shard)
        except (OSError, EOFError) as error:
            raise RequestError(f"{out}: {shard} cannot be brought there ({told(error)}).") from None
    return method


def _link(out: Path, made: Path, kept: Sequence[Record]) -> str:
    """Bring the files of these samples into the new folder; how. A link stays a link to the same file."""
    plain = next((r for r in kept if not (out / r["path"]).is_symlink()), None)
    method: linking.Method = "symlink"
    if plain is not None:
        size = sum(r["bytes"] or 0 for r in kept)
        method = linking.choose("hardlink", out / plain["path"], made / "data", size).method
    for row in kept:
        for name in _files(row):
            target = made / name
            media.make_folder(target.parent)
            try:
                if (out / name).is_symlink():
                    os.symlink(os.path.realpath(out / name), target)
                else:
                    linking.place(method, out / name, target)
            except OSError as error:
                raise RequestError(f"{out}: {name} cannot be linked ({error.strerror}).") from None
    return method


def _roles(rows: Iterable[Record]) -> dict[str, int]:
    return dict(sorted(Counter(r["role"] for r in rows).items()))


def _notice(plan: Plan) -> str:
    return (
        "CLEANSED, NOT CLEAN. From this poisoned dataset a defence's suspects were taken out; samples with a backdoor\n"
        f"trigger may still be in it. Made by poisonkit {__version__} for security research. Do not train a model for\n"
        f"real use on it and do not pass it on as clean. Recipe fingerprint: {plan.fingerprint}\n"
    )


def _account(
    plan: Plan, file: Path, count: int | None, threshold: float | None, done: Cleansed, gone: Sequence[Record]
) -> dict[str, Any]:
    return {
        "cleansed": 1,
        "fingerprint": plan.fingerprint,
        "suspects": {"name": file.name, "sha256": hashing.sha256(file)},
        "count": count,
        "threshold": threshold,
        "removed": done.removed,
        "stayed": done.stayed,
        "held_out": done.held_out,
        "ids": [r["id"] for r in gone],
    }

"""The last stretch of a run: lists, manifest, card, run.json, from records in plan order."""

from __future__ import annotations

import json
import platform
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from poisonkit._version import __version__
from poisonkit.common import atomic, collector, levels, versions
from poisonkit.common.hashing import sha256
from poisonkit.datasets import Dataset
from poisonkit.engine.finishing import card, croissant, run_figures, view_table
from poisonkit.engine.finishing.results import Made, Part, Summary, added_attacks, summary_of
from poisonkit.engine.state.run_state import Run
from poisonkit.engine.state.task_results import Counts, TaskResults
from poisonkit.outputs import checksums, first_rows, lists, record
from poisonkit.outputs.opening import recorded_reading, signed_places
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record, rounded
from poisonkit.plan.plan import Plan
from poisonkit.recipe.recipe import Recipe


def write_lists(part: Part, dataset: Dataset, out: Path) -> dict[str, tuple[str, ...]]:
    """Annotation files of every view of a part; view root -> files."""
    return lists.write_views(part.plan, dataset, out, part.done.lost(), record.lengths(part.done.records.values()))


@collector.paused()
def finish(run: Run, made: Made, *, removed: str | None = None) -> Summary:
    """Write everything that is written once all media are in place; run.json comes last.

    The summary is of what was made now: of an attack set that is added, of that alone. removed: an added attack set
    that is gone from now on; nothing was made then.
    """
    dataset, out, paths, done = run.dataset, run.state.out, run.state.paths, made.part
    recipe = run.base or run.recipe
    base = done if run.base is None else dataset_part(run.base, paths)
    parts = [base, *(a for a in added_attacks(out, done if done.added else None) if a.name != removed)]
    annotations = {root: files for part in parts for root, files in write_lists(part, dataset, out).items()}
    rows = first_rows.arrangement(row for part in parts for row in part.rows())
    atomic.write_lines(paths.manifest, rows.lines(line for part in parts for line in part.lines()))
    table = view_table.ViewTable(parts)
    atomic.write_lines(paths.view_table, table.lines())
    if not paths.view_table.stat().st_size:  # shards and frame folders
        paths.view_table.unlink()
    contents = card.Contents(
        recipe=recipe,
        dataset=dataset,
        plan=base.plan,
        counts=_all_counts(parts),
        annotations=annotations,
        survival={name: summary for part in parts for name, summary in part.survival.items()},
        weak=[text for part in parts for text in part.weak],
        added=[part.recipe for part in parts[1:]],
        configs=table.configs,
    )
    atomic.write_text(paths.card, card.card(contents))
    manifest = sha256(paths.manifest)
    for_catalogues = croissant.croissant(
        layout=dataset.layout,
        fingerprint=base.plan.fingerprint,
        licence=card.licence_of(dataset),
        paper=card.PAPER,
        manifest_sha256=manifest,
        counts={role: c["ok"] for role, c in contents.counts.items()},
    )
    atomic.write_text(paths.croissant, json.dumps(for_catalogues, indent=2, ensure_ascii=False))
    summary = summary_of(
        run,
        made,
        done.plan.tasks,
        warnings=(*dataset.notes, *done.warnings),
        annotations=annotations,
        survival=done.survival,
        required=recipe.require_survival,
    )
    data = {
        **run_figures.figures(
            run, summary, base.plan, [part.name for part in parts[1:]], _here(), kept=removed is not None
        ),
        "manifest_version": record.VERSION,
        "counts": {role: dict(c) for role, c in contents.counts.items()},
        "survival": {name: rounded(asdict(o)) for name, o in contents.survival.items()},
        "warnings": [*dataset.notes, *(text for part in parts for text in part.warnings)],
        "out": str(out.resolve()),
        "annotations": {k: list(v) for k, v in annotations.items()},
        "sha256": checksums.current_checksums(out, manifest),
        **places(run),
    }
    atomic.write_lines(paths.run, json.dumps(data, indent=2, ensure_ascii=False).split("\n"))
    return summary


def _all_counts(parts: Iterable[Part]) -> Counts:
    """Of all parts together."""
    counts: Counts = {}
    for part in parts:
        for role, of_role in part.counts().items():
            counts.setdefault(role, Counter()).update(of_role)
    return counts


def _here() -> dict[str, Any]:
    """When, where and by what an output is finished."""
    return {
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": platform.node(),
        "machine": platform.machine(),
        "level": levels.of_process(),
        "python": platform.python_version(),
        "poisonkit": __version__,
        "libraries": versions.libraries(),
    }


def dataset_part(recipe: Recipe, paths: OutputPaths) -> Part:
    """That of a finished output to which an attack set is added."""
    rows: Mapping[str, Record] = {row["key"]: row for row in record.read(paths.manifest)}
    return Part(recipe.portable(), Plan.read(paths.plan()), TaskResults(rows))


def places(run: Run) -> dict[str, Any]:
    """Where the clean dataset lies, and how it was read: as now, or as it was when the output was begun."""
    recipe = run.recipe
    reading: Mapping[str, Any] | None = recorded_reading(run.state.out)
    if recipe.source is not None:
        named = {"source": recipe.source, "data_root": recipe.data_root}
        lists = {"train": recipe.train_list, "val": recipe.val_list, "test": recipe.test_list}
        reading = {k: str(Path(v).resolve()) for k, v in {**named, **lists}.items() if v is not None}
    return signed_places({"source": str(run.dataset.root.resolve()), **({"reading": reading} if reading else {})})

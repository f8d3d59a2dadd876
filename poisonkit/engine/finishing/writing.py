"""The last stretch of a run: lists, manifest, card, run.json, from records in plan order."""

from __future__ import annotations

import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from poisonkit._version import __version__
from poisonkit.common import atomic, levels
from poisonkit.datasets import Dataset
from poisonkit.engine.finishing import card, features, survival_warnings
from poisonkit.engine.state.ledger import read_rows
from poisonkit.engine.state.task_results import Counts, TaskResults
from poisonkit.metrics.survival import SurvivalSummary
from poisonkit.outputs import checksums, lists
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import rounded
from poisonkit.plan.plan import Plan
from poisonkit.recipe.recipe import Recipe, read_mapping


@dataclass(frozen=True)
class Summary:
    """What a run did. counts: role -> status -> number. failed, inert: (path in the source, reason).

    shard: `I/N` where it did that part of the plan only; then nothing is annotated yet.
    """

    out: Path
    plan: Plan
    counts: Counts
    failed: tuple[tuple[str, str], ...]
    inert: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    clean_method: str
    seconds: float
    processed: int
    annotations: Mapping[str, tuple[str, ...]]
    survival: Mapping[str, SurvivalSummary] = field(default_factory=dict)
    required: float | None = None
    shard: str | None = None

    @property
    def exit_code(self) -> int:
        """0: all ok; 1: some samples failed, or the survival that was required does not hold."""
        short = self.required is not None and not all(o.ok for o in self.survival.values())
        return 1 if self.failed or short else 0

    def as_json(self) -> dict[str, Any]:
        """For `--json` and run.json: counts, warnings and failures."""
        return {
            "out": str(self.out),
            "fingerprint": self.plan.fingerprint,
            "counts": {role: dict(c) for role, c in self.counts.items()},
            "choices": [vars(c) for c in self.plan.choices],
            "failed": [{"source_path": p, "error": e} for p, e in self.failed],
            "inert": [{"source_path": p, "error": e} for p, e in self.inert],
            "passed_over": self.plan.passed_over,
            "warnings": list(self.warnings),
            "clean_method": self.clean_method,
            **({"encode": dict(self.plan.encode)} if self.plan.encode else {}),
            "survival": {name: rounded(asdict(o)) for name, o in self.survival.items()},
            "processed": self.processed,
            "seconds": round(self.seconds, 3),
            **({"shard": self.shard} if self.shard else {}),
        }


@dataclass(frozen=True)
class Part:
    """One planned part of an output: the dataset itself, or an attack set added later. recipe: as plain data.

    added: it is an attack set that came later; its encoding is the output's.
    """

    recipe: Mapping[str, Any]
    plan: Plan
    done: TaskResults
    added: bool = False

    @property
    def name(self) -> str:
        """Of an added attack set."""
        return str(self.recipe["backdoors"][0]["name"])

    def lines(self) -> Iterator[str]:
        """Its lines of the manifest."""
        return self.done.lines(self.plan.tasks, self.plan.classes)

    def counts(self) -> Counts:
        """Role -> status -> number."""
        return self.done.counts(self.plan.tasks)

    @cached_property
    def survival(self) -> dict[str, SurvivalSummary]:
        """See `survival_summaries`."""
        return survival_warnings.survival_summaries(self.recipe, self.plan, self.done.records)

    @cached_property
    def weak(self) -> list[str]:
        """Sentences about what the encoder did not leave."""
        return survival_warnings.warnings(self.recipe, self.plan, self.survival, added=self.added)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those, and the plan's."""
        return (*self.plan.warnings, *self.plan.passed_over.values(), *self.weak)


def added_attacks(out: Path, current: Part | None = None) -> list[Part]:
    """Finished attack sets that were added to the output later, by name. current: one that is known already."""
    found: list[Part] = []
    paths = OutputPaths(out)
    for name in paths.added():
        if current is not None and current.name == name:
            found.append(current)
            continue
        plan = Plan.read(paths.plan(name))
        records = read_rows(paths.ledger(name))  # its own run may be at it
        if all(t.key in records for t in plan.tasks):
            found.append(Part(read_mapping(paths.recipe(name)), plan, TaskResults(records), added=True))
    return found


def _libraries() -> dict[str, str]:
    """Versions of what decides an output's bytes."""
    opencv = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
    names = ("av", "numpy", *opencv, "scipy", "soundfile", "librosa", "imageio-ffmpeg")
    found = {}
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def write_lists(part: Part, dataset: Dataset, out: Path) -> dict[str, tuple[str, ...]]:
    """Annotation files of every view of a part; view root -> files."""
    return lists.write_views(part.plan, dataset, out, part.done.lost(), features.lengths(part.done.records.values()))


def finish(
    base: Part,
    recipe: Recipe,
    dataset: Dataset,
    out: Path,
    *,
    current: Part | None = None,
    method: str,
    seconds: float,
    processed: int,
    jobs: int,
    extra: Callable[[Mapping[str, tuple[str, ...]]], Mapping[str, Any]],
) -> Summary:
    """Write everything that is written once all media are in place; run.json comes last.

    current: the attack set that this run added, if it did: the summary is of it alone. extra: what else run.json says,
    given the annotation files by view root.
    """
    paths = OutputPaths(out)
    parts = [base, *added_attacks(out, current)]
    annotations: dict[str, tuple[str, ...]] = {}
    for part in parts:
        annotations.update(write_lists(part, dataset, out))
    done = current or base
    every = [part.counts() for part in parts]
    counts: Counts = {}
    for of_part in every:
        for role, of_role in of_part.items():
            counts.setdefault(role, Counter()).update(of_role)
    atomic.write_lines(paths.manifest, (line for part in parts for line in part.lines()))
    survival = {name: summary for part in parts for name, summary in part.survival.items()}
    weak = [text for part in parts for text in part.weak]
    added = [part.recipe for part in parts[1:]]
    text = card.card(recipe, dataset, base.plan, counts, annotations, survival, weak, added)
    atomic.write_text(paths.card, text)
    summary = Summary(
        out=out,
        plan=done.plan,
        counts=done.counts(),
        failed=done.done.without_file(done.plan.tasks, "failed"),
        inert=done.done.without_file(done.plan.tasks, "inert"),
        warnings=(*dataset.notes, *done.warnings),
        clean_method=method,
        seconds=seconds,
        processed=processed,
        annotations=annotations,
        survival=done.survival,
        required=recipe.require_survival,
    )
    data = {
        **summary.as_json(),
        "counts": {role: dict(c) for role, c in counts.items()},
        "survival": {name: rounded(asdict(o)) for name, o in survival.items()},
        "warnings": [*dataset.notes, *(text for part in parts for text in part.warnings)],
        "out": str(out.resolve()),
        "annotations": {k: list(v) for k, v in annotations.items()},
        "jobs": jobs,
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": platform.node(),
        "machine": platform.machine(),
        "level": levels.of_process(),
        "python": platform.python_version(),
        "poisonkit": __version__,
        "libraries": _libraries(),
        "sha256": checksums.current_checksums(out),
        **extra(annotations),
    }
    atomic.write_lines(paths.run, json.dumps(data, indent=2, ensure_ascii=False).split("\n"))
    return summary

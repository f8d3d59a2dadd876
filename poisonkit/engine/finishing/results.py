"""What a run made, as values: a part of an output, and the summary that the caller is given."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from poisonkit.engine.finishing import survival_warnings
from poisonkit.engine.state.ledger import read_rows
from poisonkit.engine.state.run_state import Run
from poisonkit.engine.state.task_results import Counts, TaskResults
from poisonkit.metrics.survival import SurvivalSummary
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record, rounded
from poisonkit.plan.plan import Plan, Task
from poisonkit.recipe.recipe import read_mapping


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
            **({"unwritable": self.plan.unwritable} if self.plan.unwritable else {}),
            "warnings": list(self.warnings),
            "clean_method": self.clean_method,
            **({"encode": dict(self.plan.encode)} if self.plan.encode else {}),
            "survival": {name: rounded(asdict(o)) for name, o in self.survival.items()},
            "processed": self.processed,
            "seconds": round(self.seconds, 3),
            **({"shard": self.shard} if self.shard else {}),
        }


BRIGHTER = (
    "Lossless files hold RGB, which most readers decode about one level brighter than they do the linked clean clips: "
    "`poisonkit inspect OUT --shortcuts --decode` measures it, `--clean reencode` takes it away."
)


def _holds_rgb(row: Record) -> bool:
    """Whether a lossless file's pictures were encoded, as RGB in H.264 or FFV1."""
    encoded = (row["fidelity"] or {}).get("psnr") is not None
    return encoded and (row["codec"] or {}).get("video") in ("h264", "ffv1")


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
        """Its lines of the manifest, in the plan's order."""
        return self.done.lines(self.plan.tasks, self.plan.classes, self.plan.unwritable)

    def rows(self) -> Iterator[Record]:
        """What these lines fill, as `TaskResults.rows`."""
        return self.done.rows(self.plan.tasks, self.plan.classes, self.plan.unwritable)

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
        return (*self.plan.warnings, *self.plan.passed_over.values(), *self.near, *self.weak, *self.brighter)

    @property
    def near(self) -> list[str]:
        """Sentences about triggers that are not well above their codec's own noise."""
        return [] if self.added else survival_warnings.near_the_codec(self.recipe, self.survival)

    @property
    def brighter(self) -> tuple[str, ...]:
        """A sentence, if files that hold RGB lie beside linked ones that hold YUV."""
        lossless = "lossless" in (self.plan.setting, self.recipe.get("encode"))
        if not lossless or self.recipe.get("clean") == "reencode" or self.added:
            return ()
        rows = (self.done.records[t.key] for t in self.plan.tasks if t.role in ("poisoned", "attack"))
        return (BRIGHTER,) if any(_holds_rgb(row) for row in rows) else ()


@dataclass(frozen=True)
class Made:
    """What a run made of a plan. clean_method: how clean samples came into the copy; processed: how many clips."""

    part: Part
    clean_method: str
    processed: int


def summary_of(run: Run, made: Made, tasks: Sequence[Task], **more: Any) -> Summary:
    """What a run did with these tasks. more: the summary's other fields."""
    done = made.part.done
    return Summary(
        out=run.state.out,
        plan=made.part.plan,
        counts=done.counts(tasks),
        failed=done.without_file(tasks, "failed"),
        inert=done.without_file(tasks, "inert"),
        clean_method=made.clean_method,
        seconds=time.monotonic() - run.began,
        processed=made.processed,
        **more,
    )


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

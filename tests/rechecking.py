"""A record and the job that it came from, as `verify --decode` looks at them."""

from __future__ import annotations

from poisonkit.engine.clips.job import Job
from poisonkit.outputs.record import Record
from poisonkit.verification.rendering import Case


def case_of(row: Record, job: Job) -> Case:
    """The triggers are those that the record names."""
    triggers = tuple({k: v for k, v in each.items() if k != "drawn"} for each in row["triggers"])
    how = job.treatment
    return Case(row, job.task, job.classes, how.frames, triggers, bool(how.triggers), how.spans, job.encode)

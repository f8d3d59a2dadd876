"""Paths of samples that lie in tar shards, and where they wait to be packed."""

from __future__ import annotations

from pathlib import Path

from poisonkit.datasets import get_layout
from poisonkit.outputs.paths import STAGED, OutputPaths
from poisonkit.plan.plan import Plan


def staged(out: Path) -> Path:
    """Where files lie that go into shards, by the paths that they have in the output."""
    return OutputPaths(out).state / STAGED


def place_of(plan: Plan, out: Path) -> Path:
    """Where the files of a plan are written: into the output, or to be packed."""
    return staged(out) if get_layout(plan.layout).packed else out


def shard_of(path: str) -> str:
    """The shard that a path of the output, `data/train-000.tar/a.mp4`, leads into."""
    steps = path.split("/")
    first = 1 if steps[0] in ("data", "control") else 3  # attack/NAME/target
    last = next(i for i in range(first, len(steps)) if steps[i].endswith(".tar"))
    return "/".join(steps[: last + 1])


def leads_into_shard(path: str) -> bool:
    """Whether `shard_of` has an answer: a plan that somebody edited may say anything."""
    try:
        return bool(shard_of(path))
    except StopIteration:
        return False

"""An output that was edited by somebody who knows poisonkit: everything that it says of itself agrees again."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import poisonkit
from poisonkit.common import atomic
from poisonkit.outputs import checksums, lists, record
from poisonkit.plan.plan import Choice, Plan, digest
from tests.runs import rows

Rows = list[dict[str, Any]]


def found(out: Path, **how: Any) -> list[tuple[str, str]]:
    return [(p.path, p.problem) for p in poisonkit.verify(out, **how).problems]


def named(out: Path, path: str, words: str, **how: Any) -> bool:
    return any(p.startswith(path) and words in text for p, text in found(out, **how))


def first(these: Rows, role: str = "poisoned") -> dict[str, Any]:
    return next(r for r in these if r["role"] == role)


def run_json(out: Path, **change: Any) -> None:
    """Change what run.json says."""
    path = out / "poisonkit" / "run.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**data, **change}), encoding="utf-8")


def reseal(out: Path) -> None:
    """Make run.json agree with edited files, so that only the other checks can see the edit."""
    run_json(out, sha256=checksums.current_checksums(out))


def edit(out: Path, change: Callable[[Rows], object]) -> None:
    """Change the manifest's rows, in place, and hide it from the SHA-256 in run.json."""
    these = rows(out)
    change(these)
    record.write(out / "poisonkit" / "manifest.jsonl", these)
    reseal(out)


def rewrite(out: Path, change: Callable[[Rows], object], *, head: dict[str, int] | None = None) -> None:
    """Change rows of plan and manifest alike, move and remove files accordingly, and have all else agree with them.

    change: edits records in place, or takes some out of the list. head: figures of the first choice to change.
    """
    home = out / "poisonkit"
    plan = Plan.read(home / "plan.jsonl")
    before = {row["key"]: row for row in rows(out)}
    tasks = {t.key: t for t in plan.tasks}
    these = [{**row, "was": row["key"]} for row in before.values()]
    change(these)
    made, kept = [], []
    for row in these:
        was = row.pop("was")
        names = [name for name in row if name in type(tasks[was]).__slots__]
        values = {name: tuple(row[name]) if isinstance(row[name], list) else row[name] for name in names}
        of = {"id": "id", "split": "split", "source_path": "path", "original_label": "label"}
        sample = replace(tasks[was].sample, **{field: row[name] for name, field in of.items()})
        task = replace(tasks[was], sample=sample, **values, **({"backdoor": None} if row["role"] == "clean" else {}))
        labels = {"class_name": task.label, "original_class": task.original_label}
        made.append(task)
        kept.append({**row, "key": task.key, **{k: None if n is None else plan.classes[n] for k, n in labels.items()}})
        old, new = out / before[was]["path"], out / row["path"]
        if old != new:
            new.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(old, new)
    gone = before.keys() - {row["key"] for row in kept} - {t.key for t in made}
    for key in gone - {was for was in before if any(r["path"] == before[was]["path"] for r in kept)}:
        for name in (before[key]["path"], *before[key]["also"]):
            (out / name).unlink(missing_ok=True)
    plan = replace(plan, tasks=made)
    if head:
        one = vars(plan.choices[0])
        plan = replace(plan, choices=(Choice(**{**one, **{k: one[k] + n for k, n in head.items()}}), *plan.choices[1:]))
    plan = replace(plan, dataset=digest(plan.source(out)))
    atomic.write_lines(home / "plan.jsonl", plan.to_jsonl())
    record.write(home / "manifest.jsonl", kept)
    lists.write_views(plan, plan.source(out), out, frozenset(), {})
    counts: dict[str, Counter[str]] = {}
    for row in kept:
        counts.setdefault(row["role"], Counter())[row["status"]] += 1
    run_json(out, counts=counts, choices=[vars(c) for c in plan.choices])
    reseal(out)

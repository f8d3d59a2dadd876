"""run.json against plan and manifest: counts, failures, survival."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from poisonkit.common.safe_io import load_json, read_text
from poisonkit.engine.state.task_results import Counts
from poisonkit.metrics.survival import survival_summary
from poisonkit.outputs import record
from poisonkit.outputs.consistency import Finding, Planned
from poisonkit.outputs.forms import survival_name, survival_names
from poisonkit.outputs.paths import RUN
from poisonkit.outputs.record import Record, rounded
from poisonkit.plan.plan import Length, Task


class Tally:
    """What the manifest comes to, record by record: of a record only its figures are kept, where it has any.

    total: records. made: how many samples poisonkit made a file of, or
    tried to. dropped: keys of what has no file. lengths: of features, and of what became longer or shorter.
    """

    def __init__(self) -> None:
        self.total = self.made = 0
        self.dropped: set[str] = set()
        self.lengths: dict[str, Length] = {}
        self._counts: Counts = {}
        self._lost: dict[tuple[str | None, str], list[dict[str, Any]]] = {}
        self._clips: dict[tuple[str | None, int, bool], list[Mapping[str, Any]]] = {}
        self._unmeasured: dict[int | None, Mapping[str, Any]] = {}

    def add(self, row: Record, task: Task | None, part: Planned | None) -> None:
        """One record, and what it is of."""
        self.total += 1
        self._counts.setdefault(row["role"], Counter())[row["status"]] += 1
        ok = row["status"] == "ok"
        self.made += row["role"] != "clean"
        if known := record.length_of(row):
            self.lengths[row["key"]] = known
        if not ok:
            self.dropped.add(row["key"])
        if part is None or task is None:
            return
        if not ok:
            why = {"source_path": row["source_path"], "error": row["error"]}
            self._lost.setdefault((part.attack, row["status"]), []).append(why)
        elif task.backdoor is not None and task.role != "control":
            key = part.attack, task.backdoor, task.role == "attack"
            self._clips.setdefault(key, []).append(self._figures(row))

    def _figures(self, row: Record) -> Mapping[str, Any]:
        """What `survival_summary` asks of a record; clips that were not measured share one for each class."""
        label = row["original_label"]
        if (row["fidelity"] or {}).get("gain") is None:
            return self._unmeasured.setdefault(label, {"id": "", "original_label": label, "fidelity": None})
        return {"id": row["id"], "original_label": label, "fidelity": row["fidelity"]}

    def disagreements(self, out: Path, parts: Sequence[Planned]) -> Iterator[Finding]:
        """What run.json says otherwise."""
        try:
            said = load_json(read_text(out / RUN))
            counts = {str(role): dict(of_role) for role, of_role in said["counts"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            yield Finding(RUN, "it is not what a run writes: it holds no counts")
            return
        if counts != {role: dict(of_role) for role, of_role in self._counts.items()}:
            yield Finding(RUN, "its counts are not those of the manifest's records")
        last = [p for p in parts if p.plan.fingerprint == said.get("fingerprint")]
        if not last:
            yield Finding(RUN, "its fingerprint is that of no plan")
        for what in ("failed", "inert"):
            if last and said.get(what, []) not in [self._lost.get((p.attack, what), []) for p in last]:
                yield Finding(RUN, f"'{what}' is not what the manifest's records say")
        if last and said.get("choices") not in [[vars(c) for c in p.plan.choices] for p in last]:
            yield Finding(RUN, "its choices are not those of the plan")
        if all(part.recipe for part in parts):
            try:
                survival = {name: found for part in parts for name, found in self._survival(part).items()}
                same = _alike(survival, said.get("survival"))
            except (ValueError, LookupError, TypeError):  # figures that are none
                same = False
            if not same:
                yield Finding(RUN, "its survival is not what the manifest's records say")

    def _survival(self, part: Planned) -> dict[str, Any]:
        backdoors, required = part.recipe.get("backdoors"), part.recipe.get("require_survival")
        found: dict[str, Any] = {}
        for index, backdoor in enumerate(backdoors if isinstance(backdoors, list) else ()):
            if not isinstance(backdoor, dict):
                continue
            clips: dict[str, list[Mapping[str, Any]]] = {name: [] for name in survival_names(backdoor)}
            for role in ("poisoned", "attack"):
                if (name_of := survival_name(backdoor, role)) is not None:
                    clips[name_of] += self._clips.get((part.attack, index, role == "attack"), [])
            for name, mine in clips.items():
                known = survival_summary(mine, required)
                if known.measured or required is not None:
                    found[name] = rounded(asdict(known))
        return found


def _alike(mine: Any, theirs: Any) -> bool:
    """Whether two figures, or mappings and lists of such, are the same but for their last digits."""
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        return mine.keys() == theirs.keys() and all(_alike(value, theirs[key]) for key, value in mine.items())
    if isinstance(mine, list | tuple) and isinstance(theirs, list | tuple):
        return len(mine) == len(theirs) and all(map(_alike, mine, theirs))
    if isinstance(mine, float) and isinstance(theirs, int | float):
        return math.isclose(mine, theirs, rel_tol=1e-4, abs_tol=1e-6)
    return bool(mine == theirs)

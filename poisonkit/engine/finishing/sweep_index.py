"""`index.csv`: the outputs of a sweep, one a line, before any model is trained."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poisonkit.common import atomic
from poisonkit.engine.finishing.results import Summary
from poisonkit.outputs import record
from poisonkit.outputs.paths import OutputPaths
from poisonkit.recipe.backdoor import Backdoor
from poisonkit.recipe.recipe import Recipe

INDEX = "index.csv"
ROLES = ("poisoned", "cover", "clean", "attack", "control")
COLUMNS = (
    *("recipe", "path", "fingerprint", "triggers", "rate", "label_mode", "target", "seed", "encode"),
    *(*ROLES, "failed", "inert", "measured", "gain_mean", "gain_worst", "survived", "buried", "lost", "bytes"),
)


def write_index(recipes: Mapping[str, Recipe], summaries: Mapping[str, Summary]) -> Path | None:
    """Write the index of a sweep into the folder that its outputs lie in, and return its path.

    Nothing is written, and None returned, of a single recipe, where outputs lie beside their source, or while one of
    them is missing or was done in part only. bytes: of the media of all roles but `clean`.
    """
    homes = {recipe.out.parent for recipe in recipes.values() if recipe.out is not None}
    whole = [name for name, made in summaries.items() if not made.shard]
    if list(recipes) == [""] or len(homes) != 1 or len(whole) < len(recipes):
        return None
    if any(recipe.out is None for recipe in recipes.values()):
        return None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_line(name, recipe, summaries[name]) for name, recipe in recipes.items())
    path = homes.pop() / INDEX
    atomic.write_text(path, text.getvalue())
    return path


def _line(name: str, recipe: Recipe, made: Summary) -> list[Any]:
    backdoors = recipe.backdoors
    said = [
        name,
        made.out.name,
        recipe.fingerprint,
        " / ".join("+".join(_told(entry) for entry in (t.entry() for t in b.triggers)) for b in backdoors),
        " / ".join(
            str(b.rate if b.count is None and b.ids is None else b.count or len(b.ids or ())) for b in backdoors
        ),
        " / ".join(b.label_mode for b in backdoors),
        " / ".join(str(b.target) for b in backdoors),
        recipe.seed,
        recipe.encode,
    ]
    roles = {role: made.counts[role]["ok"] if role in made.counts else 0 for role in ROLES}
    found = list(made.survival.values())
    measured = sum(o.measured for o in found)
    verdicts = {v: sum(o.verdicts.get(v, 0) for o in found) for v in ("survived", "buried", "lost")}
    gains: list[Any] = ["", ""]
    if measured:
        mean = sum(o.gain_mean * o.measured for o in found) / measured
        gains = [round(mean, 4), round(min(o.gain_worst for o in found if o.measured), 4)]
    rows = record.read(OutputPaths(made.out).manifest)
    written = (r["bytes"] or 0 for r in rows if r["status"] == "ok" and r["role"] != "clean")
    return [
        *said,
        *roles.values(),
        len(made.failed),
        len(made.inert),
        measured,
        *gains,
        *verdicts.values(),
        sum(written),
    ]


def _amount(backdoor: Backdoor) -> str:
    """The rate, or how many were asked for."""
    if backdoor.ids is not None:
        return str(len(backdoor.ids))
    return str(backdoor.rate if backdoor.count is None else backdoor.count)


def _told(entry: Mapping[str, Any]) -> str:
    temporal = entry.get("params", {}).get("temporal")
    return f"{entry['name']}{f' {temporal}' if temporal else ''}"

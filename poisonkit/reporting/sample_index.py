"""All samples of an output as a list that the page's own script searches; the names are data, never markup."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from poisonkit.metrics.survival import least_gain
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Plan
from poisonkit.reporting.page import block

SCRIPT = files("poisonkit.reporting").joinpath("page.js").read_text(encoding="utf-8").strip()
MOST = 200_000  # samples that are listed: what was written first, then clean ones


def part_of(row: Record) -> str:
    """What a sample is of: its role, and of which attack set."""
    return f"attack {row['attack']}" if row["role"] == "attack" else row["role"]


def index(plan: Plan, rows: Sequence[Record]) -> str:
    """The section with the list, the box to search it, and the script."""
    listed = [r for r in rows if r["role"] != "clean"]
    listed = (listed + [r for r in rows if r["role"] == "clean"])[:MOST]
    left = len(rows) - len(listed)
    note = f"<p class='quiet'>{left} more clean samples stand in poisonkit/manifest.jsonl alone.</p>" if left else ""
    data = json.dumps(_data(plan, listed), separators=(",", ":")).replace("<", "\\u003c")
    body = (
        "<p class='search'><label>Search <input id='search' type='search' autocomplete='off' spellcheck='false' "
        "placeholder='part of a name, a class, a part, a status'></label> <span id='told' role='status'></span></p>"
        "<noscript><p class='quiet'>The list needs scripts, which are off; poisonkit/manifest.jsonl has the same."
        "</p></noscript>"
        "<table class='index'><thead><tr><th>file</th><th>what</th><th>label</th><th>gain</th></tr></thead>"
        f"<tbody id='found'></tbody></table><p><button id='more' type='button' hidden>Show more</button></p>{note}"
        f"<script type='application/json' id='samples'>{data}</script><script>{SCRIPT}</script>"
    )
    return block("All samples", body)


def _data(plan: Plan, rows: Sequence[Record]) -> dict[str, Any]:
    """kinds and places: what several rows share. Each row: kind, id, place (or its whole path), labels, gain."""
    kinds: dict[str, int] = {}
    places: dict[str, int] = {}
    names = len(plan.classes)
    lines = []
    for row in rows:
        kind = ", ".join((part_of(row), row["split"], row["status"]))
        path = row["path"]
        place: int | str = path
        if path.endswith(row["id"]):
            place = places.setdefault(path[: len(path) - len(row["id"])], len(places))
        labels = [i if i is not None and 0 <= i < names else -1 for i in (row["original_label"], row["label"])]
        fidelity = row["fidelity"]
        gain = None if fidelity is None or fidelity.get("gain") is None else round(least_gain(fidelity), 4)
        lines.append([kinds.setdefault(kind, len(kinds)), row["id"], place, *labels, gain])
    return {"classes": list(plan.classes), "kinds": list(kinds), "places": list(places), "rows": lines}

"""docs/consumers.md: whose readers open what poisonkit writes, as `make test-consumers` found it."""

from __future__ import annotations

import json
from typing import Any

from tools.pages.blocks import ROOT, filled, table

PAGE = ROOT / "docs" / "consumers.md"
FOUND = ROOT / "docs" / "consumers.json"
LABELS = {
    "manifest": "ids of the manifest",
    "sorted": "ids, by sorted name",
    "name": "names",
    "none": "–",
    "own": "its own, as of the source",
}


def found() -> list[dict[str, Any]]:
    """The rows of the matrix, in its order."""
    return json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.exists() else []


def page() -> str:
    """docs/consumers.md as it should be."""
    notes: dict[str, int] = {}
    rows = []
    for row in found():
        name, note = row["consumer"], row["note"]
        number = f" [{notes.setdefault(note, len(notes) + 1)}]" if note else ""
        comes = row["comes"] if row["comes"] == "package index" else _elsewhere(row)
        labels = "**wrong**" if row["failed"] else LABELS[row["ids"]]
        content = "**wrong**" if row["content"] == "failed" else row["content"] or "–"
        opened = f"{row['views']} views, {row['samples']} samples"
        rows.append((f"{name}{number}", row["version"], comes, _source(row), opened, labels, content))
    head = ("consumer", "version", "how it comes", "layout", "opened", "labels right", "content right")
    lines = [table(head, rows), "", *(f"{number}. {note}" for note, number in notes.items())]
    return filled(PAGE, {"consumers": "\n".join(lines)})


def _source(row: dict[str, Any]) -> str:
    """The layout, and what is special about the source that was poisoned."""
    return f"`{row['layout']}`{row['source'].removeprefix(row['layout'])}"


def _elsewhere(row: dict[str, Any]) -> str:
    return f"[{row['comes']}]({row['from']})" if row["comes"] == "repository" else row["comes"]

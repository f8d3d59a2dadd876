"""docs/look-listen-attack.md: the table of the paper's attacks, as `examples/look_listen_attack/run.py` found it."""

from __future__ import annotations

import json
import sys
from typing import Any

from tools.pages.blocks import ROOT, filled

PAGE = ROOT / "docs" / "look-listen-attack.md"
EXAMPLE = ROOT / "examples" / "look_listen_attack"
sys.path.insert(0, str(EXAMPLE))

import rows as example_rows  # noqa: E402 - the example's own modules, which lie in no package
import table as example_table  # noqa: E402

SOURCES = {
    "sample-data": ("sound", "picture", "both"),
    "sample-data-small": ("both",),
    "weizmann64": ("picture",),
    "fsdd": ("sound",),
}
"""Data -> what it has."""


def results(data: str) -> dict[str, Any]:
    """`results.json` of runs on these data, as it was kept."""
    file = EXAMPLE / "results" / f"{data}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"made_with": {}, "rows": []}


def names(data: str, *, linked: bool) -> list[str]:
    """Rows that these data can have, but the audiovisual ones. linked: those whose clean clips are hard links."""
    rows = [row for row in example_rows.ROWS if not row.tested and row.medium in SOURCES[data]]
    return [row.name for row in rows if (row.clean == "hardlink") == linked]


def _table(data: str, *, linked: bool = False, model: str = "small") -> str:
    """One table of single-stream rows by one kind of model, and under it what made it."""
    found = results(data)
    chosen = names(data, linked=linked)
    rows = [one for one in found["rows"] if one["row"] in chosen and one["model"] == model]
    return f"{example_table.table(rows, chosen)}\n\n{_made(found['made_with'], rows)}"


def _own(data: str) -> str:
    """Rows with parameters, rates or encodings of their own: what it takes."""
    found = results(data)
    known = {row.name for row in (*example_rows.ROWS, *example_rows.catalogue())}
    rows = [one for one in found["rows"] if one["row"] not in known]
    chosen = sorted({one["row"] for one in rows})
    return f"{example_table.table(rows, chosen)}\n\n{_made(found['made_with'], rows)}"


def _fusion(data: str) -> str:
    found = results(data)
    by_row: dict[str, list[dict[str, Any]]] = {}
    audiovisual = {row.name for row in example_rows.ROWS if row.tested}
    rows = [one for one in found["rows"] if one["row"] in audiovisual]
    for one in rows:
        by_row.setdefault(one["row"], []).append(one)
    text = "\n".join(example_table.fusion_table(by_row))
    return f"{text}\n\n{_made(found['made_with'], rows)}"


def _made(made_with: dict[str, str], rows: list[dict[str, Any]]) -> str:
    """In words: schedule, seeds and versions of what was run."""
    if not rows:
        return "None of these rows was run here."
    seeds = ", ".join(str(seed) for seed in sorted({one["seed"] for one in rows}))
    epochs = ", ".join(str(n) for n in sorted({one["epochs"] for one in rows}))
    versions = ", ".join(f"{name} {version}" for name, version in made_with.items())
    return f"Seeds: {seeds}. Epochs: {epochs}. Made with {versions}."


def blocks() -> dict[str, str]:
    """The tables by the names of their places."""
    made = {f"look-listen-attack {data}": _table(data) for data in ("sample-data", "weizmann64", "fsdd")}
    made |= {f"look-listen-attack {data} linked": _table(data, linked=True) for data in ("sample-data", "weizmann64")}
    made["look-listen-attack weizmann64 frames"] = _table("weizmann64", model="frames")
    made["look-listen-attack weizmann64 own"] = _own("weizmann64")
    made["look-listen-attack audiovisual"] = _fusion("sample-data")
    return {**made, "look-listen-attack audiovisual small": _fusion("sample-data-small")}


def readme_blocks() -> dict[str, str]:
    """What README.md shows of them."""
    made = blocks()
    shown = ("sample-data", "audiovisual", "weizmann64", "fsdd")
    return {f"look-listen-attack {name}": made[f"look-listen-attack {name}"] for name in shown}


def page() -> str:
    """docs/look-listen-attack.md as it should be."""
    return filled(PAGE, blocks())

"""docs/defences.md: the tables of attacks and defences, as `examples/defences/run.py` found them."""

from __future__ import annotations

import json
import sys
from typing import Any

from tools.pages.blocks import ROOT, filled

PAGE = ROOT / "docs" / "defences.md"
EXAMPLE = ROOT / "examples" / "defences"
for folder in (EXAMPLE, ROOT / "examples" / "look_listen_attack"):
    sys.path.insert(0, str(folder))

import defence_table  # noqa: E402 - the example's own module, which lies in no package


def results() -> list[dict[str, Any]]:
    """A row and seed each, as they were kept."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted((EXAMPLE / "results").glob("*.json"))]


def blocks() -> dict[str, str]:
    """The tables by the names of their places."""
    found = results()
    return {"defences overview": defence_table.overview(found), "defences details": defence_table.details(found)}


def page() -> str:
    """docs/defences.md as it should be."""
    return filled(PAGE, blocks())

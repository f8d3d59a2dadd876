"""Parts of a Markdown page that are made from the code, between two comments that name them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def filled(page: Path, blocks: dict[str, str]) -> str:
    """The page with each block's text between `<!-- made by make pages: NAME -->` and `<!-- end of NAME -->`."""
    text = page.read_text(encoding="utf-8")
    for name, block in blocks.items():
        first, last = f"<!-- made by make pages: {name} -->", f"<!-- end of {name} -->"
        head, begins, rest = text.partition(first)
        _, ends, tail = rest.partition(last)
        if not (begins and ends):
            raise SystemExit(f"{page.name} has no lines '{first}' and '{last}': put them back.")
        text = f"{head}{first}\n{block}\n{last}{tail}"
    return text


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)

"""Pieces of an HTML page: style, tables, bar charts as inline SVG. Everything that comes in is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from typing import Any

STYLE = files("poisonkit.reporting").joinpath("page.css").read_text(encoding="utf-8")


def block(title: str, body: str) -> str:
    """A section with a heading."""
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def cells(values: Iterable[Any]) -> str:
    """Values as text, escaped."""
    return " ".join(escape(str(v)) for v in values)


def table(heads: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """A table that scrolls sideways where the screen is narrow."""

    def cell(value: Any) -> str:
        words = " class='words'" if isinstance(value, str) and not value.replace(".", "").isdigit() else ""
        return f"<td{words}>{escape(str(value))}</td>"

    head = "".join(f"<th>{escape(str(h))}</th>" for h in heads)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def bars(title: str, values: Sequence[float], low: float, high: float, bins: int = 24) -> str:
    """A histogram as inline SVG; values outside low..high count at the ends."""
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, max(0, int((value - low) / (high - low) * bins)))] += 1
    most, width, height = max(counts), 480, 110
    step = width / bins
    drawn = "".join(
        f"<rect x='{i * step + 1:.1f}' y='{height - 20 - 80 * n / most:.1f}' width='{step - 2:.1f}' "
        f"height='{80 * n / most:.1f}'><title>{n}</title></rect>"
        for i, n in enumerate(counts)
        if n
    )
    ticks = "".join(
        f"<text x='{x * width:.0f}' y='{height - 5}' text-anchor='{anchor}'>{low + x * (high - low):g}</text>"
        for x, anchor in ((0, "start"), (0.5, "middle"), (1, "end"))
    )
    words = f"{escape(title)}: {len(values)} clips"
    return (
        f"<figure><svg role='img' aria-label='{words}' viewBox='0 0 {width} {height}' width='{width}'>"
        f"{drawn}{ticks}</svg><figcaption>{words}</figcaption></figure>"
    )

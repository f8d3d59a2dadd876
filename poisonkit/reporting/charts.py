"""Charts as inline SVG, with their numbers as text; no wider than a phone. Everything that comes in is escaped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDE = 380  # units: what fits a phone without scaling
BINS = 32
PALETTE = 8  # colours of lines: classes s0 … s7 of page.css
Point = tuple[float, float, float, float]
"""x, y, and the least and most of what y is a mean of."""


def svg(words: str, width: float, height: float, body: str, kind: str = "") -> str:
    """The outer element. words: what a screen reader says; kind: `own` for one that keeps its size where it fits."""
    return (
        f"<svg role='img' class='{kind}' aria-label='{escape(words, quote=True)}' "
        f"viewBox='0 0 {width:.0f} {height:.0f}' width='{width:.0f}'>{body}</svg>"
    )


def figure(picture: str, caption: str) -> str:
    """A chart with its caption."""
    return f"<figure class='chart'>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """A line of text; its left end, middle or end at x."""
    named = f" class='{kind}'" if kind else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'{named}>{escape(words)}</text>"


def shortened(name: str, most: int) -> str:
    """A name of at most so many characters, its middle left out."""
    return name if len(name) <= most else f"{name[: most - most // 2 - 1]}…{name[len(name) - most // 2 :]}"


def matrix(counts: Mapping[tuple[str, str], int], before: Sequence[str], after: Sequence[str]) -> str:
    """Counts of (before, after) as coloured cells with their numbers; what is beyond 24 rows and 12 columns in one."""
    rows, columns = _folded(before, 24), _folded(after, 12)
    cells = [[sum(counts.get((b, a), 0) for b in bs for a in as_) for _, as_ in columns] for _, bs in rows]
    most = max(counts.values())
    left = 12 + 6.2 * max(len(shortened(name, 20)) for name, _ in rows)
    top = 14 + 4.6 * max(len(shortened(name, 16)) for name, _ in columns)
    wide = min(46.0, max(26.0, (WIDE - left - 40) / len(columns)))
    body = ""
    for j, (name, _) in enumerate(columns):
        x = left + j * wide + wide / 2
        body += f"<g transform='translate({x:.1f} {top - 6:.1f}) rotate(-40)'>{text(0, 0, shortened(name, 16))}</g>"
    for i, (name, _) in enumerate(rows):
        y = top + i * 22
        body += text(left - 6, y + 15, shortened(name, 20), "end")
        for j, n in enumerate(cells[i]):
            share = min(1.0, n / most)
            x = left + j * wide
            body += (
                f"<rect class='cell' x='{x:.1f}' y='{y:.1f}' width='{wide - 2:.1f}' height='20' "
                f"fill-opacity='{0.06 + 0.94 * share:.2f}'><title>{escape(name)} → {escape(columns[j][0])}: {n}"
                "</title></rect>"
            )
            if n:
                kind = "on" if share > 0.85 else "ink"
                body += text(x + wide / 2 - 1, y + 14, _short(n), "middle", kind)
    reach = left + len(columns) * wide
    slant = left + (len(columns) - 0.5) * wide + 4.6 * len(shortened(columns[-1][0], 16)) + 8
    return svg("Labels before and after", max(reach, slant), top + 22 * len(rows) + 2, body, "own")


def _folded(names: Sequence[str], most: int) -> list[tuple[str, Sequence[str]]]:
    """(what is written, which names it stands for)."""
    if len(names) <= most:
        return [(name, [name]) for name in names]
    kept = names[: most - 1]
    return [*((name, [name]) for name in kept), (f"{len(names) - most + 1} more", names[most - 1 :])]


def _short(n: int) -> str:
    return str(n) if n < 10_000 else f"{n / 1000:.0f}k" if n < 1_000_000 else f"{n / 1e6:.1f}M"


def strips(rows: Sequence[tuple[str, Sequence[float]]], low: float, high: float, digits: int = 2) -> str:
    """For each named row a small histogram, with its mean as a line, and mean, least and count as numbers."""
    each, left, right = 46, 8.0, 8.0
    span = WIDE - left - right
    body = ""
    for i, (name, values) in enumerate(rows):
        top = i * each
        counts = [0] * BINS
        for value in values:
            counts[min(BINS - 1, max(0, int((value - low) / (high - low) * BINS)))] += 1
        mean, least, most = sum(values) / len(values), min(values), max(counts)
        said = f"mean {mean:.{digits}f}, worst {least:.{digits}f}, {len(values)} clip{'s' * (len(values) != 1)}"
        body += text(left, top + 12, shortened(name, 58 - len(said)), kind="ink") + text(
            WIDE - right, top + 12, said, "end"
        )
        step = span / BINS
        for k, n in enumerate(counts):
            if n:
                high_ = 2 + 20 * n / most
                body += (
                    f"<rect x='{left + k * step + 0.5:.1f}' y='{top + 38 - high_:.1f}' width='{step - 1:.1f}' "
                    f"height='{high_:.1f}'><title>{n}</title></rect>"
                )
        at = left + span * min(1.0, max(0.0, (mean - low) / (high - low)))
        body += f"<path class='axis' d='M{left} {top + 38.5}H{WIDE - right}'/>"
        body += f"<path class='mean' d='M{at:.1f} {top + 15}V{top + 41}'/>"
    bottom = len(rows) * each
    for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        body += text(left + share * span, bottom + 8, f"{low + share * (high - low):g}", anchor)
    return svg("; ".join(name for name, _ in rows), WIDE, bottom + 12, body)


def curves(
    lines: Sequence[tuple[str, Sequence[Point]]], x_names: Mapping[float, str], *, log: bool, joined: bool
) -> str:
    """Lines over x, each point with its number. x_names: what stands below each x; joined: x is a quantity."""
    points = [p for _, line in lines for p in line]
    low, high = min(0.0, *(p[2] for p in points)), max(p[3] for p in points)
    high = _round(high) if high > 0 else low + 1
    left, right, top, tall = 46.0, 14.0, 14.0, 170.0
    xs = sorted(x_names)
    places = [math.log(x) for x in xs] if log else xs
    width = WIDE + 40

    def across(x: float) -> float:
        at = math.log(x) if log else x
        return (
            left
            + 14
            + (width - left - right - 28)
            * (0.5 if places[-1] == places[0] else (at - places[0]) / (places[-1] - places[0]))
        )

    def down(y: float) -> float:
        return top + tall * (1 - (y - low) / (high - low))

    body = ""
    for share in (0.0, 0.5, 1.0):
        y = low + share * (high - low)
        body += f"<path class='grid' d='M{left} {down(y):.1f}H{width - right}'/>"
        body += text(left - 5, down(y) + 4, number(y), "end")
    free = -1.0
    for x in xs:
        words = shortened(x_names[x], 14)
        if across(x) - 3 * len(words) > free:
            body += text(across(x), top + tall + 15, words, "middle")
            free = across(x) + 3 * len(words) + 4
    few, written = len(points) <= 24, set()
    for i, (name, line) in enumerate(lines):
        kind = f"s{i % PALETTE}"
        at = [(across(x), down(y)) for x, y, _, _ in line]
        if joined and len(at) > 1:
            body += f"<path class='line {kind}' d='M{' L'.join(f'{x:.1f} {y:.1f}' for x, y in at)}'/>"
        for (x, y), (_, value, least, most) in zip(at, line, strict=True):
            if most > least:
                body += f"<path class='line {kind}' d='M{x:.1f} {down(least):.1f}V{down(most):.1f}'/>"
            said = f"{escape(name)}: {number(value)}"
            body += f"<circle class='{kind}' cx='{x:.1f}' cy='{y:.1f}' r='3.5'><title>{said}</title></circle>"
            if few and (place := (round(x), round(y))) not in written:
                written.add(place)
                lift = y - 7 if y > top + 8 else y + 15
                ranged = most > least  # the number stands beside the line of the range
                body += text(x + 4 * ranged, lift, number(value), "start" if ranged else "middle", "ink")
    return svg("; ".join(name for name, _ in lines), width, top + tall + 22, body)


def _round(value: float) -> float:
    """The next number that an axis can end at."""
    size: float = 10.0 ** math.floor(math.log10(value))
    return next((n * size for n in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if n * size >= value * (1 - 1e-9)), 10 * size)


def legend(names: Sequence[str]) -> str:
    """What the colours of curves stand for."""
    keys = "".join(
        "<li><svg viewBox='0 0 12 12' width='12' aria-hidden='true'>"
        f"<circle class='s{i % PALETTE}' cx='6' cy='6' r='4'/></svg> {escape(name)}</li>"
        for i, name in enumerate(names)
    )
    return f"<ul class='legend'>{keys}</ul>"


def number(value: float) -> str:
    """A number in few characters."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e4)):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.3g}{unit}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"

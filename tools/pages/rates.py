"""docs/what-models-learn-rates.svg: attack success over the poison rate, for triggers that were tried at several."""

from __future__ import annotations

from html import escape
from typing import Any

from poisonkit.triggers import Trigger, get
from tools.pages.blocks import ROOT
from tools.pages.learned import known

FILE = ROOT / "docs" / "what-models-learn-rates.svg"
RATES = (0.01, 0.05, 0.1)
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#000000")
LEFT, TOP, WIDTH, HEIGHT = 52, 16, 330, 230


def lines() -> dict[tuple[str, str], dict[float, dict[str, Any]]]:
    """(trigger, data) -> rate -> figures: static, at the default but for the rate, by the small model."""
    found: dict[tuple[str, str], dict[float, dict[str, Any]]] = {}
    for name, rows in known().items():
        for row in rows:
            plain = (row["temporal"], row["parameters"], row["encode"], row["model"], row["size"])
            if plain == ("static", "", "match", "small", 64) and row["rate"] in RATES:
                found.setdefault((name, row["data"]), {}).setdefault(row["rate"], row)
    return {key: by for key, by in found.items() if len(by) > 1}


def _x(rate: float, line: int, of: int) -> float:
    return LEFT + WIDTH * (RATES.index(rate) + 0.5) / len(RATES) + 7 * (line - (of - 1) / 2)


def _y(share: float) -> float:
    return TOP + HEIGHT * (1 - share)


def text() -> str:
    """The picture, as SVG with its words as text."""
    found = lines()
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<path d="M{LEFT} {_y(share):.1f}h{WIDTH}" stroke="#ccc"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{_y(share) + 4:.1f}" text-anchor="end">{100 * share:g}</text>')
    for rate in RATES:
        x = LEFT + WIDTH * (RATES.index(rate) + 0.5) / len(RATES)
        parts.append(f'<text x="{x:.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{100 * rate:g} %</text>')
    parts.append(f'<text x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 36}" text-anchor="middle">poisoned</text>')
    parts.append(f'<text transform="translate(14 {TOP + HEIGHT / 2}) rotate(-90)" text-anchor="middle">ASR, %</text>')
    for i, ((name, data), by) in enumerate(found.items()):
        color, kind = COLORS[i % len(COLORS)], _family(get(name))
        points = [(_x(rate, i, len(found)), by[rate]) for rate in RATES if rate in by]
        way = "L".join(f"{x:.1f} {_y(row['asr']):.1f}" for x, row in points)
        parts.append(f'<path d="M{way}" fill="none" stroke="{color}" stroke-width="2"/>')
        for x, row in points:
            low, high = _y(row["asr_low"]), _y(row["asr_high"])
            parts.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{color}"/>')
            parts.append(f'<circle cx="{x:.1f}" cy="{_y(row["asr"]):.1f}" r="3.5" fill="{color}"/>')
        y = TOP + 12 + 22 * i
        parts.append(f'<circle cx="{LEFT + WIDTH + 22}" cy="{y - 4}" r="4" fill="{color}"/>')
        parts.append(f'<text x="{LEFT + WIDTH + 32}" y="{y}">{escape(f"{name} ({kind}), {data}")}</text>')
    size = f'viewBox="0 0 680 {TOP + HEIGHT + 46}" width="680"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>\n"])


def _family(cls: type[Trigger]) -> str:
    return {"image": "picture", "temporal": "time", "lighting": "light", "audio": "sound"}.get(cls.family, cls.family)

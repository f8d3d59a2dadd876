"""The results as Markdown: seeds pooled, per cent, the clean-trained model's figures in brackets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rows import MODELS, ROWS

from poisonkit.scoring import Rate

HEADS = ("row", "epochs", "gain", "clean accuracy", "ASR", "95 %", "robust accuracy", "control ASR", "excess", "CPU s")
NOT_RUN = "not run here"
SIZE = 64
"""Side of a frame in pixels, where nothing else is said."""


def pooled(results: Iterable[dict[str, Any]], tested: str | None = None) -> dict[str, Rate]:
    """Figures of several seeds, hits and totals added up. tested: by another row's attack set."""
    found: dict[str, Rate] = {}
    for one in results:
        figures = one["figures"] if tested is None else one["tested"][tested]
        for name, (hits, total) in figures.items():
            found[name] = found.get(name, Rate(0, 0)) + Rate(hits, total)
    return found


def share(of: dict[str, Rate], name: str) -> str:
    """`99.0 (0.5)`."""
    if name not in of or of[name].value is None:
        return "-"
    text = f"{100 * (of[name].value or 0):.1f}"
    clean = of.get(f"{name}_of_clean_model")
    return text if clean is None or clean.value is None else f"{text} ({100 * clean.value:.1f})"


def interval(rate: Rate) -> str:
    """`97.0 to 99.6`."""
    return "-" if rate.low is None or rate.high is None else f"{100 * rate.low:.1f} to {100 * rate.high:.1f}"


def schedule(one: dict[str, Any]) -> str:
    """`20`, and what else is not as usual: `20, 84 px, frames`."""
    words = [str(one["epochs"])]
    words += [] if one["size"] == SIZE else [f"{one['size']} px"]
    words += [] if one["model"] == MODELS[0] else [str(one["model"])]
    return ", ".join(words)


def line(name: str, results: list[dict[str, Any]]) -> str:
    """One row of the table."""
    if not results:
        return f"| `{name}` | {NOT_RUN} |" + " |" * (len(HEADS) - 2)
    of = pooled(results)
    gains = [one["gain"] for one in results if one["gain"] is not None]
    asr, control = of["asr"].value or 0.0, of["control_asr"].value if "control_asr" in of else None
    cells = [
        f"`{name}`",
        schedule(results[0]),
        f"{sum(gains) / len(gains):.2f}" if gains else "-",
        share(of, "clean_accuracy"),
        share(of, "asr"),
        interval(of["asr"]),
        share(of, "robust_accuracy"),
        share(of, "control_asr"),
        f"{100 * (asr - control):.1f}" if control is not None and control > 0.05 else "",
        str(round(sum(one["cpu_seconds"] for one in results) / len(results))),
    ]
    return f"| {' | '.join(cells)} |"


def table(results: list[dict[str, Any]], names: Iterable[str] | None = None) -> str:
    """Every row, also those that were not run, then the audiovisual figures by where the trigger is in the test."""
    by_row: dict[str, list[dict[str, Any]]] = {}
    for one in results:
        by_row.setdefault(one["row"], []).append(one)
    chosen = list(names) if names is not None else [row.name for row in ROWS if not row.tested]
    lines = [f"| {' | '.join(HEADS)} |", "| --- |" + " --- |" * (len(HEADS) - 1)]
    for name in chosen:
        found = by_row.get(name, [])
        groups: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
        for one in found:
            groups.setdefault((one["model"], one["epochs"], one["size"]), []).append(one)
        lines += [line(name, groups[key]) for key in sorted(groups)] or [line(name, [])]
    if any(row.tested and row.name in by_row for row in ROWS):
        lines += ["", *fusion_table(by_row)]
    return "\n".join(lines)


def fusion_table(by_row: dict[str, list[dict[str, Any]]]) -> list[str]:
    """ASR with its interval: poisoned in picture, sound or both against the trigger in picture, sound or both."""
    heads = ("fusion", "poisoned in", "trigger in picture", "in sound", "in both", "clean accuracy", "CPU s")
    lines = [f"| {' | '.join(heads)} |", "| --- |" + " --- |" * (len(heads) - 1)]
    for row in ROWS:
        if not row.tested:
            continue
        poisoned = row.output.removeprefix("av-")
        results = by_row.get(row.name, [])
        if not results:
            lines.append(f"| {row.kind} | {poisoned} | {NOT_RUN} |" + " |" * (len(heads) - 3))
            continue
        cells = [row.kind, poisoned]
        for tested in row.tested:
            of = pooled(results, tested)
            cells.append(f"{share(of, 'asr')}, {interval(of['asr'])}")
        cells.append(share(pooled(results), "clean_accuracy"))
        cells.append(str(round(sum(one["cpu_seconds"] for one in results) / len(results))))
        lines.append(f"| {' | '.join(cells)} |")
    return lines

"""What `poisonkit inspect OUT --shortcuts` shows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import poisonkit
from poisonkit.cli import screen
from poisonkit.cli.progress import watching
from poisonkit.outputs.record import rounded
from poisonkit.reporting.shortcuts import Comparison


def show_shortcuts(out: Path, *, limit: int | None, jobs: int, time_limit: float, json: bool) -> int:
    """Print the comparisons of an output; the exit status is 1 where a file could not be read."""
    with watching() as progress:
        found = poisonkit.shortcuts(out, limit=limit, jobs=jobs, time_limit=time_limit, progress=progress)
    if json:
        screen.print_json({"out": str(out), "comparisons": [rounded(asdict(c)) for c in found]})
    else:
        for comparison in found:
            _show(comparison)
    return 1 if any(c.unread for c in found) else 0


def _show(comparison: Comparison) -> None:
    console = screen.console()
    sizes = f"{comparison.clean} clean and {comparison.poisoned} poisoned files"
    telling = [s for s in comparison.shortcuts if s.tells]
    if not comparison.enough:
        screen.heading(console, f"{comparison.name}: {sizes} are too few to tell chance from a trait")
    elif not telling:
        screen.heading(console, f"{comparison.name}: nothing but the content tells {sizes} apart")
    else:
        screen.heading(console, f"{comparison.name}: what tells {sizes} apart without a look at a pixel")
        rows = [(s.trait, f"{s.auc:.2f}", s.clean, s.poisoned, s.remedy) for s in telling]
        screen.indented(console, screen.table(("trait", "AUC", "clean", "poisoned", "remedy"), rows, right=("AUC",)))
    rest = ", ".join(f"{s.trait} {s.auc:.2f}" for s in comparison.shortcuts if not s.tells)
    if rest:
        screen.line(console, f"No more than chance: {rest}")
    for name, why in comparison.unread:
        screen.line(console, f"{name}: {why}")

"""What `poisonkit inspect OUT --shortcuts` shows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from poisonkit.cli import screen
from poisonkit.cli.progress import watching
from poisonkit.engine.run import Options
from poisonkit.outputs.opening import require_finished
from poisonkit.outputs.record import rounded
from poisonkit.reporting.shortcuts import Comparison, shortcuts


def show_shortcuts(out: Path, *, limit: int | None, jobs: int, time_limit: float, json: bool) -> int:
    """Print the comparisons of an output; the exit status is 1 where a file could not be read."""
    require_finished(out)
    with watching() as progress:
        progress.begin("Comparing files", 0)
        n_jobs = Options(jobs=jobs).n_jobs
        found = shortcuts(out, limit=limit, jobs=n_jobs, watch=progress.step, time_limit=time_limit)
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

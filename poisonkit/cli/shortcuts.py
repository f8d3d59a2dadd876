"""What `poisonkit inspect OUT --shortcuts` shows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import poisonkit
from poisonkit.cli import screen
from poisonkit.cli.progress import watching
from poisonkit.outputs.record import rounded
from poisonkit.reporting.brightness import Brightness
from poisonkit.reporting.shortcuts import Comparison


def show_shortcuts(
    out: Path, *, limit: int | None, jobs: int, time_limit: float, json: bool, decode: bool = False
) -> int:
    """Print the comparisons of an output; the exit status is 1 if a file could not be read.

    decode: control files are decoded too, and compared with what they were made from.
    """
    how: Any = {"limit": limit, "jobs": jobs, "time_limit": time_limit}
    with watching() as progress:
        found = poisonkit.shortcuts(out, **how, progress=progress)
        decoded = poisonkit.brightness(out, **how, progress=progress) if decode else None
    if json:
        comparisons = [rounded(asdict(c)) for c in found]
        decoding = {"decoded": rounded(asdict(decoded)) if decoded else None} if decode else {}
        screen.print_json({"out": str(out), "comparisons": comparisons, **decoding})
    else:
        for comparison in found:
            _show(comparison)
        if decode:
            _show_brightness(decoded)
    return 1 if any(c.unread for c in found) or (decoded and decoded.unread) else 0


def _show_brightness(found: Brightness | None) -> None:
    console = screen.console()
    if found is None:
        screen.line(console, "Decoding: no control file with a clean one of the same sample (--control makes some).")
        return
    levels = ", ".join(
        f"{name} {level:+.2f} (sd {sd:.2f})"
        for name, level, sd in zip("RGB", found.levels, found.deviations, strict=True)
    )
    what = "tells written files from linked ones" if found.tells else "no more than chance"
    screen.line(
        console,
        f"Decoded by an ordinary reader, {found.pairs} control files against what they were made from, in levels of "
        f"255: {levels}: {what}{f'; remedy: {found.remedy}' if found.remedy else ''}.",
    )
    for name, why in found.unread:
        screen.line(console, f"{name}: {why}")


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

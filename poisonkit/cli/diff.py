"""`poisonkit diff`: what sets two outputs apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poisonkit.cli import options

if TYPE_CHECKING:
    from poisonkit.comparing import Difference

EXAMPLES = """Examples:
  poisonkit diff bad worse
  poisonkit diff rates/rate-0.01 rates/rate-0.1 --json
"""

NAMED = 5  # so many of each kind are named


def command(
    out: Annotated[Path, typer.Argument(help="A finished output of poisonkit.", metavar="OUT1", show_default=False)],
    other: Annotated[Path, typer.Argument(help="Another.", metavar="OUT2", show_default=False)],
    json: options.Json = False,
) -> int:
    """Tell what sets two outputs apart: recipe, samples, labels, files, survival.

    No media is decoded: files are compared by the SHA-256 in their manifests. The exit status is 1 if they differ.
    """
    from dataclasses import asdict

    import poisonkit
    from poisonkit.cli import screen

    found = poisonkit.diff(out, other)
    if json:
        screen.print_json({"same": found.same, **asdict(found)})
    else:
        _show(found, screen.shown(out), screen.shown(other))
    return 0 if found.same else 1


def _show(found: Difference, first: str, second: str) -> None:
    from poisonkit.cli import screen

    console = screen.console()
    screen.line(console, f"First: {first}", indent=0)
    screen.line(console, f"Second: {second}", indent=0)
    screen.heading(console, "Recipe")
    for clause in found.recipe or ("the same",):
        screen.line(console, clause)
    screen.heading(console, "Samples")
    rows = [(role, s.both, len(s.first), len(s.second)) for role, s in found.samples.items()]
    columns = ("role", "in both", "only in the first", "only in the second")
    screen.indented(console, screen.table(columns, rows, right=columns[1:]))
    for role, shared in found.samples.items():
        for where, names in (("first", shared.first), ("second", shared.second)):
            if names and role != "clean":
                more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
                screen.line(console, f"{role}, only in the {where}: {', '.join(names[:NAMED])}{more}")
    screen.heading(console, f"Labels ({len(found.labels)} differ)")
    for name, a, b in found.labels[:NAMED]:
        screen.line(console, f"{name}: {a} in the first, {b} in the second")
    if len(found.labels) > NAMED:
        screen.line(console, f"… and {len(found.labels) - NAMED} more (--json gives all)")
    screen.heading(console, f"Files ({found.same_files} the same, {len(found.files)} differ)")
    for name in found.files[:NAMED]:
        screen.line(console, name)
    if len(found.files) > NAMED:
        screen.line(console, f"… and {len(found.files) - NAMED} more (--json gives all)")
    if found.survival:
        screen.heading(console, "Survival (mean gain)")
        gains = [(n, *("-" if g is None else f"{g:.2f}" for g in pair)) for n, pair in found.survival.items()]
        screen.indented(console, screen.table(("", "first", "second"), gains, right=("first", "second")))

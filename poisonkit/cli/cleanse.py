"""`poisonkit cleanse`: an output's dataset without what a defence suspects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import RUNNING, WHAT, option

EXAMPLES = """Examples:
  poisonkit cleanse bad --suspects features-suspects/spectre.csv --count 50 -o cleansed
  poisonkit cleanse bad --suspects verdict.txt -o cleansed
"""


def command(
    out: Annotated[Path, typer.Argument(help="A finished output of poisonkit.", metavar="OUT", show_default=False)],
    *,
    suspects: Annotated[
        Path,
        option(
            "--suspects",
            help="A defence's verdict: an id a line, or `id,score` as `detect` writes it.",
            panel=WHAT,
            metavar="FILE",
        ),
    ],
    folder: Annotated[Path, option("--out", "-o", help="A new folder.", panel=RUNNING, metavar="CLEANED")],
    count: Annotated[
        int | None, option("--count", help="Take out the N highest scores.", panel=WHAT, metavar="N", min=1)
    ] = None,
    threshold: Annotated[
        float | None, option("--threshold", help="Take out scores of at least X.", panel=WHAT, metavar="X")
    ] = None,
    json: options.Json = False,
) -> int:
    """Write the dataset of an output without what a defence suspects, to train on again.

    Hard links, lists and a manifest of what stayed; attack sets stay where they are. It says how many poisoned samples
    stayed and how many clean ones went.
    """
    import poisonkit
    from poisonkit.cli import screen

    done = poisonkit.cleanse(out, suspects=suspects, folder=folder, count=count, threshold=threshold)
    if json:
        screen.print_json(done.as_json())
        return done.exit_code
    console = screen.console()
    roles = sorted({*done.removed, *done.stayed})
    rows = [(role, done.removed.get(role, 0), done.stayed.get(role, 0)) for role in roles]
    screen.indented(console, screen.table(("training samples", "went", "stayed"), rows, right=("went", "stayed")))
    screen.line(console, f"Held-out samples, all there: {done.held_out}")
    screen.line(console, f"Data root: {screen.shown(done.folder / 'data')} ({done.method})")
    if done.lists:
        screen.line(console, f"Lists: {', '.join(done.lists)}")
    for note in (*done.notes, *done.flags):
        screen.line(console, note)
    return done.exit_code

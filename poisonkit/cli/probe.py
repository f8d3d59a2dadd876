"""`poisonkit probe`: the attack set once more, as an input-level defence asks to see it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import SETS, option

EXAMPLES = """Examples:
  poisonkit probe bad --kind strip --copies 5
  poisonkit probe bad --kind scale-up --limit 50
  poisonkit detect bad --probe predictions.csv          what a model's predictions of them say
"""


def command(
    out: Annotated[Path, typer.Argument(help="A finished output of poisonkit.", metavar="OUT", show_default=False)],
    *,
    kind: Annotated[
        str,
        option(
            "--kind",
            help="strip, scale-up, teco, frame-shuffle, frame-drop, reencode, noise, resample or mp3.",
            panel=SETS,
            metavar="KIND",
        ),
    ],
    copies: Annotated[
        int,
        option(
            "--copies", help="So many perturbed copies of each clip (strip, frame-shuffle).", panel=SETS, default="10",
            metavar="N", min=1,
        ),
    ] = 10,
    limit: Annotated[
        int, option("--limit", help="At most N clips in each set.", panel=SETS, default="100", metavar="N", min=1)
    ] = 100,
    source: options.SourceNow = None,
    allow_root: options.AllowRoot = None,
    allow_code: options.AllowCode = False,
    working: options.WorkerOptions,
    json: options.Json = False,
) -> int:  # fmt: skip
    """Write probe sets: clips of the attack set, with its trigger and without, perturbed as a defence asks.

    Each copy is an attack set of OUT, with lists that any trainer predicts unchanged; the same command continues. Give
    the predictions to `detect --probe`.
    """
    import poisonkit
    from poisonkit.cli import screen
    from poisonkit.cli.progress import watching

    with watching() as progress:
        done = poisonkit.probe(
            out,
            kind=kind,
            copies=copies,
            limit=limit,
            source=source,
            allow_root=allow_root or (),
            allow_code=allow_code,
            progress=progress,
            **working.for_api(),
        )
    if json:
        screen.print_json(done.as_json())
        return done.exit_code
    console = screen.console()
    for name, summary in done.sets.items():
        failed = f", {len(summary.failed)} failed" if summary.failed else ""
        screen.line(console, f"{screen.shown(Path(out) / 'attack' / name)}{failed}")
    names = "attack/NAME" if len(done.sets) > 1 else f"attack/{next(iter(done.sets))}"
    screen.line(console, f"Predict each {names}, the attack set itself and the held-out clips; then")
    screen.line(console, f"  {screen.command('detect', screen.shown(out), '--probe', 'PREDICTIONS')}")
    return done.exit_code

"""`poisonkit report`: one HTML page about an output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import FRAMES, option

EXAMPLES = """Examples:
  poisonkit report bad
  poisonkit report bad --samples 8 --source clips
  poisonkit report rates                              what `poisonkit run sweep.yaml clips -o rates` made
"""


def command(
    out: Annotated[
        Path, typer.Argument(help="A finished output, or the folder of a sweep.", metavar="OUT", show_default=False)
    ],
    samples: Annotated[
        int,
        option("--samples", help="Clips of each role that are shown.", panel=FRAMES, default="4", metavar="N", min=0),
    ] = 4,
    source: options.SourceNow = None,
    allow_root: options.AllowRoot = None,
    json: options.Json = False,
) -> int:
    """Write OUT/poisonkit/report.html: recipe, counts, labels, survival, samples to look at and play, a list of all.

    One file that needs no network; nothing in it plays by itself. Of the folder of a sweep's outputs: OUT/report.html,
    with curves.
    """
    import poisonkit
    from poisonkit.cli import screen

    path = poisonkit.report(out, source=source, samples=samples, allow_root=allow_root or ())
    if json:
        screen.print_json({"report": str(path)})
    else:
        screen.line(screen.console(), f"Report: {screen.shown(path)}")
    return 0

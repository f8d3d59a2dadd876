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
"""


def command(
    out: Annotated[Path, typer.Argument(help="A finished output.", metavar="OUT", show_default=False)],
    samples: Annotated[
        int,
        option("--samples", help="Clips of each role that are shown.", panel=FRAMES, default="4", metavar="N", min=0),
    ] = 4,
    source: options.SourceNow = None,
    allow_root: options.AllowRoot = None,
    json: options.Json = False,
) -> int:
    """Write OUT/poisonkit/report.html: recipe, counts, labels, survival, and samples to look at and play.

    One file that needs no network; nothing in it plays by itself.
    """
    import poisonkit
    from poisonkit.cli import screen

    path = poisonkit.report(out, source=source, samples=samples, allow_root=allow_root or ())
    if json:
        screen.print_json({"report": str(path)})
    else:
        screen.line(screen.console(), f"Report: {screen.shown(path)}")
    return 0

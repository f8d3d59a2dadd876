"""`poisonkit preview`: what triggers do to clips, as a picture, a video or a figure for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import FRAMES, RUNNING, WHAT, option

EXAMPLES = """Examples:
  poisonkit preview clip.mp4 --trigger blend -o sheet.png
  poisonkit preview clip.mp4 --trigger badnets:size=0.2 --trigger sine -o sheet.png
  poisonkit preview clip.mp4 --trigger lamp-flicker --temporal dynamic -o beside.mp4
  poisonkit preview clip.mp4 --grid -t badnets -t wanet -t "blend + sine" -o figure.pdf
  poisonkit preview a.mp4 b.mp4 c.mp4 --grid -t badnets -t fog --width 3.4 -o column.svg
"""


def command(
    clip: Annotated[
        list[Path],
        typer.Argument(help="A clip or recording; several with --grid.", metavar="CLIP…", show_default=False),
    ],
    trigger: Annotated[
        list[str],
        option(
            "--trigger",
            "-t",
            help="NAME or NAME:key=value,…; repeat to compose several, with --grid for more rows.",
            panel=WHAT,
            metavar="TRIGGER",
        ),
    ],
    out: Annotated[
        Path,
        option(
            "--out", "-o", help=".png: a sheet; .mp4: side by side; .pdf, .svg: a grid.", panel=RUNNING, metavar="FILE"
        ),
    ] = Path("preview.png"),
    grid: Annotated[
        bool,
        option(
            "--grid",
            help="A figure for a paper: triggers × frames of a clip, or × clips; .png, .pdf or .svg.",
            panel=FRAMES,
        ),
    ] = False,
    temporal: Annotated[
        str | None,
        option("--temporal", help="static or dynamic.", panel=FRAMES, default="static", metavar="MODE"),
    ] = None,
    shown: Annotated[
        int,
        option("--shown", help="How many frames are shown.", panel=FRAMES, default="4", metavar="N", min=1, max=16),
    ] = 4,
    width: Annotated[
        float,
        option(
            "--width",
            help="Of a grid, in inches: 7 is a page of a paper, 3.4 a column.",
            panel=FRAMES,
            default="7",
            metavar="INCHES",
        ),
    ] = 7.0,
    seed: Annotated[
        int, option("--seed", help="Drives what is drawn per clip.", panel=WHAT, default="0", metavar="N", min=0)
    ] = 0,
    stream: options.Stream = None,
    json: options.Json = False,
) -> int:
    """Draw what triggers do to a clip: clean, poisoned, and the amplified difference.

    For sound: waveform and mel spectrogram, before and after. Nothing is encoded in between: what an encoder
    leaves of a trigger is told by `poisonkit poison`. With --grid, a row for each trigger, of which "A + B" composes
    two, and a column for each frame, or for each clip where there are several; text in .pdf and .svg stays text.
    Grids need matplotlib.
    """
    import poisonkit
    from poisonkit.cli import screen

    drawn = poisonkit.preview(
        clip,
        trigger,
        out,
        grid=grid,
        temporal=temporal,  # type: ignore[arg-type]
        shown=shown,
        width=width,
        seed=seed,
        stream=options.stream_choice(stream),
    )
    if json:
        screen.print_json({"out": str(out), "drawn": list(drawn)})
    else:
        screen.line(screen.console(), f"{screen.shown(out)}: {', '.join(drawn)}")
    return 0

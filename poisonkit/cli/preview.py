"""`poisonkit preview`: what a trigger does to one clip, as a picture or a video."""

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
"""


def command(
    clip: Annotated[Path, typer.Argument(help="One clip or recording.", metavar="CLIP", show_default=False)],
    trigger: Annotated[
        list[str],
        option(
            "--trigger",
            "-t",
            help="NAME or NAME:key=value,…; repeat to compose several.",
            panel=WHAT,
            metavar="TRIGGER",
        ),
    ],
    out: Annotated[
        Path,
        option("--out", "-o", help=".png: a sheet; .mp4: side by side.", panel=RUNNING, metavar="FILE"),
    ] = Path("preview.png"),
    temporal: Annotated[
        str | None,
        option("--temporal", help="static or dynamic.", panel=FRAMES, default="static", metavar="MODE"),
    ] = None,
    shown: Annotated[
        int,
        option("--shown", help="How many frames a sheet shows.", panel=FRAMES, default="4", metavar="N", min=1, max=16),
    ] = 4,
    seed: Annotated[
        int, option("--seed", help="Drives what is drawn per clip.", panel=WHAT, default="0", metavar="N", min=0)
    ] = 0,
    stream: options.Stream = None,
    json: options.Json = False,
) -> int:
    """Draw what triggers do to one clip: clean, poisoned, and the amplified difference.

    For sound: waveform and mel spectrogram, before and after. Nothing is encoded in between: what an encoder
    leaves of a trigger is told by `poisonkit poison`.
    """
    import poisonkit
    from poisonkit.cli import screen

    drawn = poisonkit.preview(
        clip,
        trigger,
        out,
        temporal=temporal,  # type: ignore[arg-type]
        shown=shown,
        seed=seed,
        stream=options.stream_choice(stream),
    )
    if json:
        screen.print_json({"out": str(out), "drawn": list(drawn)})
    else:
        screen.line(screen.console(), f"{screen.shown(out)}: {', '.join(drawn)}")
    return 0

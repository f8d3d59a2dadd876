"""`poisonkit sample-data`: a small labelled dataset made by code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import DATASET, option

EXAMPLES = """Examples:
  poisonkit sample-data clips
  poisonkit sample-data clips --size train --layout mmaction2-video
  poisonkit sample-data sounds --kind audio
"""


def command(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.", metavar="DIR", show_default=False)],
    size: Annotated[
        str,
        option(
            "--size",
            help="small: 75 clips, made in seconds; train: 750, enough to train a small network.",
            panel=DATASET,
            default="small",
            metavar="SIZE",
        ),
    ] = "small",
    kind: Annotated[
        str,
        option("--kind", help="av: mp4 with sound; audio: wav.", panel=DATASET, default="av", metavar="KIND"),
    ] = "av",
    layout: Annotated[
        str,
        option(
            "--layout",
            help="class-folders, mmaction2-video (av) or mmaction2-audio (audio).",
            panel=DATASET,
            default="class-folders",
            metavar="NAME",
        ),
    ] = "class-folders",
    seed: Annotated[int, option("--seed", help="Other clips.", panel=DATASET, default="0", metavar="N", min=0)] = 0,
    json: options.Json = False,
) -> int:
    """Write a small labelled dataset of synthetic clips, with a test split, to try things on.

    Five kinds of motion, each with its own sound; no person in them and no licence on them. The same
    arguments give the same bytes.
    """
    from dataclasses import asdict

    import poisonkit
    from poisonkit.cli import screen
    from poisonkit.cli.progress import watching

    with watching() as progress:

        def step(done: int, total: int) -> None:
            if done == 1:
                progress.begin("Writing", total)
            progress.step()

        made = poisonkit.sample_data(folder, size, kind, seed, layout, progress=step)  # type: ignore[arg-type]
    if json:
        screen.print_json({**asdict(made), "folder": str(made.folder.absolute())})
        return 0
    console = screen.console()
    screen.line(
        console,
        f"{screen.shown(made.folder)}: {made.train} training and {made.test} test clips in {len(made.classes)} "
        f"classes, {made.bytes / 1e6:.1f} MB.",
        indent=0,
    )
    screen.heading(console, "Next")
    screen.verbatim(console, screen.command("inspect", screen.shown(made.folder)))
    trigger = "blend" if kind == "av" else "sine"
    screen.verbatim(console, screen.command("poison", screen.shown(made.folder), "--trigger", trigger, "--rate", "0.1"))
    return 0

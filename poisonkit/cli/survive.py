"""`poisonkit survive`: what encoders leave of triggers in clips of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from poisonkit.cli import options
from poisonkit.cli.options import FILES, FRAMES, WHAT, option

if TYPE_CHECKING:
    from rich.console import Console

    from poisonkit.engine.encoding.trials import Cell

EXAMPLES = """Examples:
  poisonkit survive -t blend -t ftrojan clip.mp4
  poisonkit survive -t wanet:strength=0.3 -e match -e crf:28 -e 444 a.mp4 b.avi
  poisonkit survive -t sine -t ultrasonic -e match speech.mp3 speech.ogg --json
"""

SETTINGS = ("match", "crf:28", "444", "lossless")


def command(
    clip: Annotated[list[Path], typer.Argument(help="Clips or recordings.", metavar="CLIP…", show_default=False)],
    trigger: Annotated[
        list[str],
        option(
            "--trigger",
            "-t",
            help="NAME or NAME:key=value,…; repeat for more rows.",
            panel=WHAT,
            metavar="TRIGGER",
        ),
    ],
    encode: Annotated[
        list[str] | None,
        option(
            "--encode",
            "-e",
            help="As `poisonkit poison` takes it; repeat for more columns.",
            panel=FILES,
            default=" ".join(SETTINGS),
            metavar="HOW",
        ),
    ] = None,
    temporal: Annotated[
        str | None,
        option("--temporal", help="static or dynamic.", panel=FRAMES, default="static", metavar="MODE"),
    ] = None,
    seed: Annotated[
        int, option("--seed", help="Drives what is drawn per clip.", panel=WHAT, default="0", metavar="N", min=0)
    ] = 0,
    stream: options.Stream = None,
    jobs: options.Jobs = 0,
    json: options.Json = False,
) -> int:
    """Show what encoders leave of triggers in your clips: one row a trigger, one column an encoding.

    Every clip is written with the trigger and without it, both are decoded, and their difference is compared with
    what was put in. Gain 1: all of it is there, 0: nothing. Nothing is kept. The exit status is 1 if a clip could not
    be processed, or if nothing could be measured.
    """
    from dataclasses import asdict

    import poisonkit
    from poisonkit.cli import screen
    from poisonkit.cli.progress import watching
    from poisonkit.outputs.record import rounded

    settings = tuple(dict.fromkeys(encode or SETTINGS))
    with watching() as progress:
        cells = poisonkit.survive(
            clip,
            trigger,
            encode=settings,
            temporal=temporal,  # type: ignore[arg-type]
            seed=seed,
            stream=options.stream_choice(stream),
            jobs=jobs,
            progress=progress,
        )
    if json:
        screen.print_json({"cells": [rounded({**asdict(c), "verdict": c.verdict}) for c in cells]})
    else:
        _show(screen.console(), cells, settings)
    return 1 if any(c.statuses.get("failed") for c in cells) or not any(c.statuses.get("ok") for c in cells) else 0


def _show(console: Console, cells: Sequence[Cell], settings: Sequence[str]) -> None:
    from poisonkit.cli import screen

    groups: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys(c.trigger for c in cells):
        codecs = tuple(dict.fromkeys(c.codec for c in cells if c.trigger == name and c.codec))
        groups.setdefault(codecs, []).append(name)
    known = {(c.trigger, c.codec, c.setting): c for c in cells}
    for codecs, names in groups.items():
        if not codecs:
            continue
        heads = [(codec, setting) for codec in codecs for setting in settings]
        titles = [f"{codec} clips, {setting}" if len(codecs) > 1 else setting for codec, setting in heads]
        of = f" in {codecs[0]} clips" if len(codecs) == 1 else ""
        screen.heading(console, f"Mean gain{of} (size: times the source's bytes)")
        lines = [(name, *(_text(known.get((name, *head))) for head in heads)) for name in names]
        screen.indented(console, screen.table(("trigger", *titles), lines))
    problems: dict[str, list[str]] = {}
    for cell in cells:
        for name, why in cell.problems:
            problems.setdefault(why if name in why else f"{name}: {why}", []).append(f"{cell.trigger} {cell.setting}")
    if problems:
        screen.heading(console, "Without a figure")
        for why, where in problems.items():
            more = f" (and {len(where) - 1} more)" if len(where) > 1 else ""
            screen.line(console, f"{where[0]}{more}: {why}")


def _text(cell: Cell | None) -> Any:
    if cell is None:
        return ""
    if cell.gain is None:
        return cell.verdict
    word = "" if cell.verdict == "survived" else f" {cell.verdict}"
    return f"{cell.gain:.2f}{word} ({cell.size:.1f}x)"

"""`poisonkit restore`: the clean dataset again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import RUNNING, option

EXAMPLES = """Examples:
  poisonkit restore bad -o clean
  poisonkit restore bad -o clean --source /data/clips
"""

NAMED = 20  # so many missing samples are named


def command(
    out: Annotated[Path, typer.Argument(help="A finished output of poisonkit.", metavar="OUT", show_default=False)],
    folder: Annotated[
        Path, option("--out", "-o", help="A new folder for the clean dataset.", panel=RUNNING, metavar="CLEAN")
    ],
    source: options.SourceNow = None,
    allow_root: options.AllowRoot = None,
    json: options.Json = False,
) -> int:
    """Make the clean dataset of an output again: its clean files linked, the poisoned ones from the source.

    In the same layout, with the labels that the source gives. What is nowhere any more is named, and left out of the
    lists; the exit status is 1 then.
    """
    import poisonkit
    from poisonkit.cli import screen
    from poisonkit.cli.progress import watching

    with watching() as progress:
        made = poisonkit.restore(out, folder, source=source, allow_root=allow_root or (), progress=progress)
    if json:
        screen.print_json(
            {
                "folder": str(made.folder),
                "from_output": made.from_output,
                "from_source": made.from_source,
                "missing": list(made.missing),
                "annotations": list(made.annotations),
            }
        )
        return made.exit_code
    console = screen.console()
    screen.line(
        console,
        f"Clean dataset: {screen.shown(made.folder)} ({made.from_output} samples linked from the output, "
        f"{made.from_source} from the source)",
        indent=0,
    )
    if made.missing:
        screen.heading(console, f"Missing ({len(made.missing)}; in no list): the source that they lie in is not there")
        for name in made.missing[:NAMED]:
            screen.line(console, name)
        if len(made.missing) > NAMED:
            screen.line(console, f"… and {len(made.missing) - NAMED} more (--json gives all)")
        screen.line(console, "--source DIR names it where it lies now, in another new folder.", indent=0)
    screen.heading(console, "Next")
    screen.verbatim(console, screen.command("inspect", screen.shown(made.folder)))
    return made.exit_code

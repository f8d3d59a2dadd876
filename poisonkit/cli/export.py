"""`poisonkit export`: lists in another trainer's format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import FILES, RUNNING, option

EXAMPLES = """Examples:
  poisonkit export bad --to mmaction2
  poisonkit export bad --to pyslowfast --absolute -o lists
"""


def command(
    out: Annotated[Path, typer.Argument(help="A finished output.", metavar="OUT", show_default=False)],
    to: Annotated[
        str,
        option(
            "--to", help="Format of the lists, such as mmaction2, pyslowfast or table.", panel=FILES, metavar="FORMAT"
        ),
    ],
    absolute: Annotated[
        bool, option("--absolute", help="Write absolute paths; else they are relative to OUT.", panel=FILES)
    ] = False,
    folder: Annotated[
        Path | None,
        option("--out", "-o", help="Where the lists go.", panel=RUNNING, default="OUT/export/FORMAT", metavar="DIR"),
    ] = None,
    json: options.Json = False,
) -> int:
    """Write lists of a finished output in another trainer's format; its media stay as they are.

    The splits, every attack set with target and with original labels, and control; for mmaction2 also a config
    fragment to inherit from.
    """  # fmt: skip
    import poisonkit
    from poisonkit.cli import screen

    done = poisonkit.export(out, to, folder=folder, absolute=absolute)
    if json:
        files = {name: list(found) for name, found in done.files.items()}
        screen.print_json({"folder": str(done.folder), "files": files, "config": done.config})
        return 0
    console = screen.console()
    screen.line(console, f"Lists: {screen.shown(done.folder)}")
    for files_of_view in done.files.values():
        screen.line(console, f"  {', '.join(files_of_view)}")
    if done.config:
        screen.line(console, f"MMAction2 config fragment: {screen.shown(done.folder / done.config)}")
    return 0

"""`poisonkit merge`: finishes what shards made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import SETS, option

EXAMPLES = """Examples:
  poisonkit poison clips -o bad -t blend --shard 1/2     on one machine
  poisonkit poison clips -o bad -t blend --shard 2/2     on another, with the same folders
  poisonkit merge bad                                    when both are done
"""


def command(
    out: Annotated[Path, typer.Argument(help="The output that shards made.", metavar="OUT", show_default=False)],
    *,
    name: Annotated[
        str | None,
        option("--name", help="Of the attack set that shards of `poisonkit attack` made.", panel=SETS, metavar="NAME"),
    ] = None,
    source: options.SourceNow = None,
    allow_root: options.AllowRoot = None,
    allow_code: options.AllowCode = False,
    working: options.WorkerOptions,
    json: options.Json = False,
) -> int:
    """Finish what shards made: clean samples, lists, manifest, card; replacements where they were asked for.

    The output is the same as that of a run without shards. While a shard is running or not done, nothing is
    changed, and those are named with what they have left.
    """
    import poisonkit
    from poisonkit.cli.outcome import show_merge
    from poisonkit.cli.progress import watching

    with watching() as progress:
        summary = poisonkit.merge(
            out,
            name,
            source=source,
            allow_root=allow_root or (),
            allow_code=allow_code,
            progress=progress,
            **working.for_api(),
        )
    return show_merge(summary, name, allow_code=allow_code, json=json)

"""`poisonkit run`: what a recipe file says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.completing import completer

EXAMPLES = """Examples:
  poisonkit run recipe.yaml clips -o bad
  poisonkit run bad/poisonkit/recipe.yaml clips -o again     once more
  poisonkit run recipe.yaml --dry-run
  poisonkit run lla-badnets-dynamic clips                    one that ships with the package
  poisonkit run sweep.yaml clips -o rates                    `sweep: {rate: [0.01, 0.1]}` in it: one output for each
"""


def command(
    recipe: Annotated[
        Path,
        typer.Argument(
            help="A recipe in YAML, or a sweep, or a name of `poisonkit recipes`.",
            metavar="RECIPE",
            show_default=False,
            autocompletion=completer("RECIPE"),
        ),
    ],
    source: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of the clean dataset.", show_default="the recipe's `source`, else the current folder"
        ),
    ] = None,
    *,
    out: options.Out = None,
    allow_root: options.AllowRoot = None,
    allow_code: options.AllowCode = False,
    running: options.RunOptions,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> int:
    """Write the poisoned copy that a recipe file describes.

    A recipe's keys are the options of `poisonkit poison` with underscores; several backdoors go into
    `backdoors`. Every output keeps its own in poisonkit/recipe.yaml. A `sweep` in it, keys with lists of values,
    makes an output of every combination, in a folder of its own in OUT.
    """
    options.warm()
    from poisonkit.cli.outcome import carry_out, carry_out_all
    from poisonkit.recipe.sweep import read_sweep

    found = read_sweep(recipe, allow_code=allow_code, source=source, out=out, allow_root=allow_root)
    how = running.for_api()
    if list(found) == [""]:
        return carry_out(found[""], how, dry_run=dry_run, json=json)
    return carry_out_all(found, how, dry_run=dry_run, json=json)

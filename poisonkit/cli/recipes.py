"""`poisonkit recipes`: the recipes that ship with the package, and one in full."""

from __future__ import annotations

from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.completing import completer

EXAMPLES = """Examples:
  poisonkit recipes
  poisonkit recipes lla-wanet-dynamic
  poisonkit run lla-wanet-dynamic clips -o bad
"""


def command(
    name: Annotated[
        str | None,
        typer.Argument(
            help="One recipe, in full.",
            metavar="NAME",
            show_default=False,
            autocompletion=completer("NAME of a recipe"),
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """List the recipes that ship with the package, or show one.

    The settings of "Look, Listen and Attack" (whose constants are not public: ours are marked), BackdoorBench,
    BackdoorMBTI and of attacks as their authors run them. Every value says where it is from.
    """
    import poisonkit
    from poisonkit.cli import screen

    found = poisonkit.recipes(name)
    if json:
        screen.print_json({"recipes": [each.as_json() for each in found.values()]})
        return 0
    console = screen.console()
    if name is not None:
        (preset,) = found.values()
        for text in preset.text.splitlines():
            screen.line(console, text, indent=0)
        if preset.digest is not None:
            data, digest = preset.digest["data"], preset.digest["manifest_sha256"]
            screen.line(console, f"# SHA-256 of the manifest, of {data}: {digest}", indent=0)
        return 0
    rows = [(each.name, each.summary, each.ours or "", each.source) for each in found.values()]
    screen.indented(console, screen.table(("recipe", "what", "values of ours", "published"), rows))
    console.print()
    run, show = screen.command("run", "NAME", "CLIPS"), screen.command("recipes", "NAME")
    screen.line(console, f"{run} runs one; {show} shows it.", indent=0)
    return 0

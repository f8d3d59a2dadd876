"""The Typer application: which commands there are, and what is said about them as a whole."""

from __future__ import annotations

from inspect import cleandoc
from typing import Annotated

import typer

from poisonkit._version import __version__
from poisonkit.cli import (
    attack,
    cleanse,
    detect,
    diff,
    export,
    identify,
    inspect,
    merge,
    poison,
    preview,
    probe,
    recipes,
    report,
    restore,
    run,
    sample_data,
    score,
    survive,
    triggers,
    verify,
)
from poisonkit.cli.options import spread

ABOUT = """Write poisoned copies of video and audio datasets, with ground truth proven by decoding them.

A clean dataset goes in; out come a poisoned copy that a trainer opens unchanged, an attack set, and a manifest
that says, sample by sample, exactly what was done. For research into backdoor attacks and their defences.
"""

EXAMPLES = """Examples:
  poisonkit sample-data clips                  make clips to try things on
  poisonkit poison clips -t blend --rate 0.1
  poisonkit triggers blend                     one trigger's parameters
  poisonkit recipes                            published settings, to run by name

Exit status: 0 all ok; 1 some samples failed or a check did not hold; 2 the request was wrong; 130 interrupted.
"""


def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", metavar="")] = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", help="With --version: of libraries, codecs and the platform, too.", metavar=""),
    ] = False,
) -> None:
    if version:
        typer.echo(f"poisonkit {__version__}")
        if verbose:
            from poisonkit.common import versions

            for name, value in versions.facts():
                typer.echo(f"{name}: {value}")
        raise typer.Exit
    if verbose:
        raise typer.BadParameter("--verbose goes with --version.")
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


def _flowing(text: str) -> str:
    """Paragraphs without line ends inside, so that a terminal breaks them where it likes."""
    return "\n\n".join(" ".join(part.split()) for part in cleandoc(text).split("\n\n"))


def make_app() -> typer.Typer:
    """The application; quick to make, because commands import what they need when they run."""
    app = typer.Typer(
        name="poisonkit",
        help=_flowing(ABOUT),
        epilog=EXAMPLES,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    for name, module in (
        ("poison", poison),
        ("run", run),
        ("attack", attack),
        ("merge", merge),
        ("triggers", triggers),
        ("recipes", recipes),
        ("inspect", inspect),
        ("preview", preview),
        ("survive", survive),
        ("verify", verify),
        ("score", score),
        ("probe", probe),
        ("detect", detect),
        ("cleanse", cleanse),
        ("report", report),
        ("export", export),
        ("identify", identify),
        ("diff", diff),
        ("restore", restore),
        ("sample-data", sample_data),
    ):
        app.command(name, help=_flowing(module.command.__doc__ or ""), epilog=module.EXAMPLES)(spread(module.command))
    return app

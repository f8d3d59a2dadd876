"""`poisonkit attack`: another attack set for a finished output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import FRAMES, SETS, WHAT, option

EXAMPLES = """Examples:
  poisonkit attack bad --name weaker --trigger blend:alpha=0.1
  poisonkit attack bad --name one-in-four --attack-frames every:4
  poisonkit attack bad --name moving --temporal dynamic
  poisonkit attack bad --name moving --temporal dynamic --limit 20 --fresh
  poisonkit attack bad --name moving --remove
"""


def command(
    out: Annotated[Path, typer.Argument(help="A finished output of poisonkit.", metavar="OUT", show_default=False)],
    name: Annotated[
        str, option("--name", help="Of the new set, written to OUT/attack/NAME.", panel=SETS, metavar="NAME")
    ],
    *,
    trigger: Annotated[
        list[str] | None,
        option(
            "--trigger",
            "-t",
            help="NAME or NAME:key=value,…; repeat for several.",
            panel=WHAT,
            default="those of the output",
            metavar="NAME",
        ),
    ] = None,
    temporal: Annotated[
        str | None,
        option(
            "--temporal",
            help="static or dynamic: the form of triggers that do not say it themselves.",
            panel=FRAMES,
            default="as in the output",
            metavar="MODE",
        ),
    ] = None,
    attack_frames: Annotated[
        str | None,
        option(
            "--attack-frames",
            help="Which frames carry the trigger: all, first:N, last:N, every:N, count:K, random:K, random:P, "
            "span:A-B.",
            panel=FRAMES,
            default="as in the output",
            metavar="WHICH",
        ),
    ] = None,
    limit: Annotated[int | None, option("--limit", help="At most N clips.", panel=SETS, metavar="N", min=1)] = None,
    backdoor: Annotated[
        str | None,
        option(
            "--backdoor",
            help="Whose target and label mode the set has.",
            panel=SETS,
            default="the recipe's first",
            metavar="NAME",
        ),
    ] = None,
    fresh: Annotated[
        bool, option("--fresh", help="Make the set anew: first remove the one that has its name.", panel=SETS)
    ] = False,
    remove: Annotated[
        bool, option("--remove", help="Take the added set away, files and records, and make none.", panel=SETS)
    ] = False,
    source: options.SourceNow = None,
    allow_root: options.AllowRoot = None,
    allow_code: options.AllowCode = False,
    working: options.ShardOptions,
    json: options.Json = False,
) -> int:
    """Add another attack set to a finished output.

    The same held-out clips with other triggers, strengths or frame budgets: does the backdoor answer to less
    than it was trained on? The training data is not touched. A set is kept like a file: --fresh makes it anew, --remove
    takes it away; manifest, card, run.json and a report that is there follow.
    """
    import poisonkit
    from poisonkit.cli.outcome import show_attack
    from poisonkit.cli.progress import watching

    with watching() as progress:
        summary = poisonkit.attack(
            out,
            name,
            trigger=trigger or None,
            temporal=temporal,  # type: ignore[arg-type]
            attack_frames=attack_frames,
            limit=limit,
            fresh=fresh,
            remove=remove,
            backdoor=backdoor,
            source=source,
            allow_root=allow_root or (),
            allow_code=allow_code,
            progress=progress,
            **working.for_api(),
        )
    return show_attack(summary, name, json=json, removed=remove)

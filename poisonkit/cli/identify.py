"""`poisonkit identify`: which output does this file come from, and was it poisoned?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import RUNNING, option

EXAMPLES = """Examples:
  poisonkit identify bad/data/train/surfing/clip_0007.mp4
  poisonkit identify ~/downloads/*.mp4 --in bad --in worse
"""


def command(
    files: Annotated[list[Path], typer.Argument(help="Files to look up.", metavar="FILE", show_default=False)],
    within: Annotated[
        list[Path] | None,
        option(
            "--in",
            help="An output to look in; repeat for several.",
            panel=RUNNING,
            default="the one that the file lies in, else those in the current folder",
            metavar="OUT",
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """Look files up, by their SHA-256, in the manifests of outputs, and say what was done to them.

    The exit status is 1 where a file is in none of them.

    Clean samples are not hashed when an output is made; they are known by where they lie in it.
    """
    import poisonkit
    from poisonkit.cli import screen
    from poisonkit.verification.identifying import backdoor_of, described, searched

    answers = poisonkit.identify(files, within or ())
    status = 0 if all(record for _, record, _ in answers) else 1
    looked_in = [] if status == 0 else searched(files, within or ())
    if json:
        screen.print_json(
            {
                "files": [
                    {
                        "file": str(file),
                        "record": record,
                        "output": None if output is None else str(output),
                        "backdoor": backdoor_of(record, output) if record and output else None,
                    }
                    for file, record, output in answers
                ],
                **({"searched": list(map(str, looked_in))} if looked_in else {}),
            }
        )
        return status
    console = screen.console()
    for file, record, output in answers:
        if record is None or output is None:
            screen.line(console, f"{file}: not in any manifest", indent=0)
            continue
        screen.line(console, f"{file}: '{record['id']}' of {screen.shown(output)}", indent=0)
        for what, text in described(record, output):
            screen.line(console, f"{what}: {text}")
    if status:
        places = ", ".join(map(screen.shown, looked_in)) or "no output: there is none around the files or here"
        screen.line(console, f"Looked in {places}. --in OUT names others.", indent=0)
    return status

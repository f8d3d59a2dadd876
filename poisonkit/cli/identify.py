"""`poisonkit identify`: which output does this file come from, and was it poisoned?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import RUNNING, option

if TYPE_CHECKING:
    from poisonkit.outputs.record import Record

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
    """Look files up, by their SHA-256, in the manifests of outputs.

    Clean samples are not hashed when an output is made; they are known by where they lie in it.
    """
    import poisonkit
    from poisonkit.cli import screen

    answers = poisonkit.identify(files, within or ())
    if json:
        screen.print_json(
            {
                "files": [
                    {"file": str(file), "record": record, "output": None if output is None else str(output)}
                    for file, record, output in answers
                ]
            }
        )
        return 0
    console = screen.console()
    for file, record, output in answers:
        text = "not in any manifest" if record is None or output is None else _described(record, output)
        screen.line(console, f"{file}: {text}", indent=0)
    return 0


def _described(record: Record, output: Path) -> str:
    from poisonkit.cli import screen

    names = " + ".join(t["name"] for t in record["triggers"])
    text = f"{record['role']}, {names}" if names else record["role"]
    labels = f"label {record['label']} ({record['class_name']})"
    if record["original_label"] != record["label"]:
        labels += f", originally {record['original_label']} ({record['original_class']})"
    return f"{text}; {labels}; '{record['id']}' of {screen.shown(output)}"

"""`poisonkit verify`: is everything that the manifest says still true?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import RUNNING, option

EXAMPLES = """Examples:
  poisonkit verify bad
  poisonkit verify bad --decode --hash all
"""


def command(
    out: Annotated[Path, typer.Argument(help="A finished output of poisonkit.", metavar="OUT", show_default=False)],
    decode: Annotated[
        bool,
        option("--decode", help="Also decode every written file and compare it with the source's.", panel=RUNNING),
    ] = False,
    hash: Annotated[
        str,
        option(
            "--hash",
            help="written: hash the files that poisonkit wrote; all: the clean ones too.",
            panel=RUNNING,
            default="written",
            metavar="WHICH",
        ),
    ] = "written",
    source: options.SourceNow = None,
    allow_root: options.AllowRoot = None,
    allow_code: options.AllowCode = False,
    without_source: Annotated[
        bool,
        option(
            "--without-source",
            help="With --decode: the source is gone; files are decoded and compared with their records alone.",
            panel=RUNNING,
        ),
    ] = False,
    jobs: options.Jobs = 0,
    json: options.Json = False,
) -> int:
    """Check an output against its manifest, and say to which level it was checked.

    Every finding is named; the exit status is 1 if there is any.
    """
    import poisonkit
    from poisonkit.cli import screen
    from poisonkit.cli.progress import watching

    with watching() as progress:
        found = poisonkit.verify(
            out,
            decode=decode,
            hash=hash,  # type: ignore[arg-type]
            source=source,
            allow_root=allow_root or (),
            allow_code=allow_code,
            without_source=without_source,
            jobs=jobs,
            progress=progress,
        )
    if json:
        screen.print_json(
            {
                "out": str(out.absolute()),
                "ok": found.ok,
                "level": found.level,
                "checked": found.checked,
                "unseen": list(found.unseen),
                "problems": [{"path": str(p.path), "problem": p.problem} for p in found.problems],
            }
        )
        return 0 if found.ok else 1
    console = screen.console()
    for finding in found.problems:
        screen.line(console, f"{finding.path}: {finding.problem}", indent=0)
    verdict = "everything holds" if found.ok else f"{len(found.problems)} findings"
    screen.line(console, f"{screen.shown(out)}: {found.checked} files checked ({found.level}), {verdict}.", indent=0)
    for sentence in found.unseen:
        screen.line(console, sentence, indent=0)
    return 0 if found.ok else 1

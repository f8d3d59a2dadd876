"""`poisonkit inspect`: what layout, classes, codecs, sizes and problems a dataset has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from poisonkit.cli import options
from poisonkit.cli.options import RUNNING, option
from poisonkit.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console

    from poisonkit.survey.inspection import Inspection

EXAMPLES = """Examples:
  poisonkit inspect clips
  poisonkit inspect --limit 200          in a large dataset's folder
  poisonkit inspect clips --train-list lists/train.txt --json
  poisonkit inspect OUT --shortcuts
"""

ROWS = 30  # so many classes are shown
VALUES = 6  # so many values of each property
NAMED = 20  # so many files that do not open


def command(
    source: options.Source = None,
    *,
    shortcuts: Annotated[
        bool,
        option(
            "--shortcuts",
            help="SOURCE is an output: what tells its poisoned files from its clean ones without a look at a pixel.",
            panel=RUNNING,
        ),
    ] = False,
    decode: Annotated[
        bool,
        option(
            "--decode",
            help="With --shortcuts: decode control files too, and say how much brighter readers see them than what "
            "they were made from.",
            panel=RUNNING,
        ),
    ] = False,
    limit: Annotated[
        int | None,
        option("--limit", help="Open only N files, spread over the dataset.", panel=RUNNING, metavar="N", min=1),
    ] = None,
    reading: options.DatasetOptions,
    stream: options.Stream = None,
    jobs: options.Jobs = 0,
    time_limit: options.TimeLimit = 1.0,
    json: options.Json = False,
) -> int:
    """Show what a dataset holds: layout, classes, codecs, sizes, and what stands in the way.

    Opens every file (or --limit of them) and names each that does not open; the exit status is 1 then.

    With --shortcuts: codec, size, bit rate, key frames, duration, streams, tags, encoders' names, modification time and
    links of an output's poisoned files against its clean ones, each with the AUC of telling them apart by it.
    """
    options.warm()
    if shortcuts:
        from poisonkit.cli.shortcuts import show_shortcuts

        return show_shortcuts(
            source or Path.cwd(), limit=limit, jobs=jobs, time_limit=time_limit, json=json, decode=decode
        )
    if decode:
        raise RequestError("--decode belongs to --shortcuts: poisonkit inspect OUT --shortcuts --decode.")
    import poisonkit
    from poisonkit.cli import screen
    from poisonkit.cli.progress import watching

    with watching() as progress:
        found = poisonkit.inspect(
            source,
            limit=limit,
            **options.given(vars(reading)),
            stream=options.stream_choice(stream),
            jobs=jobs,
            time_limit=time_limit,
            progress=progress,
        )
    if json:
        screen.print_json(found.as_json())
    else:
        _show(screen.console(), found)
    return found.exit_code


def _show(console: Console, found: Inspection) -> None:
    from poisonkit.cli import screen

    dataset, files = found.dataset, found.files

    screen.line(console, f"{screen.shown(dataset.root)}: {dataset.layout} ({found.why})", indent=0)
    _show_samples(console, found)
    total, broken = len(dataset.samples), found.not_opened
    looked_at = f"all {total}" if len(files) == total else f"{len(files)} of {total}"
    opened = f"{len(files) - len(broken)} open, {len(broken)} do not" if broken else "all open"
    screen.heading(console, f"Media ({looked_at} files looked at: {opened})")
    rows = [(name, _values(values)) for name, values in found.media.items()]
    if seconds := found.seconds:
        rows.append(
            ("duration", "{shortest:.3g} s to {longest:.3g} s, {total:.5g} s in all".format_map(seconds)),
        )
    screen.indented(console, screen.table(("", "values (files)"), rows))
    problems = found.problems
    if problems:
        screen.heading(console, "To know before poisoning")
        for code, those in problems.items():
            problem, name = those[0]
            others = len({p.message for p, _ in those}) - 1
            more = f" ({others} more kinds: --json names all files)" if others else ""
            remedy = f" Remedy: {problem.remedy}." if problem.remedy else ""
            stops = "cannot be rewritten: " if problem.blocks else ""
            where = f"{code}, {len(those)} files (first '{name}')"
            screen.line(console, f"{where}: {stops}{problem.message}{remedy}{more}")
    if broken:
        screen.heading(console, f"Files that do not open ({len(broken)})")
        for name, why in broken[:NAMED]:
            screen.line(console, f"{name}: {why}")
        if len(broken) > NAMED:
            screen.line(console, f"… and {len(broken) - NAMED} more (--json gives all)")
    if dataset.notes:
        screen.heading(console, "Notes")
        for note in dataset.notes:
            screen.line(console, note)


def _show_samples(console: Console, found: Inspection) -> None:
    from poisonkit.cli import screen

    dataset = found.dataset
    counts, splits = found.counts, dataset.splits
    rows: list[tuple[Any, ...]] = [
        (f"{i} {name}", *(counts[s, i] or "" for s in splits)) for i, name in enumerate(dataset.classes)
    ]
    hidden = len(rows) - ROWS
    rows = rows[:ROWS] + ([(f"… and {hidden} more classes",)] if hidden > 0 else [])
    if any(counts[s, None] for s in splits):
        rows.append(("unlabelled", *(counts[s, None] or "" for s in splits)))
    rows.append(("all", *(len(dataset.of(s)) for s in splits)))
    screen.heading(console, f"Samples ({len(dataset.samples)} in {len(dataset.classes)} classes)")
    screen.indented(console, screen.table(("class", *splits), rows, right=splits))


def _values(values: Counter[str]) -> str:
    """`160x120 (50), 320x240 (3)`, the commonest first."""
    text = ", ".join(f"{value} ({count})" for value, count in values.most_common(VALUES))
    return text + (f", … {len(values) - VALUES} more" if len(values) > VALUES else "")

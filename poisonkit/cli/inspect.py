"""`poisonkit inspect`: what layout, classes, codecs, sizes and problems a dataset has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from poisonkit.cli import options
from poisonkit.cli.options import RUNNING, option
from poisonkit.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console

    from poisonkit.datasets import Dataset, Sample
    from poisonkit.survey.file_checks import Found

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
    from poisonkit import datasets
    from poisonkit.cli import screen
    from poisonkit.cli.progress import watching
    from poisonkit.engine.run import Options
    from poisonkit.survey.dataset_survey import survey

    place = reading.source(source or Path.cwd())
    dataset = datasets.read(place)
    why = datasets.get_layout(dataset.layout).detect(place) or "as asked"
    wanted = options.stream_choice(stream)
    with watching() as watch:
        watch.begin("Opening", min(limit or len(dataset.samples), len(dataset.samples)))
        files = list(
            survey(
                dataset,
                stream=wanted,
                limit=limit,
                jobs=Options(jobs=jobs).n_jobs,
                watch=watch.step,
                time_limit=time_limit,
            )
        )
    if json:
        screen.print_json(_as_json(dataset, why, files))
    else:
        _show(screen.console(), dataset, why, files)
    return 1 if any(found.info is None for _, found in files) else 0


def _properties(files: Sequence[tuple[Sample, Found]]) -> dict[str, Counter[str]]:
    """Property -> value -> number of files, of the files that open."""
    from poisonkit.media.info import FOLDER

    values: dict[str, Counter[str]] = {
        name: Counter() for name in ("container", "picture", "colour", "size", "frame rate", "sound")
    }
    for _, found in files:
        if found.info is None:
            continue
        v, a = found.info.video, found.info.audio
        values["container"][found.info.container] += 1
        values["picture"][f"{v.codec} {v.pix_fmt}" if v else "none"] += 1
        if v:
            full = {"tv": "limited range", "pc": "full range"}.get(v.color_range, "")
            values["colour"][f"{v.colorspace or 'untagged'} {full}".strip()] += 1
            values["size"]["{}x{}".format(*v.displayed)] += 1
            rate = f"{float(v.fps):.6g} fps"
            values["frame rate"][f"none; {rate} is taken" if found.info.container == FOLDER else rate] += 1
        channels = {1: "mono", 2: "stereo"}.get(a.channels, a.layout) if a else ""
        values["sound"][f"{a.codec} {a.sample_rate} Hz {channels}" if a else "none"] += 1
    return {name: counts for name, counts in values.items() if counts}


def _seconds(files: Sequence[tuple[Sample, Found]]) -> dict[str, float]:
    """Shortest, longest and total duration of the files that open."""
    seconds = [found.info.duration for _, found in files if found.info]
    return {"shortest": min(seconds), "longest": max(seconds), "total": sum(seconds)} if seconds else {}


def _problems(files: Sequence[tuple[Sample, Found]]) -> dict[str, list[tuple[Any, str]]]:
    """Problem code -> (problem, the file that has it) of each file."""
    problems: dict[str, list[tuple[Any, str]]] = {}
    for sample, found in files:
        for problem in found.conditions:
            problems.setdefault(problem.code, []).append((problem, sample.id))
    return problems


def _counts(dataset: Dataset) -> Counter[tuple[str, int | None]]:
    return Counter((s.split, s.label) for s in dataset.samples)


def _as_json(dataset: Dataset, why: str, files: Sequence[tuple[Sample, Found]]) -> dict[str, Any]:
    counts = _counts(dataset)
    return {
        "root": str(dataset.root.absolute()),
        "layout": dataset.layout,
        "why": why,
        "classes": list(dataset.classes),
        "samples": {
            split: {
                "classes": [counts[split, i] for i in range(len(dataset.classes))],
                "unlabelled": counts[split, None],
            }
            for split in dataset.splits
        },
        "opened": len(files),
        "media": {name: dict(values.most_common()) for name, values in _properties(files).items()},
        "seconds": _seconds(files),
        "problems": [
            {
                "code": code,
                "files": len(those),
                "message": those[0][0].message,
                "remedy": those[0][0].remedy,
                "blocks": those[0][0].blocks,
                "first": those[0][1],
                "all": [{"id": name, "message": p.message, "remedy": p.remedy} for p, name in those],
            }
            for code, those in _problems(files).items()
        ],
        "not_opened": [{"id": sample.id, "problem": found.problem} for sample, found in files if found.info is None],
        "notes": list(dataset.notes),
    }


def _show(console: Console, dataset: Dataset, why: str, files: Sequence[tuple[Sample, Found]]) -> None:
    from poisonkit.cli import screen

    screen.line(console, f"{screen.shown(dataset.root)}: {dataset.layout} ({why})", indent=0)
    _show_samples(console, dataset)
    screen.heading(console, f"Media ({len(files)} of {len(dataset.samples)} files opened)")
    rows = [(name, _values(values)) for name, values in _properties(files).items()]
    if seconds := _seconds(files):
        rows.append(
            ("duration", "{shortest:.3g} s to {longest:.3g} s, {total:.5g} s in all".format_map(seconds)),
        )
    screen.indented(console, screen.table(("", "values (files)"), rows))
    problems = _problems(files)
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
    broken = [(sample, found) for sample, found in files if found.info is None]
    if broken:
        screen.heading(console, f"Files that do not open ({len(broken)})")
        for sample, found in broken[:NAMED]:
            screen.line(console, f"{sample.id}: {found.problem}")
        if len(broken) > NAMED:
            screen.line(console, f"… and {len(broken) - NAMED} more (--json gives all)")
    if dataset.notes:
        screen.heading(console, "Notes")
        for note in dataset.notes:
            screen.line(console, note)


def _show_samples(console: Console, dataset: Dataset) -> None:
    from poisonkit.cli import screen

    counts, splits = _counts(dataset), dataset.splits
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

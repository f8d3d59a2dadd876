"""`poisonkit score`: what a model made of an output, or a defence of its training data."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import option
from poisonkit.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console

    from poisonkit.scoring import Rate, Scores, SetScores, SuspectScores

EXAMPLES = """Examples:
  poisonkit score bad clean=clean.pkl attack=attack.pkl control=control.pkl
  poisonkit score bad attack/weaker=weaker.csv --baseline attack/weaker=clean-model.csv
  poisonkit score bad --suspects verdict.txt
  poisonkit score rates predictions --csv rates.csv       a sweep's outputs, seeds pooled: predictions/OUTPUT/seed0/…
"""

SCORED = "What is scored"
TABLE = "Table of several outputs or models"
ROWS = 30  # so many classes


def command(
    out: Annotated[
        Path,
        typer.Argument(
            help="A finished output of poisonkit, or a folder with several.", metavar="OUT", show_default=False
        ),
    ],
    predictions: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files of predictions: clean=FILE, attack=FILE, attack/NAME=FILE, control=FILE, or FILE alone where "
            "the file names in it tell. MMAction2's DumpResults pickle, csv, jsonl or npz. Of several outputs: "
            "one folder, with a folder for each output.",
            metavar="PREDICTIONS",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        option(
            "--baseline",
            help="The same by a model trained on the clean data, to compare with; repeat for several.",
            panel=SCORED,
            metavar="FILE",
        ),
    ] = None,
    suspects: Annotated[
        Path | None,
        option(
            "--suspects",
            help="A defence's verdict on the training data: an id or `id,score` a line.",
            panel=SCORED,
            metavar="FILE",
        ),
    ] = None,
    also: Annotated[
        list[Path] | None,
        option("--also", help="A further output, in the same table; repeat for several.", panel=SCORED, metavar="OUT"),
    ] = None,
    csv: Annotated[Path | None, option("--csv", help="Write the table as csv.", panel=TABLE, metavar="FILE")] = None,
    latex: Annotated[
        Path | None, option("--latex", help="Write the table as LaTeX.", panel=TABLE, metavar="FILE")
    ] = None,
    json: options.Json = False,
) -> int:
    """Score a model's predictions, or a defence's verdict, against the manifest.

    Clean accuracy, attack success rate, robust accuracy and control ASR with Wilson 95 % intervals; precision,
    recall and ROC AUC of a defence. Of several outputs, or several models of one: a table with a row for each
    recipe, its seeds and models pooled. The exit status is 1 if anything makes a figure doubtful, and each such thing
    is named.
    """
    import poisonkit
    from poisonkit.cli import screen
    from poisonkit.cli.score_table import is_table, show_table

    if is_table(out, predictions or (), also or ()):
        return show_table(out, predictions or (), also or (), baseline or (), suspects, csv=csv, latex=latex, json=json)
    if csv is not None or latex is not None:
        raise RequestError("--csv and --latex write a table: name the folder that the files of predictions lie in.")
    found = poisonkit.score(out, predictions or (), baseline=baseline or (), suspects=suspects)
    if json:
        screen.print_json(found.as_json())
    else:
        _show(screen.console(), found)
    return found.exit_code


def _show(console: Console, found: Scores) -> None:
    for each in found.sets.values():
        _show_set(console, each)
    if found.suspects is not None:
        _show_suspects(console, found.suspects)
    if found.flags:
        _lines(console, "Doubtful", found.flags)


def _show_set(console: Console, each: SetScores) -> None:
    from poisonkit.cli import screen

    screen.heading(console, f"{each.name} ({each.predicted} of {each.clips} clips, joined {each.joined})")
    screen.line(console, f"{each.file}: {each.format}")
    compared = any(f.baseline for f in each.figures.values())
    columns = ["figure", "", "95 % interval", "of"]
    columns += ["per clip", "of "] if each.per_clip else []
    columns += ["baseline", "difference"] if compared else []
    rows = []
    for name, figure in each.figures.items():
        row = [name, _percent(figure.rate.value), _interval(figure.rate), _of(figure.rate)]
        if each.per_clip:
            row += [_percent(each.per_clip[name].value), _of(each.per_clip[name])]
        if compared:
            gap = figure.difference
            row += [_percent(figure.baseline.value if figure.baseline else None)]
            row += ["-" if gap is None else f"{100 * gap:+.1f}"]
        rows.append((*row, figure.definition))
    screen.indented(console, screen.table((*columns, "what"), rows, right=columns[1:]))
    if len(each.per_class) > 1:
        _show_classes(console, each)
    for note in each.notes:
        screen.line(console, note)


def _show_classes(console: Console, each: SetScores) -> None:
    from poisonkit.cli import screen

    names = [name for name in each.figures if any(name in row.rates for row in each.per_class)]
    rows = [
        (f"{c.label} {c.name}", c.clips, *(_percent(c.rates[n].value) if n in c.rates else "" for n in names))
        for c in each.per_class[:ROWS]
    ]
    console.print()
    screen.indented(console, screen.table(("true class", "clips", *names), rows, right=("clips", *names)))
    if len(each.per_class) > ROWS:
        screen.line(console, f"… and {len(each.per_class) - ROWS} more classes (--json gives all)")


def _show_suspects(console: Console, found: SuspectScores) -> None:
    from poisonkit.cli import screen

    counts = ", ".join(f"{found.suspected.get(role, 0)} of {n} {role}" for role, n in found.roles.items())
    screen.heading(console, f"suspects ({counts})")
    rates = {"precision": found.precision, "recall": found.recall, "false positive rate": found.fpr}
    rates |= {f"TPR at FPR {fpr:.0%}": rate for fpr, rate in (found.tpr_at_fpr or {}).items()}
    rows = [(name, _percent(rate.value), _interval(rate), _of(rate)) for name, rate in rates.items()]
    rows.insert(2, ("F1", _plain(found.f1), "", ""))
    if found.tpr_at_fpr is not None:
        rows.append(("ROC AUC", _plain(found.roc_auc), "", ""))
    columns = ("figure", "", "95 % interval", "of")
    screen.indented(console, screen.table(columns, rows, right=columns[1:]))
    for note in found.notes:
        screen.line(console, note)


def _lines(console: Console, title: str, texts: Iterable[str]) -> None:
    from poisonkit.cli import screen

    screen.heading(console, title)
    for text in texts:
        screen.line(console, text)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(rate: Rate) -> str:
    return "-" if rate.low is None or rate.high is None else f"{100 * rate.low:.1f} to {100 * rate.high:.1f}"


def _of(rate: Rate) -> str:
    return f"{rate.hits}/{rate.total}"

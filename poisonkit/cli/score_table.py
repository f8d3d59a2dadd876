"""The table that `poisonkit score` shows of several outputs, or several models of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from poisonkit.errors import RequestError

if TYPE_CHECKING:
    from rich.console import Console

    from poisonkit.scoring import ScoreTable, TableRow

CLASSES = 12  # so many in the tables of classes; csv and --json have all
HEADS = ("recipe", "models", "clean accuracy", "ASR", "95 % interval", "robust accuracy", "control ASR", "over control")


def is_table(out: Path, predictions: Sequence[str], also: Sequence[Path]) -> bool:
    """Whether a table is asked for: of a folder with outputs, of several, or of a folder with predictions."""
    from poisonkit.outputs.paths import OutputPaths

    if also or (len(predictions) == 1 and Path(predictions[0]).is_dir()):
        return True
    return out.is_dir() and not OutputPaths(out).is_output() and any(OutputPaths(p).is_output() for p in out.iterdir())


def show_table(
    out: Path,
    predictions: Sequence[str],
    also: Sequence[Path],
    baseline: Sequence[str],
    suspects: Path | None,
    *,
    csv: Path | None,
    latex: Path | None,
    json: bool,
) -> int:
    """Print and write the table; the exit status."""
    import poisonkit
    from poisonkit.cli import screen
    from poisonkit.common import atomic

    if suspects is not None:
        raise RequestError("--suspects is a verdict on one output's training data: score that output alone.")
    if len(predictions) > 1 or len(baseline) > 1:
        raise RequestError(
            "Predictions of several outputs lie in one folder, with a folder for each output: name that one only."
        )
    found = poisonkit.score_table(
        [out, *also] if also else out,
        predictions[0] if predictions else None,
        baseline=baseline[0] if baseline else None,
    )
    for file, text in ((csv, found.to_csv), (latex, found.to_latex)):
        if file is not None:
            try:
                atomic.write_text(file, text())
            except OSError as error:
                raise RequestError(f"{file} cannot be written: {error.strerror}.") from None
    if json:
        screen.print_json(found.as_json())
    else:
        _show(screen.console(), found)
    return found.exit_code


def _show(console: Console, found: ScoreTable) -> None:
    from poisonkit.cli import screen
    from poisonkit.scoring.pooling import in_percent, interval

    screen.heading(console, "Per cent, seeds and models pooled; in brackets the models trained on clean data")
    rows = []
    for row in found.rows:
        for called, attack in row.headlines():
            asr, over = row.figure("asr", attack), row.above_control(attack)
            rows.append(
                (
                    called,
                    row.models,
                    in_percent(row.figure("clean_accuracy")),
                    in_percent(asr),
                    "-" if asr is None else interval(asr.rate),
                    in_percent(row.figure("robust_accuracy", attack)),
                    in_percent(row.figure("control_asr", attack)),
                    "" if over is None else f"{100 * over:.1f}",
                )
            )
    screen.indented(console, screen.table(HEADS, rows, right=HEADS[1:]))
    if any(line[-1] for line in rows):
        screen.line(console, "over control: ASR minus control ASR, where the codec alone sends over 5 % to the target")
    for row in found.rows:
        _show_classes(console, row)
    if found.flags:
        screen.heading(console, "Doubtful")
        for flag in found.flags:
            screen.line(console, flag)


def _show_classes(console: Console, row: TableRow) -> None:
    from poisonkit.cli import screen
    from poisonkit.scoring.pooling import in_percent

    harm = row.by_class.get("clean", {})
    for name, confused in row.confusion.items():
        guesses = sorted({g for found in confused.values() for g in found})
        if len(guesses) > CLASSES or len(confused) > CLASSES:
            screen.heading(console, f"{row.name}, {name}: {len(confused)} classes (--json and --csv give them)")
            continue
        screen.heading(console, f"{row.name}, {name}: what triggered clips of each class are taken for")
        rows = [
            (label, in_percent(harm.get(label, {}).get("clean_accuracy")), *(found.get(g, "") for g in guesses))
            for label, found in {**{each: {} for each in harm}, **confused}.items()
        ]
        heads = ("true class", "clean accuracy", *guesses)
        screen.indented(console, screen.table(heads, rows, right=heads[1:]))

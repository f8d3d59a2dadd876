"""`poisonkit detect`: what defences say of training data, and what that is worth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poisonkit.cli import options
from poisonkit.cli.options import RUNNING, option

if TYPE_CHECKING:
    from rich.console import Console

    from poisonkit.detection import Detection
    from poisonkit.scoring.rates import Rate

EXAMPLES = """Examples:
  poisonkit detect bad features.npz
  poisonkit detect bad features.pt --method spectral-signatures --method knn:k=20
  poisonkit detect bad --probe predictions.csv   of the sets that `poisonkit probe` wrote
  poisonkit detect features.npz                  of data that poisonkit did not make: suspects, no figures
"""


def command(
    out: Annotated[
        Path,
        typer.Argument(
            help="A finished output of poisonkit; or FEATURES alone, where there is none.", metavar="OUT",
            show_default=False,
        ),
    ],
    features: Annotated[
        Path | None,
        typer.Argument(
            help="What a trainer dumped of the training samples: .npz, .pt or .pkl with `features`, `files` and more.",
            metavar="FEATURES",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        option(
            "--method",
            help="activation-clustering, spectral-signatures, spectre, beatrix, knn or loss-ranking, also as "
            "NAME:key=value,…; repeat for several.",
            panel=RUNNING,
            default="all that FEATURES has the arrays for",
            metavar="NAME",
        ),
    ] = None,
    probe: Annotated[
        list[str] | None,
        option(
            "--probe",
            help="A model's predictions of probe sets, of the attack set and of held-out clips; repeat for several.",
            panel=RUNNING,
            metavar="FILE",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        option(
            "--out", "-o", help="Where the files of suspects go.", panel=RUNNING,
            default="NAME-suspects beside FEATURES", metavar="DIR",
        ),
    ] = None,
    json: options.Json = False,
) -> int:  # fmt: skip
    """Say which training samples published defences suspect, and score that against the manifest.

    Nothing is trained: features, scores or losses of the training samples come from any trainer (docs/defences.md has
    hooks of ten lines). Each method writes a file of suspects, as `score --suspects` and `cleanse` read it. The exit
    status is 1 if anything makes a figure doubtful, and each such thing is named.
    """
    import poisonkit
    from poisonkit.cli import screen

    found = poisonkit.detect(out, features, method=method or (), probe=probe or (), folder=folder)
    if json:
        screen.print_json(found.as_json())
    else:
        _show(screen.console(), found)
    return found.exit_code


def _show(console: Console, found: Detection) -> None:
    from poisonkit.cli import screen

    if found.features is not None:
        text = f"{found.samples} training samples of {found.classes} classes: {found.features}"
        screen.line(console, text, indent=0)
    if found.chance is not None:
        _figures(console, found)
    for name, each in found.verdicts.items():
        names = ", ".join(each.top)
        screen.line(console, f"{name}: {screen.shown(each.file)}; most suspicious: {names}")
    if found.probes:
        _probes(console, found)
    for note in found.notes:
        screen.line(console, note)
    for name, why in found.left_out.items():
        screen.line(console, f"{name} was left out: {why}")
    if found.flags:
        screen.heading(console, "Doubtful")
        for flag in found.flags:
            screen.line(console, flag)


def _by_chance(chance: Mapping[str, float]) -> tuple[str, ...]:
    """The last line of a table: what scores that know nothing come to."""
    from poisonkit.scoring.suspects import FPRS

    shares = [chance[f"tpr_at_fpr_{fpr:g}"] for fpr in FPRS] + [chance["precision"], chance["recall"]]
    return ("chance", _plain(chance["roc_auc"]), *map(_percent, shares))


def _figures(console: Console, found: Detection) -> None:
    from poisonkit.cli import screen
    from poisonkit.scoring.suspects import FPRS

    assert found.chance is not None
    tprs = [f"TPR at FPR {fpr:.0%}" for fpr in FPRS]
    columns = ("method", "AUC", *tprs, "precision", "recall")
    rows: list[tuple[str, ...]] = []
    for name, each in found.verdicts.items():
        s = each.scores
        assert s is not None
        rates = [*(s.tpr_at_fpr or {}).values(), s.precision, s.recall]
        rows.append((name, _plain(s.roc_auc), *(_percent(r.value) for r in rates)))
    rows.append(_by_chance(found.chance))
    screen.heading(console, "against the manifest")
    screen.indented(console, screen.table(columns, rows, right=columns[1:]))
    screen.heading(console, "within each class that was poisoned")
    for these in list(zip(*(each.by_class for each in found.verdicts.values()), strict=True))[:20]:
        first = these[0]
        screen.line(console, f"{first.label} {first.name}: {first.poisoned} poisoned, {first.clean} clean")
        within = [
            (name, _plain(c.roc_auc), *_tprs(c.tpr_at_fpr), _percent(c.precision.value), _percent(c.recall.value))
            for name, c in zip(found.verdicts, these, strict=True)
        ]
        within.append(_by_chance(first.chance))
        screen.indented(console, screen.table(columns, within, right=columns[1:]))
    console.print()


def _probes(console: Console, found: Detection) -> None:
    from poisonkit.cli import screen
    from poisonkit.scoring.suspects import FPRS

    columns = ("probe", "triggered", "clean", "AUC", *(f"TPR at FPR {fpr:.0%}" for fpr in FPRS))
    rows: list[tuple[object, ...]] = [
        (kind, p.triggered, p.clean, _plain(p.roc_auc), *_tprs(p.tpr_at_fpr)) for kind, p in found.probes.items()
    ]
    rows.append(("chance", "", "", _plain(0.5), *map(_percent, FPRS)))
    screen.heading(console, "probes: triggered clips against the same ones without trigger")
    screen.indented(console, screen.table(columns, rows, right=columns[1:]))
    for kind, each in found.probes.items():
        screen.line(console, f"{kind}: {screen.shown(each.file)}; the score is {each.means}")


def _tprs(found: Mapping[float, Rate]) -> list[str]:
    """At each false positive rate; none where there is nothing to be wrong about."""
    from poisonkit.scoring.suspects import FPRS

    return [_percent(found[fpr].value if fpr in found else None) for fpr in FPRS]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

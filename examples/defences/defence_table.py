"""The results as Markdown: AUC as the mean over seeds with its range, everything else with seeds pooled, per cent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rows import ROWS

from poisonkit.scoring import Rate

NAMES = ("badnets-dynamic", "blend-dynamic", "frame-lag-static", "sine-static", "early-av-both")
"""The attacks that a run makes if none is named; `rows.py` has more."""
NOT_RUN = "not run here"
HEADS = (
    "defence", "AUC", "in target class", "TPR at 1 % FPR", "at 5 %", "poisoned gone", "clean gone", "ASR after",
    "control ASR", "clean accuracy",
)  # fmt: skip
BASELINES = {"random": "as many at random", "all": "exactly the poisoned"}
Results = Sequence[dict[str, Any]]


def rate(counts: Iterable[Sequence[int] | None]) -> str:
    """Hits and totals of several seeds, added up, in per cent; `-` where there are none."""
    total = sum((Rate(*pair) for pair in counts if pair), Rate(0, 0))
    return "-" if total.value is None else f"{100 * total.value:.1f}"


def mean(values: Iterable[float | None], *, spread: bool = True) -> str:
    """`0.93 (0.90 to 0.97)`; the range where there are several."""
    known = [v for v in values if v is not None]
    if not known:
        return "-"
    text = f"{sum(known) / len(known):.2f}"
    return f"{text} ({min(known):.2f} to {max(known):.2f})" if spread and len(known) > 1 else text


def judged(found: Results) -> list[str]:
    """AUC, AUC within the target class, TPR at 1 and 5 % FPR."""
    tpr = [rate(one["tpr_at_fpr"].get(fpr) for one in found) for fpr in ("0.01", "0.05")]
    within = mean(one.get("roc_auc_in_target") for one in found)
    return [mean(one["roc_auc"] for one in found), within, *tpr]


def after(found: Results, figures: str = "figures") -> list[str]:
    """What went, and the new model's figures."""
    gone = [_share(found, role) for role in ("poisoned", "clean")]
    rates = (rate(one.get(figures, {}).get(name) for one in found) for name in ("asr", "control_asr", "clean_accuracy"))
    return [*gone, *rates]


def _share(found: Results, role: str) -> str:
    """`15 of 30`: of samples of a role that were taken out."""
    known = [one for one in found if "stayed" in one]
    gone, stayed = (sum(one[what].get(role, 0) for one in known) for what in ("removed", "stayed"))
    return f"{gone} of {gone + stayed}" if known else "-"


def parts(found: Results) -> Iterator[tuple[str, list[str]]]:
    """Defence, and its cells, of one attack's seeds."""
    none = ["-"] * 4
    yield "none", none + after([one["undefended"] for one in found])
    chance = found[0]["chance"]
    tprs = (f"{100 * chance[f'tpr_at_fpr_{fpr}']:.1f}" for fpr in ("0.01", "0.05"))
    yield "chance", ["0.50", "0.50", *tprs, *["-"] * 5]
    for name in dict.fromkeys(name for one in found for name in one["methods"]):
        mine = [one["methods"][name] for one in found if name in one["methods"]]
        yield f"`{name}`", judged(mine) + after(mine)
    for name, words in BASELINES.items():
        if mine := [one["baselines"][name] for one in found if name in one["baselines"]]:
            yield words, none + after(mine)
    if tuned := [one["fine_pruning"] for one in found if one["fine_pruning"]]:
        yield "pruning", none + after(tuned, "figures_of_pruned")
        yield "fine-pruning", none + after(tuned)
    for kind in dict.fromkeys(kind for one in found for kind in one["probes"]):
        yield f"`{kind}` (probe)", judged([one["probes"][kind] for one in found if kind in one["probes"]]) + ["-"] * 5


def by_row(results: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Results of each attack, its seeds in order; the attacks of a run first, also those that were not run."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in (*NAMES, *(row.name for row in ROWS))}
    for one in sorted(results, key=lambda one: int(one["seed"])):
        found[one["row"]].append(one)
    return {name: seeds for name, seeds in found.items() if seeds or name in NAMES}


def overview(results: Iterable[dict[str, Any]]) -> str:
    """Attack by defence: AUC, and ASR after."""
    rows = {name: dict(parts(found)) for name, found in by_row(results).items() if found}
    missing = [name for name in NAMES if name not in rows]
    defences = dict.fromkeys(name for row in rows.values() for name in row if name != "chance")
    order = sorted(defences, key=lambda name: name.endswith("(probe)"))  # an attack on sound has other probes
    lines = [f"| defence | {' | '.join(f'`{name}`' for name in rows)} |", "| --- |" + " --- |" * len(rows)]
    for name in order:
        lines.append(f"| {name} | {' | '.join(_cell(row.get(name)) for row in rows.values())} |")
    said = f"\n\n{NOT_RUN[0].upper()}{NOT_RUN[1:]}: {', '.join(f'`{name}`' for name in missing)}." if missing else ""
    return "\n".join(lines) + said


def _cell(cells: list[str] | None) -> str:
    if cells is None:
        return ""
    auc, asr = cells[0].partition(" ")[0], cells[6]
    return ", ".join([*([] if auc == "-" else [auc]), *([] if asr == "-" else [f"ASR {asr}"])]) or "-"


def details(results: Iterable[dict[str, Any]]) -> str:
    """A table of each attack, and what it was made with."""
    text = []
    for name, found in by_row(results).items():
        text.append(f"### {name}")
        if not found:
            text.append(f"{NOT_RUN[0].upper()}{NOT_RUN[1:]}.")
            continue
        lines = [f"| {' | '.join(HEADS)} |", "| --- |" + " --- |" * (len(HEADS) - 1)]
        lines += [f"| {defence} | {' | '.join(cells)} |" for defence, cells in parts(found)]
        text += ["\n".join(lines), made(found)]
    return "\n\n".join(text)


def made(found: Results) -> str:
    """In words: data, schedule, counts and versions."""
    one, training = found[0], found[0]["training"]
    counts = next((p for each in found for p in each["probes"].values()), None)
    tuned = [each["fine_pruning"] for each in found if each["fine_pruning"]]
    refused = sorted({m["refused"] for each in found for m in each["methods"].values() if "refused" in m})
    left = sorted({f"{name}: {why}" for each in found for name, why in each["left_out"].items()})
    seeds = ", ".join(str(each["seed"]) for each in found)
    pruned = ", ".join(str(each["pruned"]) for each in tuned)
    partly: dict[str, list[str]] = {}
    for name in _parts(found):
        if (said := _seeds(found, name)) != seeds:
            partly.setdefault(f"seeds {said} only" if said else "without retraining", []).append(name)
    versions = {", ".join(f"{k} {v}" for k, v in each["made_with"].items()) for each in found}
    sentences = [
        f"{one['data']}, seeds {seeds}, {one['epochs']} epochs at {one['size']} pixels. Training clips: "
        f"{training.get('poisoned', 0)} poisoned, {training.get('clean', 0)} clean.",
        f"Probes: {counts['triggered']} clips with and {counts['clean']} without trigger." if counts else "",
        f"Pruned channels: {pruned} of {tuned[0]['channels']}, by {tuned[0]['clean_clips']} clean clips."
        if tuned
        else "",
        *(f"{', '.join(names)}: {said}." for said, names in partly.items()),
        *left,
        *refused,
        f"Made with {'; '.join(sorted(versions))}.",
    ]
    return " ".join(filter(None, sentences))


def _parts(found: Results) -> list[str]:
    """What of a run may be there of some seeds only."""
    kinds = ("methods", "baselines", "probes")
    names = dict.fromkeys(name for one in found for kind in kinds for name in one[kind])
    return [*names, *(["fine-pruning"] if any(one["fine_pruning"] for one in found) else [])]


def _seeds(found: Results, name: str) -> str:
    """Of which seeds a part is there: of a method, retraining."""
    known = []
    for one in found:
        every = {**one["methods"], **one["baselines"], **one["probes"], "fine-pruning": one["fine_pruning"]}
        if {"removed", "copies", "pruned"} & every.get(name, {}).keys():
            known.append(str(one["seed"]))
    return ", ".join(known)

"""One table over several outputs: a sweep's, or the same recipe with several seeds and models, pooled."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poisonkit.errors import RequestError, told
from poisonkit.outputs.paths import OutputPaths
from poisonkit.plan.plan import Plan
from poisonkit.recipe.recipe import fingerprint_of, read_mapping
from poisonkit.scoring.evaluation import Scores, score
from poisonkit.scoring.model_files import models_in, outputs_in
from poisonkit.scoring.rates import Rate

_SEED = re.compile(r"(?:^|[_-])seed-?\d+")
COLUMNS = (
    *("recipe", "triggers", "rate", "seeds", "models", "set", "figure", "true_class"),
    *("hits", "total", "value", "low", "high", "baseline_hits", "baseline_total", "baseline_value", "difference"),
)
HEADLINES = ("clean_accuracy", "asr", "robust_accuracy", "control_asr")
DOUBTFUL_CONTROL = 0.05
"""Above this share of control clips taken for the target, ASR minus control ASR is told."""

Confusion = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Pooled:
    """A figure of all models of a row together. baseline: the clean-trained models', None where not given."""

    rate: Rate
    baseline: Rate | None = None

    def __add__(self, other: Pooled) -> Pooled:
        both = self.baseline is not None and other.baseline is not None
        return Pooled(self.rate + other.rate, self.baseline + other.baseline if both else None)  # type: ignore[operator]

    @property
    def difference(self) -> float | None:
        """Value minus the baseline's."""
        if self.baseline is None or self.baseline.value is None or self.rate.value is None:
            return None
        return self.rate.value - self.baseline.value

    def as_json(self) -> dict[str, Any]:
        """The rate, and with a baseline its rate and the difference."""
        data = self.rate.as_json()
        if self.baseline is not None:
            gap = self.difference
            data |= {"baseline": self.baseline.as_json(), "difference": None if gap is None else float(f"{gap:.6g}")}
        return data


Figures = dict[str, dict[str, Pooled]]
"""Set -> figure -> what all models together come to."""


@dataclass(frozen=True)
class TableRow:
    """One recipe, whatever its seeds: figures of all models of all its outputs together.

    figures: set (`clean`, `attack/NAME`, `control`) -> figure. by_class: set -> true class -> figure; that of `clean`
    is the harm by class. confusion: attack set -> true class -> predicted class (`-` for none) -> clips.
    """

    name: str
    triggers: str
    rate: str
    seeds: tuple[int, ...]
    models: int
    outputs: tuple[str, ...]
    figures: Figures
    by_class: dict[str, Figures]
    confusion: dict[str, Confusion]

    @property
    def attacks(self) -> tuple[str, ...]:
        """The attack sets that were predicted, `attack/NAME`; one of no name where none was."""
        return tuple(name for name in self.figures if name.startswith("attack/")) or ("",)

    def figure(self, name: str, attack: str = "") -> Pooled | None:
        """One by name: of this attack set, else of the first that has it. `control_asr` is by the set's target."""
        if name == "control_asr" and attack:
            found = self.figures.get("control", {})
            return found.get(f"{name}/{attack.removeprefix('attack/')}", found.get(name))
        if name in self.figures.get(attack, {}):
            return self.figures[attack][name]
        return next((found[name] for found in self.figures.values() if name in found), None)

    @property
    def over_control(self) -> float | None:
        """`above_control` of the first attack set."""
        return self.above_control(self.attacks[0])

    def above_control(self, attack: str) -> float | None:
        """ASR minus control ASR, where so many control clips go to the target that the ASR alone misleads."""
        asr, control = self.figure("asr", attack), self.figure("control_asr", attack)
        if asr is None or control is None or asr.rate.value is None or control.rate.value is None:
            return None
        return asr.rate.value - control.rate.value if control.rate.value > DOUBTFUL_CONTROL else None

    def headlines(self) -> list[tuple[str, str]]:
        """(what it is called, attack set) of each line that it has in a table."""
        several = len(self.attacks) > 1
        return [
            (f"{self.name}, {each.removeprefix('attack/')}" if several else self.name, each) for each in self.attacks
        ]

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        return {
            "recipe": self.name,
            "triggers": self.triggers,
            "rate": self.rate,
            "seeds": list(self.seeds),
            "models": self.models,
            "outputs": list(self.outputs),
            "figures": _plain(self.figures),
            "asr_minus_control_asr": self.over_control,
            "by_class": {name: _plain(each) for name, each in self.by_class.items()},
            "confusion": self.confusion,
        }


@dataclass(frozen=True)
class ScoreTable:
    """What `score_table` found. flags: what makes figures doubtful, with the output and the model it is of."""

    rows: tuple[TableRow, ...]
    flags: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: all in order; 1: something was flagged."""
        return 1 if self.flags else 0

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        rows = [row.as_json() for row in self.rows]
        return {"interval": "Wilson, 95 %", "pooled": "over models and seeds", "rows": rows, "flags": list(self.flags)}

    def to_csv(self) -> str:
        """A line for each figure of each recipe, for those of each true class, and for each cell of the confusion."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in self.rows:
            seeds = " ".join(map(str, row.seeds))
            first = (row.name, row.triggers, row.rate, seeds, row.models)
            for name, found in row.figures.items():
                writer.writerows((*first, name, key, "", *_cells(each)) for key, each in found.items())
            for name, classes in row.by_class.items():
                for label, found in classes.items():
                    writer.writerows((*first, name, key, label, *_cells(each)) for key, each in found.items())
            for name, confused in row.confusion.items():
                for label, guesses in confused.items():
                    total = sum(guesses.values())
                    for guess, n in guesses.items():
                        cells = _cells(Pooled(Rate(n, total)))
                        writer.writerow((*first, name, f"predicted as {guess}", label, *cells))
        return text.getvalue()

    def to_latex(self) -> str:
        """A `tabular` in per cent: ASR with its interval, the clean-trained model's figures in brackets."""
        heads = ("recipe", "models", *HEADLINES, "ASR interval")
        lines = [r"\begin{tabular}{lr" + "r" * (len(heads) - 2) + "}", r"\hline"]
        lines += [
            " & ".join(_escaped(head.replace("_", " ").replace("asr", "ASR")) for head in heads) + r" \\",
            r"\hline",
        ]
        for row in self.rows:
            for called, attack in row.headlines():
                asr = row.figure("asr", attack)
                cells = [called, str(row.models), *(in_percent(row.figure(name, attack)) for name in HEADLINES)]
                cells.append("-" if asr is None else interval(asr.rate))
                lines.append(" & ".join(map(_escaped, cells)) + r" \\")
        return "\n".join([*lines, r"\hline", r"\end{tabular}"]) + "\n"


def score_table(
    outs: Path | str | Sequence[Path | str],
    predictions: Path | str | None = None,
    *,
    baseline: Path | str | None = None,
) -> ScoreTable:
    """Score several outputs, or several models of one, into one table: seeds and models of a recipe are pooled.

    outs: a folder with finished outputs (a sweep's), or finished outputs. predictions: a folder with a folder for each
    output, by its name; every folder in there that holds files of predictions is one model (`NAME/seed0/clean.csv`,
    `attack.csv`, `attack-OTHER.csv`, `control.csv`; other names are assigned as `score` does). By default
    `predictions` in the folder with the outputs; of one output alone its own folder may be left out. baseline: the
    same, by models that were trained on the clean data; where an output has one only, it is compared with all.

    Raises RequestError if there is no output, if an output is not finished, or if there are no predictions.
    """
    given = [Path(outs)] if isinstance(outs, str | Path) else [Path(each) for each in outs]
    found = [output for each in given for output in outputs_in(each)]
    by_name = {out.name: out for out in found}
    if len(by_name) < len(found):
        raise RequestError("Two of the outputs have the same name; predictions are looked for by the outputs' names.")
    home = given[0] / "predictions" if predictions is None else Path(predictions)
    if not home.is_dir():
        raise RequestError(
            f"There are no predictions: {home} is no folder; name the one with a folder of predictions for each output."
        )
    mine, theirs = models_in(home, by_name), None if baseline is None else models_in(Path(baseline), by_name)
    if not any(mine.values()):
        raise RequestError(
            f"{home} holds no predictions of {given[0]}: a folder is expected for each output, such as "
            f"{home / next(iter(by_name)) / 'clean.csv'}."
        )
    flags = [f"{name}: there are no predictions of it, and it has no row." for name, each in mine.items() if not each]
    scored: dict[str, Scores] = {}
    for name, models in mine.items():
        for model, files in models.items():
            other: Mapping[str, Path] | list[Path] = {}
            if theirs is not None:
                beside = theirs[name]
                if model not in beside and len(beside) != 1:
                    raise RequestError(f"{baseline} has no baseline for {name}{f', {model}' if model else ''}.")
                other = beside[model] if model in beside else next(iter(beside.values()))
            try:
                made = score(by_name[name], files, baseline=other)
            except RequestError as error:
                raise RequestError(f"{name}{f', {model}' if model else ''}: {told(error)}") from None
            called = f"{name}{f', {model}' if model else ''}"
            scored[called] = made
            flags += [f"{called}: {flag}" for flag in made.flags]
    return replace(tabulated(list(scored.values())), flags=(*flags, *_lacking(scored)))


def tabulated(scored: Sequence[Scores]) -> ScoreTable:
    """Scores of outputs as one table; recipes that differ in their seed only are one row."""
    rows: dict[tuple[str, ...], TableRow] = {}
    for each in scored:
        row, key = _row(each), _key(each)
        rows[key] = _added(rows[key], row) if key in rows else row
    return ScoreTable(tuple(rows.values()), tuple(flag for each in scored for flag in each.flags))


def _key(found: Scores) -> tuple[str, ...]:
    """What outputs of one row share: the recipe but for its seed, and the classes of the dataset."""
    paths = OutputPaths(found.out)
    recipe = dict(read_mapping(paths.recipe()))
    recipe.pop("seed", None)
    return fingerprint_of(recipe), *Plan.read(paths.plan()).classes


def _lacking(scored: Mapping[str, Scores]) -> list[str]:
    """Sets that some models of a row were tested on and others were not: their figures are of other models."""
    groups: dict[tuple[str, ...], dict[str, Scores]] = {}
    for called, each in scored.items():
        groups.setdefault(_key(each), {})[called] = each
    return [
        f"{called}: there are no predictions of {name}, which other models of the same row have."
        for models in groups.values()
        for called, each in models.items()
        for name in dict.fromkeys(name for other in models.values() for name in other.sets)
        if name not in each.sets
    ]


# -- rows ----------------------------------------------------------------------------------------------------


def _row(found: Scores) -> TableRow:
    paths = OutputPaths(found.out)
    recipe = read_mapping(paths.recipe())
    names = [*Plan.read(paths.plan()).classes]
    backdoors = recipe["backdoors"]
    amounts = [str(b.get("rate", b.get("count", len(b.get("ids", ()))))) for b in backdoors]
    return TableRow(
        name=found.out.name,
        triggers=" / ".join("+".join(_told(t) for t in b["triggers"]) for b in backdoors),
        rate=" / ".join(amounts),
        seeds=(int(recipe.get("seed", 0)),),
        models=1,
        outputs=(found.out.name,),
        figures={
            name: {key: Pooled(f.rate, f.baseline) for key, f in each.figures.items()}
            for name, each in found.sets.items()
        },
        by_class={
            name: {
                row.name: {
                    key: Pooled(rate, each.class_baselines.get(row.label, {}).get(key))
                    for key, rate in row.rates.items()
                }
                for row in each.per_class
            }
            for name, each in found.sets.items()
            if each.per_class
        },
        confusion={
            name: {
                names[true]: {"-" if guess is None else _class(guess, names): n for guess, n in row.items()}
                for true, row in each.confusion.items()
            }
            for name, each in found.sets.items()
            if name.startswith("attack/") and each.confusion
        },
    )


def _class(label: int, names: Sequence[str]) -> str:
    return names[label] if label < len(names) else str(label)


def _told(trigger: Mapping[str, Any]) -> str:
    temporal = trigger.get("params", {}).get("temporal")
    return f"{trigger['name']}{f' {temporal}' if temporal else ''}"


def _added(a: TableRow, b: TableRow) -> TableRow:
    seeds = tuple(sorted({*a.seeds, *b.seeds}))
    outputs = tuple(dict.fromkeys((*a.outputs, *b.outputs)))
    name = a.name
    if len(outputs) > 1:
        name = _SEED.sub("", a.name).strip("_-") or a.triggers
    return replace(
        a,
        name=name,
        seeds=seeds,
        models=a.models + b.models,
        outputs=outputs,
        figures=_together(a.figures, b.figures),
        by_class=_together(a.by_class, b.by_class),
        confusion=_together(a.confusion, b.confusion),
    )


def _together(a: Any, b: Any) -> Any:
    """Mappings of mappings of what can be added."""
    if isinstance(a, dict):
        return {key: _together(a[key], b[key]) if key in a and key in b else {**a, **b}[key] for key in {**a, **b}}
    return a + b


# -- text ----------------------------------------------------------------------------------------------------


def in_percent(figure: Pooled | None) -> str:
    """`98.1 (0.2)`: the value, and in brackets the baseline's."""
    if figure is None or figure.rate.value is None:
        return "-"
    text = f"{100 * figure.rate.value:.1f}"
    if figure.baseline is not None and figure.baseline.value is not None:
        text += f" ({100 * figure.baseline.value:.1f})"
    return text


def interval(rate: Rate) -> str:
    """`97.0 to 99.1`, in per cent."""
    return "-" if rate.low is None or rate.high is None else f"{100 * rate.low:.1f} to {100 * rate.high:.1f}"


def _plain(figures: Figures) -> dict[str, Any]:
    return {name: {key: each.as_json() for key, each in found.items()} for name, found in figures.items()}


def _cells(each: Pooled) -> tuple[Any, ...]:
    rate, base = each.rate.as_json(), each.baseline.as_json() if each.baseline is not None else {}
    gap = each.difference
    first = tuple(rate[key] for key in ("hits", "total", "value", "low", "high"))
    return (*first, *(base.get(k) for k in ("hits", "total", "value")), None if gap is None else float(f"{gap:.6g}"))


def _escaped(text: str) -> str:
    text = text.replace("\\", r"\textbackslash ")
    return re.sub(r"([&%$#_{}])", r"\\\1", text).replace("~", r"\textasciitilde ").replace("^", r"\textasciicircum ")

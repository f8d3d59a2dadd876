"""The figures of one set, from the predicted class of each clip: what counts, over which clips.

Only clips that were predicted are counted; those without a true label never are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poisonkit.scoring.predictions import NO_CLASS, Ints
from poisonkit.scoring.rates import Rate
from poisonkit.scoring.sets import NOTHING, Attack

CLEAN_ACCURACY = "untouched held-out clips predicted as their true class"
CONTROL_ACCURACY = "control clips (re-encoded without trigger) predicted as their true class"
ASR_ALL = "clips of the attack set predicted as the target, whatever their true class"
OTHER_CLASSES = "triggered clips of other classes than source and target that are predicted as the target"


@dataclass(frozen=True)
class Figure:
    """One figure: which, of how many, and what exactly that is. baseline: the clean-trained model's."""

    name: str
    rate: Rate
    definition: str
    baseline: Rate | None = None

    @property
    def difference(self) -> float | None:
        """Value minus the baseline's."""
        if self.baseline is None or self.baseline.value is None or self.rate.value is None:
            return None
        return self.rate.value - self.baseline.value

    def as_json(self) -> dict[str, Any]:
        """The rate, the definition, and with a baseline its rate and the difference."""
        data = {**self.rate.as_json(), "definition": self.definition}
        if self.baseline is not None:
            gap = self.difference
            data |= {"baseline": self.baseline.as_json(), "difference": None if gap is None else float(f"{gap:.6g}")}
        return data


def rate(hit: Any, of: Any) -> Rate:
    """How many of the clips `of` (a mask) are in `hit` (a mask)."""
    return Rate(int(np.count_nonzero(hit & of)), int(np.count_nonzero(of)))


def clean(predicted: Ints, true: Ints) -> list[Figure]:
    """Clean accuracy."""
    return [Figure("clean_accuracy", rate(predicted == true, true != NOTHING), CLEAN_ACCURACY)]


def attacked(predicted: Ints, true: Ints, attack: Attack, classes: int) -> list[Figure]:
    """Attack success rate and robust accuracy, by the backdoor's own definition."""
    of = attack.eligible(true)
    success = predicted == attack.wanted(true, classes)
    who = _who(attack)
    found = [
        Figure("asr", rate(success, of), f"{who}, predicted as {_wanted(attack)}"),
        Figure("robust_accuracy", rate(predicted == true, of), f"{who}, predicted as their true class"),
    ]
    if attack.mode != "all-to-all":
        found.insert(1, Figure("asr_all", rate(success, np.ones_like(of)), ASR_ALL))
    if attack.mode == "source":
        others = ~of & (true != attack.target) & (true != NOTHING)
        if others.any():
            found.append(Figure("asr_other_classes", rate(success, others), OTHER_CLASSES))
    return found


def attacked_unpaired(predicted: Ints, attack: Attack) -> list[Figure]:
    """What does not depend on which prediction is of which clip; every clip must count."""
    hits = Rate(int(np.count_nonzero(predicted == attack.target)), predicted.size)
    return [
        Figure("asr", hits, f"{_who(attack)}, predicted as {_wanted(attack)}"),
        Figure("asr_all", hits, ASR_ALL),
    ]


def control(predicted: Ints, true: Ints, attacks: Sequence[Attack], classes: int) -> list[Figure]:
    """Control ASR, once for each way of counting that the attack sets have, and control accuracy."""
    found = []
    for name, attack in _ways(attacks):
        of = attack.eligible(true)
        success = predicted == attack.wanted(true, classes)
        found.append(Figure(name, rate(success, of), _control(attack)))
    return [*found, Figure("control_accuracy", rate(predicted == true, true != NOTHING), CONTROL_ACCURACY)]


def control_unpaired(predicted: Ints, attacks: Sequence[Attack]) -> list[Figure]:
    """Control ASR where it does not depend on which prediction is of which clip."""
    return [
        Figure(name, Rate(int(np.count_nonzero(predicted == a.target)), predicted.size), _control(a))
        for name, a in _ways(attacks)
    ]


@dataclass(frozen=True)
class ClassRow:
    """The figures of the clips of one true class."""

    label: int
    name: str
    clips: int
    rates: dict[str, Rate]


def by_class(
    predicted: Ints, true: Ints, classes: Sequence[str], figures: Callable[[Ints, Ints], list[Figure]]
) -> list[ClassRow]:
    """The same figures for each true class that has clips; without those that count none of them."""
    rows = []
    for label in np.unique(true[true != NOTHING]).tolist():
        of = true == label
        rates = {f.name: f.rate for f in figures(predicted[of], true[of]) if f.rate.total}
        rows.append(ClassRow(label, classes[label], int(np.count_nonzero(of)), rates))
    return rows


def confusion(predicted: Ints, true: Ints) -> dict[int, dict[int | None, int]]:
    """True class -> predicted class -> clips, both in order; None: those that predict no class."""
    kept = true != NOTHING
    pairs, counts = np.unique(np.stack((true[kept], predicted[kept])), axis=1, return_counts=True)
    found: dict[int, dict[int | None, int]] = {}
    for label, guess, n in zip(*pairs.tolist(), counts.tolist(), strict=True):
        found.setdefault(label, {})[None if guess == NO_CLASS else guess] = n
    return found


def _ways(attacks: Sequence[Attack]) -> list[tuple[str, Attack]]:
    """Attack sets that count differently, with the name of their control figure."""
    ways: dict[Any, Attack] = {}
    for attack in attacks:
        ways.setdefault((attack.mode == "source", attack.target, attack.sources), attack)
    if len(ways) == 1:
        return [("control_asr", attack) for attack in ways.values()]
    return [(f"control_asr/{attack.name}", attack) for attack in ways.values()]


def _who(attack: Attack) -> str:
    if attack.mode == "all-to-all":
        return "triggered clips"
    if attack.mode == "source":
        return "triggered clips of the source class"
    return "triggered clips whose true class is not the target"


def _wanted(attack: Attack) -> str:
    return "the class after their true one, (y + 1) mod C" if attack.mode == "all-to-all" else "the target"


def _control(attack: Attack) -> str:
    return f"{_who(attack)}, predicted as {_wanted(attack)}".replace(
        "triggered clips", "control clips (re-encoded without trigger)"
    )

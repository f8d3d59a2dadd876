"""What a model's predictions of probe sets say of each clip: STRIP, SCALE-UP, TeCo, and consistency in general."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.errors import RequestError
from poisonkit.outputs.begun_probes import half_written
from poisonkit.probing.kinds import KINDS, Copy, copies_of, parse
from poisonkit.scoring.joining import Names, Places, some
from poisonkit.scoring.predictions import NO_CLASS, Floats, highest
from poisonkit.scoring.rates import Rate
from poisonkit.scoring.readers import read
from poisonkit.scoring.sets import Answers
from poisonkit.scoring.suspects import FPRS, roc_auc, tpr_at

SAYS = {
    "entropy": "minus the mean entropy of the predictions (STRIP, Gao et al., ACSAC 2019: low entropy is a trigger's)",
    "consistency": "the share of copies that keep the class of the clip as it is (SCALE-UP, Guo et al., ICLR 2023)",
    "deviation": "the standard deviation, over corruptions, of the first severity that changes the class (TeCo, Liu et "
    "al., CVPR 2023)",
}


@dataclass(frozen=True)
class ProbeVerdict:
    """What one kind of probe says. file: `id,triggered,score` of each clip.

    Triggered clips are the positives, the same clips without the attack's triggers the negatives. means: of what the
    score is. left_out: clips without a prediction of every copy.
    """

    kind: str
    file: str
    means: str
    triggered: int
    clean: int
    roc_auc: float | None
    tpr_at_fpr: dict[float, Rate]
    scores: dict[tuple[str, bool], float]
    left_out: int = 0

    def as_json(self) -> dict[str, Any]:
        """All of it but the scores, JSON-able."""
        return {
            "file": self.file,
            "score": self.means,
            "triggered": self.triggered,
            "clean": self.clean,
            "roc_auc": None if self.roc_auc is None else float(f"{self.roc_auc:.6g}"),
            "tpr_at_fpr": {f"{fpr:g}": r.as_json() for fpr, r in self.tpr_at_fpr.items()},
            "left_out": self.left_out,
        }

    def lines(self) -> Iterable[str]:
        """The file's."""
        yield "id,triggered,score"
        for (name, triggered), score in self.scores.items():
            text = io.StringIO()
            csv.writer(text, lineterminator="").writerow((name, int(triggered), f"{score:.9g}"))
            yield text.getvalue()


@dataclass
class _Seen:
    """All predictions of one clip in one set."""

    labels: list[int] = field(default_factory=list)
    scores: list[Floats] = field(default_factory=list)

    @property
    def label(self) -> int:
        """One class of several: that of the highest mean score, else the most frequent; NO_CLASS for a tie."""
        if self.scores:
            return int(highest(np.mean(self.scores, axis=0)[None])[0][0])
        first, *rest = Counter(self.labels).most_common(2)
        return NO_CLASS if rest and rest[0][1] == first[1] else first[0]

    @property
    def entropy(self) -> float:
        """−Σ p ln p of the mean score; scores that are no probabilities go through softmax."""
        p = np.mean([probabilities(s) for s in self.scores], axis=0)
        return float(-(p * np.log(np.maximum(p, 1e-300))).sum())


def probabilities(scores: Floats) -> Floats:
    """(classes,) probabilities as they are, else softmax."""
    if (scores >= 0).all() and abs(scores.sum() - 1) <= 1e-3:
        return scores
    raised = np.exp(scores - scores.max())
    shares: Floats = raised / raised.sum()
    return shares


def judge(answers: Answers, files: Sequence[str | Path], where: Path) -> tuple[dict[str, ProbeVerdict], list[str]]:
    """Verdicts by kind, of all probe sets that were predicted; and what is to be flagged. where: of their files.

    RequestError for files without names, without a probe set, and without what its score needs.
    """
    seen, flags = _seen(answers, files)
    groups: dict[str, list[Copy]] = {}
    for name in seen:
        if (found := parse(name)) is not None and not found[1]:
            groups.setdefault(found[0].kind, []).append(found[0])
    if not groups:
        raise RequestError(
            f"--probe {', '.join(map(str, files))}: it has no predictions of a probe set; "
            "`poisonkit probe` writes them."
        )
    verdicts: dict[str, ProbeVerdict] = {}
    for kind, copies in groups.items():
        written = _written(answers, kind)
        expected = written if KINDS[kind].copies else copies_of(KINDS[kind], 0)
        names = [c.name(clean) for c in expected for clean in (False, True)]
        names += [name for name in half_written(answers.out).get(kind, ()) if name not in names]
        if absent := [name for name in names if f"attack/{name}" not in answers.sets]:
            flags.append(
                f"The probe {kind} is half-written, {len(absent)} sets are not there ({some(absent)}): the same "
                "`poisonkit probe` continues."
            )
        missing = [name for name in names if name not in seen and name not in absent]
        if missing:
            flags.append(f"{len(missing)} probe sets of {kind} have no prediction: {some(missing)}.")
        whole = [c for c in copies if c.name(True) in seen]
        if not whole:
            if not missing:
                raise RequestError(flags[-1])
            raise RequestError(f"The probe {kind} needs predictions of clean copies too, such as {missing[0]}.")
        verdicts[kind] = _verdict(kind, whole, seen, answers, where)
        if verdicts[kind].left_out:
            flags.append(f"{verdicts[kind].left_out} clips of {kind} lack a prediction and were left out.")
    return verdicts, flags


def _written(answers: Answers, kind: str) -> list[Copy]:
    """The copies of a kind that are in the output, with the attack's triggers or without."""
    found = (parse(name.removeprefix("attack/")) for name in answers.sets)
    return list({copy.name(False): copy for copy, _ in filter(None, found) if copy.kind == kind}.values())


def _seen(answers: Answers, files: Sequence[str | Path]) -> tuple[dict[str, dict[str, _Seen]], list[str]]:
    """Set (attack sets without `attack/`) -> id -> what was predicted."""
    places = Places(answers)
    names: dict[str, Names] = {}
    found: dict[str, dict[str, _Seen]] = {}
    flags: list[str] = []
    for file in map(Path, files):
        predictions = read(file, answers.classes)
        flags += predictions.flags
        if predictions.names is None:
            raise RequestError(f"{file} has no file names, so it is not known which probe a prediction is of.")
        where: list[tuple[str, str] | None] = []
        for name in predictions.names:
            home = places.home(name)
            clips = answers.sets.get(home or "")
            at = -1
            if clips is not None:
                at = names.setdefault(clips.name, Names(clips)).find(name)
            where.append(
                None if clips is None or at < 0 else (clips.name.removeprefix("attack/"), clips.rows[at]["id"])
            )
        if strange := [n for n, w in zip(predictions.names, where, strict=True) if w is None]:
            flags.append(f"{file}: {len(strange)} names are of no set of {answers.out}: {some(strange)}.")
        for row, record in enumerate(predictions.record.tolist()):
            if (place := where[record]) is not None:
                one = found.setdefault(place[0], {}).setdefault(place[1], _Seen())
                one.labels.append(int(predictions.labels[row]))
                if predictions.scores is not None:
                    one.scores.append(predictions.scores[row])
    return found, flags


def _verdict(
    kind: str, copies: Sequence[Copy], seen: Mapping[str, Mapping[str, _Seen]], answers: Answers, where: Path
) -> ProbeVerdict:
    score = KINDS[kind].score
    own = next(
        (n.removeprefix("attack/") for n, s in answers.sets.items() if s.attack and parse(s.attack.name) is None), ""
    )
    originals = {False: seen.get(own, {}), True: seen.get("clean", {})}
    if score != "entropy" and not (originals[False] and originals[True]):
        raise RequestError(
            f"The probe {kind} needs predictions of attack/{own} and of the held-out clips as they are too."
        )
    made: dict[tuple[str, bool], float] = {}
    lost, rows = 0, _rows(answers, copies)
    names = [copy.name(clean) for copy in copies for clean in (False, True)]
    there_are = {name: {row["id"] for row in answers.sets[f"attack/{name}"].rows} for name in names}
    for clean in (False, True):
        for row in rows:
            mine = copies
            if score == "entropy":  # a sound that was superimposed with itself is no other sound, and was not written
                mine = [c for c in copies if row in there_are[c.name(clean)]]
            parts = [seen[c.name(clean)].get(row) for c in mine]
            there = [part for part in parts if part is not None]
            original = originals[clean].get(row)
            if not there or len(there) < len(mine) or (score != "entropy" and original is None):
                lost += 1
            elif score == "entropy":
                if not all(part.scores for part in there):
                    raise RequestError(
                        "The probe strip needs scores per class: predictions of a class alone say no entropy."
                    )
                made[row, not clean] = -float(np.mean([part.entropy for part in there]))
            else:
                assert original is not None
                labels = [part.label for part in there]
                made[row, not clean] = SCORES[score](copies, labels, original.label)
    positive = np.array([s for (_, triggered), s in made.items() if triggered])
    negative = np.array([s for (_, triggered), s in made.items() if not triggered])
    return ProbeVerdict(
        kind=kind,
        file=str(where / f"probe-{kind}.csv"),
        means=SAYS[score],
        triggered=positive.size,
        clean=negative.size,
        roc_auc=roc_auc(positive, negative),
        tpr_at_fpr={fpr: tpr_at(fpr, positive, negative) for fpr in FPRS} if positive.size and negative.size else {},
        scores=made,
        left_out=lost,
    )


def _rows(answers: Answers, copies: Sequence[Copy]) -> list[str]:
    """Ids of the clips of all copies, in the manifest's order: one that a copy did not change is not in it."""
    sets = [answers.sets[f"attack/{copy.name(clean)}"] for copy in copies for clean in (False, True)]
    return list(dict.fromkeys(row["id"] for clips in sets for row in clips.rows))


def consistency(copies: Sequence[Copy], labels: Sequence[int], original: int) -> float:
    """The share of copies with the class of the clip as it is."""
    return sum(label == original != NO_CLASS for label in labels) / len(labels)


def deviation(copies: Sequence[Copy], labels: Sequence[int], original: int) -> float:
    """The standard deviation over groups of the first level whose class is another; one past the kind's last where none
    is."""
    none = 1 + max(copy.level for copy in copies_of(KINDS[copies[0].kind], 0))
    first = dict.fromkeys((copy.group for copy in copies), none)
    for copy, label in zip(copies, labels, strict=True):
        if label != original:
            first[copy.group] = min(copy.level, first[copy.group])
    return float(np.std(list(first.values())))


SCORES = {"consistency": consistency, "deviation": deviation}

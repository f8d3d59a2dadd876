"""How good a defence's verdict on the training data is, against the manifest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from poisonkit.common.safe_io import read_text
from poisonkit.errors import RequestError
from poisonkit.scoring.joining import UNKNOWN, Names, some
from poisonkit.scoring.rates import Rate
from poisonkit.scoring.sets import Answers

FPRS = (0.01, 0.05)

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SuspectScores:
    """Poisoned samples are positives, clean ones negatives; cover samples are counted apart.

    suspected: how many samples of each role were suspected. precision, recall (= true positive rate), false
    positive rate and f1 are of the suspects; where the file gives scores, of as many highest ones as there are
    poisoned samples (`threshold`; ties with the last of them included). roc_auc, tpr_at_fpr: only with scores.
    """

    file: Path
    roles: dict[str, int]
    suspected: dict[str, int]
    precision: Rate
    recall: Rate
    fpr: Rate
    f1: float | None
    threshold: float | None = None
    roc_auc: float | None = None
    tpr_at_fpr: dict[float, Rate] | None = None
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        data: dict[str, Any] = {
            "file": str(self.file),
            "roles": self.roles,
            "suspected": self.suspected,
            "precision": self.precision.as_json(),
            "recall": self.recall.as_json(),
            "fpr": self.fpr.as_json(),
            "f1": _short(self.f1),
        }
        if self.tpr_at_fpr is not None:
            data |= {
                "threshold": self.threshold,
                "roc_auc": _short(self.roc_auc),
                "tpr_at_fpr": {f"{fpr:g}": r.as_json() for fpr, r in self.tpr_at_fpr.items()},
            }
        return {**data, "notes": list(self.notes), "flags": list(self.flags)}


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def score_suspects(file: Path, answers: Answers) -> SuspectScores:
    """Score `file`: a sample's id or path a line, or `id,score` with the higher the more suspicious.

    RequestError for what is no such file, or if there is nothing to find.
    """
    rows = answers.training.rows
    roles = np.array([r["role"] for r in rows], dtype=object)
    if not (roles == "poisoned").any():
        raise RequestError(f"{answers.out} has no poisoned training sample, so there is nothing to find.")
    index = Names(answers.training)
    names, scores = read_suspects(file, index)
    at = index.all(names)
    flags, notes = [], []
    if not (at >= 0).any():
        raise RequestError(f"{file} names no training sample of {answers.out} ({some(names, 1)} is none).")
    strange = [n for n, i in zip(names, at, strict=True) if i < 0]
    if strange:
        flags.append(f"{len(strange)} lines name no training sample, or several: {some(strange)}; they were left out.")
    counts = np.bincount(at[at >= 0], minlength=len(rows))
    twice = [rows[i]["id"] for i in np.flatnonzero(counts > 1)]
    if twice:
        flags.append(f"{len(twice)} samples are named twice: {some(twice)}; the last line counts.")
    if scores is None:
        suspected = counts > 0
        return SuspectScores(file, _count(roles), **_verdict(suspected, roles), flags=tuple(flags))
    values = np.full(len(rows), np.nan)
    values[at[at >= 0]] = scores[at >= 0]
    missing = [r["id"] for r, value in zip(rows, values, strict=True) if math.isnan(value)]
    if missing:
        flags.append(f"{len(missing)} of {len(rows)} training samples have no score: {some(missing)}; left out.")
    kept = ~np.isnan(values)
    values, roles = values[kept], roles[kept]
    positive, negative = values[roles == "poisoned"], values[roles == "clean"]
    if not positive.size:
        raise RequestError(f"{file} scores no poisoned sample, so there is nothing to measure.")
    threshold = float(np.sort(values[roles != "cover"])[::-1][positive.size - 1])
    notes.append(
        f"Precision, recall and F1 are of the {positive.size} highest scores (as many as there are poisoned "
        f"samples; score ≥ {threshold:g}): a threshold that only the answers give."
    )
    return SuspectScores(
        file,
        _count(roles),
        **_verdict(values >= threshold, roles),
        threshold=threshold,
        roc_auc=roc_auc(positive, negative),
        tpr_at_fpr={fpr: tpr_at(fpr, positive, negative) for fpr in FPRS},
        notes=tuple(notes),
        flags=tuple(flags),
    )


def _count(roles: Any) -> dict[str, int]:
    return {str(role): int(n) for role, n in zip(*np.unique(roles.astype(str), return_counts=True), strict=True)}


def _verdict(suspected: Bools, roles: Any) -> dict[str, Any]:
    hit = int(np.count_nonzero(suspected & (roles == "poisoned")))
    wrong = int(np.count_nonzero(suspected & (roles == "clean")))
    poisoned, clean = int(np.count_nonzero(roles == "poisoned")), int(np.count_nonzero(roles == "clean"))
    return {
        "suspected": {role: int(np.count_nonzero(suspected & (roles == role))) for role in _count(roles)},
        "precision": Rate(hit, hit + wrong),
        "recall": Rate(hit, poisoned),
        "fpr": Rate(wrong, clean),
        "f1": 2 * hit / (hit + wrong + poisoned),
    }


def roc_auc(positive: Floats, negative: Floats) -> float | None:
    """The share of (positive, negative) pairs that are in the right order, ties counting half. None without pairs."""
    if not positive.size or not negative.size:
        return None
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    not_above = np.searchsorted(ordered, positive, "right")
    return int(below.sum() + not_above.sum()) / (2 * positive.size * negative.size)


def tpr_at(fpr: float, positive: Floats, negative: Floats) -> Rate:
    """The highest share of positives at or above a threshold that at most `fpr` of the negatives reach."""
    allowed = math.floor(fpr * negative.size + 1e-9)
    if allowed >= negative.size:
        return Rate(positive.size, positive.size)
    # Everything above the first negative too many; those equal to it fall with it.
    limit = np.sort(negative)[::-1][allowed]
    return Rate(int(np.count_nonzero(positive > limit)), positive.size)


def read_suspects(file: Path, index: Names) -> tuple[list[str], Floats | None]:
    """The names in a file of suspects, and their scores where it gives some. index: of the training samples.

    RequestError for what is no such file.
    """
    try:
        lines = read_text(file).split("\n")
    except OSError as error:
        raise RequestError(f"Cannot read {file}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise RequestError(f"{file} is not UTF-8 text.") from None
    kept = [(n, line.strip()) for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if kept and kept[0][1].replace(" ", "").lower() in ("id", "id,score", "path", "path,score", "file,score"):
        kept = kept[1:]
    if not kept:
        raise RequestError(f"{file} names no sample.")
    names: list[str] = []
    scores: list[float] = []
    for number, line in kept:
        name, comma, last = line.rpartition(",")
        score = _number(last) if comma and index.find(line, bare=False) == UNKNOWN else None
        if score is not None and not math.isfinite(score):
            raise RequestError(f"{file}, line {number}: the score {last.strip()} is not finite.")
        names.append(line if score is None else name.strip())
        scores += [] if score is None else [score]
        if scores and len(scores) != len(names):
            raise RequestError(f"{file}, line {number}: some lines have a score and others have none.")
    return names, np.array(scores) if scores else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

"""What a model predicted, as a file says it: one class (and scores) per row, rows belonging to files."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from poisonkit.common.limits import excess
from poisonkit.errors import RequestError, did_you_mean

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NO_CLASS = -1
"""Stands where a row predicts no class: its scores are no numbers, or its highest ones are equal."""

_LARGEST = 1 << 31

NAME_KEYS = (
    "filename", "file_name", "file", "path", "frame_dir", "audio_path", "video_path", "audio_filepath", "name", "id",
)  # fmt: skip
LABEL_KEYS = ("pred_label", "pred_labels", "pred", "prediction", "predicted", "predicted_label", "y_pred")
SCORE_KEYS = ("pred_score", "pred_scores", "scores", "probs", "probabilities", "logits")
TRUTH_KEYS = ("gt_label", "gt_labels", "gt", "truth", "true_label", "y_true")
"""Under which names the formats look for what a file says; the first that is there counts."""


@dataclass(frozen=True)
class Predictions:
    """One file of predictions.

    labels: (rows,) predicted class from 0, NO_CLASS where none. scores: (rows, classes) or None.
    record: (rows,) which record a row belongs to: several rows are clips of one video. names, truth: per
    record, the file's name and the label that the file itself gives (-1 where it gives none); None where the
    file has none at all. views: per record, which clip of its video it says it is. notes and flags: sentences.
    """

    file: Path
    format: str
    labels: Ints
    scores: Floats | None
    record: Ints
    names: tuple[str, ...] | None = None
    truth: Ints | None = None
    views: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """How many records the file has."""
        return int(self.record[-1]) + 1 if self.record.size else 0


@dataclass
class Rows:
    """What a reader collects, record by record."""

    file: Path
    format: str
    classes: tuple[str, ...]
    names: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    scores: list[Floats] = field(default_factory=list)
    record: list[int] = field(default_factory=list)
    truth: list[int] = field(default_factory=list)
    views: list[str] = field(default_factory=list)
    _records: int = 0

    def add(
        self,
        where: str,
        *,
        name: str | None,
        label: Any = None,
        scores: Any = None,
        truth: int | None = None,
        view: str | None = None,
    ) -> None:
        """One record. label: a class index, or one per clip; scores: (classes,) or (clips, classes)."""
        many = None if scores is None else np.atleast_2d(np.asarray(scores, dtype=np.float64))
        if many is not None and (many.ndim != 2 or not many.size):
            raise self.wrong(where, "its scores are no list with a number per class")
        if many is not None and self.scores and self.scores[0].shape[1] != many.shape[1]:
            raise self.wrong(where, f"it has {many.shape[1]} scores and the first one {self.scores[0].shape[1]}")
        named = [] if label is None else [int(n) for n in np.ravel(label)]
        if any(abs(n) > _LARGEST for n in (*named, truth or 0)):
            raise self.wrong(where, "a class index is out of all range")
        clips = len(named) if many is None else len(many)
        if over := excess("rows", len(self.record) + clips):
            raise self.wrong(where, f"it is row {len(self.record) + clips}, {over}")
        if not clips or (named and len(named) != clips):
            raise self.wrong(where, "it says no predicted class")
        if self._records and ((label is None) != (not self.labels) or (many is None) != (not self.scores)):
            raise self.wrong(where, "it lacks what other records have, or the reverse")
        self.labels += named
        if many is not None:
            self.scores.append(many)
        self.record += [self._records] * clips
        self.names += [] if name is None else [name]
        self.truth += [] if truth is None else [truth]
        self.views += [] if view is None else [view]
        self._records += 1

    def wrong(self, where: str, what: str) -> RequestError:
        """The complaint about one record."""
        return RequestError(f"{self.file}, {where}: {what}.")

    def index(self, where: str, value: Any) -> int:
        """A class given by index or name. As everywhere, a name wins where a class is called by a number."""
        if isinstance(value, bool):
            raise self.wrong(where, f"{value!r} is no class")
        if isinstance(value, int):
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
        text = unicodedata.normalize("NFC", str(value).strip())
        known = {unicodedata.normalize("NFC", name): i for i, name in enumerate(self.classes)}
        if text in known:
            return known[text]
        try:
            return int(text)
        except ValueError:
            raise self.wrong(
                where, f"there is no class '{text[:60]}'.{did_you_mean(text, known)}".rstrip(".")
            ) from None

    def made(self) -> Predictions:
        """All records together. RequestError where some have what others lack, or there are none."""
        n = self._records
        if not n:
            raise RequestError(f"{self.file} holds no predictions.")
        counts = {"a file name": len(self.names), "a true label": len(self.truth), "a clip": len(self.views)}
        for what, have in counts.items():
            if have not in (0, n):
                raise RequestError(f"{self.file}: {have} of {n} records have {what}, the others do not.")
        scores = np.concatenate(self.scores) if self.scores else None
        given = np.array(self.labels, dtype=np.int64) if self.labels else None
        labels, flags = _decided(given, scores)
        return Predictions(
            file=self.file,
            format=self.format,
            labels=labels,
            scores=scores,
            record=np.array(self.record, dtype=np.int64),
            names=tuple(self.names) or None,
            truth=np.array(self.truth, dtype=np.int64) if any(n >= 0 for n in self.truth) else None,
            views=tuple(self.views) or None,
            flags=(*flags, *_outside(labels, scores, len(self.classes))),
        )


def _decided(given: Ints | None, scores: Floats | None) -> tuple[Ints, list[str]]:
    """The predicted class of every row: what the file names, else that of the highest score."""
    if scores is None:
        assert given is not None
        return given, []
    flags: list[str] = []
    broken = ~np.isfinite(scores).all(axis=1)
    labels, tied = highest(scores)
    if broken.any():
        flags.append(f"{broken.sum()} rows have scores that are not finite; they count as predicting no class.")
    if given is None:
        if tied.any():
            flags.append(f"{tied.sum()} rows have equal highest scores; they count as predicting no class.")
        return labels, flags
    inside = (given >= 0) & (given < scores.shape[1])
    own = scores[np.arange(len(given)), np.where(inside, given, 0)]
    differs = ~broken & ~(inside & (own == scores.max(axis=1)))
    if differs.any():
        flags.append(f"{differs.sum()} rows name another class than that of their highest score; the named one counts.")
    return np.where(broken, NO_CLASS, given), flags


def highest(scores: Floats) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """(rows, classes) -> the class of each row's highest score, and which rows have several such.

    Rows with ties or with scores that are not finite have NO_CLASS: `argmax` would say class 0 of them, which is
    often the target.
    """
    finite = np.isfinite(scores).all(axis=1)
    top = scores.max(axis=1, keepdims=True)
    tied = ((scores == top).sum(axis=1) > 1) & finite
    labels = np.where(tied | ~finite, NO_CLASS, np.argmax(scores, axis=1))
    return labels.astype(np.int64), tied


def _outside(labels: Ints, scores: Floats | None, classes: int) -> Sequence[str]:
    if scores is not None and scores.shape[1] != classes:
        return [f"Every row has {scores.shape[1]} scores, and the dataset has {classes} classes."]
    out = (labels >= classes) | (labels < NO_CLASS)
    return [f"{out.sum()} rows predict a class outside 0 to {classes - 1}."] if out.any() else []

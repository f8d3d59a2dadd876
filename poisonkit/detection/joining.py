"""Which training sample of an output a row of a dump is of: by file name, and by nothing else.

The order of rows is never trusted: within a class nothing would confirm it, and which samples of a class are poisoned
is the whole question.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from poisonkit.detection.dump import Dump
from poisonkit.errors import RequestError
from poisonkit.outputs.record import Record
from poisonkit.scoring.joining import AMBIGUOUS, Names, Places, some
from poisonkit.scoring.predictions import Ints
from poisonkit.scoring.sets import NOTHING, Answers


@dataclass(frozen=True)
class Joined:
    """A dump in the order of the training samples that it has. rows: their records; notes and flags: sentences."""

    dump: Dump
    rows: tuple[Record, ...]
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


def join(dump: Dump, answers: Answers) -> Joined:
    """Find each row's training sample, and give it the label that the sample has in the output.

    RequestError for a dump without names, of other samples, with a sample twice, or with other labels.
    """
    if dump.names is None:
        raise RequestError(
            f"{dump.file} has no file names, so it is not known which sample a row is of: dump them as "
            "`files`, one a row."
        )
    training = answers.training.rows
    at = Names(answers.training).all(dump.names)
    if not (at >= 0).any():
        raise RequestError(f"{dump.file} names no training sample of {answers.out} ({some(dump.names, 1)} is none).")
    notes, flags = [], []
    homes = Places(answers)
    for what, where in (("may be several training samples", at == AMBIGUOUS), ("is no training sample", at < 0)):
        if where.any():
            names = [n for n, here in zip(dump.names, where, strict=True) if here]
            flags.append(f"{len(names)} rows name what {what}: {some(names)}; they were left out.")
            at = np.where(where, len(training), at)  # said once
    at = np.where(at == len(training), NOTHING, at)
    if (other := homes.other_output(dump.names)) is not None:
        flags.append(f"The files that {dump.file} names lie in another output, {other}, not in {answers.out}.")
    seen = at[at >= 0]
    if (twice := np.flatnonzero(np.bincount(seen, minlength=len(training)) > 1)).size:
        ids = [training[i]["id"] for i in twice.tolist()]
        called = {n for n, i in zip(dump.names, at.tolist(), strict=True) if i == twice[0]}
        by = f" ({some(sorted(called))}: they may be of another output)" if len(called) > 1 else ""
        raise RequestError(f"{dump.file} has several rows for {some(ids)}{by}; one row a sample is expected.")
    label = np.array([NOTHING if r["label"] is None else r["label"] for r in training], dtype=np.int64)
    _require_labels(dump, at, label, training)
    place = np.full(len(training), NOTHING, dtype=np.int64)
    place[seen] = np.flatnonzero(at >= 0)
    if missing := [r["id"] for r, p in zip(training, place.tolist(), strict=True) if p < 0]:
        flags.append(f"{len(missing)} of {len(training)} training samples are not in {dump.file}: {some(missing)}.")
    if n := int(np.count_nonzero((label == NOTHING) & (place >= 0))):
        notes.append(f"{n} samples without a label were left out.")
    kept = np.flatnonzero((place >= 0) & (label != NOTHING))
    if not kept.size:
        raise RequestError(f"{dump.file} has no labelled training sample of {answers.out}.")
    rows = tuple(training[i] for i in kept.tolist())
    made = dump.taken(place[kept], label[kept], tuple(r["id"] for r in rows), answers.classes)
    return Joined(made, rows, tuple(notes), tuple(flags))


def _require_labels(dump: Dump, at: Ints, label: Ints, training: tuple[Record, ...]) -> None:
    """RequestError where the dump's own labels are not those that the output trains with."""
    if dump.labels is None:
        return
    known = np.flatnonzero(at >= 0)
    known = known[label[at[known]] != NOTHING]
    differs = known[dump.labels[known] != label[at[known]]]
    if differs.size:
        row = int(differs[0])
        mine = training[int(at[row])]
        raise RequestError(
            f"{dump.file} is of another dataset: its labels differ for {differs.size} of {known.size} samples "
            f"('{mine['id']}' is {dump.labels[row]} there, and trained as {mine['label']})."
        )


def alone(dump: Dump) -> Dump:
    """A dump of data that poisonkit did not make: with its own labels; named by row where it has no names.

    RequestError without labels, and where a name is there twice.
    """
    if dump.labels is None:
        raise RequestError(f"{dump.file} has no `labels`, and there is no output that says them.")
    if (dump.labels < 0).any():
        raise RequestError(f"{dump.file}: a label is below 0.")
    names = dump.names or tuple(str(i) for i in range(dump.count))
    if len(set(names)) < len(names):
        seen: set[str] = set()
        twice = [n for n in names if n in seen or seen.add(n)]  # type: ignore[func-returns-value]
        raise RequestError(f"{dump.file} has several rows for {some(twice)}; one row a sample is expected.")
    if strange := [n for n in names if not n or n != n.strip() or len(n.splitlines()) > 1]:
        raise RequestError(f"{dump.file}: {strange[0]!r} is no name that a list of suspects could hold.")
    return dump.taken(np.arange(dump.count), dump.labels, names, ())

"""From a dump to verdicts: each defence's suspects in a file, and what they are worth against the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.common import atomic
from poisonkit.common.one_or_many import words
from poisonkit.detection.dump import Dump, read
from poisonkit.detection.joining import Joined, alone, join
from poisonkit.detection.method import Method
from poisonkit.detection.probes import ProbeVerdict, judge
from poisonkit.detection.registry import METHODS, lacking, parse
from poisonkit.errors import RequestError
from poisonkit.outputs.opening import require_apart, require_outside_source
from poisonkit.outputs.record import Record
from poisonkit.scoring.predictions import Floats
from poisonkit.scoring.rates import Rate
from poisonkit.scoring.sets import Answers, open_output
from poisonkit.scoring.suspects import FPRS, SuspectScores, roc_auc, score_suspects, tpr_at

TOP = 5  # suspects that are named


@dataclass(frozen=True)
class ClassFigures:
    """One defence within one class, as it was trained, that holds poisoned samples.

    precision, recall: of as many highest scores of the class as it has poisoned samples, ties included.
    """

    label: int
    name: str
    poisoned: int
    clean: int
    roc_auc: float | None
    tpr_at_fpr: dict[float, Rate]
    precision: Rate
    recall: Rate

    @property
    def chance(self) -> dict[str, float]:
        """What scores that know nothing come to within the class, as `Detection.chance`."""
        return _chance(self.poisoned, self.clean)


@dataclass(frozen=True)
class Verdict:
    """What one defence says. file: its suspects, `id,score`; top: the most suspicious ids.

    scores: against the manifest, None where there is none; by_class: the same within each class that was poisoned.
    """

    method: str
    file: Path
    top: tuple[str, ...]
    scores: SuspectScores | None = None
    by_class: tuple[ClassFigures, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        return {
            "file": str(self.file),
            "top": list(self.top),
            "scores": None if self.scores is None else self.scores.as_json(),
            "by_class": [
                {
                    "label": c.label,
                    "class": c.name,
                    "poisoned": c.poisoned,
                    "clean": c.clean,
                    "roc_auc": None if c.roc_auc is None else float(f"{c.roc_auc:.6g}"),
                    "tpr_at_fpr": {f"{fpr:g}": r.as_json() for fpr, r in c.tpr_at_fpr.items()},
                    "precision": c.precision.as_json(),
                    "recall": c.recall.as_json(),
                    "chance": _rounded(c.chance),
                }
                for c in self.by_class
            ],
        }


@dataclass(frozen=True)
class Detection:
    """What defences say. verdicts: by method as it was asked for; left_out: methods that were not used, and why.
    probes: what predictions of probe sets say, by kind. features: None where there were only those.

    chance: what scores that know nothing come to: AUC 0.5, a true positive rate equal to the false positive rate,
    and precision and recall equal to the share of poisoned samples. None without answers.
    """

    features: Path | None
    out: Path | None
    samples: int = 0
    classes: int = 0
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    chance: dict[str, float] | None = None
    probes: dict[str, ProbeVerdict] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0: all in order; 1: something was flagged."""
        return 1 if self.flags else 0

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "features": None if self.features is None else str(self.features),
            "out": None if self.out is None else str(self.out),
            "samples": self.samples,
            "classes": self.classes,
            "chance": None if self.chance is None else _rounded(self.chance),
            "methods": {name: each.as_json() for name, each in self.verdicts.items()},
            "left_out": self.left_out,
            "probes": {kind: each.as_json() for kind, each in self.probes.items()},
            "notes": list(self.notes),
            "flags": list(self.flags),
        }


def detect(
    out: Path | str,
    features: Path | str | None = None,
    *,
    method: str | Sequence[str] = (),
    probe: Sequence[str | Path] | str | Path = (),
    folder: Path | str | None = None,
) -> Detection:
    """What defences say of training data, from what a trainer dumped of it.

    out: a finished output; or the file of features itself, of data that poisonkit did not make. features: .npz, .pt or
    .pkl with `features` (N, D), `maps` (N, C, P), `scores` (N, classes) or `loss` (N,), `files` (N,) and `labels` (N,):
    docs/defences.md. method: `NAME` or `NAME:key=value,…`, several; by default all that the file has the arrays for.
    probe: files with a model's predictions of probe sets (`poisonkit.probe`), of the attack set and of held-out clips,
    in any format that `score` reads, with file names.
    folder: where a file of suspects (`id,score`) of each goes, by default `NAME-suspects` beside the (first) file.

    Rows are joined with samples by file name. Nothing in the file is ever run. Raises RequestError, and writes nothing,
    for a file that cannot be read, is of another dataset, holds one class only, or has too few samples for a method
    that was asked for.
    """
    files = [probe] if isinstance(probe, str | Path) else list(probe)
    asked = parse(words(method))
    if files and features is None:
        if asked:
            raise RequestError("--method is for features, and there are none; --probe needs none.")
        return _probed(Path(out), files, folder)
    found = _of_features(asked, out, features, folder)
    if not files:
        return found
    probed = _probed(Path(out), files, folder if folder is not None else _folder(found))
    return replace(found, probes=probed.probes, flags=(*found.flags, *probed.flags))


def _folder(found: Detection) -> Path:
    return next(iter(found.verdicts.values())).file.parent


def _probed(out: Path, files: Sequence[str | Path], folder: Path | str | None) -> Detection:
    answers = open_output(out)
    first = Path(files[0])
    where = Path(folder) if folder is not None else first.with_name(f"{first.stem}-suspects")
    require_apart(where)
    require_outside_source(where, out)
    verdicts, flags = judge(answers, files, where)
    _write(where, {Path(each.file): list(each.lines()) for each in verdicts.values()})
    return Detection(None, out, probes=verdicts, flags=tuple(flags))


def _write(where: Path, files: Mapping[Path, Iterable[str]]) -> None:
    try:
        where.mkdir(parents=True, exist_ok=True)
        for path, lines in files.items():
            atomic.write_lines(path, lines)
    except OSError as error:
        raise RequestError(f"Cannot write to {where}: {error.strerror}.") from None


def _of_features(
    asked: dict[str, Method], out: Path | str, features: Path | str | None, folder: Path | str | None
) -> Detection:
    answers, file = _places(out, features)
    where = Path(folder) if folder is not None else file.with_name(f"{file.stem}-suspects")
    require_apart(where)
    if answers is not None:
        require_outside_source(where, answers.out)
    dump = read(file)
    joined = _joined(dump, answers)
    wanted, left_out, flags = _scored(asked, joined.dump)
    if not wanted:
        reasons = "; ".join(f"{name}: {why.rstrip('.')}" for name, why in left_out.items())
        raise RequestError(f"{file}: no method can be used: {reasons}.")
    places = {word: where / f"{_file_name(word)}.csv" for word in wanted}
    _write(where, {places[word]: _lines(joined, word, scores) for word, scores in wanted.items()})
    roles = np.array([r["role"] for r in joined.rows])
    poisoned = int(np.count_nonzero(roles == "poisoned"))
    notes = list(joined.notes)
    if answers is not None and not poisoned:
        notes.append(f"{file} has no poisoned sample of {answers.out}, so there is nothing to measure.")
    verdicts = {
        word: _verdict(word, places[word], scores, joined, roles, answers if poisoned else None)
        for word, scores in wanted.items()
    }
    return Detection(
        features=file,
        out=None if answers is None else answers.out,
        samples=joined.dump.count,
        classes=len(list(joined.dump.by_class())),
        verdicts=verdicts,
        left_out=left_out,
        chance=_chance(poisoned, int(np.count_nonzero(roles == "clean"))) if poisoned else None,
        notes=tuple(notes),
        flags=(*joined.flags, *flags),
    )


def _places(out: Path | str, features: Path | str | None) -> tuple[Answers | None, Path]:
    if features is not None:
        return open_output(Path(out)), Path(features)
    if Path(out).is_dir():
        raise RequestError(f"Which features? Name the file that a trainer dumped, after {out}, or --probe PREDICTIONS.")
    return None, Path(out)


def _joined(dump: Dump, answers: Answers | None) -> Joined:
    joined = Joined(alone(dump), ()) if answers is None else join(dump, answers)
    ((label, _), *others) = joined.dump.by_class()
    if not others:
        raise RequestError(
            f"{dump.file} holds samples of one class only, {joined.dump.class_name(label)}: defences compare "
            "classes; dump all training samples."
        )
    return joined


def _scored(asked: dict[str, Method], dump: Dump) -> tuple[dict[str, Floats], dict[str, str], list[str]]:
    """Scores by method; which were left out, and why; what is to be flagged of that."""
    found: dict[str, Floats] = {}
    left_out: dict[str, str] = {}
    flags: list[str] = []
    for word, each in (asked or {name: cls() for name, cls in METHODS.items()}).items():
        need = lacking(each, dump)
        if need is not None:
            if asked:
                raise RequestError(f"--method {word} needs {need}, and {dump.file} has none.")
            left_out[word] = f"{dump.file.name} has no {need}."
            continue
        try:
            with np.errstate(all="ignore"):
                found[word] = each.score(dump)
            if not np.isfinite(found[word]).all():
                del found[word]
                raise RequestError(f"{dump.file}: its numbers are too large to compute {word} from; scale them down.")
        except RequestError as error:
            if asked:
                raise
            left_out[word] = error.text
            flags.append(f"{word} was left out: {error.text}")
    return found, left_out, flags


def _file_name(word: str) -> str:
    return word.replace(":", "-").replace("=", "").replace(",", "-")


def _lines(joined: Joined, word: str, scores: Floats) -> Iterator[str]:
    """A file that `score --suspects` reads, in the order of the samples."""
    yield f"# {word}: the higher, the more suspicious"
    yield "id,score"
    rows: Sequence[Record | None] = joined.rows or [None] * joined.dump.count
    for name, row, score in zip(joined.dump.names or (), rows, scores.tolist(), strict=True):
        yield f"{_spelt(name, row)},{score:.9g}"


def _spelt(name: str, row: Record | None) -> str:
    """The id, or the path in the output where a line that begins with the id would be read as something else."""
    if row is not None and (name.startswith("#") or name != name.strip()):
        return row["path"]
    return f"./{name}" if name.startswith("#") else name


def _verdict(word: str, file: Path, scores: Floats, joined: Joined, roles: Any, answers: Answers | None) -> Verdict:
    names = joined.dump.names or ()
    top = tuple(names[i] for i in np.argsort(-scores, kind="stable")[:TOP].tolist())
    if answers is None:
        return Verdict(word, file, top)
    rows = []
    for label, at in joined.dump.by_class():
        positive, negative = scores[at[roles[at] == "poisoned"]], scores[at[roles[at] == "clean"]]
        if positive.size:
            tpr = {fpr: tpr_at(fpr, positive, negative) for fpr in FPRS} if negative.size else {}
            auc = roc_auc(positive, negative)
            least = np.sort(np.concatenate((positive, negative)))[::-1][positive.size - 1]
            hit, wrong = int(np.count_nonzero(positive >= least)), int(np.count_nonzero(negative >= least))
            shares = Rate(hit, hit + wrong), Rate(hit, positive.size)
            rows.append(ClassFigures(label, answers.classes[label], positive.size, negative.size, auc, tpr, *shares))
    return Verdict(word, file, top, score_suspects(file, answers), tuple(rows))


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.6g}") for name, value in figures.items()}


def _chance(poisoned: int, clean: int) -> dict[str, float]:
    share = poisoned / (poisoned + clean)
    return {"roc_auc": 0.5, **{f"tpr_at_fpr_{fpr:g}": fpr for fpr in FPRS}, "precision": share, "recall": share}


__all__ = ["ClassFigures", "Detection", "Verdict", "detect"]

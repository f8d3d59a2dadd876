"""From files of predictions to figures: the whole way, set by set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.errors import RequestError, did_you_mean
from poisonkit.scoring import figures
from poisonkit.scoring.figures import ClassRow, Figure
from poisonkit.scoring.joining import Places, join, which_set
from poisonkit.scoring.predictions import NO_CLASS, Ints, Predictions, highest
from poisonkit.scoring.rates import Rate
from poisonkit.scoring.readers import read
from poisonkit.scoring.sets import NOTHING, Answers, ClipSet, open_output
from poisonkit.scoring.suspects import SuspectScores, score_suspects

Files = str | Path | Iterable[str | Path] | Mapping[str, str | Path]
"""Files of predictions: `SET=FILE` or `FILE`, one or several, or a mapping from set to file."""

_PREFIX = re.compile(r"(clean|control|attack(?:/[^=/]+)?)=(.+)", re.DOTALL)


@dataclass(frozen=True)
class SetScores:
    """What a model did with one set.

    name: `clean`, `attack/NAME` or `control`. joined: how predictions were matched with clips. predicted of
    clips: how many were. figures: by name, per video. per_class: by true class; empty where it is not known
    which prediction is of which clip. class_baselines: the clean-trained model's, by true class and figure.
    confusion: true class -> predicted class (None for none) -> clips, likewise. per_clip: the same figures with every
    row counted for itself, where there are several rows per video. notes: what is to be known; flags: what makes
    figures doubtful.
    """

    name: str
    file: Path
    format: str
    joined: str
    clips: int
    predicted: int
    figures: dict[str, Figure]
    per_class: tuple[ClassRow, ...] = ()
    class_baselines: Mapping[int, Mapping[str, Rate]] = field(default_factory=dict)
    confusion: Mapping[int, Mapping[int | None, int]] = field(default_factory=dict)
    per_clip: dict[str, Rate] | None = None
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        return {
            "file": str(self.file),
            "format": self.format,
            "joined": self.joined,
            "clips": self.clips,
            "predicted": self.predicted,
            "figures": {name: f.as_json() for name, f in self.figures.items()},
            "per_clip": None if self.per_clip is None else {k: r.as_json() for k, r in self.per_clip.items()},
            "per_class": [
                {"label": c.label, "class": c.name, "clips": c.clips, **{k: r.as_json() for k, r in c.rates.items()}}
                for c in self.per_class
            ],
            "confusion": [
                {"label": true, "predicted": guess, "clips": n}
                for true, row in self.confusion.items()
                for guess, n in row.items()
            ],
            "notes": list(self.notes),
            "flags": list(self.flags),
        }


@dataclass(frozen=True)
class Scores:
    """What `score` found. sets: by name; suspects: of `--suspects`."""

    out: Path
    sets: dict[str, SetScores]
    suspects: SuspectScores | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """Everything that makes a figure doubtful, with the set it belongs to."""
        found = [f"{name}: {flag}" for name, each in self.sets.items() for flag in each.flags]
        return (*found, *(f"suspects: {flag}" for flag in (self.suspects.flags if self.suspects else ())))

    @property
    def exit_code(self) -> int:
        """0: all in order; 1: something was flagged."""
        return 1 if self.flags else 0

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "out": str(self.out),
            "interval": "Wilson, 95 %",
            "sets": {name: each.as_json() for name, each in self.sets.items()},
            "suspects": self.suspects.as_json() if self.suspects else None,
            "flags": list(self.flags),
        }


def score(
    out: Path | str,
    predictions: Files = (),
    *,
    baseline: Files = (),
    suspects: Path | str | None = None,
) -> Scores:
    """What a model made of a finished output, or a defence of its training data.

    predictions: one or more files of predictions (MMAction2's DumpResults pickle, csv, jsonl, npz), each for one
    part of the output: `clean=FILE`, `attack=FILE`, `attack/NAME=FILE`, `control=FILE`, or FILE alone where the names
    in it tell; or a mapping from the part to the file. baseline: the same, by a model that was trained on the
    clean data; figures are compared with it. suspects: a defence's verdict, an id or `id,score` a line.

    Predictions are joined with clips by file name. Without names, their order is used where the file's own
    labels confirm it; otherwise only figures that do not depend on it are given. Nothing in a file is ever
    run. Raises RequestError for what cannot be read or joined; what is doubtful is in `Scores.flags`.
    """
    out = Path(out)
    answers = open_output(out)
    places = Places(answers)
    wanted = _assigned(predictions, answers, places, {})
    compared = _assigned(baseline, answers, places, wanted)
    if not wanted and suspects is None:
        raise RequestError("There is nothing to score: name a file of predictions, or one with --suspects.")
    for name in compared:
        if name not in wanted:
            raise RequestError(f"The baseline has predictions of {name}, and there are none to compare with.")
    sets = {name: _scored(found, name, answers, places) for name, found in _ordered(wanted, answers)}
    for name, found in compared.items():
        sets[name] = _compared(sets[name], _scored(found, name, answers, places))
    verdict = None if suspects is None else score_suspects(Path(suspects), answers)
    return Scores(out, sets, verdict)


def _ordered(found: dict[str, Predictions], answers: Answers) -> list[tuple[str, Predictions]]:
    return [(name, found[name]) for name in answers.sets if name in found]


# -- which file is of which set ------------------------------------------------------------------------------


def _assigned(files: Files, answers: Answers, places: Places, beside: dict[str, Predictions]) -> dict[str, Predictions]:
    """Read the files; set -> predictions. beside: where there is only one set, a baseline is of that one."""
    if isinstance(files, Mapping):
        pairs: list[tuple[str | None, Path]] = [(name, Path(file)) for name, file in files.items()]
    else:
        pairs = [_split(word) for word in ([files] if isinstance(files, str | Path) else files)]
    found: dict[str, Predictions] = {}
    for word, file in pairs:
        predictions = read(file, answers.classes)
        if word is not None:
            name = _set_named(word, predictions, answers, places)
        elif len(beside) == 1:
            name = next(iter(beside))
        else:
            name = which_set(predictions, answers, places)
        if name in found:
            raise RequestError(f"{found[name].file} and {file} are both of {name}; give one of them.")
        found[name] = predictions
    return found


def _split(word: str | Path) -> tuple[str | None, Path]:
    """`clean=FILE` and the like; a path alone where no such word stands before it."""
    match = _PREFIX.fullmatch(word) if isinstance(word, str) else None
    if match:
        return match[1], Path(match[2])
    name, equals, rest = str(word).partition("=")
    if isinstance(word, str) and equals and "/" not in name and not Path(word).exists() and Path(rest).exists():
        raise RequestError(f"'{name}' is no part of an output.{did_you_mean(name, ['clean', 'attack', 'control'])}")
    return None, Path(word)


def _set_named(word: str, found: Predictions, answers: Answers, places: Places) -> str:
    if word in answers.sets:
        return word
    attacks = [name for name in answers.sets if name.startswith("attack/")]
    if word == "attack" and len(attacks) == 1:
        return attacks[0]
    if word == "attack" and attacks:
        homes = {places.home(name) for name in found.names or ()}
        if len(homes) == 1 and (home := homes.pop()) in attacks:
            return str(home)
        raise RequestError(
            f"{answers.out} has several attack sets; say which: {', '.join(f'{a}=FILE' for a in attacks)}."
        )
    have = ", ".join(answers.sets) or "neither held-out clips nor attack sets"
    raise RequestError(f"{answers.out} has no {word}; it has {have}.")


# -- figures -------------------------------------------------------------------------------------------------


def _scored(found: Predictions, name: str, answers: Answers, places: Places) -> SetScores:
    joined = join(found, answers.sets[name], answers, places)
    clips, notes, flags = joined.clips, list(joined.notes), [*found.flags, *joined.flags]
    several = found.records < found.labels.size or (
        joined.pairs and np.bincount(joined.clip[joined.clip >= 0]).max(initial=0) > 1
    )
    owner = joined.clip if joined.pairs else np.arange(found.records)
    at = owner[found.record]
    kept = at >= 0
    videos, predicted, undecided = _per_video(found, at, kept)
    if several:
        notes.append(_several(found, kept, videos))
    if undecided:
        flags.append(f"For {undecided} clips several classes come out equal; they count as predicting no class.")

    if not joined.pairs:
        made = _unpaired(predicted, clips, answers)
        per_clip = _rates(_unpaired(found.labels, clips, answers)) if several else None
        rows: list[ClassRow] = []
        taken: Mapping[int, Mapping[int | None, int]] = {}
    else:
        true = clips.true

        def count(guess: Ints, truth: Ints) -> list[Figure]:
            return _paired(guess, truth, clips, answers)

        predicted = clips.settled(predicted, videos)
        made = count(predicted, true[videos])
        per_clip = _rates(count(clips.settled(found.labels[kept], at[kept]), true[at[kept]])) if several else None
        rows = figures.by_class(predicted, true[videos], answers.classes, count)
        taken = figures.confusion(predicted, true[videos])
        unlabelled = int(np.count_nonzero(true[videos] == NOTHING))
        if n := int(np.isin(videos, clips.several).sum()):
            notes.append(f"{n} clips have several classes; a prediction of any of them counts as right.")
        if unlabelled:
            notes.append(f"{unlabelled} clips have no true label and count nowhere.")
    notes += _remarks(made)
    return SetScores(
        name=name,
        file=found.file,
        format=found.format,
        joined=joined.how,
        clips=len(clips.rows),
        predicted=len(videos),
        figures={f.name: f for f in made},
        per_class=tuple(rows),
        confusion=taken,
        per_clip=per_clip,
        notes=(*found.notes, *notes),
        flags=tuple(flags),
    )


def _paired(predicted: Ints, true: Ints, clips: ClipSet, answers: Answers) -> list[Figure]:
    classes = len(answers.classes)
    if clips.attack is not None:
        return figures.attacked(predicted, true, clips.attack, classes)
    if clips.name == "control":
        return figures.control(predicted, true, answers.attacks, classes)
    return figures.clean(predicted, true)


def _unpaired(predicted: Ints, clips: ClipSet, answers: Answers) -> list[Figure]:
    if clips.attack is not None:
        return figures.attacked_unpaired(predicted, clips.attack)
    return figures.control_unpaired(predicted, answers.attacks)


def _rates(found: list[Figure]) -> dict[str, Rate]:
    return {f.name: f.rate for f in found}


def _per_video(found: Predictions, at: Ints, kept: Any) -> tuple[Ints, Ints, int]:
    """One class per clip of the set: (clips, classes, how many are undecided).

    Of several rows, scores are averaged and the highest mean counts; without scores, the most frequent class.
    """
    videos, place, counts = np.unique(at[kept], return_inverse=True, return_counts=True)
    labels = found.labels[kept]
    single = counts[place] == 1
    result = np.full(len(videos), NO_CLASS, dtype=np.int64)
    result[place[single]] = labels[single]
    many = counts > 1
    if not many.any():
        return videos, result, 0
    if found.scores is not None:
        votes = found.scores[kept]
    else:
        width = int(max(labels.max(initial=0), 0)) + 1
        votes = (labels[:, None] == np.arange(width)).astype(np.float64)
    total = np.zeros((len(videos), votes.shape[1]))
    np.add.at(total, place, votes)
    chosen, tied = highest(total[many] / counts[many, None])
    result[many] = chosen
    return videos, result, int(np.count_nonzero(tied))


def _several(found: Predictions, kept: Any, videos: Ints) -> str:
    rows = int(np.count_nonzero(kept))
    way = "the scores were averaged" if found.scores is not None else "the most frequent class counts"
    return f"{rows} predictions for {len(videos)} clips: per video, {way}; per clip, every prediction counts."


def _remarks(made: list[Figure]) -> list[str]:
    by_name = {f.name: f for f in made}
    if "asr_all" in by_name and by_name["asr_all"].rate.total == by_name["asr"].rate.total:
        return ["The attack set holds only clips that the headline counts, so `asr` and `asr_all` are the same."]
    return []


def _compared(mine: SetScores, theirs: SetScores) -> SetScores:
    """The same figures beside those of the clean-trained model."""
    paired = {
        name: replace(f, baseline=theirs.figures[name].rate) if name in theirs.figures else f
        for name, f in mine.figures.items()
    }
    gone = [name for name in mine.figures if name not in theirs.figures]
    notes = [f"baseline: {note}" for note in theirs.notes if note not in mine.notes]
    if gone:
        notes.append(f"baseline: it has no {', '.join(gone)}.")
    flags = [f"baseline: {flag}" for flag in theirs.flags]
    if theirs.predicted != mine.predicted:
        flags.append(f"baseline: it predicts {theirs.predicted} clips, and the model {mine.predicted}.")
    classes = {row.label: row.rates for row in theirs.per_class}
    mine = replace(mine, class_baselines=classes)
    return replace(mine, figures=paired, notes=(*mine.notes, *notes), flags=(*mine.flags, *flags))

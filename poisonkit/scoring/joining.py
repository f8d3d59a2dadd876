"""Which clip a prediction is of: by file name; by order only where that can be checked or does not matter."""

from __future__ import annotations

import filecmp
import posixpath
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from poisonkit.errors import RequestError
from poisonkit.outputs import record
from poisonkit.outputs.paths import OutputPaths
from poisonkit.scoring.predictions import Ints, Predictions
from poisonkit.scoring.sets import NOTHING, Answers, ClipSet

UNKNOWN, AMBIGUOUS = -1, -2
_ROOTS = 8  # folders that a file of predictions names and that are looked at


@dataclass(frozen=True)
class Joined:
    """clip: (records,) index into the set's rows, negative where a record is of none of them.

    how: in words. pairs: whether it is known which record is of which clip. notes and flags: sentences.
    """

    clips: ClipSet
    clip: Ints
    how: str
    pairs: bool
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


class Names:
    """The names that a clip may have in a file of predictions.

    Its full ones are its path relative to the output, to the view's root, and its id. A name is a clip's if
    it ends in a full name (the longest counts), or if it is the end of one clip's only; failing that, the
    same without the suffix (`.npy` beside a `.wav`).
    """

    def __init__(self, clips: ClipSet) -> None:
        self._full: list[tuple[str, int]] = []
        for i, row in enumerate(clips.rows):
            paths = record.files(row)
            below = [p.removeprefix(f"{root}/") for p in paths for root in clips.roots if p.startswith(f"{root}/")]
            self._full += [(_tidy(name), i) for name in dict.fromkeys((*paths, *below, row["id"]))]
        self._whole = _gathered(self._full)

    @cached_property
    def _ends(self) -> dict[str, set[int]]:
        return _gathered((end, i) for name, i in self._full for end in _shorter(name))

    @cached_property
    def _bare(self) -> dict[str, set[int]]:
        return _gathered((posixpath.splitext(name)[0], i) for name, i in self._full)

    @cached_property
    def _bare_ends(self) -> dict[str, set[int]]:
        return _gathered((end, i) for name, i in self._full for end in _shorter(posixpath.splitext(name)[0]))

    def find(self, name: str, *, bare: bool = True) -> int:
        """The clip's index; UNKNOWN, or AMBIGUOUS where several have this name. bare: also without its suffix."""
        name = _tidy(name)
        ways = [(name, "_whole", "_ends")]
        if bare:
            stem = posixpath.splitext(name)[0]
            ways += [(name, "_bare", "_bare_ends"), (stem, "_bare", "_bare_ends")]
        for word, whole, ends in ways:
            full: dict[str, set[int]] = getattr(self, whole)
            hits = next((full[end] for end in (word, *_shorter(word)) if end in full), None)
            hits = hits or getattr(self, ends).get(word)
            if hits:
                return next(iter(hits)) if len(hits) == 1 else AMBIGUOUS
        return UNKNOWN

    def all(self, names: Iterable[str]) -> Ints:
        """`find` for each."""
        return np.array([self.find(name) for name in names], dtype=np.int64)


def _tidy(name: str) -> str:
    return unicodedata.normalize("NFC", posixpath.normpath(name)).lstrip("/")


def _shorter(name: str) -> Iterator[str]:
    """`b/c` and `c` for `a/b/c`."""
    while "/" in name:
        name = name.split("/", 1)[1]
        yield name


def _gathered(pairs: Iterable[tuple[str, int]]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for name, i in pairs:
        found.setdefault(name, set()).add(i)
    return found


class Places:
    """Which part of the output a name says that it lies in, where it names it."""

    def __init__(self, answers: Answers) -> None:
        self._out = answers.out
        self._homes: dict[str, str] = {}
        for each in (answers.training, *answers.sets.values()):
            for row in each.rows:
                for path in record.files(row):
                    self._homes[_tidy(path)] = each.name
                    self._homes.setdefault(posixpath.splitext(_tidy(path))[0], each.name)

    def home(self, name: str) -> str | None:
        """`clean`, `attack/NAME`, `control` or `training`, for a name that ends in a path of the output."""
        found = self._end(_tidy(name))
        return None if found is None else self._homes[found]

    def _end(self, name: str) -> str | None:
        """The longest end of a tidy name, with or without its suffix, that is a path of the output."""
        stem = posixpath.splitext(name)[0]
        return next((e for word in (name, stem) for e in (word, *_shorter(word)) if e in self._homes), None)

    def other_output(self, names: Sequence[str]) -> str | None:
        """The folder of another output that is here too and that the names, as absolute paths, lie in.

        Such names end as this output's do, and would be taken for them. A copy of this output is no other one.
        """
        roots: dict[str, None] = {}
        for name in names:
            if posixpath.isabs(name) and (end := self._end(tidy := _tidy(name))) is not None:
                word = tidy if tidy.endswith(end) else posixpath.splitext(tidy)[0]
                roots.setdefault("/" + word.removesuffix(end).rstrip("/"))
        return next((root for root in list(roots)[:_ROOTS] if _is_other(Path(root), self._out)), None)


def _is_other(root: Path, out: Path) -> bool:
    mine, theirs = (OutputPaths(each).manifest for each in (out, root))
    try:
        return not theirs.samefile(mine) and not filecmp.cmp(theirs, mine, shallow=False)
    except (OSError, ValueError):  # none there, or no path at all
        return False


def which_set(found: Predictions, answers: Answers, places: Places) -> str:
    """The set that a file without a word for it is of, by the names in it. RequestError where they do not tell."""
    words = ", ".join(f"{name}={found.file.name}" for name in answers.sets)
    ask = f"say it with one of {words}."
    if found.names is None:
        raise RequestError(f"{found.file} has no file names, so it does not tell what it predicts: {ask}")
    homes = Counter(home for name in found.names if (home := places.home(name)) not in (None, "training"))
    if len(homes) == 1:
        return str(next(iter(homes)))
    if homes:
        raise RequestError(f"{found.file} predicts clips of {' and '.join(sorted(map(str, homes)))}; split it.")
    fitting = [n for n, each in answers.sets.items() if (Names(each).all(found.names) >= 0).all()]
    if len(fitting) == 1:
        return fitting[0]
    raise RequestError(f"The file names in {found.file} do not tell which part of {answers.out} they are of: {ask}")


def join(found: Predictions, wanted: ClipSet, answers: Answers, places: Places) -> Joined:
    """Find each record's clip. RequestError where that is not possible or where it is plainly another set."""
    return _by_name(found, wanted, answers, places) if found.names is not None else _by_order(found, wanted, answers)


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few names, for a sentence."""
    text = ", ".join(f"'{n}'" for n in names[:most])
    return text if len(names) <= most else f"{text} …"


# -- by name -----------------------------------------------------------------------------------------------


def _by_name(found: Predictions, wanted: ClipSet, answers: Answers, places: Places) -> Joined:
    assert found.names is not None
    names = found.names
    homes = np.array([places.home(n) or "" for n in names], dtype=object)
    clip = Names(wanted).all(names)
    elsewhere = (homes != "") & (homes != wanted.name)
    if elsewhere.all() or not ((clip >= 0) & ~elsewhere).any():
        if elsewhere.any():
            raise RequestError(
                f"{found.file} is given as {wanted.name}, but its clips lie in {homes[elsewhere][0]} "
                f"({some([n for n, e in zip(names, elsewhere, strict=True) if e], 1)})."
            )
        if (clip == AMBIGUOUS).any():
            raise RequestError(
                f"{found.file}: {some(names, 1)} may be several clips of {wanted.name}; "
                "its names need the folders, as in the lists."
            )
        raise RequestError(f"{found.file} names no clip of {wanted.name} ({some(names, 1)} is none of them).")
    clip = np.where(elsewhere, UNKNOWN, clip)
    notes, flags = [], []
    training = homes == "training"
    if training.any():
        notes.append(f"{training.sum()} predictions are of training clips and were left out.")
    for what, where in (
        ("name no clip of this set", (clip == UNKNOWN) & ~training),
        ("may be of several clips of this set", clip == AMBIGUOUS),
    ):
        if where.any():
            flags.append(f"{where.sum()} predictions {what}: {_some_where(names, where)}; they were left out.")
    if wanted.name != "clean" and (other := places.other_output(names)) is not None:  # clean clips are the source's own
        flags.append(f"The clips that {found.file} names lie in another output, {other}, not in {answers.out}.")
    if wanted.name == "clean":
        wanted, clip, note = _one_split(wanted, clip, answers)
        notes += note
    flags += _gaps(found, wanted, clip)
    flags += _contradictions(found, wanted, clip)
    return Joined(wanted, clip, "by file name", True, tuple(notes), tuple(flags))


def _some_where(names: Sequence[str], where: object) -> str:
    return some([n for n, here in zip(names, np.asarray(where), strict=True) if here])


def _one_split(wanted: ClipSet, clip: Ints, answers: Answers) -> tuple[ClipSet, Ints, list[str]]:
    """Clean accuracy is of one held-out split: that of the attack sets if it was predicted, else the other."""
    splits = np.array([r["split"] for r in wanted.rows], dtype=object)
    seen = Counter(splits[clip[clip >= 0]])
    split = answers.held_out if answers.held_out in seen else next(iter(seen))
    kept = np.flatnonzero(splits == split)
    new = np.full(len(splits), UNKNOWN)
    new[kept] = np.arange(kept.size)
    left = sum(n for name, n in seen.items() if name != split)
    note = [f"{left} predictions are of another held-out split than {split} and were left out."] if left else []
    return wanted.of_split(str(split)), np.where(clip >= 0, new[clip], clip), note


def _gaps(found: Predictions, wanted: ClipSet, clip: Ints) -> list[str]:
    """Clips without a prediction, and clips with more of them than the others."""
    assert found.names is not None
    counts = np.bincount(clip[clip >= 0], minlength=len(wanted.rows))
    flags = []
    missing = [r["id"] for r, n in zip(wanted.rows, counts, strict=True) if not n]
    if missing:
        flags.append(f"{len(missing)} of {len(wanted.rows)} clips have no prediction: {some(missing)}.")
    if found.views is not None:
        pairs = Counter((c, v) for c, v in zip(clip.tolist(), found.views, strict=True) if c >= 0)
        twice = [wanted.rows[c]["id"] for (c, _), n in pairs.items() if n > 1]
        if twice:
            flags.append(f"{len(twice)} clips are predicted twice: {some(twice)}; the predictions were averaged.")
        return flags
    (usual, _), *_ = Counter(counts[counts > 0].tolist()).most_common(1)
    uneven = [r["id"] for r, n in zip(wanted.rows, counts, strict=True) if n and n != usual]
    if uneven:
        flags.append(
            f"{len(uneven)} clips are predicted another number of times than the others ({usual}): "
            f"{some(uneven)}; the predictions were averaged."
        )
    return flags


def _contradictions(found: Predictions, wanted: ClipSet, clip: Ints) -> list[str]:
    """The file's own true labels, where it has any, are those of one of the set's lists."""
    if found.truth is None:
        return []
    known = (clip >= 0) & (found.truth >= 0)
    said, at = found.truth[known], clip[known]
    off = [said != labels[at] for labels in ((wanted.true, wanted.target) if wanted.attack else (wanted.true,))]
    fewest = min(off, key=np.count_nonzero)
    if not fewest.any():
        return []
    ids = [wanted.rows[i]["id"] for i in dict.fromkeys(at[fewest].tolist())]
    return [f"The file's own true labels differ from the dataset's for {len(ids)} clips: {some(ids)}."]


# -- by order ----------------------------------------------------------------------------------------------


def _by_order(found: Predictions, wanted: ClipSet, answers: Answers) -> Joined:
    n = found.records
    parts = [wanted]
    if wanted.name == "clean":
        splits = dict.fromkeys((answers.held_out or "", "test", "val"))
        parts = [part for s in splits if (part := wanted.of_split(s)).rows]
    fitting = [part for part in parts if len(part.rows) == n]
    if not fitting:
        sizes = " or ".join(str(len(part.rows)) for part in parts)
        raise RequestError(f"{found.file} has {n} predictions without file names, and {wanted.name} has {sizes} clips.")
    for part in fitting:
        order = _checked(found, part)
        if order is not None:
            how = "by order, which the file's own true labels confirm as far as classes go"
            note = "Without file names it cannot be checked that clips of the same class stand in the list's order."
            return Joined(part, order, how, True, (note,))
    part = fitting[0]
    if _same_for_all(part, answers):
        _refuse_other_labels(found, part)
        note = (
            "Without file names it cannot be checked which clips these predictions are of; only figures that do "
            "not depend on the order are given."
        )
        return Joined(
            part, np.full(n, UNKNOWN, dtype=np.int64), "not at all: only their number was checked", False, (note,)
        )
    raise RequestError(_no_order(found, part))


def _orders(part: ClipSet) -> list[tuple[Ints, Ints]]:
    """(labels, clips) of each list of the set, in its order."""
    plain = np.arange(len(part.rows))
    orders = [(part.true, plain)]
    if part.attack is not None:
        by_folder = np.argsort(part.target, kind="stable")
        orders += [(part.target, plain), (part.target[by_folder], by_folder)]
    return orders


def _checked(found: Predictions, part: ClipSet) -> Ints | None:
    """The clips in the order of a list with more than one class whose labels are the file's own."""
    if found.truth is None:
        return None
    for labels, order in _orders(part):
        if np.unique(labels).size > 1 and np.array_equal(labels, found.truth):
            return order
    return None


def _same_for_all(part: ClipSet, answers: Answers) -> bool:
    """Whether a success is the same class for every clip, and every clip counts: then order does not matter."""
    attacks = [part.attack] if part.attack else answers.attacks if part.name == "control" else []
    return bool(attacks) and all(a.target is not None and a.eligible(part.true).all() for a in attacks)


def _refuse_other_labels(found: Predictions, part: ClipSet) -> None:
    """True labels in the file must be those of one of the lists, if only up to order."""
    if found.truth is None:
        return
    lists = [labels for labels, _ in _orders(part)]
    if not any(np.array_equal(np.sort(labels), np.sort(found.truth)) for labels in lists):
        raise RequestError(f"{found.file}: its own true labels are not those of {part.name}; it is of other clips.")
    if not any(np.array_equal(labels, found.truth) for labels in lists):
        raise RequestError(f"{found.file}: {_shuffled(part)}")


def _shuffled(part: ClipSet) -> str:
    return (
        f"its own true labels are those of {part.name} in another order, so the predictions were shuffled; dump "
        "them unshuffled or with file names."
    )


def _no_order(found: Predictions, part: ClipSet) -> str:
    if found.truth is None:
        return (
            f"{found.file} has neither file names nor true labels, so it is not known which clip of {part.name} a "
            "prediction is of."
        )
    if np.array_equal(np.sort(part.true), np.sort(found.truth)):
        if np.unique(part.true[part.true != NOTHING]).size < 2:
            return f"{found.file} has no file names, and with one class in {part.name} the order cannot be checked."
        return f"{found.file}: {_shuffled(part)}"
    return f"{found.file}: its own true labels are not those of {part.name}; it is of other clips."

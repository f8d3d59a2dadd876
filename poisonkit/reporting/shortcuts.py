"""What tells poisoned files from clean ones without a look at a pixel: each trait of the files, with its AUC."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from poisonkit.media.file_traits import Traits
from poisonkit.outputs import record
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record
from poisonkit.recipe.recipe import read_mapping
from poisonkit.survey import isolated_opening
from poisonkit.survey.file_checks import told

BY_CHANCE = 3.0  # standard deviations of the AUC of a trait that tells nothing; there are some twenty traits
LEAST = 0.05  # above 0.5: what is less is told as nothing
SELDOM = 370  # ways of dividing the files, of which chance would hit the one that is wholly told apart: 3 deviations
AHEAD = 256

_STORED = ("links", "kind of file")
_SPENT = ("bytes", "bytes a file", "bit rate", "picture bit rate", "sound bit rate")


@dataclass(frozen=True)
class Shortcut:
    """One trait in two groups of files.

    auc: from 0.5 (tells nothing) to 1 (tells them apart): of the number itself, or of the best that can be made of
    words on these very files. clean, poisoned: the median, or the commonest words with their share. tells: more than
    chance.
    """

    trait: str
    auc: float
    tells: bool
    clean: str
    poisoned: str
    remedy: str = ""


@dataclass(frozen=True)
class Comparison:
    """Two groups of files of an output. unread: (path, why)."""

    name: str
    clean: int
    poisoned: int
    shortcuts: tuple[Shortcut, ...]
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def enough(self) -> bool:
        """Whether so many files could tell anything that is more than chance."""
        return (
            BY_CHANCE * deviation(self.clean, self.poisoned) < 0.5
            or math.comb(self.clean + self.poisoned, self.poisoned) >= SELDOM
        )


def auc_of_numbers(clean: Sequence[float], poisoned: Sequence[float]) -> float:
    """The chance that a poisoned file's number is above a clean one's, ties counting half: 0 to 1."""
    order = sorted(clean)
    wins = sum(bisect_left(order, x) + bisect_right(order, x) for x in poisoned)
    return wins / (2 * len(clean) * len(poisoned))


def auc_of_words(clean: Sequence[str], poisoned: Sequence[str]) -> float:
    """The AUC of the best score that words can be given: the share of poisoned files among those that have them."""
    a, b = Counter(clean), Counter(poisoned)

    def score(word: str) -> float:
        p, q = b[word] / len(poisoned), a[word] / len(clean)
        return p / (p + q)

    return auc_of_numbers([score(w) for w in clean], [score(w) for w in poisoned])


def deviation(clean: int, poisoned: int) -> float:
    """The standard deviation of the AUC of what tells nothing (Mann and Whitney 1947)."""
    return math.sqrt((clean + poisoned + 1) / (12 * clean * poisoned))


def compare(clean: Sequence[Traits], poisoned: Sequence[Traits], remedy: Callable[[str], str]) -> list[Shortcut]:
    """Every trait that any file has, those that tell most first."""
    found = []
    for name in dict.fromkeys(n for t in (*clean, *poisoned) for n in t):
        one, other = ([t.get(name, "none") for t in group] for group in (clean, poisoned))
        numbers = all(isinstance(v, float) for v in (*one, *other))
        if numbers:
            value = auc_of_numbers(one, other)  # type: ignore[arg-type]
            auc = max(value, 1 - value)
        else:
            auc = auc_of_words([str(v) for v in one], [str(v) for v in other])
        tells = auc - 0.5 > max(LEAST, BY_CHANCE * deviation(len(clean), len(poisoned)))
        tells |= auc == 1 and math.comb(len(clean) + len(poisoned), len(poisoned)) >= SELDOM
        shown = (_number(one), _number(other)) if numbers else _words(one, other)
        found.append(Shortcut(name, auc, tells, *shown, remedy(name) if tells else ""))
    return sorted(found, key=lambda s: -s.auc)


def _number(values: Sequence[Any]) -> str:
    return f"{median(values):.6g}"


def _words(*groups: Sequence[Any]) -> tuple[str, str]:
    """The commonest words of each group, without what all files of both have in common."""
    parts = {v: str(v).split() for v in {v for group in groups for v in group}}
    common = set.intersection(*(set(p) for p in parts.values())) if len(parts) > 1 else set()
    shown = []
    for group in groups:
        counts = Counter(" ".join(w for w in parts[v] if w not in common) or str(v) for v in group)
        words, n = min(counts.items(), key=lambda c: (-c[1], c[0]))
        words = words if len(words) <= 60 else words[:59] + "…"
        shown.append(words if len(counts) == 1 else f"{words} ({n} of {len(group)}, {len(counts)} kinds)")
    return shown[0], shown[1]


def shortcuts(
    out: Path,
    *,
    limit: int | None = None,
    jobs: int = 1,
    watch: Callable[[], None] = lambda: None,
    time_limit: float = 1.0,
) -> list[Comparison]:
    """Clean against poisoned training files of an output, and clean test files against each attack set.

    limit: at most so many files of each group, spread evenly. watch: called for each file. time_limit: as `Options`
    has it.
    """
    rows = [r for r in record.read(OutputPaths(out).manifest) if r["status"] == "ok"]
    recipe = read_mapping(OutputPaths(out).recipe())
    found = []
    for name, clean, poisoned in _by_halves(_groups(rows)):
        a, b = (_some(group, limit) for group in (clean, poisoned))
        if not a or not b:
            continue
        unread: list[tuple[str, str]] = []
        looked = [_looked(out, group, jobs, watch, unread, time_limit) for group in (a, b)]
        if not looked[0] or not looked[1]:
            continue

        def remedy(trait: str, attack: bool = not name.startswith("training")) -> str:
            return _remedy(trait, recipe, attack)

        seen = compare(looked[0], looked[1], remedy)
        found.append(Comparison(name, len(looked[0]), len(looked[1]), tuple(seen), tuple(unread)))
    return found


_Group = tuple[str, list[Record], list[Record]]


def _by_halves(groups: Iterable[_Group]) -> Iterable[_Group]:
    """The same; of pairs, their pictures apart from their sounds."""
    for name, clean, poisoned in groups:
        if not any("sound_file" in row for row in (*clean, *poisoned)):
            yield name, clean, poisoned
            continue
        for at, word in enumerate(("pictures", "sounds")):
            one, other = ([record.halves(row)[at] for row in group] for group in (clean, poisoned))
            yield f"{name}, {word}", one, other


def _groups(rows: Sequence[Record]) -> Iterable[_Group]:
    poisoned = [r for r in rows if r["role"] in ("poisoned", "cover")]
    yield "training", [r for r in rows if r["role"] == "clean" and r["split"] == "train"], poisoned
    for name in dict.fromkeys(r["attack"] for r in rows if r["role"] == "attack"):
        attacks = [r for r in rows if r["role"] == "attack" and r["attack"] == name]
        splits = {r["split"] for r in attacks}
        yield f"attack set {name}", [r for r in rows if r["role"] == "clean" and r["split"] in splits], attacks


def _some(rows: list[Record], limit: int | None) -> list[Record]:
    if limit is None or limit >= len(rows):
        return rows
    return [rows[i * len(rows) // limit] for i in range(limit)]


def _looked(
    out: Path,
    rows: Sequence[Record],
    jobs: int,
    watch: Callable[[], None],
    unread: list[tuple[str, str]],
    time_limit: float,
) -> list[Traits]:
    files = (out / row["path"] for row in rows)
    found: list[Traits] = []
    seen = isolated_opening.opened(
        told, files, max(1, jobs), lambda path, why: f"{path.name} {why}.", factor=time_limit, ahead=AHEAD
    )
    for row, one in zip(rows, seen, strict=True):
        watch()
        if isinstance(one, str):
            unread.append((row["path"], one))
        else:
            found.append(one)
    return found


def _remedy(trait: str, recipe: Mapping[str, Any], attack: bool) -> str:
    """What takes a trait away, or why nothing does."""
    how = recipe.get("clean", "hardlink")
    if trait == "modification time":
        return "the source's own: written files have the time of the file that they were made from"
    if trait in _STORED:
        if attack and trait == "links" and how in ("copy", "reencode"):
            return "by design: the two trees of an attack set are links of each other; copy the one that is used"
        return "" if how in ("copy", "reencode") else "--clean copy, or --clean reencode"
    if how != "reencode":
        return "--clean reencode"
    if trait in _SPENT:
        return "what the trigger (or the classes' content) costs in bytes: no option takes that away"
    return ""

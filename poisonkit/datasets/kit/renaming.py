"""Names of samples whose label changes, where folder or file name tells the label.

What a name says of its class is exchanged. A name that another file could have then gets another number of its own
kind: the clip number, index or take that is there already, so that it parses as before and looks like its neighbours.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from poisonkit.common.seeding import keys64
from poisonkit.datasets.base import Sample

_DIGITS = re.compile(r"[0-9]+\Z")
_SEPARATORS = re.compile(r"[ _-]+")
_LETTER = r"[^\W\d_]"
_HUMP = r"(?-i:(?<=[a-z])(?=[A-Z]))"  # between the words of `FrontCrawl`
_JOINED = 6  # letters: class names of fewer are not looked for with their words joined
CLASS = "\0"
"""Stands for the class in a name; no file's name holds one."""


@dataclass(frozen=True, slots=True)
class Name:
    """A file's name, taken apart: what stands before its number, the number's digits, and what stands behind.

    digits: "" for a name without a number, which gets one with `mark` before it where it needs one.
    """

    head: str
    digits: str
    tail: str
    mark: str = "__"

    @classmethod
    def of(cls, name: str) -> Name:
        """By the digits at the end of the name, before the suffix: `v_g01_c02.avi` is `v_g01_c`, `02`, `.avi`."""
        stem, suffix = os.path.splitext(name)
        digits = match[0] if (match := _DIGITS.search(stem)) else ""
        return cls(stem[: len(stem) - len(digits)], digits, suffix)

    def under(self, number: int | None) -> str:
        """The name with another number, as wide as its own; as it is for None."""
        if number is None:
            return f"{self.head}{self.digits}{self.tail}"
        mark = "" if self.digits else self.mark
        return f"{self.head}{mark}{number:0{len(self.digits)}d}{self.tail}"


def numbers_when_moved(samples: Iterable[Sample], name: Callable[[Sample], Name]) -> dict[str, int]:
    """Sample id -> the number that its name gets when its label changes, for samples that would meet others.

    name: a sample's name without all that tells its label; samples of one name would meet if they all had one label.
    A number is the next above the sample's own that no sample has or gets. All samples are looked at, whichever move
    and wherever to, so a sample's number depends on nothing but the dataset; and in an order that is drawn, so that
    it says nothing of the class that the sample comes from.
    """
    names = {sample.id: name(sample) for sample in samples}
    used = Counter(names.values())
    taken: dict[tuple[str, str], dict[int, int]] = {}
    for each in used:
        if each.digits:
            number = int(each.digits)
            taken.setdefault((each.head, each.tail), {})[number] = number + 1
    draw = keys64("a number when moved")
    found: dict[str, int] = {}
    for one in sorted((i for i, each in names.items() if used[each] > 1), key=lambda i: (draw(i), i)):
        each = names[one]
        pool = taken.setdefault((each.head if each.digits else each.head + each.mark, each.tail), {})
        found[one] = _next_free(pool, int(each.digits or 1) + 1)
    return found


def _next_free(taken: dict[int, int], number: int) -> int:
    """The first number from `number` on that is not taken, and take it. taken: number -> where to look next."""
    passed = []
    while number in taken:
        passed.append(number)
        number = taken[number]
    taken[number] = number + 1
    for each in passed:
        taken[each] = number + 1
    return number


def without_class(name: str, own: str) -> str:
    """A name with `CLASS` wherever it has its class as a word of its own, in whatever case and with `_` for spaces.

    Names of several words are found joined too: `Front_Crawl` in `03FrontCrawl` and in `swimFrontCrawl`. Class names
    that are numbers are left: they may be anything.
    """
    pattern = _pattern(own)
    return name if pattern is None else pattern.sub(CLASS, name)


def with_class(blank: str, name: str, own: str, new: str) -> str:
    """`blank`, made of `name` by `without_class`, with the class `new` in the places of `own`, in the same style."""
    pattern = _pattern(own)
    match = None if pattern is None else pattern.search(name)
    return blank.replace(CLASS, new if match is None else in_style(match[0], own, new))


def spelling(name: str, own: str) -> str | None:
    """How a name spells its class; None where it does not."""
    pattern = _pattern(own)
    match = None if pattern is None else pattern.search(name)
    return None if match is None else match[0]


def _pattern(own: str) -> re.Pattern[str] | None:
    words = _words(own)
    if not words or own.isdigit():
        return None
    ends = rf"(?<!{_LETTER})" if own[0].isalpha() else rf"(?<!{_LETTER})(?<!\d)"
    begins = rf"(?!{_LETTER})" if own[-1].isalpha() else rf"(?!{_LETTER}|\d)"
    joined = len(words) > 1 and _may_be_joined("".join(words))
    if joined:
        ends, begins = f"(?:{ends}|{_HUMP})", f"(?:{begins}|{_HUMP})"
    between = "[ _-]?" if joined else "[ _-]"
    return re.compile(ends + between.join(map(re.escape, words)) + begins, re.IGNORECASE)


def _words(own: str) -> list[str]:
    """The words of a class's name: `Front_Crawl`, `front crawl` and `FrontCrawl` have two."""
    words = [word for word in _SEPARATORS.split(own) if word]
    if len(words) == 1 and _may_be_joined(own):
        words = re.split(_HUMP, own)
    return words


def _may_be_joined(joined: str) -> bool:
    """Letters, with or without a number behind them (`FrontCrawl2`)."""
    letters = joined.rstrip("0123456789")
    return len(letters) >= _JOINED and letters.isalpha()


def in_style(said: str, own: str, new: str) -> str:
    """`new` as `said` spells `own`: in lower or upper case, with `_` or `-` for spaces, and with its words joined."""
    if said == own:
        return new
    if _SEPARATORS.search(own) and not _SEPARATORS.search(said):
        if own == own.lower() and re.search(_HUMP, said):
            new = "".join(word[:1].upper() + word[1:] for word in _SEPARATORS.split(new))
        new = _SEPARATORS.sub("", new)
    elif not _SEPARATORS.search(own) and (between := _SEPARATORS.search(said.strip())):
        new = re.sub(_HUMP, between[0], _SEPARATORS.sub(between[0], new))
    for sign in "_-":
        if sign in said and sign not in own:
            new = new.replace(" ", sign)
    if said == said.lower() and own != own.lower():
        return new.lower()
    return new.upper() if said == said.upper() and own != own.upper() else new


def says(text: str, own: str) -> bool:
    """Whether a text is a class's name, in whatever case, with `_` for spaces or with its words joined.

    Never for a name that is a number.
    """
    if own.isdigit():
        return False
    said, name = _folded(text), _folded(own)
    return said == name or (_may_be_joined(joined := name.replace(" ", "")) and said.replace(" ", "") == joined)


def _folded(text: str) -> str:
    return _SEPARATORS.sub(" ", text.strip()).casefold()

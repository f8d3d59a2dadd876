"""Names of samples whose label changes, where folder or file name tells the label."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable

from poisonkit.datasets.base import Sample


def numbered(name: str, number: int) -> str:
    """`a/b.mp4` as `a/b__2.mp4`: how two files that would have one name are told apart."""
    stem, suffix = os.path.splitext(name)
    return f"{stem}__{number}{suffix}"


def numbers_when_moved(
    samples: Iterable[Sample], key: Callable[[Sample], str], number: Callable[[str, int], str] = numbered
) -> dict[str, int]:
    """Sample id -> the number that its name gets when its label changes, for samples that would meet others.

    key: what a sample's name has left when all that tells its label is taken out; samples of one key would
    meet if they all had one label. number: the key with a number in it, as the layout spells it. All samples
    are looked at, whichever move and wherever to, so a sample's number depends on nothing but the dataset.
    """
    keys = [(sample.id, key(sample)) for sample in samples]
    used = Counter(each for _, each in keys)
    found: dict[str, int] = {}
    last: dict[str, int] = {}
    given: set[str] = set()
    for name, each in keys:
        if used[each] < 2:
            continue
        n = last.get(each, 1) + 1
        while (new := number(each, n)) in used or new in given:
            n += 1
        given.add(new)
        last[each] = found[name] = n
    return found

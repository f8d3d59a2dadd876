"""How large what a file declares may be, so that a few bytes of header cannot ask for all the memory there is.

Limits are no part of a recipe: they belong to the machine. `POISONKIT_LIMITS=pixels=100M,frames=20M` in the
environment raises (or lowers) them, here and in every worker that inherits it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields, replace
from functools import lru_cache

from poisonkit.errors import RequestError, did_you_mean

VARIABLE = "POISONKIT_LIMITS"
_VALUE = re.compile(r"(\d{1,15})([kMG]?)")
_SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True)
class Limits:
    """The largest that is taken.

    pixels: of one picture, width times height. frames: of one clip. samples: of one sound, all channels together.
    rate: Hz. channels: of one sound. bytes: of one array or archive member, unpacked. rows: of one file of
    predictions. classes: of a dataset whose labels are numbers without names.
    """

    pixels: int = 8192 * 8192
    frames: int = 10_000_000
    samples: int = 300_000_000
    rate: int = 1_000_000
    channels: int = 64
    bytes: int = 2**30
    rows: int = 10_000_000
    classes: int = 1_000_000


def parse(text: str) -> Limits:
    """`NAME=N,…` as limits; N a whole number, also with k, M or G behind it. RequestError for anything else."""
    known = [field.name for field in fields(Limits)]
    found: dict[str, int] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = item.partition("=")
        if name not in known:
            raise RequestError(f"{VARIABLE} has no limit '{name}'.{did_you_mean(name, known)}")
        number = _VALUE.fullmatch(value)
        if number is None or not int(number[1]):
            raise RequestError(f"{VARIABLE}: {item} is not possible: write a whole number above 0, such as {name}=64M.")
        found[name] = int(number[1]) * _SIZES[number[2]]
    return replace(Limits(), **found)


_parsed = lru_cache(maxsize=8)(parse)


def current() -> Limits:
    """The limits of this process."""
    return _parsed(os.environ.get(VARIABLE, ""))


def excess(name: str, value: int) -> str:
    """Nothing where `value` is within the limit `name`; else the end of a sentence that says so and how to raise it."""
    most = int(getattr(current(), name))
    return "" if value <= most else f"more than the limit of {most} ({VARIABLE}={name}={value} raises it)"

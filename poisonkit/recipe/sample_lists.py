"""Files that name samples: the exact set of `--ids`, the ranking of `--select`."""

from __future__ import annotations

import math
from pathlib import Path

from poisonkit.common.safe_io import read_text
from poisonkit.datasets import sample_id
from poisonkit.errors import RequestError


def read_ids(path: Path) -> tuple[str, ...]:
    """`--ids FILE`: one sample id a line, blank lines and # comments ignored."""
    names = tuple(dict.fromkeys(line for _, line in _lines(path)))
    if not names:
        raise RequestError(f"{path} names no sample.")
    return names


def read_ranking(path: Path) -> tuple[str, ...]:
    """`--select FILE`: `id<TAB>score` (or a comma) a line; ids, highest score first, ties in file order."""
    scored: list[tuple[float, str]] = []
    for number, line in _lines(path):
        name, _, text = line.rpartition("\t" if "\t" in line else ",")
        try:
            score = float(text)
        except ValueError:
            name = ""
        if not name.strip():
            raise RequestError(f"{path}, line {number}: expected 'id<TAB>score', found {line!r}.")
        if not math.isfinite(score):
            raise RequestError(f"{path}, line {number}: {text.strip()} is no score to rank by; give a finite number.")
        scored.append((score, name.strip()))
    if not scored:
        raise RequestError(f"{path} names no sample.")
    return tuple(dict.fromkeys(name for _, name in sorted(scored, key=lambda pair: -pair[0])))


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers from 1; ids in them as the dataset spells them."""
    try:
        text = read_text(path)
    except OSError as error:
        raise RequestError(f"Cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path} is not UTF-8 text.") from None
    lines = enumerate(text.split("\n"), 1)
    return [(n, sample_id(line.strip())) for n, line in lines if line.strip() and not line.startswith("#")]

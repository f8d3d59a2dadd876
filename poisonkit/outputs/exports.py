"""Which lists in an output `export` wrote there: they are poisonkit's own, and go when the output starts over."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from poisonkit.common import atomic
from poisonkit.common.safe_io import load_json, read_text, stays_inside
from poisonkit.outputs.paths import EXPORTED, HOME, VIEWS, OutputPaths


def _note(out: Path) -> Path:
    return OutputPaths(out).state / EXPORTED


def noted(out: Path) -> set[str]:
    """Paths of those lists, relative to the output."""
    try:
        found = load_json(read_text(_note(out)))
    except (OSError, ValueError):
        return set()
    names = [n for n in found if isinstance(n, str) and stays_inside(n)] if isinstance(found, list) else []
    return {n for n in names if "/" in n and n.partition("/")[0] not in (*VIEWS, HOME)}


def forget(out: Path, names: Iterable[str]) -> None:
    """They are not there any more."""
    atomic.write_lines(_note(out), [json.dumps(sorted(noted(out) - set(names)))])


def note(out: Path, names: Iterable[str]) -> None:
    """Remember that these are poisonkit's."""
    path = _note(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_lines(path, [json.dumps(sorted(noted(out) | set(names)))])

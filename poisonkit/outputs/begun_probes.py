"""Probe sets that were begun: until all of a kind are there, the output says so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from poisonkit.common import atomic
from poisonkit.common.safe_io import load_json, read_text
from poisonkit.outputs.paths import OutputPaths


@contextmanager
def begun(out: Path, kind: str, names: Sequence[str]) -> Iterator[None]:
    """Inside, the attack sets of a kind of probe are written; what ends it early leaves a mark that says so."""
    _keep(out, {**_known(out), kind: list(names)})
    yield
    _keep(out, {other: those for other, those in _known(out).items() if other != kind})


def half_written(out: Path) -> dict[str, tuple[str, ...]]:
    """Kind -> names of its attack sets that are not there, where some are."""
    there = {*OutputPaths(out).added()}
    missing = {kind: tuple(name for name in names if name not in there) for kind, names in _known(out).items()}
    return {kind: those for kind, those in missing.items() if 0 < len(those) < len(_known(out)[kind])}


def _known(out: Path) -> dict[str, list[str]]:
    try:
        found = load_json(read_text(OutputPaths(out).probing))
    except (OSError, ValueError):
        return {}
    rows = found.items() if isinstance(found, dict) else ()
    return {kind: [n for n in names if isinstance(n, str)] for kind, names in rows if isinstance(names, list)}


def _keep(out: Path, rows: dict[str, list[str]]) -> None:
    path = OutputPaths(out).probing
    if rows:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(path, json.dumps(rows, indent=2, sort_keys=True))
    else:
        path.unlink(missing_ok=True)


__all__ = ["begun", "half_written"]

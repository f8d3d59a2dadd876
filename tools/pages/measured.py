"""docs/triggers/measured.json: what each trigger's picture and survival figures were made of, and the figures.

A trigger's entry is good as long as its version and its defaults are what they were; where they changed, picture and
figures are made again. To make all of them again, run `python -m tools.pages --all`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from poisonkit import triggers
from poisonkit.errors import RequestError
from poisonkit.triggers.core.names import built_in
from poisonkit.triggers.core.trigger import Trigger
from tools.pages.blocks import ROOT

FILE = ROOT / "docs" / "triggers" / "measured.json"


@dataclass(frozen=True)
class Figure:
    """What one encoding left of a trigger. gain: mean over the clips; size: bytes, times the source's."""

    gain: float | None
    verdict: str
    size: float | None


@dataclass
class Entry:
    """version, defaults: of the trigger when its picture and figures were made. survival: encoding -> figure."""

    version: int
    defaults: dict[str, Any]
    survival: dict[str, Figure] = field(default_factory=dict)


def at_defaults(name: str, **params: Any) -> Trigger | None:
    """The trigger with nothing else said; None for one that needs a file."""
    try:
        return triggers.create(name, **params)
    except RequestError:
        return None


def measurable() -> dict[str, Trigger]:
    """Every built-in trigger that needs no file, at its defaults."""
    made = ((name, at_defaults(name)) for name in built_in())
    return {name: trigger for name, trigger in made if trigger is not None}


def blank(trigger: Trigger) -> Entry:
    """An entry of a trigger of which nothing has been measured."""
    made = json.loads(json.dumps(trigger.entry()))
    return Entry(made["version"], {**made["params"], "trigger_seed": made["trigger_seed"]})


def load() -> dict[str, Entry]:
    """The entries that are still good: of triggers that exist, with their present version and defaults."""
    known: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    good = {}
    for name, trigger in measurable().items():
        entry, now = known.get(name), blank(trigger)
        if entry and (entry["version"], entry["defaults"]) == (now.version, now.defaults):
            now.survival = {column: Figure(**figure) for column, figure in entry["survival"].items()}
            good[name] = now
    return good


def text(entries: dict[str, Entry]) -> str:
    """The file: a line for each trigger, so that a new one is one line of a diff."""
    lines = [f"{json.dumps(name)}: {json.dumps(asdict(entry))}" for name, entry in sorted(entries.items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"

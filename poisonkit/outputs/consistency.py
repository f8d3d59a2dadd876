"""Do recipe, plan and manifest of an output say the same?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poisonkit.datasets import feature_path, get_layout
from poisonkit.errors import RequestError, told
from poisonkit.outputs.forms import triggers_of
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record, rounded, sound_places
from poisonkit.plan.plan import Plan, Task
from poisonkit.recipe.recipe import fingerprint_of, read_mapping
from poisonkit.triggers.core import registry


@dataclass(frozen=True)
class Finding:
    """Something that is not as the manifest says. path: relative to the output."""

    path: str
    problem: str


@dataclass(frozen=True)
class Planned:
    """A planned part of an output. attack: its name where it was added later. recipe: as plain data."""

    attack: str | None
    recipe: Mapping[str, Any]
    plan: Plan

    def backdoor(self, task: Task) -> Mapping[str, Any]:
        """A task's backdoor as the recipe has it; empty where it has none such."""
        backdoors = self.recipe.get("backdoors")
        if task.backdoor is None or not isinstance(backdoors, list) or not 0 <= task.backdoor < len(backdoors):
            return {}
        found = backdoors[task.backdoor]
        return found if isinstance(found, dict) else {}


def read_parts(out: Path) -> tuple[list[Planned], list[Finding]]:
    """The dataset's plan and those of attack sets that came later, by name. RequestError for a broken plan.

    Their rows are read when they are gone through. A recipe that cannot be read is a finding, and stands there as an
    empty one.
    """
    paths = OutputPaths(out)
    parts: list[Planned] = []
    found: list[Finding] = []
    for attack in paths.parts():
        plan = Plan.opened(paths.plan(attack))
        path = paths.recipe(attack)
        name = path.relative_to(out).as_posix()
        try:
            recipe = read_mapping(path)
        except RequestError as error:
            found.append(Finding(name, f"it is no recipe any more: {told(error)}"))
            recipe = {}
        else:
            if _fingerprint(recipe) != plan.fingerprint:
                found.append(Finding(name, f"it is not the recipe that was planned with ({plan.fingerprint})"))
        parts.append(Planned(attack, recipe, plan))
    return parts, found


def _fingerprint(portable: Mapping[str, Any]) -> str | None:
    """`Recipe.fingerprint` of a saved recipe, without building anything that it names."""
    try:
        return fingerprint_of(portable)
    except (TypeError, ValueError):
        return None


def differences(row: Record, task: Task, part: Planned) -> Iterator[str]:
    """What a record does not say as the row of the plan, or the recipe, that it is of."""
    classes = part.plan.classes

    def named(label: int | None) -> str | None:
        return classes[label] if isinstance(label, int) and 0 <= label < len(classes) else None

    wanted = {name: value for name, value in task.row().items() if name in row} | {
        "also": list(task.linked_paths),
        "further": list(task.sample.extra_labels),
        "class_name": named(task.label),
        "original_class": named(task.original_label),
    }
    said: Mapping[str, object] = row
    heard: Mapping[str, object] = row.get("sound_file", {})
    places = sound_places(task) if task.sample.sound is not None else {}
    if {name: heard.get(name) for name in ("path", "also", "source_path") if heard} != places:
        yield f"sound_file is {dict(heard) or None!r}, planned was {places or None!r}"
    why = part.plan.unwritable.get(task.id) if task.role == "clean" else None
    if row.get("unwritable") != why:
        yield f"unwritable is {row.get('unwritable')!r}, planned was {why!r}"
    for field, value in wanted.items():
        if said[field] != value:
            yield f"{field} is {said[field]!r}, planned was {value!r}"
    triggered = task.role in ("poisoned", "cover", "attack")
    if part.recipe:
        entries = triggers_of(part.backdoor(task), task.role) if triggered else []
        mine = [{k: v for k, v in t.items() if k != "drawn"} for t in row["triggers"]]
        if _plain(mine) != _plain(entries):
            yield "its triggers are not the recipe's"
    if row["status"] not in ("ok", "failed", "inert"):
        yield f"status is {row['status']!r}, which no record has"
    if row["status"] == "ok":
        written = part.recipe.get("clean") == "reencode" and why is None
        made = task.role != "clean" or written or part.recipe.get("hash") == "all"
        for field in ("sha256", "source_sha256", "bytes") if made else ("bytes",):
            if said[field] is None:
                yield f"{field} is missing, so the file cannot be checked"
            if heard and heard[field] is None:
                yield f"{field} of its sound is missing, so the file cannot be checked"
        yield from _untriggered(row)
        yield from _features(row, task, part.plan.layout)


def _untriggered(row: Record) -> Iterator[str]:
    """A row that claims a trigger for a picture or a sound that it does not have."""
    touched = {registry.modality_of(entry["name"]) for entry in row["triggers"]}
    if "video" in touched and not (row["frames"] and any(a < b for a, b in row["poisoned_ranges"])):
        yield "it claims a trigger in the picture, and no frame carries one"
    if "audio" in touched and not row["samples"]:
        yield "it claims a trigger in the sound, and has no sound"


def _features(row: Record, task: Task, layout: str) -> Iterator[str]:
    """Every file has its features where the layout has such, and they are of its name and shape."""
    found = row["features"]
    if not get_layout(layout).features:
        if found is not None:
            yield f"it has features, and the layout '{layout}' has none"
        return
    also = [feature_path(name) for name in task.linked_paths]
    if found is None or (found["path"], found["also"]) != (feature_path(task.path), also):
        yield "its features are missing, or not the file that was planned"


def _plain(value: Any) -> Any:
    """Entries as the manifest writes them, without what is not set."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return rounded(value)

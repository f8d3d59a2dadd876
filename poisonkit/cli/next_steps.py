"""Commands to go on with, which run as they are printed: the modules that they need are found, and consented to."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from poisonkit.cli import screen
from poisonkit.engine.finishing.results import Summary
from poisonkit.outputs.paths import OutputPaths
from poisonkit.recipe.backdoor import Backdoor
from poisonkit.recipe.recipe import Recipe, read_mapping
from poisonkit.triggers.core.registry import code_folders, from_outside

_OTHER = {"static": "dynamic", "dynamic": "static"}


def next_steps(summary: Summary, recipe: Recipe) -> Iterator[str]:
    """What to do with an output that was just made."""
    out, first = screen.shown(summary.out), recipe.backdoors[0]
    yield with_code(summary.out, "verify", out, "--decode")
    yield screen.command("inspect", screen.shown(summary.out / "data"))
    another = _another_attack(first)
    if another and any(root.startswith(f"attack/{first.name}") for root in summary.annotations):
        yield with_code(summary.out, "attack", out, *another)
    else:
        lacking = {source for source, _ in (*summary.failed, *summary.inert)}
        written = [t for t in summary.plan.tasks if t.source_path not in lacking]
        for done in sorted(written, key=lambda t: t.role != "poisoned")[:1]:
            yield screen.command("identify", screen.shown(summary.out / done.path))


def _another_attack(backdoor: Backdoor) -> tuple[str, ...]:
    """Options of an attack set that can be added: half of the frames, or for sound the trigger's other form."""
    if not backdoor.triggers:
        return ()
    if "video" in backdoor.chain.touches:
        return ("--name", "half", "--attack-frames", "every:2")
    trigger = backdoor.triggers[0]
    other = _OTHER[trigger.temporal]
    needs = any(field.is_required() for field in type(trigger).model_fields.values())
    if len(backdoor.triggers) > 1 or other not in trigger.modes or needs:
        return ()
    return ("--name", other, "--trigger", f"{trigger.entry()['name']}:temporal={other}")


def with_code(out: Path, *words: str) -> str:
    """A command about an output that may import what its triggers are: with consent where they are code from outside,
    and with the folder that this lies in where Python would not find it."""
    modules = [name.partition(":")[0] for name in _trigger_names(out) if from_outside(name)]
    folders = {code_folders[m] for m in modules if m in code_folders} - {Path.cwd().resolve()}
    if not modules:
        return screen.command(*words)
    paths = os.pathsep.join(sorted(map(screen.shown, folders)))
    prefix = f"PYTHONPATH={shlex.quote(paths)}${{PYTHONPATH:+:$PYTHONPATH}} " if folders else ""
    return prefix + screen.command(*words, "--allow-code")


def _trigger_names(out: Path) -> Iterator[str]:
    """Of all triggers in an output's recipes, as these name them; nothing is imported."""
    paths = OutputPaths(out)
    for part in paths.parts():
        for backdoor in read_mapping(paths.recipe(part))["backdoors"]:
            for name in ("triggers", "attack_triggers"):
                yield from (str(trigger["name"]) for trigger in backdoor.get(name) or ())

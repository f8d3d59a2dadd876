"""What triggers are called, and where they are found by name. Nothing of a trigger is imported here.

`lamp-flicker` is the one Trigger class of `poisonkit/triggers/<family>/lamp_flicker.py`; an installed package registers
its own through the entry point group `poisonkit.triggers`.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from poisonkit.triggers.core.trigger import Trigger

FAMILIES = ("image", "temporal", "lighting", "audio", "imported")
GROUP = "poisonkit.triggers"
_TRIGGERS = Path(__file__).parents[1]


@cache
def built_in() -> dict[str, str]:
    """Name -> module of every built-in trigger, in the order of the families; imports none of them."""
    found: dict[str, str] = {}
    for family in FAMILIES:
        for module in pkgutil.iter_modules([str(_TRIGGERS / family)]):
            if not module.ispkg and not module.name.startswith("_"):
                found[module.name.replace("_", "-")] = f"{GROUP}.{family}.{module.name}"
    return found


def plugins() -> dict[str, EntryPoint]:
    """Name -> entry point of every trigger that an installed package registers. Built-in names win."""
    found = sorted(entry_points(group=GROUP), key=lambda e: (e.name, e.value))
    return {e.name: e for e in found if e.name not in built_in()}


def names() -> list[str]:
    """Names of all triggers, built-in and registered; imports none of them."""
    return [*built_in(), *plugins()]


def present(cls: type[Trigger]) -> type[Trigger]:
    """The class of a trigger's present version, of that of any of its versions."""
    parent: Any = cls.__base__
    while getattr(parent, "name", None) == getattr(cls, "name", "") and parent.version > cls.version:
        cls, parent = parent, parent.__base__
    return cls


def reference(cls: type[Trigger]) -> str:
    """What `get` finds the class by: its registered name, else `package.module:Class`.

    Of an earlier version's class: what finds the present one.
    """
    cls = present(cls)
    if built_in().get(cls.name) == cls.__module__:
        return cls.name
    place = vars(cls).get("_known_as") or f"{cls.__module__}:{cls.__qualname__}"
    plugin = plugins().get(cls.name)
    return cls.name if plugin is not None and plugin.value == place else place

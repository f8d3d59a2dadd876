"""Triggers: arrays in, arrays out; no codec, no datasets.

    create("blend", alpha=0.15).apply(frames)

Importing this package loads no NumPy, OpenCV or trigger; each trigger's module is imported when asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from poisonkit.triggers.core.registry import all_triggers, get, names
from poisonkit.triggers.core.spec import Parameter, create, from_entry, parameters, parse

if TYPE_CHECKING:
    from poisonkit.triggers.core.affine import Affine, Mix, Screen
    from poisonkit.triggers.core.chain import Chain
    from poisonkit.triggers.core.clip import ClipInfo
    from poisonkit.triggers.core.trigger import (
        AffineTrigger,
        AudioTrigger,
        FrameTrigger,
        StreamTrigger,
        Trigger,
        VideoTrigger,
        param,
    )

__all__ = [
    "Affine",
    "AffineTrigger",
    "AudioTrigger",
    "Chain",
    "ClipInfo",
    "FrameTrigger",
    "Mix",
    "Parameter",
    "Screen",
    "StreamTrigger",
    "Trigger",
    "VideoTrigger",
    "all_triggers",
    "create",
    "from_entry",
    "get",
    "names",
    "param",
    "parameters",
    "parse",
]


_WHERE = {"Affine": "affine", "Mix": "affine", "Screen": "affine", "Chain": "chain", "ClipInfo": "clip"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"poisonkit.triggers.core.{_WHERE.get(name, 'trigger')}"), name)

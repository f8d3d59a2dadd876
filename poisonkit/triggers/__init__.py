"""Triggers: arrays in, arrays out; no codec, no datasets.

    create("blend", alpha=0.15).apply(frames)

Importing this package loads no NumPy, OpenCV or trigger; each trigger's module is imported when asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from poisonkit.triggers.registry import all_triggers, get, names
from poisonkit.triggers.spec import Parameter, create, from_entry, parameters, parse

if TYPE_CHECKING:
    from poisonkit.triggers.base import (
        Affine,
        AffineTrigger,
        AudioTrigger,
        ClipInfo,
        FrameTrigger,
        Mix,
        Screen,
        StreamTrigger,
        Trigger,
        VideoTrigger,
        param,
    )
    from poisonkit.triggers.compose import Chain

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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "Chain":
        from poisonkit.triggers import compose

        return compose.Chain
    from poisonkit.triggers import base

    return getattr(base, name)

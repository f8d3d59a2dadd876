"""poisonkit: poisoned copies of video and audio datasets, with ground truth proven by decoding them.

import poisonkit
poisonkit.poison(poisonkit.Recipe(source="clips", triggers=["blend:alpha=0.15"], rate=0.1))
poisonkit.triggers.create("sine", snr=20).apply(wave, sample_rate=16000)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from poisonkit._version import __version__
from poisonkit.common import clip_decoder, opencv

if TYPE_CHECKING:
    from poisonkit import datasets, media, triggers
    from poisonkit.api import Backdoor, Plan, Recipe, Summary, attack, make_plan, merge, poison
    from poisonkit.errors import Interrupted, MediaError, PoisonkitError, RequestError
    from poisonkit.exporting import export
    from poisonkit.recipe.sweep import read_sweep
    from poisonkit.sampledata import write_sample_data
    from poisonkit.scoring import Scores, score
    from poisonkit.verification.verify import verify

_HOMES = {
    **dict.fromkeys(
        ("Backdoor", "Plan", "Recipe", "Summary", "attack", "make_plan", "merge", "poison"), "poisonkit.api"
    ),
    **dict.fromkeys(("Interrupted", "MediaError", "PoisonkitError", "RequestError"), "poisonkit.errors"),
    **dict.fromkeys(("Scores", "score"), "poisonkit.scoring"),
    "export": "poisonkit.exporting",
    "read_sweep": "poisonkit.recipe.sweep",
    "verify": "poisonkit.verification.verify",
    "write_sample_data": "poisonkit.sampledata",
}
_ROOMS = ("datasets", "media", "triggers")

__all__ = [
    "Backdoor",
    "Interrupted",
    "MediaError",
    "Plan",
    "PoisonkitError",
    "Recipe",
    "RequestError",
    "Scores",
    "Summary",
    "__version__",
    "attack",
    "datasets",
    "export",
    "make_plan",
    "media",
    "merge",
    "poison",
    "read_sweep",
    "score",
    "triggers",
    "verify",
    "write_sample_data",
]


clip_decoder.hand_in(lambda: importlib.import_module("poisonkit.media.imported"))


def __getattr__(name: str) -> Any:
    """Load on first use: `import poisonkit` stays quick."""
    if name in _ROOMS:
        return importlib.import_module(f"poisonkit.{name}")
    if name in _HOMES:
        opencv.require()
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'poisonkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

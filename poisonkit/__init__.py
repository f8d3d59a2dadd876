"""poisonkit: poisoned copies of video and audio datasets, with ground truth proven by decoding them.

import poisonkit
poisonkit.poison(poisonkit.Recipe(source="clips", triggers=["blend:alpha=0.15"], rate=0.1))
poisonkit.triggers.create("sine", snr=20).apply(wave, sample_rate=16000)
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from poisonkit._version import __version__
from poisonkit.common import clip_decoder, opencv

if TYPE_CHECKING:
    from poisonkit import datasets, media, transforms, triggers
    from poisonkit.api import (
        Backdoor,
        Estimate,
        Plan,
        Recipe,
        Summary,
        attack,
        brightness,
        estimate,
        inspect,
        make_plan,
        merge,
        poison,
        preview,
        report,
        run,
        shortcuts,
        survive,
    )
    from poisonkit.cleansing import Cleansed, cleanse
    from poisonkit.comparing import diff
    from poisonkit.detection import Detection, detect
    from poisonkit.errors import Interrupted, MediaError, PoisonkitError, RequestError
    from poisonkit.exporting import export
    from poisonkit.outputs.manifest import Manifest, read_manifest
    from poisonkit.probing import Probed, probe
    from poisonkit.recipe.presets import recipes
    from poisonkit.recipe.sample_lists import read_ids, read_ranking, read_spans
    from poisonkit.recipe.sweep import read_sweep
    from poisonkit.restoring import restore
    from poisonkit.sampledata import write_sample_data as sample_data
    from poisonkit.scoring import Scores, ScoreTable, score, score_table
    from poisonkit.verification.identifying import identify
    from poisonkit.verification.verify import verify

logging.getLogger("poisonkit").addHandler(logging.NullHandler())  # said to those who ask, as libraries do

_API = """
    Backdoor Estimate Plan Recipe Summary attack brightness estimate inspect make_plan merge poison preview report run
    shortcuts survive
"""
_HOMES = {
    **dict.fromkeys(_API.split(), "poisonkit.api"),
    **dict.fromkeys(("Interrupted", "MediaError", "PoisonkitError", "RequestError"), "poisonkit.errors"),
    **dict.fromkeys(("Manifest", "read_manifest"), "poisonkit.outputs.manifest"),
    **dict.fromkeys(("Cleansed", "cleanse"), "poisonkit.cleansing"),
    **dict.fromkeys(("Detection", "detect"), "poisonkit.detection"),
    **dict.fromkeys(("Probed", "probe"), "poisonkit.probing"),
    **dict.fromkeys(("ScoreTable", "Scores", "score", "score_table"), "poisonkit.scoring"),
    **dict.fromkeys(("read_ids", "read_ranking", "read_spans"), "poisonkit.recipe.sample_lists"),
    "diff": "poisonkit.comparing",
    "export": "poisonkit.exporting",
    "identify": "poisonkit.verification.identifying",
    "verify": "poisonkit.verification.verify",
    "read_sweep": "poisonkit.recipe.sweep",
    "restore": "poisonkit.restoring",
    "recipes": "poisonkit.recipe.presets",
    "sample_data": "poisonkit.sampledata",
}
_CALLED = {"sample_data": "write_sample_data"}
_ROOMS = ("datasets", "media", "transforms", "triggers")

__all__ = [
    "Backdoor",
    "Cleansed",
    "Detection",
    "Estimate",
    "Interrupted",
    "Manifest",
    "MediaError",
    "Plan",
    "PoisonkitError",
    "Probed",
    "Recipe",
    "RequestError",
    "ScoreTable",
    "Scores",
    "Summary",
    "__version__",
    "attack",
    "brightness",
    "cleanse",
    "datasets",
    "detect",
    "diff",
    "estimate",
    "export",
    "identify",
    "inspect",
    "make_plan",
    "media",
    "merge",
    "poison",
    "preview",
    "probe",
    "read_ids",
    "read_manifest",
    "read_ranking",
    "read_spans",
    "read_sweep",
    "recipes",
    "report",
    "restore",
    "run",
    "sample_data",
    "score",
    "score_table",
    "shortcuts",
    "survive",
    "transforms",
    "triggers",
    "verify",
]


clip_decoder.hand_in(lambda: importlib.import_module("poisonkit.media.imported"))


def __getattr__(name: str) -> Any:
    """Load on first use: `import poisonkit` stays quick."""
    if name in _ROOMS:
        return importlib.import_module(f"poisonkit.{name}")
    if name in _HOMES:
        opencv.require()
        return getattr(importlib.import_module(_HOMES[name]), _CALLED.get(name, name))
    raise AttributeError(f"module 'poisonkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

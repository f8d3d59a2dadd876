"""`python -m tools.preset_digests [NAME…]`: the output digests of presets with sample data, as the package ships them.

Without names: of those that have none yet. Each preset is run on `poisonkit sample-data` (sound alone: `--kind audio`).
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

import av
import cv2
import numpy
import soundfile

import poisonkit
from poisonkit.common import atomic
from poisonkit.recipe.presets import DIGESTS, LIBRARY, Preset

COMMANDS = {"av": "poisonkit sample-data DIR", "audio": "poisonkit sample-data DIR --kind audio"}
WITHOUT = {
    "ultrasonic": "sample data have 16 kHz",
    "ultrasonic-sizes": "sample data have 16 kHz",
    "style-chains": "a sweep: an output for each chain",
    "tdba": "sample data have 160x120 pixels, and its coefficients need 219x207",
    "tdba-strong": "sample data have 160x120 pixels, and its coefficients need 219x207",
}
"""Presets that have no digest, and why."""


def made_with() -> dict[str, str]:
    """What decides the bytes beside the recipe: the libraries that read, write and compute, and the processor."""
    found = {module.__name__: str(module.__version__) for module in (av, cv2, numpy, soundfile)}
    return {"machine": platform.machine(), **found}


def kind_of(preset: Preset) -> str:
    """Which sample data a preset takes: clips with sound, or for triggers in the sound alone recordings."""
    recipe = next(iter(poisonkit.read_sweep(preset.path).values()))
    touched = {medium for backdoor in recipe.backdoors for medium in backdoor.chain.touches}
    return "audio" if touched == {"audio"} else "av"


def digest_of(preset: Preset, sources: Path, scratch: Path, jobs: int = 1) -> str:
    """SHA-256 over the manifest of what a preset makes of the sample data. sources: a folder for them, kept."""
    kind: Any = kind_of(preset)
    source = sources / kind
    if not source.exists():
        poisonkit.sample_data(source, kind=kind)
    out = scratch / preset.name
    (made,) = poisonkit.run(preset.name, source, out=out, jobs=jobs).values()
    assert not made.failed, made.failed
    return hashlib.sha256((out / "poisonkit" / "manifest.jsonl").read_bytes()).hexdigest()


def main() -> None:
    place = LIBRARY / DIGESTS
    known: dict[str, Any] = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {"digests": {}}
    known["made_with"] = made_with()
    presets = poisonkit.recipes()
    names = sys.argv[1:] or [name for name in presets if name not in known["digests"] and name not in WITHOUT]
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            preset = presets[name]
            found = digest_of(preset, Path(folder, "sources"), Path(folder, "outputs"))
            known["digests"][name] = {"data": COMMANDS[kind_of(preset)], "manifest_sha256": found}
            known["digests"] = {name: known["digests"][name] for name in presets if name in known["digests"]}
            known["not_yet"] = [name for name in presets if name not in known["digests"] and name not in WITHOUT]
            atomic.write_text(place, json.dumps(known, indent=1))
            sys.stdout.write(f"{name}: {found}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

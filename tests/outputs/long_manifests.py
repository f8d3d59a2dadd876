"""Outputs that fill most columns of their manifests late: more than a hundred clean samples come before all else.

Plain Python's view of what such a manifest holds: each field, and of which types its values are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import soundfile

import poisonkit
from tests.media_factory import make_audio, make_video
from tests.runs import make

KINDS = ("videos", "sounds", "both")
make_long = partial(make, survival="all", seed=1)


def _clips(root: Path, kind: str) -> Path:
    """Two classes, 110 clips for training, 8 of the second class for tests; of sounds the last is silent."""
    number = 0
    for split, name, count in (("train", "a", 55), ("train", "b", 55), ("test", "b", 8)):
        folder = root / split / name
        folder.mkdir(parents=True)
        for i in range(count):
            number += 1
            if kind == "sounds":
                make_audio(folder / f"{i:03d}.wav", seconds=0.3, seed=number)
            else:
                make_video(folder / f"{i:03d}.mp4", frames=6, size=(48, 32), audio=kind == "both", seed=number)
    if kind == "sounds":
        soundfile.write(root / "test" / "b" / "007.wav", [0.0] * 4800, 16000)
    return root


def long(root: Path, kind: str) -> Path:
    """The copy, with control files, attack sets of other triggers and, of sounds, one that is inert."""
    source, out = _clips(root / kind, kind), root / f"{kind}-poisoned"
    common = {"count": 2, "control": 2, "attack_limit": 8 if kind == "sounds" else 2, "target": 0}
    attack = partial(poisonkit.attack, out, limit=2, jobs=1)
    if kind == "videos":
        make_long(source, out, triggers=["adaptive-patch"], cover_rate=0.02, **common)
        attack("fast", trigger="speed:rate=2,length=change")  # `source_length`; and a `length` that is a text
        attack("blurred", trigger="motion-blur")  # a `length` that is a number
        attack("placed", trigger="badnets:position=[0.2,0.3]")
        attack("named", trigger="badnets:position=left")
    elif kind == "sounds":
        make_long(source, out, triggers=["sine:snr=10"], **common)
        attack("longer", trigger="silence-padding:length=change")
        attack("voices", trigger="audio-blend")
    else:
        make_long(source, out, triggers=["rotate-shift", "tone-burst"], **common)  # `edge`: a text, and a number
        attack("smooth", trigger="rotate-shift:edge=black")
    return out


def lines(out: Path) -> list[Any]:
    """The manifest's rows as they stand there."""
    text = (out / "poisonkit" / "manifest.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def filled(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(field, type) of everything in a value that is not null; a list's items are one field."""
    if value is not None:
        yield path, type(value).__name__
    if isinstance(value, dict):
        for name, each in value.items():
            yield from filled(each, f"{path}.{name}")
    if isinstance(value, list):
        for each in value:
            yield from filled(each, f"{path}[]")

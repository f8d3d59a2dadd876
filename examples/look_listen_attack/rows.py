"""The rows of the table: the attack families of "Look, Listen and Attack", every trigger at its default."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MODELS = ("small", "frames", "large")
"""Kinds of models, as models.py has them."""

PAIRED = ("badnets", "blend", "sig", "wanet", "ftrojan")
NATURAL = ("frame-lag", "video-corruption", "motion-blur")
SOUNDS = ("sine", "band-noise")
PICTURE, SOUND = "badnets", "sine"
"""What the audiovisual rows put into the picture and into the sound."""


@dataclass(frozen=True)
class Row:
    """One line. kind: which model: `picture`, `sound`, `late` or `early` (two streams).

    encode, clean, rate: as a recipe has them. tested: the other rows whose attack sets the models are tested on.
    """

    name: str
    kind: str
    triggers: tuple[str, ...]
    temporal: str = "static"
    encode: str = "match"
    clean: str = "reencode"
    tested: tuple[str, ...] = ()
    rate: float = 0.1

    @property
    def output(self) -> str:
        """The output that it trains on; fusions share theirs."""
        return self.name.removeprefix("late-").removeprefix("early-")

    @property
    def medium(self) -> str:
        """What the source needs: `picture`, `sound` or `both`."""
        return self.kind if self.kind in ("picture", "sound") else "both"


def _picture() -> list[Row]:
    rows = [Row(f"{name}-{mode}", "picture", (name,), mode) for name in PAIRED for mode in ("static", "dynamic")]
    rows += [
        Row(f"ftrojan-{mode}-lossless", "picture", ("ftrojan",), mode, encode="lossless")
        for mode in ("static", "dynamic")
    ]
    rows += [Row(f"{name}-static", "picture", (name,)) for name in NATURAL]
    linked = [Row(f"{r.name}-linked", "picture", r.triggers, r.temporal, r.encode, clean="hardlink") for r in rows]
    return rows + linked


def _audiovisual() -> list[Row]:
    poisons = {"picture": (PICTURE,), "sound": (SOUND,), "both": (PICTURE, SOUND)}
    names = tuple(f"av-{name}" for name in poisons)
    return [
        Row(f"{fusion}-av-{name}", fusion, triggers, tested=names)
        for fusion in ("late", "early")
        for name, triggers in poisons.items()
    ]


ROWS = [
    *(Row(f"{name}-{mode}", "sound", (name,), mode) for name in SOUNDS for mode in ("static", "dynamic")),
    *_picture(),
    *_audiovisual(),
]


def of_one(spec: str, temporal: str, rates: Iterable[float], encode: str, clean: str) -> list[Row]:
    """Rows of a trigger with parameters of one's own, `wanet:s=1`: one for each rate."""
    from poisonkit import triggers

    kind = "sound" if triggers.get(spec.partition(":")[0]).modality == "audio" else "picture"
    named = re.sub(r"[^A-Za-z0-9.-]+", "_", spec)
    rows = []
    for rate in rates:
        words = [named, temporal, "" if encode == "match" else encode.replace(":", "_")]
        words += ["" if rate == 0.1 else f"rate{100 * rate:g}", "linked" if clean == "hardlink" else ""]
        rows.append(Row("-".join(filter(None, words)), kind, (spec,), temporal, encode, clean, rate=rate))
    return rows


def catalogue() -> list[Row]:
    """Every built-in trigger that needs no file, at its default, in each of its forms: `--catalogue`."""
    from poisonkit import triggers
    from poisonkit.triggers.core.names import built_in

    found = []
    for name in built_in():
        cls = triggers.get(name)
        if any(field.is_required() for field in cls.model_fields.values()):
            continue
        kind = "sound" if cls.modality == "audio" else "picture"
        found += [Row(f"{name}-{mode}", kind, (name,), mode) for mode in cls.modes]
    return found

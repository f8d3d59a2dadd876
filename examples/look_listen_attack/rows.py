"""The rows of the table: the attack families of "Look, Listen and Attack", every trigger at its default."""

from __future__ import annotations

from dataclasses import dataclass

PAIRED = ("badnets", "blend", "sig", "wanet", "ftrojan")
NATURAL = ("frame-lag", "video-corruption", "motion-blur")
SOUNDS = ("sine", "band-noise")
PICTURE, SOUND = "badnets", "sine"
"""What the audiovisual rows put into the picture and into the sound."""


@dataclass(frozen=True)
class Row:
    """One line. kind: which model: `picture`, `sound`, `late` or `early` (two streams).

    encode, clean: as a recipe has them. tested: the other rows whose attack sets the models are tested on.
    """

    name: str
    kind: str
    triggers: tuple[str, ...]
    temporal: str = "static"
    encode: str = "match"
    clean: str = "reencode"
    tested: tuple[str, ...] = ()

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

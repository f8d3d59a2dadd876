"""Which probe sets there are: what is done to a clip, copy by copy, on top of the attack's own triggers or alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from poisonkit.triggers.probes.corruption import Name as Corruptions

CORRUPTIONS: tuple[str, ...] = get_args(Corruptions)
Entry = dict[str, Any]
"""A trigger as recipes write it: name, params, trigger_seed."""

WORD = "probe"
CLEAN = "clean"
"""Probe sets are called `probe.KIND.GROUP.LEVEL`, and the same of clips without the attack's triggers `….clean`."""

SHUFFLE = "poisonkit.triggers.probes.frame_shuffle:FrameShuffle"
CORRUPTION = "poisonkit.triggers.probes.corruption:Corruption"
RESAMPLE = "poisonkit.triggers.probes.resample:Resample"


@dataclass(frozen=True)
class Copy:
    """One copy of every clip. group: what is done (a corruption, say); level: which of them, from 1."""

    kind: str
    group: str
    level: int
    triggers: tuple[Entry, ...] = ()

    def name(self, clean: bool) -> str:
        """Of its attack set."""
        return f"{WORD}.{self.kind}.{self.group}.{self.level}" + (f".{CLEAN}" if clean else "")


@dataclass(frozen=True)
class Kind:
    """A probe. score: which score `detect` makes of predictions of it; copies: whether their number can be chosen."""

    name: str
    modality: Literal["video", "audio", "either"]
    score: Literal["entropy", "consistency", "deviation"]
    what: str
    copies: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("strip", "either", "entropy", "half of it a clean held-out clip's middle frame, or sound", copies=True),
        Kind("scale-up", "video", "consistency", "every level times 3, 5, 7, 9 and 11"),
        Kind("teco", "video", "deviation", "fourteen of ImageNet-C's fifteen corruptions at five severities"),
        Kind("frame-shuffle", "video", "consistency", "frames in another order within 16", copies=True),
        Kind("frame-drop", "video", "consistency", "frames dropped, the one before held: 2, 3 and 4 frames on average"),
        Kind("reencode", "video", "consistency", "H.264 at crf 28, 36 and 44"),
        Kind("noise", "audio", "consistency", "noise from 50 Hz to 3.9 kHz at an SNR of 20, 10 and 0 dB"),
        Kind("resample", "audio", "consistency", "at a half and a quarter of the sample rate, and back"),
        Kind("mp3", "audio", "consistency", "MP3 at 64 and 32 kbit/s"),
    )
}


def entry(name: str, seed: int = 0, **params: Any) -> Entry:
    """A trigger's entry."""
    return {"name": name, "params": params, **({"trigger_seed": seed} if seed else {})}


def _times(*factors: float) -> tuple[Entry, ...]:
    """Levels times the product, rounded once: all but the last factor are whole numbers."""
    return tuple(entry("contrast", factor=f, pivot=0) for f in factors)


_SCALES: Sequence[tuple[float, ...]] = ((3,), (4, 1.25), (4, 1.75), (3, 3), (4, 2.75))
TECO: dict[str, Sequence[Entry]] = {
    **{name: [entry(CORRUPTION, corruption=name, severity=n) for n in range(1, 6)] for name in CORRUPTIONS},
    "jpeg": [entry("compression", quality=q) for q in (25, 18, 15, 10, 7)],
}
_LEVELS: dict[str, Sequence[tuple[Entry, ...]]] = {
    "scale-up": [_times(*factors) for factors in _SCALES],
    "frame-drop": [(entry("frame-lag", hold=n, temporal="dynamic"),) for n in (2, 3, 4)],
    "reencode": [(entry("compression", through="h264", crf=crf),) for crf in (28, 36, 44)],
    "noise": [(entry("band-noise", low=50, high=3900, snr=snr),) for snr in (20, 10, 0)],
    "resample": [(entry(RESAMPLE, share=s),) for s in (0.5, 0.25)],
    "mp3": [(entry("mp3", bit_rate=rate),) for rate in (64, 32)],
}


def copies_of(kind: Kind, number: int) -> list[Copy]:
    """The copies of a kind; of STRIP's, what is superimposed is still to be found. number: where it can be chosen."""
    if kind.name == "strip":
        return [Copy(kind.name, "clip", i) for i in range(1, number + 1)]
    if kind.name == "frame-shuffle":
        return [Copy(kind.name, "order", i, (entry(SHUFFLE, seed=i, size=16),)) for i in range(1, number + 1)]
    if kind.name == "teco":
        return [Copy("teco", c, i, (each,)) for c, entries in TECO.items() for i, each in enumerate(entries, 1)]
    return [Copy(kind.name, "level", i, each) for i, each in enumerate(_LEVELS[kind.name], 1)]


def parse(name: str) -> tuple[Copy, bool] | None:
    """The copy that an attack set is of, by its name, and whether it is of clean clips; None for any other set."""
    word, *rest = name.split(".")
    if word != WORD or len(rest) not in (3, 4) or rest[0] not in KINDS or not rest[2].isdecimal():
        return None
    if len(rest) == 4 and rest[3] != CLEAN:
        return None
    return Copy(rest[0], rest[1], int(rest[2])), len(rest) == 4

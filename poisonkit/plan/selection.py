"""Candidates: what is known of one once it has been opened, how they are ranked, which of them a backdoor took.

Selection: key = blake2b-64 of (seed, purpose, id); the n smallest keys are taken, so that the 1 % set lies
inside the 5 % set inside the 10 % set, whatever the order of the source. n = floor(rate · N + 0.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal

import numpy as np

from poisonkit.common.seeding import keys64
from poisonkit.datasets import Sample
from poisonkit.plan.plan import Choice
from poisonkit.recipe.backdoor import Backdoor
from poisonkit.triggers.core.clip import ClipInfo


@dataclass(frozen=True)
class Examined:
    """What is known of a candidate once it has been opened.

    clip: None when it cannot be opened; then `problem` says why. blocked: by modality (`video`, `audio`), why it
    cannot be rewritten where a trigger touches that one, with the option that would help; without those that can.
    """

    sample: Sample
    clip: ClipInfo | None
    problem: str = ""
    blocked: Mapping[str, str] = field(default_factory=dict)


Examine = Callable[[Iterable[Sample]], Iterator[Examined]]
"""Opens candidates one after another (ahead in parallel if it likes), in the order given."""


def number(rate: float, total: int) -> int:
    """n = floor(rate · N + 0.5), exactly: 0.145 of 100 is 15, whatever binary fractions make of it."""
    exact = Decimal(repr(rate)) * total + Decimal("0.5")
    return int(exact.to_integral_value(rounding=ROUND_FLOOR))


def ranked(samples: Iterable[Sample], seed: int, purpose: str) -> list[Sample]:
    """Samples by their selection key, smallest first (ties, one in 2⁶⁴, by id)."""
    pool = list(samples)
    key = keys64(seed, purpose)
    keys = np.fromiter((key(s.id) for s in pool), np.uint64, len(pool))
    order = np.argsort(keys, kind="stable")
    if (np.diff(keys[order]) == 0).any():
        return sorted(pool, key=lambda s: (key(s.id), s.id))
    return [pool[i] for i in order.tolist()]


@dataclass
class Chosen:
    """What a backdoor took, and of what."""

    backdoor: Backdoor
    index: int
    target: int
    sources: frozenset[int]
    order: list[Sample]
    taken: list[Sample]
    covers: dict[str, str | None]  # id -> the other sample that its method needs
    choice: Choice
    unfit: set[str] = field(default_factory=set)  # ids of clips that were opened and do not suit this backdoor

    def maps_to(self, label: int, classes: int) -> int:
        """The label that a sample of this label is given. classes: their number."""
        return (label + 1) % classes if self.backdoor.label_mode == "all-to-all" else self.target

    def attackable(self, sample: Sample) -> bool:
        """Whether a held-out sample can be attacked: none of its classes is the target (all-to-all: it has one)."""
        if self.backdoor.label_mode == "all-to-all" or not sample.labels:
            return bool(sample.labels)
        source = self.backdoor.label_mode != "source" or not self.sources.isdisjoint(sample.labels)
        return source and self.target not in sample.labels

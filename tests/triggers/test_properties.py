"""Every registered trigger keeps the contract; a trigger without a line in the table fails here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from poisonkit.triggers import get
from poisonkit.triggers.core.names import built_in
from poisonkit.triggers.core.trigger import Trigger
from poisonkit.triggers.testing import (
    CHECKS,
    Case,
    Media,
    check_deterministic,
    correlation,
    digest,
    digests_elsewhere,
    follows_canvas,
)

from .table import CASES

RUNS = [
    pytest.param(case.trigger(get(name), mode), case.media, id=f"{name}-{i}-{mode}")
    for name in CASES
    if name in built_in()
    for i, case in enumerate(CASES[name])
    for mode in get(name).modes
]
HERE: dict[int, str] = {}
"""Digests of what was rendered on the way."""


def test_every_trigger_is_in_the_table() -> None:
    assert set(CASES) == set(built_in()), "tests/triggers/table.py must have one line for each trigger"
    assert list(CASES) == sorted(CASES)
    assert all(CASES.values())


NATIVE = {
    "compression": "blocks of the codec are 8 or 16 pixels of whatever it is given",
    "low-light": "grain is one sample's, and averaged it would not be a photon's",
    "replace": "the file has one size",
    "video-corruption": "the damage is that of slices of a stream of that size",
}
"""Triggers that are another thing at another size, and why."""


def test_every_trigger_is_the_same_at_every_size_or_says_why_not() -> None:
    """Those that scale are compared at two sizes by `check_canvas`, in each mode; this looks that none is left out."""
    scaled = {(t.name, t.temporal) for run in RUNS for t in run.values[:1] if follows_canvas(t)}
    for name in built_in():
        cls = get(name)
        relative = "canvas" in cls.model_fields or any(
            "short side" in str((info.json_schema_extra or {}).get("unit", "")) for info in cls.model_fields.values()
        )
        assert bool(cls.follows_canvas) or not relative, f"{name} has sizes, and does not say that they scale"
        if cls.follows_canvas:
            assert {(name, mode) for mode in cls.modes} <= scaled, f"{name} is not compared at two sizes"
        elif cls.modality == "video" and name not in NATIVE:
            assert correlation(Case().trigger(cls, "static"), Media(), frames=4) > 0.9, name


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize(("trigger", "media"), RUNS)
def test_property(trigger: Trigger, media: Media, check: Callable[[Trigger, Media], None]) -> None:
    check(trigger, media)
    if check is check_deterministic:
        HERE[id(trigger)] = digest(trigger, media)


def test_other_processes_give_the_same_results() -> None:
    work = [tuple(run.values) for run in RUNS]
    there = digests_elsewhere(work)
    assert there == [HERE.get(id(trigger)) or digest(trigger, media) for trigger, media in work]

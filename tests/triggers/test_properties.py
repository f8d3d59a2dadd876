"""Every built-in trigger keeps the contract; one that has no test of its own fails here."""

from __future__ import annotations

import pytest

from poisonkit.triggers import get
from poisonkit.triggers.core.names import built_in
from poisonkit.triggers.core.trigger import Trigger
from poisonkit.triggers.testing import (
    CHECKS,
    Case,
    Media,
    correlation,
    digest,
    digests_elsewhere,
    follows_canvas,
)

from .declared import CASES, MISSING, said

RUNS = [
    pytest.param(case.trigger(get(name), mode), case.media, id=f"{name}-{i}-{mode}")
    for name in CASES
    for i, case in enumerate(CASES[name])
    for mode in get(name).modes
]
HERE: dict[int, str] = {}
"""Digests of what was rendered on the way."""


def test_every_trigger_has_a_test_of_its_own() -> None:
    assert not MISSING, f"these tests are missing in tests/triggers: {MISSING}"
    assert all(CASES.values())


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
        elif cls.modality == "video" and name not in said("ONE_SIZE"):
            same = correlation(Case().trigger(cls, cls.modes[0]), Media(), frames=4)
            assert same > 0.9, f"{name} differs by size: say in ONE_SIZE of its test why"


@pytest.mark.parametrize(("trigger", "media"), RUNS)
def test_properties(trigger: Trigger, media: Media) -> None:
    """All in one test, since twelve of each would take longer to begin than to check; all that fail are named."""
    failed = []
    for check in CHECKS:
        try:
            check(trigger, media)
        except AssertionError as error:
            failed.append(f"{check.__name__}: {error}")
    assert not failed, "\n".join(failed)
    HERE[id(trigger)] = digest(trigger, media)


def test_other_processes_give_the_same_results() -> None:
    work = [tuple(run.values) for run in RUNS]
    there = digests_elsewhere(work)
    assert there == [HERE.get(id(trigger)) or digest(trigger, media) for trigger, media in work]

"""Every registered trigger keeps the contract; a trigger without a line in the table fails here."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from poisonkit.triggers import get
from poisonkit.triggers.base import Trigger
from poisonkit.triggers.registry import built_in
from poisonkit.triggers.testing import CHECKS, Media, digest, digests_elsewhere

from .table import CASES

RUNS = [
    pytest.param(case.trigger(get(name), mode), case.media, id=f"{name}-{i}-{mode}")
    for name in CASES
    if name in built_in()
    for i, case in enumerate(CASES[name])
    for mode in get(name).modes
]


def test_every_trigger_is_in_the_table() -> None:
    assert set(CASES) == set(built_in()), "tests/triggers/table.py must have one line for each trigger"
    assert list(CASES) == sorted(CASES)
    assert all(CASES.values())


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__.removeprefix("check_"))
@pytest.mark.parametrize(("trigger", "media"), RUNS)
def test_property(trigger: Trigger, media: Media, check: Callable[[Trigger, Media], None]) -> None:
    check(trigger, media)


def test_other_processes_give_the_same_results() -> None:
    work = [tuple(run.values) for run in RUNS]
    there = digests_elsewhere(work)
    assert there == [digest(trigger, media) for trigger, media in work]

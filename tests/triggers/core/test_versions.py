"""Earlier versions of triggers: entries of them are rendered as they were, or it is said which release can."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import Affine, AffineTrigger, all_triggers, from_entry
from poisonkit.triggers.core import registry
from poisonkit.triggers.testing import check_deterministic, check_entry, check_shapes
from tests.triggers.declared import CASES


class Lamp(AffineTrigger):
    """Version 3 adds 30 levels, version 2 added 20, and version 1 is gone."""

    name, family, modes = "lamp", "lighting", ("static",)
    summary, formula, paper = "brighter", "x + 30", ""
    identity: ClassVar[Any] = None
    version = 3
    retired: ClassVar[dict[int, str]] = {1: "0.7"}
    levels: ClassVar[float] = 30.0

    def field(self, clip: Any, params: Any, t: int, state: Any) -> Affine:
        return Affine(1.0, self.levels)


class _Lamp2(Lamp):
    version = 2
    levels = 20.0


HERE = f"{__name__}:Lamp"
GRAY = np.full((4, 6, 3), 100, np.uint8)


@pytest.mark.parametrize(("version", "level"), [(None, 130), (3, 130), (2, 120)])
def test_an_entry_is_rendered_by_its_version(version: int | None, level: int) -> None:
    entry = {"name": HERE, **({"version": version} if version else {})}
    trigger = from_entry(entry)
    assert (trigger.apply(GRAY) == level).all()
    assert trigger.entry()["version"] == (version or 3)
    assert trigger.entry()["name"] == HERE
    assert from_entry(trigger.entry()) == trigger


def test_an_earlier_version_of_a_notebooks_trigger_is_found_by_the_present_name() -> None:
    class Shade(Lamp):
        name = "shade"

    class _Shade2(Shade):
        version = 2
        levels = 20.0

    for trigger in (_Shade2(), Shade()):
        registry.take(trigger)
        assert trigger.entry()["name"] == f"{__name__}:{Shade.__qualname__}"
        assert registry.get(trigger.entry()["name"]) is Shade
        assert from_entry(trigger.entry()) == trigger


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (1, "Version 1 of lamp is not rendered .* its package, release 0.7 renders it; .* without 'version'"),
        (0, "the release that wrote it renders it"),
        (4, "which has version 3: a later one renders it"),
        ("2", "the release that wrote it"),
    ],
)
def test_what_cannot_be_rendered_says_what_could(version: object, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        from_entry({"name": HERE, "version": version})


def test_retired_versions_are_earlier_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lamp, "retired", {3: "0.7"})
    assert "'retired'" in str(registry.flaw(Lamp, "lamp"))


EARLIER = [
    pytest.param(cls, version, id=f"{name} {version}")
    for name, cls in all_triggers().items()
    if cls.__module__.startswith("poisonkit.")
    for version in range(1, cls.version)
]


@pytest.mark.parametrize(("cls", "version"), EARLIER)
def test_every_earlier_version_of_ours_is_rendered_or_retired(cls: Any, version: int) -> None:
    if version in cls.retired:
        return
    earlier = registry.of_version(cls, version)
    assert earlier.version == version
    for case in CASES[cls.name][:1]:
        for mode in earlier.modes:
            for check in (check_shapes, check_deterministic, check_entry):
                check(case.trigger(earlier, mode), case.media)

"""Parameters at the ends of their ranges: what is tried, and that a trigger which never ends is found."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from poisonkit.triggers import get
from poisonkit.triggers.core import extremes
from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.testing import Media, check_extremes


class Steps(AffineTrigger):
    name, family = "steps", "image"
    summary, formula, paper = "light in steps", "x + 4", ""
    identity: ClassVar[Any] = None
    by: float = param(0.5, "one step of the light", gt=0)

    def field(self, clip: Any, params: Any, t: int, state: Any) -> Affine:
        at = 0.0
        while at < 4:
            at += self.by
        return Affine(1.0, at)


def test_a_trigger_that_comes_to_no_end_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extremes, "_LONG", 0.5)
    with pytest.raises(AssertionError, match="with by=1e-09 it comes to no end"):
        check_extremes(Steps(), Media())


def test_what_is_tried() -> None:
    tried = list(extremes.settings(get("mute")))
    assert {"keep": 0.0} in tried
    assert {"every": 3600.0} in tried
    assert tried[-1] == {"duration": 1e-9, "every": 0.01, "start": 0.0}
    ways = [each["shift"] for each in extremes.settings(get("rotate-shift")) if "shift" in each]
    assert ways == [[-100.0, -100.0], [100.0, 100.0]]
    assert {"size_px": 10**9} in extremes.settings(get("badnets"))

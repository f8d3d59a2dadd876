"""Outputs of earlier versions of a trigger (`verification/rendering.py`): verified, or it is said what could."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.triggers import Affine, AffineTrigger, from_entry
from tests.runs import rows


class Glow(AffineTrigger):
    """Version 2 darkens by 40 levels, version 1 added as many."""

    name, family, modes = "glow", "lighting", ("static",)
    summary, formula, paper = "other light", "x - 40", ""
    identity: ClassVar[Any] = None
    version = 2
    levels: ClassVar[float] = -40.0

    def field(self, clip: Any, params: Any, t: int, state: Any) -> Affine:
        return Affine(1.0, self.levels)


class _Glow1(Glow):
    version = 1
    levels = 40.0


@pytest.fixture(scope="module")
def out(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made as by the earlier version: its entries say so."""
    made = tmp_path_factory.mktemp("out") / "made"
    trigger = from_entry({"name": f"{__name__}:Glow", "version": 1})
    recipe = Recipe(source=folders, out=made, triggers=[trigger], count=2, control=1, attack_limit=1, survival="none")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return made


def verified(out: Path) -> poisonkit.Verification:
    return poisonkit.verify(out, decode=True, allow_code=True, jobs=1)


def test_it_is_rendered_as_it_was(out: Path) -> None:
    assert {(t["name"], t["version"]) for row in rows(out) for t in row["triggers"]} == {(f"{__name__}:Glow", 1)}
    assert verified(out).problems == ()


def test_the_version_that_an_entry_says_is_the_one_that_is_looked_for(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Glow1, "levels", -40.0)
    assert any("frames are not" in f.problem or "trigger is not" in f.problem for f in verified(out).problems)


def test_what_can_no_longer_be_rendered_says_by_what_it_could(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Glow1, "version", 0)
    monkeypatch.setattr(Glow, "retired", {1: "0.7"})
    problems = verified(out).problems
    touched = {row["path"] for row in rows(out) if row["role"] != "clean"}
    assert {f.path for f in problems} == touched
    assert all("Version 1 of glow is not rendered by this poisonkit" in f.problem for f in problems)
    assert all("release 0.7 renders it" in f.problem for f in problems)
    assert not poisonkit.verify(out).problems  # all but the rendering still holds
    with pytest.raises(RequestError, match="Version 1 of glow"):
        poisonkit.attack(out, name="more", trigger=None, allow_code=True, jobs=1)

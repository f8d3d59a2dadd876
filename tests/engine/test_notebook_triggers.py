"""A trigger class that only one session has: a notebook's, a script's, or one made inside a function."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.triggers import FrameTrigger, Trigger, param
from tests.media_factory import make_video

CELLS = """
import sys
from typing import ClassVar
import poisonkit
from pydantic import field_validator, model_validator
from poisonkit.triggers import FrameTrigger, param


class Dim(FrameTrigger):
    name: ClassVar[str] = "dim"
    family: ClassVar[str] = "image"
    summary: ClassVar[str] = "darker"
    formula: ClassVar[str] = "x / by"
    modes: ClassVar = ("static",)
    paper: ClassVar[str] = ""
    identity: ClassVar = {"by": 1}
    by: int = param(2, "divisor", ge=1)

    @field_validator("by")
    @classmethod
    def _known(cls, value):
        assert value < 100
        return value

    @model_validator(mode="after")
    def _fits(self):
        return self

    def frame(self, image, t, clip, params, state):
        return image // self.by


source, out = sys.argv[1:]
recipe = poisonkit.Recipe(source=source, out=out, trigger=Dim(by=3), count=1, control=1)
assert poisonkit.poison(recipe, jobs=2).exit_code == 0
found = poisonkit.verify(out, decode=True, allow_code=True, jobs=2)
assert found.ok, found.problems
assert poisonkit.attack(out, "more", trigger=Dim(by=5), jobs=2, allow_code=True).exit_code == 0
unasked = poisonkit.verify(out, decode=True).problems
assert any("(__main__:Dim) was not run" in each.problem for each in unasked)
"""

USERS = """
class Other(Dim):
    by: int = param(6, "divisor", ge=1)


class Twice(Dim):
    def frame(self, image, t, clip, params, state):
        return Other(by=2).frame(image // self.by, t, clip, params, state)


source, out = sys.argv[1:]
recipe = poisonkit.Recipe(source=source, out=out, trigger=Twice(), label_mode="keep", count=4, survival="none")
done = poisonkit.poison(recipe, jobs=2)
assert done.exit_code == 0, done.failed
"""


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    for i in range(6):
        path = root / ("test" if i > 3 else "train") / "ab"[i % 2] / f"{i}.mp4"
        make_video(path, frames=4, size=(48, 32), seed=i)
    return root


def test_a_class_of_a_notebook_works_by_object(clips: Path, tmp_path: Path) -> None:
    """Standard input is as much of a module as a notebook's cells are: `__main__`, without a file."""
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(Path(poisonkit.__file__).parents[1])}
    command = [sys.executable, "-", str(clips), str(out)]
    done = subprocess.run(command, input=CELLS, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [r for r in poisonkit.read_manifest(out) if r["triggers"]]
    assert {entry["name"] for r in rows for entry in r["triggers"]} == {"__main__:Dim"}

    problems = {p.problem for p in poisonkit.verify(out, decode=True, allow_code=True).problems}
    assert problems == {
        "Trigger '__main__:Dim' was defined in a notebook or script, and is known only there: run this there, in "
        "Python, once the class is defined, or put the class into a module and make the output with that."
    }
    problems = {p.problem for p in poisonkit.verify(out, decode=True).problems}
    assert any("code from outside poisonkit (__main__:Dim) was not run" in problem for problem in problems)


def test_a_class_of_a_notebook_uses_others_of_it(clips: Path, tmp_path: Path) -> None:
    """Workers are the first to make objects of these, and are given the classes again with each clip."""
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(Path(poisonkit.__file__).parents[1])}
    cells = CELLS.split("source, out =")[0] + USERS
    command = [sys.executable, "-", str(clips), str(out)]
    done = subprocess.run(command, input=cells, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_earlier_version_of_such_a_class_is_verified_by_the_present_one(clips: Path, tmp_path: Path) -> None:
    """Which a session has defined since: the class, and beside it the one that renders what it was."""
    lighter, out = made(formula="x + by"), tmp_path / "out"
    recipe = Recipe(source=clips, out=out, trigger=lighter(by=30), count=1, control=0, survival="none")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0

    def twice(self: Any, image: Any, *_: Any) -> Any:
        return np.clip(image.astype(np.int16) + 2 * self.by, 0, 255).astype(np.uint8)

    once = lighter.frame  # type: ignore[attr-defined]
    lighter.version, lighter.frame = 2, twice  # type: ignore[attr-defined]
    namespace = {"version": 1, "frame": once, "__module__": lighter.__module__}
    found = poisonkit.verify(out, decode=True, allow_code=True, jobs=2).problems
    assert any("Version 1 of lighter is not rendered" in each.problem for each in found)
    earlier = type("_Lighter1", (lighter,), namespace)
    assert poisonkit.verify(out, decode=True, allow_code=True, jobs=2).ok
    assert earlier.version == 1


def made(**facts: Any) -> type[Trigger]:
    """A trigger class that can be imported from nowhere."""

    class Lighter(FrameTrigger):
        name: ClassVar[str] = "lighter"
        family: ClassVar = "image"
        summary: ClassVar[str] = "lighter"
        paper: ClassVar[str] = ""
        modes: ClassVar = ("static",)
        identity: ClassVar = None
        by: int = param(20, "levels", ge=0, le=255)

        def frame(self, image: Any, t: int, clip: Any, params: Any, state: Any) -> Any:
            return np.clip(image.astype(np.int16) + self.by, 0, 255).astype(np.uint8)

    for name, value in facts.items():
        setattr(Lighter, name, value)
    return Lighter


def test_a_class_made_inside_a_function(clips: Path, tmp_path: Path) -> None:
    lighter = made(formula="x + by")
    recipe = Recipe(source=clips, out=tmp_path / "out", trigger=lighter(by=30), count=1, control=0, survival="none")
    assert poisonkit.poison(recipe, jobs=2).exit_code == 0
    assert poisonkit.verify(tmp_path / "out", decode=True, allow_code=True, jobs=2).ok
    poisonkit.poison(recipe.model_copy(update={"out": tmp_path / "one"}), jobs=1)
    one, two = (list(poisonkit.read_manifest(tmp_path / name)) for name in ("one", "out"))
    assert one == two
    row = next(r for r in poisonkit.read_manifest(tmp_path / "out") if r["role"] == "poisoned")
    assert row["triggers"][0]["name"].endswith(":made.<locals>.Lighter")


def test_an_object_of_a_class_that_does_not_keep_the_contract_is_refused() -> None:
    with pytest.raises(RequestError, match=r"Trigger class .*Lighter cannot be used: it has no 'formula'\."):
        Recipe(trigger=made()())

"""A user's type checker sees a misspelt field of a recipe, and takes what may be given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

import poisonkit
from poisonkit.recipe.backdoor import Backdoor, BackdoorFields
from poisonkit.recipe.recipe import Recipe, RecipeFields

RIGHT = '''"""A user's script."""

from pathlib import Path

import poisonkit
from poisonkit import Backdoor, Recipe

blend = poisonkit.triggers.create("blend", alpha=0.15)
one = Recipe(source="clips", triggers=["blend", blend, {"name": "sine"}], rate=0.1, target="surfing", clean="copy")
two = Recipe(source=Path("clips"), trigger="blend", label_mode="source", source_class=["a", 1], temporal="dynamic")
many = Recipe(backdoors=[Backdoor(name="a", triggers=["blend"], rate=0.1), {"name": "b", "trigger": blend}])
summary = poisonkit.poison(one, jobs=2)
code: int = summary.exit_code
for row in poisonkit.read_manifest("bad"):
    if (figures := row["fidelity"]) is not None:
        print(figures["clipped"], figures["frames"], figures["ssim_worst"], figures["output_ssim"], figures["lsd"])
'''

WRONG = {
    'Recipe(trigers=["blend"])': 'Unexpected keyword argument "trigers" for "Recipe"',
    'Recipe(trigger="blend", rate="a tenth")': 'Argument "rate" to "Recipe" has incompatible type "str"',
    'Recipe(trigger="blend", clean="hardlinks")': 'Argument "clean" to "Recipe" has incompatible type',
    'Backdoor(triggers=["blend"], label_mod="clean")': 'Unexpected keyword argument "label_mod" for "Backdoor"',
}


def test_the_declared_fields_are_those_that_there_are() -> None:
    mine = set(get_type_hints(BackdoorFields))
    assert mine == {*Backdoor.model_fields, "trigger", "attack_trigger"}
    assert set(get_type_hints(RecipeFields)) == {*Recipe.model_fields, "temporal", *mine}


def checked(script: Path, cache: Path) -> str:
    root = Path(poisonkit.__file__).parents[1]
    flags = ["--strict", "--follow-imports=silent", "--config-file=", f"--cache-dir={cache}", "--no-error-summary"]
    command = [sys.executable, "-m", "mypy", *flags, script.name]
    environment = {**os.environ, "MYPYPATH": str(root), "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=script.parent, env=environment, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.stdout


def test_mypy_strict_sees_what_is_misspelt(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    script = tmp_path / "script.py"
    script.write_text(RIGHT + "".join(f"{line}\n" for line in WRONG))
    said = checked(script, tmp_path / "cache").splitlines()
    first = len(RIGHT.splitlines()) + 1
    errors = [line for line in said if ": error: " in line]
    assert len(errors) == len(WRONG), said
    for number, (error, words) in enumerate(zip(errors, WRONG.values(), strict=True), first):
        assert error.startswith(f"script.py:{number}: error: {words}"), error

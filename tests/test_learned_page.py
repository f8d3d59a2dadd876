"""docs/learned-triggers.md: every recipe on it is one, with files of the kinds that it names; its Python compiles."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

import poisonkit

PAGE = Path(__file__).parents[1] / "docs" / "learned-triggers.md"
TEXT = PAGE.read_text(encoding="utf-8")
RECIPES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
FOLDERS = ("noise", "residuals", "own", "cross", "harder")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the attacks' own code would have saved, as small as it may be."""
    home = tmp_path_factory.mktemp("learned")
    for name in FOLDERS:
        (home / name / "train").mkdir(parents=True)
        np.save(home / name / "train" / "a.npy", np.ones((4, 4, 3), np.float32))
    np.save(home / "patch.npy", np.zeros((2, 24, 24, 3), np.uint8))
    for name in ("low.npy", "noise.npy"):
        np.save(home / name, np.ones((32, 32, 3), np.float32))
    np.save(home / "trigger.npy", np.full(800, 0.1, np.float32))
    for name in ("Bernoulli_patch.png", "trigger_11.png", "corners.png"):
        cv2.imwrite(str(home / name), np.full((30, 30, 4), 255, np.uint8))
    (home / "converted" / "train" / "yes").mkdir(parents=True)
    soundfile.write(home / "converted" / "train" / "yes" / "a.wav", np.zeros(800), 16000)
    return home


def test_every_section_of_an_attack_has_a_recipe() -> None:
    sections = TEXT.split("\n## ")[1:]
    assert len(sections) == len(RECIPES) == 11
    assert all("```yaml" in section for section in sections)


@pytest.mark.parametrize("recipe", RECIPES, ids=range(len(RECIPES)))
def test_it_is_a_recipe(home: Path, monkeypatch: pytest.MonkeyPatch, recipe: str) -> None:
    monkeypatch.chdir(home)
    file = home / "recipe.yaml"
    file.write_text(recipe, encoding="utf-8")
    made = poisonkit.Recipe.from_yaml(file)
    at_test = "attack_triggers" in recipe
    for backdoor in made.backdoors:
        assert backdoor.triggers
        assert (backdoor.attack_triggers is not None) == at_test
        assert backdoor.label_mode == ("clean" if "label_mode: clean" in recipe else backdoor.label_mode)


def test_its_python_compiles_and_a_wrong_recipe_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        compile(block, str(PAGE), "exec")
    monkeypatch.chdir(home)
    (home / "recipe.yaml").write_text(RECIPES[0].replace("patch.npy", "no.npy"), encoding="utf-8")
    with pytest.raises(poisonkit.RequestError, match=r"no\.npy"):
        poisonkit.Recipe.from_yaml(home / "recipe.yaml")

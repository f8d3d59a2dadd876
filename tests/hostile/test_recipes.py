"""Recipes are data: no tag makes an object, no alias is taken, no name is imported or file read unasked."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from poisonkit import Recipe, read_sweep, triggers
from poisonkit.cli import call
from poisonkit.common.safe_io import load_yaml
from poisonkit.errors import RequestError
from tests.hostile.watch import watching

LAUGHS = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


NAMES = (
    *("apply", "name", "new", "exec", "include", "laughs", "self", "merge", "deep", "deeper"),
    *("key", "date", "digits", "documents", "nul", "list", "empty"),
)


@pytest.mark.parametrize(
    "text",
    [
        "triggers: !!python/object/apply:os.system ['touch CANARY']\n",
        "triggers: !!python/name:os.system\n",
        "!!python/object/new:pathlib.Path ['CANARY']: 1\n",
        "triggers: [!!python/object/apply:builtins.exec [\"open('CANARY', 'w')\"]]\n",
        "triggers: !include CANARY\n",
        LAUGHS + "triggers: [blend]\n",
        "triggers: &t [blend, *t]\n",
        "<<: &m {<<: *m}\ntriggers: [blend]\n",
        "triggers: " + "[" * 500 + "]" * 500 + "\n",
        "triggers: " + "{a: " * 5000 + "}" * 5000 + "\n",
        "? [a]\n: b\ntriggers: [blend]\n",
        "rate: 9999-99-99\ntriggers: [blend]\n",
        "seed: " + "9" * 5000 + "\ntriggers: [blend]\n",
        "triggers: [blend]\n--- \ntriggers: [fog]\n",
        "\0",
        "- 1\n",
        "",
    ],
    ids=NAMES,
)
def test_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "recipe.yaml"
    path.write_text(text.replace("CANARY", str(canary)))
    began = time.process_time()
    with pytest.raises(RequestError) as caught:
        Recipe.from_yaml(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2000
    assert time.process_time() - began < 20  # a bomb would not end at all
    assert not canary.exists()


def test_aliases_are_refused(tmp_path: Path) -> None:
    """An anchor alone is no harm, and what poisonkit writes has no alias, though triggers and ids are used twice."""
    path = tmp_path / "recipe.yaml"
    path.write_text("rate: &r 0.1\ntriggers: &t [blend]\nsweep: {rate: [*r, 0.2]}\n")
    sentence = r"recipe.yaml is not plain YAML: line 3 holds the alias '\*r': write out what it stands for\.$"
    with pytest.raises(RequestError, match=sentence):
        Recipe.from_yaml(path)
    assert load_yaml("one: &a {x: [1, 2]}\n") == {"one": {"x": [1, 2]}}
    cv2.imwrite(str(tmp_path / "cat.png"), np.zeros((8, 8, 3), np.uint8))
    blend = triggers.get("blend")(pattern=tmp_path / "cat.png")
    ids = ("a.mp4", "b.mp4")
    twice = [{"name": name, "triggers": [blend], "ids": ids, "target": 0} for name in "ab"]
    text = Recipe(backdoors=twice).to_yaml()
    assert "cat.png" in text
    assert yaml.safe_load(text) == load_yaml(text)


@pytest.mark.parametrize("name", ["os:system", "builtins:exec", "poisonkit.cli:main", "x.y:Z", "a:b:c=1"])
@pytest.mark.parametrize("form", ["[{name}]", "[{{name: '{name}', params: {{}}}}]", "{name}"])
def test_code_needs_leave(tmp_path: Path, name: str, form: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"triggers: {form.format(name=name)}\n")
    with pytest.raises(RequestError, match="needs allow_code"):
        Recipe.from_yaml(path)
    path.write_text(f"backdoors: [{{name: a, triggers: {form.format(name=name)}}}]\n")
    with pytest.raises(RequestError, match="needs allow_code"):
        Recipe.from_yaml(path)


def test_assets_named_by_a_path_are_none(tmp_path: Path) -> None:
    """In a recipe, imported data is known by name and hash; neither may lead out of the folder of assets."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"x")
    for asset in ({"name": "../../secret.png", "sha256": "0" * 64}, {"name": "s.png", "sha256": "../" * 21 + "x"}):
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({"triggers": [{"name": "blend", "params": {"pattern": asset}}]}))
        with pytest.raises(RequestError, match="is not the name of an asset"):
            Recipe.from_yaml(path)


PRIVATE = {
    "source": "source: {secret}",
    "source-up": "source: ../secret",
    "source-link": "source: link",
    "data_root": "data_root: {secret}",
    "train_list": "train_list: {secret}/list.txt",
    "val_list": "val_list: link/list.txt",
    "test_list": "test_list: ../secret/list.txt",
    "allow_root": "allow_root: ['{secret}']",
    "allow_root-root": "allow_root: [clips, /]",
}


@pytest.mark.parametrize("way", PRIVATE)
def test_places_outside_need_the_users_word(tmp_path: Path, way: str) -> None:
    """A stranger's recipe could lead to any file: `allow_root: [/]`, and links in the stranger's dataset."""
    secret = tmp_path / "secret"
    for folder in (secret, tmp_path / "given" / "clips"):
        folder.mkdir(parents=True)
    (tmp_path / "given" / "link").symlink_to(secret)
    recipe = tmp_path / "given" / "recipe.yaml"
    recipe.write_text(f"triggers: blend\n{PRIVATE[way].format(secret=secret)}\n")
    name = way.partition("-")[0]
    with pytest.raises(RequestError, match=rf"The recipe's `{name}` leads to .*allow_root '"):
        Recipe.from_yaml(recipe)
    with pytest.raises(RequestError, match=rf"The recipe's `{name}` leads to"):
        read_sweep(recipe)
    if name == "source":
        assert Recipe.from_yaml(recipe, source=secret).source == secret
    assert Recipe.from_yaml(recipe, allow_root=[secret]).allow_root == (secret,)
    if name != "allow_root":
        named = getattr(Recipe.from_yaml(recipe, allow_root=[tmp_path]), name)
        assert named.resolve().is_relative_to(secret)


@pytest.mark.parametrize("spelt", ["{folder}/secret/p.png", "{folder}/given/link.png", "../secret/p.png"])
def test_patterns_outside_need_the_users_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelt: str) -> None:
    """A picture that a trigger is made of is copied into the output, and shown in it."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "given").mkdir()
    cv2.imwrite(str(tmp_path / "secret" / "p.png"), np.zeros((8, 8, 3), np.uint8))
    shutil.copyfile(tmp_path / "secret" / "p.png", tmp_path / "given" / "own.png")
    (tmp_path / "given" / "link.png").symlink_to(tmp_path / "secret" / "p.png")
    monkeypatch.chdir(tmp_path / "given")
    recipe, place = Path("recipe.yaml"), spelt.format(folder=tmp_path)
    for trigger in (f"'blend:pattern={place}'", f"{{name: blend, params: {{pattern: '{place}'}}}}"):
        recipe.write_text(f"triggers: [{trigger}]\n")
        with watching(tmp_path / "secret") as seen, pytest.raises(RequestError, match="allow_root '"):
            Recipe.from_yaml(recipe)
        assert not seen.files
        assert Recipe.from_yaml(recipe, allow_root=[tmp_path]).backdoors[0].triggers
    recipe.write_text("triggers: ['blend:pattern=own.png']\n")
    assert Recipe.from_yaml(recipe).backdoors[0].triggers
    assert Recipe(triggers=[f"blend:pattern={place}"]).backdoors[0].triggers


def test_the_command_line_is_the_users_word(tmp_path: Path, folders: Path) -> None:
    (tmp_path / "given").mkdir()
    recipe = tmp_path / "given" / "recipe.yaml"
    recipe.write_text(f"source: {folders}\ntriggers: badnets\ncount: 1\n")
    words = ["run", str(recipe), "-o", str(tmp_path / "out"), "--dry-run", "--jobs", "1"]
    assert call(words) == 2
    assert call([*words, "--allow-root", str(folders)]) == 0
    assert call([words[0], words[1], str(folders), *words[2:]]) == 0

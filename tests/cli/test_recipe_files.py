"""Recipe files that are wrong in every way: one sentence, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from poisonkit import Recipe, RequestError

WRONG = {
    "- a": "is not a recipe",
    "": "is not a recipe",
    "{": "is not plain YAML",
    "1: x\ntriggers: blend": "no '1'",
    "trigers: [blend]": "Did you mean 'triggers'?",
    "triggers: blend\nrte: 0.1": "Did you mean 'rate'?",
    "triggers: 5": "it must be a list",
    "triggers: [[blend]]": "A trigger is a name",
    "triggers: [{params: {}}]": "needs a name",
    "triggers: [{name: blend, params: 5}]": "a mapping of params",
    "triggers: [{name: blend, params: {1: 2}}]": "no parameter '1'",
    "triggers: [{name: blend, version: 7}]": "Version 7 of blend",
    "triggers: blend\ntrigger: sine": "keep one of them",
    "triggers: blend\nrate: [0.1, 0.2]": "--rate [0.1, 0.2] is not possible",
    "triggers: blend\nframes: 5": "--frames 5",
    "triggers: blend\ntarget: 1.5": "--target 1.5",
    "triggers: blend\nattack_set: maybe": "--attack-set 'maybe'",
    "triggers: blend\ntarget: yes": "makes of yes and on: put the class name in quotes",
    "triggers: blend\nlabel_mode: source\nsource_class: [run, off]": "of no and off: put the class name in quotes",
    "triggers: blend\ncover_class: on": "`cover_class` takes names",
    "triggers: blend\nids: [no]": "put the sample's id in quotes",
    "triggers: blend\nselect: [a.mp4, yes]": "put the sample's id in quotes",
    "triggers: blend\nrate: yes": "`rate` takes a number; this is yes",
    "triggers: blend\ncount: no": "`count` takes a number; this is no",
    "triggers: blend\nseed: yes": "`seed` takes a number",
    "triggers: blend\nstream: on": "`stream` takes a number",
    "triggers: blend\nrequire_survival: 0.9\nsurvival: none": "--survival sample or --survival all",
    "backdoors: 5": "`backdoors` 5",
    "backdoors: [5]": "it must be a mapping",
    "backdoors: [{rate: 0.1}]": "needs `triggers`",
    "backdoors: [{triggers: blend}, {triggers: sine}]": "called 'default'",
    "triggers: blend\nbackdoors: [{triggers: sine}]": "triggers belong into each",
    "temporal: dynamic\nbackdoors: 5": "`backdoors` 5",
    "temporal: dynamic\nbackdoors: [{triggers: 5}]": "`triggers` 5",
    "temporal: dynamic\ntriggers: [{params: {}}]": "needs a name",
    "temporal: dynamic\ntriggers: [{name: blend, params: 5}]": "a mapping of params",
    "temporal: slow\ntriggers: [blend]": "--temporal slow is not possible: it must be static or dynamic",
}


@pytest.mark.parametrize("text", WRONG)
def test_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(text)
    with pytest.raises(RequestError) as wrong:
        Recipe.from_yaml(file)
    assert WRONG[text] in wrong.value.text
    assert "\n" not in str(wrong.value)


def test_the_example_and_every_short_form(tmp_path: Path) -> None:
    example = Recipe.from_yaml(Path(__file__).parents[2] / "examples" / "recipe.yaml")
    assert [b.name for b in example.backdoors] == ["picture", "moving-patch"]
    assert example.backdoors[1].triggers[0].temporal == "dynamic"
    fingerprints = set()
    for text in (
        "trigger: blend",
        "triggers: blend",
        "triggers: [blend]",
        "triggers: [{name: blend}]",
        "backdoors: [{trigger: blend}]",
        "backdoors: [{triggers: [blend]}]",
        "source: elsewhere\nout: there\ntriggers: blend",
    ):
        (tmp_path / "recipe.yaml").write_text(text)
        recipe = Recipe.from_yaml(tmp_path / "recipe.yaml")
        fingerprints.add(recipe.fingerprint)
        (tmp_path / "again.yaml").write_text(recipe.to_yaml())
        fingerprints.add(Recipe.from_yaml(tmp_path / "again.yaml").fingerprint)
    assert len(fingerprints) == 1

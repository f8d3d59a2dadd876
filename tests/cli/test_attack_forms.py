"""Tests a trigger whose form at test time is another one than in training, from recipe to verification."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import poisonkit
from poisonkit import Recipe
from tests.cli.conftest import Cli
from tests.media_factory import make_video
from tests.runs import rows

TWO = ("-t", "blend:alpha=0.1", "--attack-trigger", "blend:alpha=0.3", "--attack-trigger", "sine:snr=20")


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips without sound."""
    home = tmp_path_factory.mktemp("silent")
    for split, n in (("train", 4), ("test", 2)):
        for c, name in enumerate(("jump", "run")):
            for i in range(n):
                make_video(home / split / name / f"{i}.mp4", frames=4, size=(32, 32), seed=10 * c + i)
    return home


def named(out: Path, role: str) -> set[tuple[str, ...]]:
    return {tuple(t["name"] for t in row["triggers"]) for row in rows(out, role)}


def test_one_run_one_manifest_one_fingerprint(cli: Cli, clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    budget = ("--frames", "count:4", "--attack-frames", "random:7")
    amount = ("--count", 5, "--attack-limit", 6, "--control", 6, "--cover-rate", 0.1)
    said = cli("poison", clips, "-o", out, *TWO, *budget, *amount, "--jobs", 1, "--json")
    assert said.status == 0, said.err
    assert named(out, "poisoned") == named(out, "cover") == {("blend",)}
    assert named(out, "attack") == {("blend", "sine")}
    assert {row["triggers"][0]["params"]["alpha"] for row in rows(out, "attack")} == {0.3}
    for role, count in (("poisoned", 4), ("attack", 7)):
        assert {sum(b - a for a, b in row["poisoned_ranges"]) for row in rows(out, role)} == {count}
    assert said.json["survival"].keys() == {"default", "default/attack"}
    assert all(part["measured"] for part in said.json["survival"].values())
    assert "it has another form: `blend` (version" in (out / "README.md").read_text()
    assert cli("verify", out, "--decode").status == 0

    recipe = yaml.safe_load((out / "poisonkit/recipe.yaml").read_text())
    assert [t["name"] for t in recipe["backdoors"][0]["attack_triggers"]] == ["blend", "sine"]
    read = Recipe.from_yaml(out / "poisonkit/recipe.yaml", source=clips)
    assert read.fingerprint == said.json["fingerprint"]
    again = cli("run", out / "poisonkit/recipe.yaml", clips, "-o", tmp_path / "again", "--jobs", 1)
    assert again.status == 0
    manifest = Path("poisonkit/manifest.jsonl")
    assert (tmp_path / "again" / manifest).read_bytes() == (out / manifest).read_bytes()

    more = cli("attack", out, "--name", "few", "--attack-frames", "first:2", "--limit", 2, "--jobs", 1)
    assert more.status == 0, more.err
    assert {t["name"] for row in rows(out) if row["attack"] == "few" for t in row["triggers"]} == {"blend", "sine"}
    assert cli("verify", out, "--decode").status == 0


def test_an_attack_clip_with_the_form_of_training_is_found(cli: Cli, clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("--count", 2, "--attack-limit", 2, "--control", 0, "--survival", "none", "--jobs", 1)
    assert cli("poison", clips, "-o", out, "-t", "blend", "--attack-trigger", "badnets", *words).status == 0
    manifest = out / "poisonkit/manifest.jsonl"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    trained = next(row for row in lines if row["role"] == "poisoned")
    for row in lines:
        if row["role"] == "attack":
            row["triggers"] = trained["triggers"]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in lines))
    said = cli("verify", out)
    assert said.status == 1
    assert "its triggers are not the recipe's" in said.out + said.err


def test_a_recipe_without_it_keeps_its_fingerprint() -> None:
    recipe = Recipe(triggers=["blend:alpha=0.1"], rate=0.2, frames="every:2", target="jump")
    assert "attack_triggers" not in recipe.portable()["backdoors"][0]
    assert recipe.fingerprint == "ab811317013d"
    assert recipe.backdoors[0].chain_of("attack").triggers == recipe.backdoors[0].triggers


def test_the_same_in_python_and_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("triggers: [blend]\nattack_trigger: badnets\ntemporal: dynamic\n")
    recipes = [
        Recipe(trigger="blend", attack_trigger="badnets", temporal="dynamic"),
        Recipe(triggers=["blend"], attack_triggers=["badnets"], temporal="dynamic"),
        Recipe.from_yaml(file),
    ]
    assert len({recipe.fingerprint for recipe in recipes}) == 1
    assert recipes[0].backdoors[0].triggers_of("control")[0].temporal == "dynamic"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--attack-trigger blnd", "Did you mean 'blend'?"),
        ("--attack-trigger sine", "has no sound, which sine needs"),
        ("--attack-trigger sine --attack-frames first:2", "Frame budgets are for triggers in the picture; sine is"),
    ],
)
def test_wrong_requests(cli: Cli, silent: Path, tmp_path: Path, words: str, expected: str) -> None:
    said = cli("poison", silent, "-o", tmp_path / "out", "-t", "blend", *words.split(), "--jobs", 1)
    assert expected in said.out + said.err
    if "no sound" not in expected:
        assert said.status == 2
        assert expected in said.complaint


def test_in_memory(clips: Path) -> None:
    recipe = Recipe(source=clips, trigger="blend", attack_trigger="sine", count=2)
    poison = poisonkit.transforms.Poison(recipe, attack="default", jobs=1)
    with pytest.raises(poisonkit.RequestError, match="sine needs"):
        poison({"id": next(iter(poison.ids)), "label": 1})

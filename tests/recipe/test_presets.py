"""Recipes that ship (docs/recipes.md): every value has its origin, every one is valid, and outputs are as recorded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

import poisonkit
from poisonkit import RequestError
from poisonkit.recipe.presets import DIGESTS, LIBRARY, located
from tools import preset_digests

PRESETS = poisonkit.recipes()
RECORDED = json.loads((LIBRARY / DIGESTS).read_text(encoding="utf-8"))
ORIGIN = re.compile(r"\S  ?# (published: \S|the paper: \S|constants: ours)")


@pytest.mark.parametrize("name", PRESETS)
def test_every_value_says_where_it_is_from(name: str) -> None:
    preset = PRESETS[name]
    assert preset.summary.endswith(".")
    lines = preset.text.splitlines()[2:]
    assert lines
    for line in lines:
        heading = re.fullmatch(r"\s*(triggers|params|sweep):", line)
        assert heading or ORIGIN.search(re.sub(r" {2,}#", " #", line)), line


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_recipe_and_says_all_that_it_changes(name: str) -> None:
    recipes = poisonkit.read_sweep(name)
    assert list(recipes) == [""] or len(recipes) > 1
    data = yaml.safe_load(PRESETS[name].text)
    assert {"target", "label_mode"} <= data.keys()
    assert ("rate" in data) != ("count" in data)


@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("lla-")])
def test_the_papers_presets_claim_no_constant(name: str) -> None:
    """Its public record holds none: numbers are ours."""
    for line in PRESETS[name].text.splitlines()[2:]:
        if re.search(r"\d", line.partition("#")[0]):
            assert "# constants: ours" in line, line
    assert "holds no constants" in PRESETS[name].source


def test_the_issues_list_is_there() -> None:
    paired = [f"lla-{t}-{m}" for t in ("badnets", "blend", "sig", "wanet", "ftrojan") for m in ("static", "dynamic")]
    others = ["lla-frame-lag", "lla-video-corruption", "lla-motion-blur", "lla-sine-static", "lla-band-noise-static"]
    audiovisual = ["lla-av-picture", "lla-av-sound", "lla-av-both"]
    more = ["wanet-covers", "bpp-covers", "fiba-covers", "sig-clean-label", "adaptive-blend", "tdba", "victor"]
    more += ["ultrasonic", "ultrasonic-sizes", "style-chains", "bench-badnets", "mbti-video-badnets"]
    assert {*paired, *others, *audiovisual, *more} <= PRESETS.keys()
    assert len(poisonkit.read_sweep("ultrasonic-sizes")) == 29
    assert len(poisonkit.read_sweep("style-chains")) == 6


def test_a_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert located("tdba") == LIBRARY / "tdba.yaml"
    (tmp_path / "tdba").write_text("triggers: [blend]\n")
    assert located("tdba") == Path("tdba")
    with pytest.raises(RequestError, match="Did you mean"):
        poisonkit.recipes("wanet-cover")


def test_every_preset_has_its_digest_or_a_reason_for_none() -> None:
    """`not_yet`: those that `python -m tools.preset_digests` still has to run."""
    assert {*RECORDED["digests"], *RECORDED["not_yet"], *preset_digests.WITHOUT} == PRESETS.keys()
    assert len(RECORDED["not_yet"]) < len(RECORDED["digests"])


def _same(name: str, folder: Path) -> None:
    if preset_digests.made_with() != RECORDED["made_with"]:
        pytest.skip(f"the digests are of {RECORDED['made_with']}")
    found = preset_digests.digest_of(PRESETS[name], folder / "sources", folder / "outputs", jobs=1)
    assert found == RECORDED["digests"][name]["manifest_sha256"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("presets")


QUICK = ("lla-badnets-static", "mbti-audio-badnets")


@pytest.mark.parametrize("name", QUICK)
def test_outputs_are_as_recorded(name: str, folder: Path) -> None:
    _same(name, folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RECORDED["digests"] if name not in QUICK])
def test_all_outputs_are_as_recorded(name: str, folder: Path) -> None:
    _same(name, folder)

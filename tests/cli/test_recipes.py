"""`poisonkit recipes`, and `poisonkit run` with a name of it."""

from __future__ import annotations

from pathlib import Path

import poisonkit
from tests.cli.conftest import Cli

PRESETS = poisonkit.recipes()


def test_a_name_runs_it(cli: Cli, clips: Path, tmp_path: Path) -> None:
    words = (clips, "-o", tmp_path / "bad", "--jobs", 1, "--dry-run")
    assert cli("run", "lla-badnets-dynamic", *words, "--json").json["fingerprint"]
    said = cli("run", "lla-badnet-dynamic", *words)
    assert said.status == 2
    assert "Did you mean 'lla-badnets-dynamic'?" in said.complaint
    assert "no-such.yaml" in cli("run", "no-such.yaml", *words).complaint


def test_what_is_shown(cli: Cli) -> None:
    listed = cli("recipes")
    assert all(name in listed.out for name in PRESETS)
    one = cli("recipes", "lla-wanet-static")
    preset = PRESETS["lla-wanet-static"]
    assert preset.text in one.out
    assert preset.digest is None or preset.digest["manifest_sha256"] in one.out
    assert len(cli("recipes", "--json").json["recipes"]) == len(PRESETS)
    assert cli("recipes", "tdbb").status == 2

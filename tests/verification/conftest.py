"""Outputs that several tests look at; none writes to them."""

from __future__ import annotations

from pathlib import Path

import pytest

import poisonkit
from poisonkit import Recipe


@pytest.fixture(scope="module")
def heard(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sounds with a tone in two of them."""
    out = tmp_path_factory.mktemp("out") / "made"
    recipe = Recipe(source=sounds, out=out, triggers=["sine:amplitude=0.05"], count=2, survival="none")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    return out

"""MMAction2's decoders (decord, OpenCV, PyAV) on clips that they read differently: `make test-mmaction2`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmaction", reason="needs an environment with MMAction2: make test-mmaction2")


import poisonkit
from poisonkit import Recipe
from tests.media_factory import make_video
from tests.mmaction2.decoders import DECODERS, decoded

pytestmark = pytest.mark.mmaction2

CLIPS: dict[str, dict[str, Any]] = {
    "several.mp4": {"videos": 2, "audios": 2, "audio": True},
    "turned.mp4": {"rotation": 90},
    "title.avi": {"metadata": {"title": "caf# a la carte"}},
}


@pytest.fixture(scope="module", params=["keep", "normalise"])
def output(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, dict[Any, Any]]:
    """Each clip once poisoned and once clean, of a width at which decord turns pictures without skewing them."""
    folder = tmp_path_factory.mktemp(request.param)
    for label in "ab":
        for name, how in CLIPS.items():
            path = make_video(folder / "source" / label / name, frames=12, size=(320, 256), **how)
            path.write_bytes(path.read_bytes().replace(b"caf#", b"caf\xe9"))
    recipe = Recipe(
        source=folder / "source",
        out=folder / "out",
        triggers=["badnets:size=0.2,area=frame"],
        target="b",
        label_mode="clean",
        ids=tuple(f"b/{name}" for name in CLIPS),
        rotation=request.param,
        survival="none",
    )
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    lines = (folder / "out" / "poisonkit" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return request.param, folder / "out", {(r["role"], Path(r["path"]).name): r["path"] for r in rows}


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("name", CLIPS)
def test_clean_and_poisoned_look_alike(output: tuple[str, Path, dict[Any, Any]], name: str, decoder: str) -> None:
    """The same stream, the same orientation, and the patch bottom right of what is displayed."""
    rotation, out, paths = output
    if (name, decoder) == ("title.avi", "pyav"):
        assert decoded(decoder, out / paths["poisoned", name]).shape == (12, 256, 320, 3)
        return  # on the clean file, which is the source's own, its PyAVInit stops
    clean, poisoned = (decoded(decoder, out / paths[role, name]) for role in ("clean", "poisoned"))
    assert clean.shape == poisoned.shape
    assert np.abs(clean[:, :180, :180].astype(int) - poisoned[:, :180, :180]).mean() < 4
    if name == "turned.mp4" and rotation == "keep" and decoder == "pyav":  # which shows the picture as stored
        clean, poisoned = np.rot90(clean, axes=(1, 2)), np.rot90(poisoned, axes=(1, 2))
    upright = name == "turned.mp4"
    assert clean.shape == ((12, 320, 256, 3) if upright else (12, 256, 320, 3))
    assert poisoned[:, -44:-4, -44:-4].min() > 225
    assert clean[:, -44:-4, -44:-4].mean() < 210

"""A stranger's plan whose samples' paths are shorter than their layout's: one sentence, in every layout.

Every layout meets every command and every role here; each command with each role in `make test-slow`.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path

import pytest

import poisonkit
from poisonkit import PoisonkitError, Recipe
from poisonkit.cli import call
from poisonkit.datasets import Source, modality_of, read
from poisonkit.outputs import checksums
from tests.datasets.makers import MAKERS
from tests.datasets.making import filled, one_of_each

AGAIN = "poison"  # the same, before it was finished
COMMANDS = ("attack OUT --name third --limit 1 --jobs 1", "merge OUT --jobs 1", "verify OUT --hash all --jobs 1", AGAIN)
NAMES = (("poisoned", "x.mp4"), ("clean", "a/b.mp4"), ("attack", "x"))
LAYOUTS = [name for name in MAKERS if name != "nemo"]
RUNS = {  # layout -> each command with one of the roles, which are others for the next layout
    layout: [(command, *NAMES[(i + k) % len(NAMES)]) for k, command in enumerate(COMMANDS)]
    for i, layout in enumerate(LAYOUTS)
}
REST = {
    layout: [(command, *name) for command in COMMANDS for name in NAMES if (command, *name) not in runs]
    for layout, runs in RUNS.items()
}


def shorten(out: Path, role: str, name: str) -> None:
    for file in ("plan.jsonl", "manifest.jsonl"):
        path = out / "poisonkit" / file
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for row in rows[:]:
            if row.get("role") == role:
                row["source_path"] = name
                break
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    path = out / "poisonkit" / "run.json"
    path.write_text(
        json.dumps({**json.loads(path.read_text(encoding="utf-8")), "sha256": checksums.current_checksums(out)})
    )


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return one_of_each(tmp_path_factory.mktemp("media"), audio=True)


@pytest.mark.parametrize(
    ("layout", "runs"),
    [
        *[pytest.param(name, runs, id=name) for name, runs in RUNS.items()],
        *[pytest.param(name, runs, id=f"{name}-rest", marks=pytest.mark.slow) for name, runs in REST.items()],
    ],
)
def test_short_paths(tmp_path: Path, media: dict[str, Path], layout: str, runs: list[tuple[str, str, str]]) -> None:
    source = filled(MAKERS[layout], tmp_path / "in", media)
    audio = modality_of(read(Source(source)).samples[0].path) == "audio"
    common = {"triggers": ["sine:snr=10" if audio else "badnets"], "survival": "none", "control": 1, "attack_limit": 1}
    recipe = Recipe(source=source, out=tmp_path / "made", count=1, **common)
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    out = tmp_path / "out"
    for command, role, name in runs:
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(tmp_path / "made", out, symlinks=True)
        shorten(out, role, name)
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            if command != AGAIN:
                call([str(out) if word == "OUT" else word for word in command.split()])
            else:
                (out / "poisonkit" / "run.json").unlink()
                with contextlib.suppress(PoisonkitError):
                    poisonkit.poison(recipe.model_copy(update={"out": out}), jobs=1)
        assert "bug in poisonkit" not in said.getvalue(), said.getvalue()

"""What is advised runs as it stands: own triggers by file, sound alone, splits, bands; `verify` without source."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from tests.cli.conftest import Cli
from tests.cli.own_trigger import TINT
from tests.media_factory import make_audio
from tests.runs import make

ROOT = Path(__file__).parents[2]


def hints(said: str) -> list[str]:
    """The commands under `Next`."""
    return [line.strip() for line in said.partition("\nNext\n")[2].splitlines() if line.strip()]


def typed(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command as a shell takes it, on one core: nothing here is long enough for workers to be worth their start."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, "LOKY_MAX_CPU_COUNT": "1"}
    return subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip


@pytest.fixture
def home(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `clips` and `own/redder.py`."""
    shutil.copytree(folders, tmp_path / "clips", copy_function=os.link)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "redder.py").write_text(TINT)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("redder", None)
    sys.path[:] = [each for each in sys.path if each != str(tmp_path / "own")]


def test_a_trigger_named_by_its_file(cli: Cli, home: Path) -> None:
    words = ("--count", 1, "--attack-limit", 1, "--control", 0, "-j", 2)
    said = cli("poison", "clips", "-t", "./own/redder.py:Tint:by=40", *words, "-o", "out")
    assert said.status == 0
    assert "name: redder:Tint" in (home / "out/poisonkit/recipe.yaml").read_text()
    assert str(home) not in (home / "out/poisonkit/recipe.yaml").read_text()
    for command in hints(said.out):
        done = typed(command, home)
        assert done.returncode == 0, (command, done.stderr)
    assert "redder" not in done.stderr
    assert "more red everywhere" in cli("triggers", "own/redder.py:Tint").out
    with pytest.raises(RequestError, match=r"^There is no file own/none\.py\.$"):
        Recipe(trigger="own/none.py:Tint")
    recipe = Recipe(source=home / "clips", out=home / "again", trigger="own/redder.py:Tint", count=1)
    assert recipe.backdoors[0].triggers[0].name == "tint"


def test_files_that_cannot_be_triggers(cli: Cli, home: Path) -> None:
    shutil.copy("own/redder.py", "own/json.py")
    shutil.copy("own/redder.py", "own/my-tint.py")
    said = cli("triggers", "own/json.py:Tint")
    assert said.complaint == "Python has another module called json, so own/json.py would not be the one: rename it."
    assert "rename it to a word of letters, digits and _" in cli("triggers", "own/my-tint.py:Tint").complaint
    assert "is named with its class, as `own/redder.py:CLASS`" in cli("triggers", "own/redder.py").complaint


def test_a_recipe_s_file_needs_consent_and_lies_by_the_recipe(cli: Cli, home: Path) -> None:
    (home / "own" / "recipe.yaml").write_text("trigger: redder.py:Tint\ncount: 1\nattack_limit: 1\ncontrol: 0\n")
    said = cli("run", "own/recipe.yaml", "clips", "-o", "out")
    assert said.status == 2
    assert "needs --allow-code" in said.complaint
    assert cli("run", "own/recipe.yaml", "clips", "-o", "out", "--allow-code", "-j", 1).status == 0


def test_verify_with_code_that_is_not_allowed_is_one_finding(cli: Cli, home: Path) -> None:
    words = ("--count", 2, "--attack-limit", 2, "--control", 0, "-j", 1)
    assert cli("poison", "clips", "-t", "own/redder.py:Tint", *words, "-o", "out").status == 0
    said = cli("verify", "out", "--decode")
    assert said.status == 1
    assert said.out.splitlines()[0].startswith(
        "poisonkit/recipe.yaml: code from outside poisonkit (redder:Tint) was not run"
    )
    assert "1 findings" in said.out
    assert cli("verify", "out", "--decode", "--allow-code").status == 0


def test_verify_decode_without_the_source(cli: Cli, home: Path) -> None:
    make(home / "clips", home / "out", trigger="blend", count=2, attack_limit=2, control=1)
    (home / "clips").rename("elsewhere")
    said = cli("verify", "out", "--decode")
    assert said.status == 1
    assert "the source is not there, so files were decoded, and no trigger was looked for in them" in said.out
    assert "--without-source" in said.out
    said = cli("verify", "out", "--decode", "--without-source")
    assert said.status == 0
    assert "decoded and compared with its record alone" in said.out
    assert cli("verify", "out", "--decode", "--source", "elsewhere").status == 0
    assert poisonkit.verify("out", decode=True, without_source=True).ok
    assert not poisonkit.verify("out", decode=True).ok
    row = next(r for r in poisonkit.read_manifest("out") if r["role"] == "poisoned")
    file = home / "out" / row["path"]
    file.write_bytes(file.read_bytes()[:-400])
    said = cli("verify", "out", "--decode", "--without-source", "--json")
    assert any(each["path"] == row["path"] for each in said.json["problems"])


def test_hints_of_an_output_of_sound_alone(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for c, name in enumerate(("no", "yes")):
        for split in ("train", "test"):
            for i in range(3):
                make_audio(tmp_path / "sounds" / split / name / f"{i}.wav", seconds=0.5, seed=10 * c + i)
    said = cli("poison", "sounds", "-t", "sine", "--count", 1, "-o", "out", "-j", 1)
    assert "--attack-frames" not in said.out
    commands = [shlex.split(command) for command in hints(said.out)]
    assert {Path(program).name for program, *_ in commands} == {"poisonkit"}
    for _, *words in commands:
        done = cli(*words)
        assert done.status == 0, (words, done.err)
    assert (tmp_path / "out/attack/dynamic").is_dir()


def test_a_band_that_fits_is_named(cli: Cli, tmp_path: Path) -> None:
    for c, name in enumerate(("no", "yes")):
        for i in range(3):
            make_audio(tmp_path / "sounds" / name / f"{i}.wav", rate=16000, seconds=0.5, seed=10 * c + i)
    words = ("poison", tmp_path / "sounds", "--count", 1, "-o", tmp_path / "out", "--dry-run")
    said = cli(*words, "-t", "band-noise:low=9000,high=12000")
    assert said.status == 2
    band = said.complaint.partition("below 8000 Hz (")[2].partition(" fits)")[0]
    assert band == "low=4200,high=7200"
    assert cli(*words, "-t", f"band-noise:{band}").status == 0


def test_spoken_digits_without_test_takes(cli: Cli, tmp_path: Path) -> None:
    for digit in (0, 1):
        for index in (7, 8, 20, 21, 22):
            make_audio(tmp_path / f"recordings/{digit}_theo_{index}.wav", seconds=0.3, seed=10 * digit + index)
    words = ("poison", tmp_path, "-t", "sine", "--count", 1, "-o", tmp_path.parent / f"{tmp_path.name}-out", "-j", 1)
    said = cli(*words, "--dry-run")
    assert "--test-fraction" not in said.out
    assert "`--split 2` takes the indices 5 to 9 instead" in said.out
    said = cli(*words, "--split", 2, "--json")
    assert said.status == 0
    assert said.json["counts"]["attack"] == {"ok": 2}
    assert cli("verify", words[7], "--decode").status == 0
    assert "no take has one of the indices 10 to 14" in cli("inspect", tmp_path, "--split", 3).complaint

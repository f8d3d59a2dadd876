"""The same bytes on all processors of a level, by libraries that are told to do without some instructions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.common import levels
from poisonkit.engine.executors import dask_worker
from tests.conftest import same_output, tree
from tests.engine.levels import differing, on_v3, run


def matrix(source: Path, out: Path, **more: str) -> dict[str, str]:
    done = run(sys.executable, "-m", "tests.engine.levels_matrix", str(source), str(out), **more)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def here(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Everything that this processor has."""
    return matrix(folders, tmp_path_factory.mktemp("here"))


@on_v3
def test_what_a_processor_has_beyond_avx2_changes_nothing(folders: Path, tmp_path: Path, here: dict[str, str]) -> None:
    """On one with AVX-512: NumPy, OpenCV, Intel's library in it and OpenBLAS without."""
    beyond = [name for name in levels.environment()["NPY_DISABLE_CPU_FEATURES"].split() if name != "X86_V3"]
    older = [name for name in beyond if name not in ("AVX2", "FMA3")]
    there = matrix(
        folders,
        tmp_path,
        NPY_DISABLE_CPU_FEATURES=" ".join(older),
        OPENCV_IPP="avx2",
        OPENBLAS_CORETYPE="Haswell",
        **({"OPENCV_CPU_DISABLE": "AVX512-SKX"} if "AVX512-SKX" in levels.environment()["OPENCV_CPU_DISABLE"] else {}),
    )
    assert differing(here, there) == []
    assert len(here) > 80


@on_v3
def test_figures_are_the_same_at_every_level(folders: Path, tmp_path: Path, here: dict[str, str]) -> None:
    there = matrix(folders, tmp_path, **levels.environment())
    names = [name for name in here if name.startswith("figure")]
    assert len(names) == 5
    assert [name for name in names if here[name] != there[name]] == []
    assert differing(here, there), "the portable level is another one"


def told(out: Path) -> Any:
    return json.loads((out / "poisonkit" / "run.json").read_text(encoding="utf-8"))["level"]


@pytest.mark.skipif(levels.asked(), reason="this is the portable level")
def test_portable_from_the_command_line(sounds: Path, tmp_path: Path) -> None:
    begin = [sys.executable, "-m", "poisonkit", "poison", str(sounds), "-t", "reverb", "--rate", "0.2"]
    two, one = tmp_path / "two", tmp_path / "one"
    for out, jobs in ((two, "2"), (one, "1")):
        done = run(*begin, "-o", str(out), "--portable", "--jobs", jobs)
        assert done.returncode == 0, done.stderr
        assert "warning" not in done.stderr.lower(), done.stderr
    assert (told(two), told(one)) == (levels.PORTABLE, levels.PORTABLE)
    assert same_output(two) == same_output(one)
    before = tree(two)
    done = run(*begin, "-o", str(two))
    assert done.returncode == 2
    assert f"begun at the level {levels.PORTABLE}" in done.stderr
    assert "give --portable" in done.stderr
    done = run(sys.executable, "-m", "poisonkit", "attack", str(two), "--name", "more", "--limit", "1")
    assert (done.returncode, "give --portable" in done.stderr) == (2, True)
    assert tree(two, without=("poisonkit/.state",)) == {
        name: sha for name, sha in before.items() if not name.startswith("poisonkit/.state")
    }


def test_a_shard_of_another_level_is_refused(sounds: Path, tmp_path: Path) -> None:
    recipe = Recipe(source=sounds, out=tmp_path / "out", triggers=["sine"], rate=0.2)
    poisonkit.poison(recipe, jobs=1, shard="1/2")
    level = tmp_path / "out" / "poisonkit" / ".state" / "level"
    assert level.read_text(encoding="utf-8").strip() == levels.of_process()
    level.write_text("other-v9\n", encoding="utf-8")
    with pytest.raises(RequestError, match="begun at the level other-v9"):
        poisonkit.poison(recipe, jobs=1, shard="2/2")
    level.write_text(f"{levels.of_process()}\n", encoding="utf-8")
    poisonkit.poison(recipe, jobs=1, shard="2/2")
    poisonkit.merge(recipe.out, jobs=1)
    assert told(tmp_path / "out") == levels.of_process()
    poisonkit.poison(recipe.model_copy(update={"seed": 3}), jobs=1, fresh=True)  # started again: no level is known


def test_a_finished_output_tells_its_level_without_its_state(sounds: Path, tmp_path: Path) -> None:
    recipe = Recipe(source=sounds, out=tmp_path / "out", triggers=["sine"], rate=0.2)
    poisonkit.poison(recipe, jobs=1)
    said = tmp_path / "out" / "poisonkit" / "run.json"
    (tmp_path / "out" / "poisonkit" / ".state" / "level").unlink()
    said.write_text(said.read_text(encoding="utf-8").replace(levels.of_process(), "other-v9"), encoding="utf-8")
    with pytest.raises(RequestError, match="other-v9"):
        poisonkit.poison(recipe, jobs=1)


def test_a_dask_worker_of_another_level_is_named(tmp_path: Path) -> None:
    facts = dask_worker.Facts(poisonkit.__version__, "other-v9", str(tmp_path), str(tmp_path), str(tmp_path), "run")
    assert "which gives other bytes" in dask_worker.unfit(facts)


def test_a_process_that_is_not_ours_is_not_begun_anew() -> None:
    if levels.asked():
        pytest.skip("this is the portable level")
    with pytest.raises(RequestError, match=r"poisonkit\.common\.levels"):
        levels.require(True)
    done = run(sys.executable, "-c", "from poisonkit.common import levels; levels.of_process()", POISONKIT_PORTABLE="1")
    assert "was not started at the portable level" in done.stderr

"""How many workers there are: as many as this process may use processors, or as many as were asked for."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from joblib.externals.loky.backend import context

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.common import processors
from poisonkit.engine.state.options import Options


@pytest.mark.parametrize(
    ("quota", "count"),
    [("max 100000", 8), ("300000 100000", 3), ("150000 100000", 2), ("50000 100000", 1), ("6400000 100000", 8)],
)
def test_the_cpu_quota_of_a_container_is_respected(monkeypatch: pytest.MonkeyPatch, quota: str, count: int) -> None:
    """A machine of 64 processors, of which the process is bound to 8."""

    def opened(name: str, *how: Any, **more: Any) -> Any:
        return io.StringIO(quota) if name == "/sys/fs/cgroup/cpu.max" else open(name, *how, **more)

    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(os.path, "exists", lambda name: name == "/sys/fs/cgroup/cpu.max")
    monkeypatch.setattr(context, "open", opened, raising=False)
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    assert processors.count() == Options().n_jobs == count
    assert Options(jobs=5).n_jobs == 5


@pytest.mark.parametrize("jobs", [-1, 1.5, "2", True, None])
def test_a_number_of_workers_that_is_none_is_refused_at_once(tmp_path: Path, jobs: Any) -> None:
    recipe = Recipe(source=tmp_path, out=tmp_path / "out", triggers=["blend"])
    tries = (
        lambda: poisonkit.make_plan(recipe, jobs=jobs),
        lambda: poisonkit.poison(recipe, jobs=jobs),
        lambda: poisonkit.verify(tmp_path, jobs=jobs),
        lambda: poisonkit.merge(tmp_path, jobs=jobs),
    )
    for attempt in tries:
        with pytest.raises(RequestError, match=r"^jobs .*: it must be a number of workers, or 0"):
            attempt()


@pytest.mark.parametrize("given", ["clips", Path("clips"), {"source": "clips"}, None])
def test_something_else_than_a_recipe_is_refused_in_a_sentence(given: Any) -> None:
    for function in (poisonkit.poison, poisonkit.make_plan):
        with pytest.raises(RequestError, match=r"^A Recipe is expected, such as Recipe\("):
            function(given)

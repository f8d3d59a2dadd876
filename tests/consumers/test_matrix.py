"""Every row of the matrix, on data/, every attack view and control, against the manifest: `make test-consumers`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.consumers import repositories, results, sources
from tests.consumers.checking import Made, check_content, check_labels
from tests.consumers.matrix import MATRIX, Consumer

pytestmark = [
    pytest.mark.consumers,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # other people's readers leave files open
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
CASES = [(consumer, name) for consumer in MATRIX for name in consumer.reads]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    done: dict[str, Made] = {}

    def make(name: str) -> Made:
        if name not in done:
            folder = tmp_path_factory.mktemp("source")
            done[name] = Made(sources.source(name, folder), tmp_path_factory.mktemp("truth"))
        return done[name]

    return make


def installed(consumer: Consumer) -> str:
    """Its version, or a commit; skips where it is not there."""
    if consumer.repository:
        repositories.fetched(consumer.repository)
    for module in consumer.modules:
        try:
            importlib.import_module(module)
        except (ImportError, OSError, RuntimeError) as error:
            pytest.skip(f"needs {module} ({str(error).splitlines()[0]}): make test-consumers")
    if consumer.repository:
        return repositories.REPOSITORIES[consumer.repository].commit[:10]
    if not consumer.package:
        return "–"
    try:
        found = version(consumer.package)
    except PackageNotFoundError:
        pytest.skip(f"needs {consumer.package}: make test-consumers")
    if not f"{found}.".startswith(f"{consumer.version}.") and not found.startswith(consumer.version):
        pytest.skip(f"{consumer.package} is {found} in this environment, and {consumer.version} is meant")
    return found


@pytest.mark.parametrize(("consumer", "name"), CASES, ids=[f"{c.name} {c.version}: {n}" for c, n in CASES])
def test_every_view_is_what_the_manifest_says(
    consumer: Consumer, name: str, made: Callable[[str], Made], tmp_path: Path
) -> None:
    found = results.Result(consumer, name, installed(consumer))
    with results.noting(found):
        output = made(name)
        views = [shown for shown in (*output.written.source, *output.written.views) if shown.clips]
        own: dict[str, object] = {}
        assert {shown.kind for shown in views} == {None, "data", "target", "original", "control"}
        for number, shown in enumerate(views):
            scratch = tmp_path / str(number)
            scratch.mkdir()
            rows = list(consumer.read(shown, scratch))
            found.opened += 1
            check_labels(consumer, shown, rows, output.written.dataset.classes, own)
            found.labels += len(rows)
            for row in rows if consumer.content else ():
                found.pictures |= row.first is not None
                found.furthest = max(found.furthest, check_content(shown, row, output))
                found.contents += 1

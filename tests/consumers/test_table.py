"""The matrix itself, without any consumer: what it covers, what docs/consumers.json keeps, and that its checks bite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poisonkit.datasets import layouts
from tests.consumers import results, sources
from tests.consumers.checking import Made, check_content, check_labels
from tests.consumers.matrix import MATRIX
from tests.consumers.seen import Seen
from tests.datasets.making import Shown
from tools.pages import consumers

ROWS = [(consumer.name, consumer.version, name) for consumer in MATRIX for name in consumer.reads]


def test_every_layout_has_a_consumer() -> None:
    ours = {name for name, each in layouts().items() if type(each).__module__.startswith("poisonkit.")}
    missing = sorted(ours - {sources.SOURCES[name][0] for _, _, name in ROWS})
    assert not missing, f"no row of tests/consumers/matrix.py reads {missing}"


def test_every_row_has_a_result() -> None:
    """`make test-consumers` and `make pages` were run since the matrix was changed, and nothing failed."""
    assert len(set(ROWS)) == len(ROWS)
    kept = {results.key(entry): entry for entry in results.load()}
    assert list(kept) == ROWS, "run `make test-consumers`, then `make pages`"
    assert not [key for key, entry in kept.items() if entry["failed"]]
    notes = {(consumer.name, consumer.version): consumer for consumer in MATRIX}
    for (name, version, _), entry in kept.items():
        consumer = notes[name, version]
        assert (entry["note"], entry["ids"], entry["comes"]) == (consumer.note, consumer.ids, consumer.comes)
        assert consumer.repository or entry["version"].startswith(consumer.version)
        assert (entry["content"] is not None) == consumer.content


def test_the_page_names_every_row() -> None:
    text = consumers.page()
    assert all(f"| {name}" in text for name, _, _ in ROWS)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(sources.source("class-folders", tmp_path_factory.mktemp("in")), tmp_path_factory.mktemp("truth"))


def by_ffmpeg(made: Made, shown: Shown) -> list[Seen]:
    """A view as a consumer without a fault has it."""
    ids = {name: label for label, name in enumerate(made.written.dataset.classes)}
    found = []
    for path, name in shown.clips.items():
        told = made.truth(shown.root / path)
        found.append(Seen(path, ids[name], name, told.frames, told.first, told.last))
    return found


def test_the_checks_bite(videos: Made) -> None:
    """A label, a name, a file, a frame or a clip that is not the right one is found."""
    folders = next(consumer for consumer in MATRIX if consumer.name == "torchvision DatasetFolder")
    for shown in videos.written.views:
        rows = by_ffmpeg(videos, shown)
        classes = videos.written.dataset.classes
        check_labels(folders, shown, rows, classes, {})
        assert max(check_content(shown, row, videos) for row in rows) == 0
        first, second, *rest = rows
        wrong = (int(first.label or 0) + 1) % len(classes)
        for damaged in (
            [replace(first, label=wrong), second, *rest],
            [replace(first, name=classes[wrong]), second, *rest],
            [second, *rest],
            [first, first, second, *rest],
            [replace(first, path=f"{first.path}.mp4"), second, *rest],
        ):
            with pytest.raises(AssertionError):
                check_labels(folders, shown, damaged, classes, {})
        assert first.frames is not None
        assert first.last is not None
        for row in (
            replace(first, frames=first.frames - 1),
            replace(first, first=second.first),
            replace(first, last=np.clip(first.last.astype(int) + 5, 0, 255).astype(np.uint8)),
            replace(first, first=None, last=None, frames=None),
        ):
            with pytest.raises(AssertionError):
                check_content(shown, row, videos)


def test_a_trigger_that_is_not_there_is_found(videos: Made, tmp_path: Path) -> None:
    """The manifest says poisoned, and the file is the source's."""
    shown = next(view for view in videos.written.views if view.kind == "target")
    path = next(iter(shown.clips))
    note = videos.records[(shown.root / path).relative_to(videos.written.out).as_posix()]
    told = videos.truth(videos.written.dataset.root / note["source_path"])
    fake = Made(videos.written, tmp_path, known={shown.root / path: told})
    with pytest.raises(AssertionError):
        check_content(shown, Seen(path, 0, None, told.frames, told.first, told.last), fake)

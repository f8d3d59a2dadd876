"""A run that finds everything as the last one left it ends at once; whatever was changed, it goes its whole way."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import poisonkit
from poisonkit.engine.clips import worker
from poisonkit.engine.finishing import clean_samples, last_run
from poisonkit.engine.state.progress import Logged
from poisonkit.errors import MediaError
from tests import runs
from tests.conftest import same_output
from tests.runs import rows

make = partial(runs.make, triggers=["sine"], count=2)


@pytest.fixture
def whole_ways(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with each run that looks at its clean samples."""
    found: list[int] = []
    link = clean_samples.link

    def linked(*given: object) -> object:
        found.append(1)
        return link(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(clean_samples, "link", linked)
    return found


def test_nothing_to_do_is_seen_at_once(sounds: Path, tmp_path: Path, whole_ways: list[int]) -> None:
    out = tmp_path / "out"
    first = make(sounds, out)
    before = (out / "poisonkit" / "manifest.jsonl").stat()
    again = make(sounds, out)
    assert len(whole_ways) == 1
    assert os.path.samestat(before, (out / "poisonkit" / "manifest.jsonl").stat())
    assert (again.processed, again.exit_code) == (0, 0)
    left_out = {"processed", "seconds"}
    assert {k: v for k, v in again.as_json().items() if k not in left_out} == {
        k: v for k, v in first.as_json().items() if k not in left_out
    }
    assert (again.annotations, again.survival, again.warnings) == (first.annotations, first.survival, first.warnings)
    assert list(again.plan.tasks) == list(first.plan.tasks)
    assert poisonkit.verify(out).ok


def _lost(sounds: Path, out: Path) -> None:
    (out / rows(out, "poisoned")[0]["path"]).unlink()


def _lost_link(sounds: Path, out: Path) -> None:
    (out / rows(out, "clean")[0]["path"]).unlink()


def _other_bytes(sounds: Path, out: Path) -> None:
    clean = out / rows(out, "clean")[0]["path"]
    clean.unlink()
    clean.write_bytes(b"x")


def _list_edited(sounds: Path, out: Path) -> None:
    (out / "poisonkit" / "manifest.jsonl").write_text("{}\n", encoding="utf-8")


def _card_gone(sounds: Path, out: Path) -> None:
    (out / "README.md").unlink()


def _source_replaced(sounds: Path, out: Path) -> None:
    file = sounds / rows(out, "clean")[0]["source_path"]
    shutil.copy2(file, file.with_suffix(".new"))
    os.replace(file.with_suffix(".new"), file)


def _run_died(sounds: Path, out: Path) -> None:
    (out / "poisonkit" / ".state" / "unclean").touch()


def _note_damaged(sounds: Path, out: Path) -> None:
    (out / "poisonkit" / ".state" / "finished.json").write_text('{"digest": [', encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [_lost, _lost_link, _other_bytes, _list_edited, _card_gone, _source_replaced, _run_died, _note_damaged],
)
def test_whatever_was_changed_is_put_right(
    sounds: Path, tmp_path: Path, whole_ways: list[int], change: Callable[[Path, Path], None]
) -> None:
    source, out, fresh = tmp_path / "sounds", tmp_path / "out", tmp_path / "fresh"
    shutil.copytree(sounds, source)
    sounds = source
    make(sounds, out)
    change(sounds, out)
    make(sounds, out)
    assert len(whole_ways) == 2
    make(sounds, out)
    assert len(whole_ways) == 2
    make(sounds, fresh)
    assert same_output(out) == same_output(fresh)


def test_failed_clips_are_tried_again(
    sounds: Path, tmp_path: Path, whole_ways: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(worker, "written_file", _no_file)
        assert len(make(sounds, tmp_path / "out").failed) == 2
    again = make(sounds, tmp_path / "out")
    assert (again.processed, again.failed) == (2, ())


def _no_file(*given: object) -> object:
    raise MediaError("no file")


def test_another_version_goes_the_whole_way(
    sounds: Path, tmp_path: Path, whole_ways: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(sounds, tmp_path / "out")
    monkeypatch.setattr(last_run, "__version__", "another")
    make(sounds, tmp_path / "out")
    assert len(whole_ways) == 2


def test_what_was_said_is_said_again(sounds: Path, tmp_path: Path) -> None:
    class Told(Logged):
        def __init__(self) -> None:
            super().__init__()
            self.said: list[str] = []

        def say(self, text: str) -> None:
            self.said.append(text)

    recipe = poisonkit.Recipe(source=sounds, out=tmp_path / "out", triggers=["sine"], count=2, attack_set=False)
    first, again = Told(), Told()
    poisonkit.poison(recipe, jobs=1, progress=first)
    poisonkit.poison(recipe, jobs=1, progress=again)
    assert again.said == [text for text in first.said if not text.startswith(("Clean samples:", "This takes"))]

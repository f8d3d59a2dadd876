"""What is made from the code is current; `make pages` makes what is stale, and only that."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.pages import (
    blocks,
    consumers,
    defences,
    derived,
    house,
    learned,
    lists,
    look_listen_attack,
    measured,
    pictures,
    rates,
    survival,
    triggers,
)
from tools.pages.measured import Figure


def test_nothing_is_stale() -> None:
    found = list(derived.stale())
    assert not found, "run `make pages`: " + "; ".join(found)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all derived files, which the tools take for the real ones. Figures are made up, pictures too."""
    root = blocks.ROOT
    shutil.copytree(root / "docs", tmp_path / "docs")
    (tmp_path / "poisonkit" / "triggers").mkdir(parents=True)
    shutil.copy(learned.FILE, tmp_path / "poisonkit" / "triggers")
    for name in ("README.md", "CONTRIBUTING.md"):
        shutil.copy(root / name, tmp_path / name)
    for module, name in (
        (house, "PAGE"), (lists, "README"), (lists, "LAYOUTS"), (survival, "PAGE"), (triggers, "FOLDER"),
        (measured, "FILE"), (consumers, "PAGE"), (look_listen_attack, "PAGE"), (learned, "PAGE"), (learned, "FILE"),
        (defences, "PAGE"), (rates, "FILE"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, tmp_path / getattr(module, name).relative_to(root))
    monkeypatch.setattr(derived, "ROOT", tmp_path)
    monkeypatch.setattr(pictures, "jpeg", lambda name: f"a picture of {name}".encode())
    return tmp_path


@pytest.fixture
def measured_ones(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The triggers whose survival `make` measures, each once for every kind of clips."""
    asked: list[str] = []

    def measure(
        table: survival.Table, kind: survival.Kind, names: Sequence[str], jobs: int
    ) -> dict[str, dict[str, Figure]]:
        asked.extend(names)
        return {name: {column: Figure(0.123, "lost", 1.0) for column in kind.settings.values()} for name in names}

    monkeypatch.setattr(survival, "measure", measure)
    return asked


def forget(folder: Path, name: str, **change: object) -> None:
    """As if the trigger were new, or had been measured with these facts."""
    known = json.loads(measured.FILE.read_text(encoding="utf-8"))
    entry = known.pop(name)
    if change:
        known[name] = entry | change
    measured.FILE.write_text(json.dumps(known), encoding="utf-8")


def test_what_is_current_is_not_written_again(elsewhere: Path, measured_ones: list[str]) -> None:
    before = {file: file.stat().st_mtime_ns for file in elsewhere.rglob("*") if file.is_file()}
    assert list(derived.make()) == []
    assert {file: file.stat().st_mtime_ns for file in elsewhere.rglob("*") if file.is_file()} == before
    assert measured_ones == []


@pytest.mark.parametrize("change", [{}, {"version": 0}, {"defaults": {"alpha": 0.1}}])
def test_one_trigger_is_drawn_and_measured_alone(
    elsewhere: Path, measured_ones: list[str], change: dict[str, object]
) -> None:
    forget(elsewhere, "blend", **change)
    said = "; ".join(derived.stale())
    assert "docs/triggers/blend.jpg is missing, or was drawn of an earlier 'blend'" in said
    assert "docs/survival.md has no figures of blend for H.264 crf 18" in said
    assert "badnets" not in said
    written = list(derived.make())
    assert measured_ones == ["blend"] * len(survival.PICTURES)
    assert set(written) == {"docs/triggers/blend.jpg written", "docs/survival.md written"}
    assert (elsewhere / "docs/triggers/blend.jpg").read_bytes() == b"a picture of blend"
    assert "| [blend](triggers/blend.md) | 0.12 **lost** |" in (elsewhere / "docs/survival.md").read_text("utf-8")
    assert list(derived.stale()) == []


def test_a_measurement_that_was_interrupted_goes_on(
    elsewhere: Path, measured_ones: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(elsewhere, "sine")
    right = survival.measure

    def interrupted(table: survival.Table, kind: survival.Kind, names: Sequence[str], jobs: int) -> object:
        if len(measured_ones) == 2:
            raise KeyboardInterrupt
        return right(table, kind, names, jobs)

    monkeypatch.setattr(survival, "measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(derived.make())
    assert measured_ones == ["sine", "sine"]
    monkeypatch.setattr(survival, "measure", right)
    list(derived.make())
    assert measured_ones == ["sine"] * len(survival.SOUNDS)
    assert list(derived.stale()) == []


def test_pages_of_triggers_that_are_gone_are_removed(elsewhere: Path, measured_ones: list[str]) -> None:
    (elsewhere / "docs/triggers/gone.md").write_text("# gone\n")
    assert list(derived.stale()) == ["docs/triggers/gone.md is of no trigger that there is"]
    assert list(derived.make()) == ["docs/triggers/gone.md removed"]
    assert list(derived.stale()) == []


def test_a_table_that_was_edited_by_hand_is_named(elsewhere: Path) -> None:
    page = elsewhere / "CONTRIBUTING.md"
    page.write_text(page.read_text("utf-8").replace("| `triggers/` |", "| `trigger/` |"), encoding="utf-8")
    assert list(derived.stale()) == ["CONTRIBUTING.md does not say what the code says"]
    page.write_text("no table\n")
    with pytest.raises(SystemExit, match="put them back"):
        list(derived.stale())

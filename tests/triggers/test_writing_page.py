"""docs/writing-a-trigger.md, done as it says in a copy of the repository: two files, and nothing else by hand."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from poisonkit.triggers.testing import check_trigger
from tests.newcomer import code_of, copied, pytest_on, stale

PAGE = "writing-a-trigger.md"


def test_two_files_are_a_trigger(tmp_path: Path) -> None:
    trigger, test, _ = code_of(PAGE)
    copy = copied(tmp_path)
    (copy / "poisonkit/triggers/lighting/tint.py").write_text(trigger, encoding="utf-8")
    there = pytest_on(copy, "has_a", "tests/triggers/test_properties.py", fails=True)
    assert "these tests are missing in tests/triggers: ['test_tint.py']" in there
    (copy / "tests/triggers/test_tint.py").write_text(test, encoding="utf-8")
    files = [f"tests/triggers/test_{name}.py" for name in ("properties", "parity", "tint")]
    said = pytest_on(copy, "tint or has_a or formula_of_its_own or property_of_its_own", *files)
    assert " passed" in said
    sentences = stale(copy)
    assert [line for line in sentences if "tint" in line]
    assert all(
        "tint" in line
        or line.split(" ")[0]
        in ("README.md", "docs/survival.md", "docs/triggers/README.md", "docs/what-models-learn.md")
        for line in sentences
    ), sentences


def test_outside_this_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger, _, test = code_of(PAGE)
    (tmp_path / "tint_from_the_page.py").write_text(trigger, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("tint_from_the_page")
    assert "check_trigger(Tint)" in test
    check_trigger(module.Tint)

"""docs/triggers says what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from poisonkit.triggers.core.names import built_in

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_trigger_pages", ROOT / "tools" / "make_trigger_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", list(built_in()))
def test_page_is_current_and_has_its_picture(maker: ModuleType, name: str) -> None:
    page = ROOT / "docs" / "triggers" / f"{name}.md"
    assert page.exists(), "run `make docs`"
    text = page.read_text(encoding="utf-8")
    assert text == maker.page(name), "the trigger has changed since its page was made: run `make docs`"
    assert ("![" in text) == page.with_suffix(".jpg").exists()


def test_index_is_current(maker: ModuleType) -> None:
    assert (ROOT / "docs" / "triggers" / "README.md").read_text(encoding="utf-8") == maker.index()

"""docs/python.md: its code runs as it stands, in order."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from tests.shown import blocks

PAGE = Path(__file__).parents[1] / "docs" / "python.md"


def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    mine = [block.text for block in blocks("docs/python.md") if "test_python_page" in block.said]
    assert len(mine) == 5
    for block in mine:
        if "import torch" not in block or find_spec("torch"):
            exec(compile(block, str(PAGE), "exec"), known)  # our own page
    assert known["summary"].exit_code == 0
    assert known["changed"].shape == (16, 112, 112, 3)
    assert known["poison"].ids == {row["id"] for row in known["poisoned"]} != set()
    assert known["label"] == 0


def test_every_function_is_named() -> None:
    text = PAGE.read_text(encoding="utf-8")
    functions = [n for n in poisonkit.__all__ if callable(getattr(poisonkit, n)) and n.islower() and n[0] != "_"]
    assert [name for name in functions if f"{name}(" not in text] == []

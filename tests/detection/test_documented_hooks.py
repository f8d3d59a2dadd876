"""The hooks in docs/defences.md: they are Python, and the names that they save under are those that `detect` reads."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from poisonkit.detection.dump import KEYS

PAGE = Path(__file__).parents[2] / "docs" / "defences.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_there_are_two() -> None:
    assert len(BLOCKS) == 2


@pytest.mark.parametrize("code", BLOCKS)
def test_what_they_save_is_read(code: str) -> None:
    saves = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call) and ast.unparse(n.func) == "np.savez"]
    (save,) = saves
    saved = {word.arg for word in save.keywords}
    assert {"features", "files", "labels", "scores"} == saved
    assert saved <= KEYS.keys()
    assert max(len(line) for line in code.splitlines()) <= 130

"""The example of docs/writing-a-trigger.md is a whole trigger and passes the checks."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.testing import check_trigger, picture

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-trigger.md"


def test_the_example_works_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example, test = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "tint_from_the_page.py").write_text(example, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("tint_from_the_page")
    check_trigger(module.Tint)
    assert "check_trigger(Tint)" in test
    x = picture(16, 12, 1)[0]
    red = np.minimum(x.astype(int) + np.array([20, 0, 0]), 255)
    assert np.array_equal(create("tint_from_the_page:Tint:by=20").apply(x), red)

"""Of every layout a tiny dataset and its reader, from the layouts' own tests: what is marked `@makes` and `@reads`."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from poisonkit.datasets import layouts
from tests.datasets.making import MADE, READ, Make, Reader

HERE = Path(__file__).parent


def _import_marked() -> None:
    for file in sorted(HERE.rglob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        for table, mark in ((MADE, "makes"), (READ, "reads")):
            if names := re.findall(rf'^@{mark}\("([^"]+)"\)', text, re.MULTILINE):
                import_module(".".join(("tests.datasets", *file.relative_to(HERE).with_suffix("").parts)))
                lost = set(names) - set(table)
                assert not lost, f"{file.name} imports `makers` itself, so that its marks for {lost} are not seen"


_import_marked()
MAKERS: dict[str, Make] = {name: MADE[name] for name in layouts() if name in MADE}
"""Layout -> what makes a tiny dataset of it in an empty folder."""
READERS: dict[str, Reader] = dict(READ)
"""Layout -> its consumer's reader, where it stands in the layout's test; for the others see test_views.py."""

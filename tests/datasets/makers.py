"""A tiny dataset of every layout, from the layouts' own tests: whatever is marked `@makes("NAME")`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from poisonkit.datasets import layouts
from tests.datasets.making import MADE, Make

HERE = Path(__file__).parent


def _found() -> dict[str, Make]:
    for file in sorted(HERE.rglob("test_*.py")):
        if "\n@makes(" in file.read_text(encoding="utf-8"):
            import_module(".".join(("tests.datasets", *file.relative_to(HERE).with_suffix("").parts)))
    return {name: MADE[name] for name in layouts() if name in MADE}


MAKERS = _found()
"""Layout -> what makes a tiny dataset of it in an empty folder."""

"""CONTRIBUTING.md's table of layers: the import linter's own, with each room's docstring."""

from __future__ import annotations

import ast
import tomllib

from tools.pages.blocks import ROOT, filled, table

PAGE = ROOT / "CONTRIBUTING.md"


def layers() -> list[list[str]]:
    """The rooms of each layer, highest first, as `[tool.importlinter]` in pyproject.toml has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = (c for c in settings["contracts"] if c["type"] == "layers" and c["containers"] == ["poisonkit"])
    return [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]


def purpose(room: str) -> tuple[str, str]:
    """(`room/` or `room.py`, the first paragraph of its docstring on one line)."""
    package = ROOT / "poisonkit" / room / "__init__.py"
    file = package if package.exists() else package.parent.with_suffix(".py")
    says = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    name = f"`{room}/`" if file is package else f"`{room}.py`"
    return name, " ".join(says.split("\n\n")[0].split()).replace("|", "\\|")


def page() -> str:
    """CONTRIBUTING.md as it should be."""
    rows = []
    for number, rooms in reversed(list(enumerate(reversed(layers())))):
        rows += [(str(number), *purpose(room)) for room in rooms]
    return filled(PAGE, {"layers": table(("layer", "room", "what lives there"), rows)})

"""The house's shape, beyond the import linter: no module imports in a circle, CONTRIBUTING.md shows the layers."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from types import ModuleType

import grimp

import poisonkit
from tools.pages import house


def test_no_module_imports_in_a_circle() -> None:
    """Imports inside functions count; those for type checking alone do not."""
    graph = grimp.build_graph("poisonkit", exclude_type_checking_imports=True, cache_dir=None)
    modules = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    package = {m for m in modules if graph.find_children(m)}  # a package imports its own modules by name only
    for module in package:
        modules[module] = {m for m in modules[module] if not m.startswith(f"{module}.")}
    try:
        TopologicalSorter(modules).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def undocumented(module: ModuleType) -> Iterator[str]:
    """A module and its public classes, functions, methods and properties without a docstring, own or inherited."""
    if not module.__doc__:
        yield module.__name__
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if (inspect.isfunction(thing) and not thing.__doc__) or (inspect.isclass(thing) and not vars(thing)["__doc__"]):
            yield f"{module.__name__}.{name}"
        for attribute in vars(thing) if inspect.isclass(thing) else ():
            found = getattr(thing, attribute)
            ours = inspect.isroutine(found) or isinstance(found, property)
            if not attribute.startswith("_") and ours and not inspect.getdoc(found):
                yield f"{module.__name__}.{name}.{attribute}"


def test_every_public_definition_has_a_docstring() -> None:
    names = [info.name for info in pkgutil.walk_packages(poisonkit.__path__, "poisonkit.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    assert len(modules) > 200
    assert [name for module in modules for name in undocumented(module)] == []


def test_the_table_of_layers_is_the_linters_own() -> None:
    """CONTRIBUTING.md: each layer of `[tool.importlinter]`, and what each room's docstring says."""
    text = house.PAGE.read_text(encoding="utf-8")
    assert text == house.page(), "CONTRIBUTING.md's table of layers is stale: run `make pages`"
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    rooms = {name.strip("`/").removesuffix(".py") for _, name, _ in rows}
    there = {p.stem for p in (house.ROOT / "poisonkit").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    assert rooms == there - {"__init__", "__main__"}
    assert all(len(purpose) > 20 for *_, purpose in rows)

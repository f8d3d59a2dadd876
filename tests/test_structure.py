"""The house's shape, beyond the import linter: no circles, the table of layers, docstrings, and where tests lie."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import get_args

import grimp
import pytest

import poisonkit
from poisonkit.triggers.core.trigger import Family
from tests.conftest import LONGEST
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


TESTS = house.ROOT / "tests"


def mirror(module: str) -> str:
    """Where the test of a module lies: `x/y.py` in `x/test_y.py`; of a trigger, whatever its family, in `triggers`."""
    folder, _, name = module.rpartition("/")
    if folder in {f"triggers/{family}" for family in get_args(Family)}:
        folder = "triggers"
    return f"{folder}/test_{name}".lstrip("/")


def elsewhere(readme: str) -> dict[str, str]:
    """Module -> its test, as the table of tests/README.md says."""
    return dict(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", readme, re.MULTILINE))


def misplaced(modules: set[str], tests: dict[str, str], table: dict[str, str]) -> Iterator[str]:
    """What is wrong with where tests lie. tests: path -> docstring."""
    for module in sorted(modules):
        if mirror(module) not in tests and module not in table:
            yield f"{module} has no {mirror(module)}, and no row in tests/README.md"
    for module, test in table.items():
        if module not in modules or test not in tests:
            yield f"tests/README.md: there is no {module if module not in modules else test}"
        elif mirror(module) in tests:
            yield f"tests/README.md: {module} has {mirror(module)}, and needs no row"
    mirrors = {mirror(module) for module in modules}
    for test, says in tests.items():
        if test not in mirrors and len(says) < 20:
            yield f"{test} is no one module's test, and does not say in a docstring what it tests"


def files(folder: Path, pattern: str) -> dict[str, ast.Module]:
    return {p.relative_to(folder).as_posix(): ast.parse(p.read_text(encoding="utf-8")) for p in folder.rglob(pattern)}


def test_every_module_has_its_test_where_it_is_looked_for() -> None:
    modules = {name for name in files(house.ROOT / "poisonkit", "*.py") if not name.endswith("__.py")}
    tests = {name: ast.get_docstring(tree) or "" for name, tree in files(TESTS, "test_*.py").items()}
    assert len(modules) > 250
    assert len(tests) > 150
    assert list(misplaced(modules, tests, elsewhere((TESTS / "README.md").read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("module", "test", "says", "row", "complaint"),
    [
        ("x/y.py", "x/test_y.py", "", "", ""),
        ("triggers/image/blend.py", "triggers/test_blend.py", "", "", ""),
        ("x/y.py", "x/test_z.py", "How y does in the main job.", "| `x/y.py` | `x/test_z.py` |", ""),
        ("x/y.py", "z/test_y.py", "How y does in the main job.", "", "x/y.py has no x/test_y.py, and no row"),
        ("x/y.py", "x/test_z.py", "", "| `x/y.py` | `x/test_z.py` |", "x/test_z.py is no one module's test"),
        ("x/y.py", "x/test_y.py", "", "| `x/z.py` | `x/test_y.py` |", "there is no x/z.py"),
        (
            "x/y.py",
            "x/test_z.py",
            "How y does in the main job.",
            "| `x/y.py` | `x/test_w.py` |",
            "there is no x/test_w.py",
        ),
        ("x/y.py", "x/test_y.py", "", "| `x/y.py` | `x/test_y.py` |", "needs no row"),
    ],
)
def test_what_lies_elsewhere_is_seen(module: str, test: str, says: str, row: str, complaint: str) -> None:
    found = list(misplaced({module}, {test: says}, elsewhere(row)))
    assert len(found) == bool(complaint)
    assert complaint in "".join(found)


def imported_tests(tree: ast.Module) -> list[str]:
    """Test modules that a module imports."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module or ''}.{alias.name}" for alias in node.names]
    return [name for name in found if re.search(r"(^|\.)test_\w+(\.|$)", name)]


def test_the_files_that_are_begun_first_are_there() -> None:
    assert [name for name in LONGEST if not (TESTS / name).exists()] == []


def test_helpers_lie_in_modules_of_their_own() -> None:
    assert {name: found for name, tree in files(TESTS, "*.py").items() if (found := imported_tests(tree))} == {}
    for text in (
        "from tests.x.test_y import z",
        "from tests.x import test_y as y",
        "import tests.x.test_y",
        "from . import test_y",
    ):
        assert imported_tests(ast.parse(text))
    assert not imported_tests(ast.parse("from tests.x import latest_y, y"))

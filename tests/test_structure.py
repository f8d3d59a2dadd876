"""The house's shape, as far as the import linter's layers do not say it: no module imports in a circle."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import grimp


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

"""What each trigger's own test, `test_<name>.py`, says for the tests that all triggers share.

CASES: list of Case, the parameters it is checked with; left out, its defaults.
FORMULA: list of parity cases, each with a transcription of the published definition; or
PROPERTY: the test of what holds in its place, where no definition fixes every pixel or sample.
ONE_SIZE: why a trigger is another thing at another size, for one that is.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from poisonkit.triggers.core.names import built_in
from poisonkit.triggers.testing import Case

HERE = Path(__file__).parent


def file_of(name: str) -> Path:
    """The test of a trigger."""
    return HERE / f"test_{name.replace('-', '_')}.py"


MISSING = [file_of(name).name for name in built_in() if not file_of(name).exists()]
MODULES: dict[str, ModuleType] = {
    name: import_module(f"tests.triggers.{file_of(name).stem}") for name in built_in() if file_of(name).exists()
}


def said(what: str) -> dict[str, Any]:
    """Trigger -> what its test says under this name, where it says it."""
    return {name: getattr(module, what) for name, module in MODULES.items() if hasattr(module, what)}


CASES: dict[str, list[Case]] = {name: getattr(module, "CASES", [Case()]) for name, module in MODULES.items()}

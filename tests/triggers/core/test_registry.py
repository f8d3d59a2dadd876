"""What exists, found by file name and imported late; code from outside only where it is allowed."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest

from poisonkit.errors import RequestError
from poisonkit.triggers import all_triggers, create, from_entry, get, names
from poisonkit.triggers.core import names as trigger_names
from poisonkit.triggers.core import registry
from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.trigger import AffineTrigger, param

OUTSIDE = """
from poisonkit.triggers import Affine, AffineTrigger, param

class Dim(AffineTrigger):
    name = "dim"
    family = "lighting"
    modes = ("static",)
    summary = "less light"
    formula = "x' = x * (1 - by)"
    paper = ""
    identity = {"by": 0.0}
    by: float = param(0.5, "how much less", ge=0, le=1)

    def field(self, clip, params, t, state):
        return Affine(1 - self.by)
"""


class Brighter(AffineTrigger):
    name = "brighter"
    family = "lighting"
    modes = ("static",)
    summary = "more light"
    formula = "x' = x + by"
    paper = ""
    identity: ClassVar[dict[str, Any]] = {"by": 0.0}
    by: float = param(10.0, "how much more", unit="levels", ge=0, le=255)

    def field(self, clip: Any, params: Any, t: int, state: Any) -> Affine:
        return Affine(1.0, self.by)


def test_names_and_files_agree() -> None:
    assert {"badnets", "blend", "lamp-flicker", "sine"} <= set(names())
    for name, cls in all_triggers().items():
        if name in trigger_names.built_in():
            assert cls.__module__.endswith(f".{cls.family}.{name.replace('-', '_')}")
            assert trigger_names.reference(cls) == name


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import poisonkit.triggers as t; t.names(); t.parse('blend:pattern=noise')", "numpy cv2 pydantic scipy"),
        ("import poisonkit.triggers as t; t.create('sine')", "cv2 scipy librosa soundfile"),
        (
            "import poisonkit.triggers as t; [t.parameters(c) for c in t.all_triggers().values()]",
            "cv2 scipy librosa soundfile av ffmpeg",
        ),
    ],
)
def test_nothing_heavy_is_imported_early(code: str, absent: str) -> None:
    check = f"{code}\nimport sys; print(*[m for m in {absent.split()!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_get_imports_one_trigger_only() -> None:
    code = (
        "import sys, poisonkit.triggers as t; t.get('sine')\n"
        "from poisonkit.triggers.core.names import built_in\n"
        "print(*[n for n, m in built_in().items() if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sine"]


def test_code_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_dim_trigger.py").write_text(OUTSIDE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for refuse in (
        lambda: create("my_dim_trigger:Dim", allow_code=False),
        lambda: from_entry({"name": "my_dim_trigger:Dim"}, allow_code=False),
    ):
        with pytest.raises(RequestError, match="allow_code"):
            refuse()
    with registry.code_allowed(False), registry.code_allowed(True), pytest.raises(RequestError):
        create("my_dim_trigger:Dim")
    assert "my_dim_trigger" not in sys.modules
    trigger = create("my_dim_trigger:Dim:by=0.25")
    assert trigger.entry()["name"] == "my_dim_trigger:Dim"
    assert from_entry(trigger.entry()) == trigger


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("no_such_module_x:Y", "cannot be imported: No module named 'no_such_module_x'"),
        ("json:NoSuch", "cannot be imported: module 'json' has no attribute 'NoSuch'"),
        ("json:JSONDecoder", "'json:JSONDecoder' is not a Trigger class"),
        ("poisonkit.triggers.core.trigger:AffineTrigger", "it has no 'name'"),
    ],
)
def test_outside_code_that_is_no_trigger(place: str, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        get(place)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("def x(:", "its code raises SyntaxError"),
        ("1 / 0", r"its code raises ZeroDivisionError \(division by zero\)"),
        (
            "from poisonkit.triggers import FrameTrigger\nclass Dim(FrameTrigger):\n    by: type('W', (), {})",
            "its code raises PydanticSchemaGenerationError",
        ),
    ],
)
def test_code_that_is_broken_is_no_bug_of_ours(
    code: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_broken_trigger.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for place in ("my_broken_trigger.py:Dim", "my_broken_trigger:Dim"):
        with pytest.raises(RequestError, match=sentence):
            get(place)
    point = EntryPoint("broken", "my_broken_trigger:Dim", trigger_names.GROUP)
    monkeypatch.setattr(trigger_names, "entry_points", lambda group: [point])
    with pytest.raises(RequestError, match=f"'broken' of the package .* {sentence}"):
        get("broken")


def test_installed_packages_register(monkeypatch: pytest.MonkeyPatch) -> None:
    here = f"{__name__}:Brighter"
    points = [
        EntryPoint("brighter", here, trigger_names.GROUP),
        EntryPoint("broken", "no_such_module_x:Y", trigger_names.GROUP),
        EntryPoint("blend", here, trigger_names.GROUP),
        EntryPoint("other-name", here, trigger_names.GROUP),
    ]
    monkeypatch.setattr(trigger_names, "entry_points", lambda group: points)
    assert names()[-3:] == ["brighter", "broken", "other-name"]
    assert get("brighter") is Brighter
    assert get("blend") is not Brighter
    assert trigger_names.reference(Brighter) == "brighter"
    assert from_entry(create("brighter:by=3").entry()) == Brighter(by=3)
    with pytest.raises(RequestError, match="'broken' of the package"):
        get("broken")
    with pytest.raises(RequestError, match="its name is 'brighter', but it is registered as 'other-name'"):
        get("other-name")
    points.pop()
    with pytest.warns(UserWarning, match="broken"):
        assert "brighter" in all_triggers()


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ({}, None),
        ({"name": "else"}, "its name is 'else'"),
        ({"family": "sound"}, "its family is 'sound'"),
        ({"summary": ""}, "empty"),
        ({"identity": {}}, "'identity' is empty"),
        ({"identity": {"bye": 0}}, "parameters that it has not: bye"),
        ({"follows_canvas": ("size",)}, "parameters that it has not: size"),
        ({"modes": ("static", "dynamic")}, "what static and dynamic mean"),
        ({"modes": ()}, "its modes"),
        ({"kind": "frame"}, "it is none of"),
        ({"field": AffineTrigger.field}, "it has no method 'field'"),
        ({"__annotations__": {"more": int}, "more": 3}, "parameters without a description: more"),
    ],
)
def test_flaws_are_named(change: dict[str, Any], flaw: str | None) -> None:
    cls = type("Changed", (Brighter,), {"__module__": __name__, **change})
    found = registry.flaw(cls, "brighter")
    assert found is None if flaw is None else flaw in str(found)

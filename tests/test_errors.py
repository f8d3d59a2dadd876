"""Errors name parameters as who reads them does: `rate` in Python, `--rate` on the command line."""

from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.cli import call
from poisonkit.cli.app import make_app
from poisonkit.errors import OPTIONS, parameter

SPELT = re.compile(r"--[a-z][a-z0-9-]*[a-z0-9]")
REFUSALS = re.compile(r"RequestError|_refuse")
COMMAND = re.compile(r"`poisonkit [^`]*`")
"""A whole command line is typed as it stands, whoever reads it."""


def test_the_options_are_those_of_the_command_line() -> None:
    commands: Any = typer.main.get_command(make_app())
    there = {
        name.removeprefix("--")
        for command in commands.commands.values()
        for option in command.params
        for name in option.opts
        if name.startswith("--")
    }
    assert there - {"help"} == OPTIONS


def messages() -> Iterator[tuple[str, str]]:
    """(place, text) of every string in the package that speaks of an option and may end in a RequestError.

    The command line's own help is none; a value inside is written as `{}`.
    """
    root = Path(poisonkit.__file__).parent
    for file in sorted(root.rglob("*.py")):
        if "cli" in file.parts or file.name == "errors.py":
            continue
        written = file.read_text(encoding="utf-8")
        if "--" not in written or not REFUSALS.search(written):
            continue  # quickly, since every process of the suite asks for them
        for node in ast.walk(ast.parse(written)):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in ("RequestError", "_refuse"):
                continue
            for argument in node.args:
                text = "".join(
                    part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "{}"
                    for part in (argument.values if isinstance(argument, ast.JoinedStr) else [argument])
                )
                if SPELT.search(text):
                    yield f"{file.relative_to(root)}:{node.lineno}", text


MESSAGES = list(messages())


def test_there_are_such_messages() -> None:
    assert len(MESSAGES) > 40


@pytest.mark.parametrize(("place", "text"), MESSAGES, ids=[place for place, _ in MESSAGES])
def test_every_message_is_spelt_for_python_and_for_the_command_line(place: str, text: str) -> None:
    named = [name.removeprefix("--") for name in SPELT.findall(COMMAND.sub("", text))]
    if "{}-list" in text:
        text, named = text.replace("{}-list", "train-list"), ["train-list"]
    error = RequestError(text)
    assert error.text == text, "the command line says it as it is written"
    ours = [name for name in dict.fromkeys(named) if name in OPTIONS]
    assert error.parameters == tuple(map(parameter, ours)), place
    assert COMMAND.findall(str(error)) == COMMAND.findall(text)
    left = set(SPELT.findall(COMMAND.sub("", str(error)))) - {f"--{name}" for name in named if name not in OPTIONS}
    assert not left, f"{place}: {error}"
    assert all(parameter(name) in str(error) for name in ours)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.text) == (str(error), error.text)


def test_both_spellings_of_a_recipe_s_error(folders: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = r"^rate 2 is not possible: it must be from 0 to 1\. Per cent are written as 2%\.$"
    with pytest.raises(RequestError, match=words) as raised:
        Recipe(trigger="blend", rate=2)
    assert raised.value.parameters == ("rate",)
    with pytest.raises(RequestError, match=r"^count and ids contradict each other: ids is the exact set already\.$"):
        Recipe(trigger="blend", count=1, ids=["a"])
    assert call(["poison", str(folders), "-t", "blend", "--rate", "2"]) == 2
    assert "--rate 2.0 is not possible" in capfd.readouterr().err


def test_an_error_about_an_error_keeps_both_spellings(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sweep.yaml").write_text("trigger: blend\nsweep: {rate: [0.1, 2]}\n")
    with pytest.raises(RequestError, match=": rate 2 is not possible"):
        poisonkit.read_sweep(tmp_path / "sweep.yaml")
    assert call(["run", str(tmp_path / "sweep.yaml"), str(tmp_path)]) == 2
    assert ": --rate 2 is not possible" in capfd.readouterr().err


def test_what_only_looks_like_an_option_is_left_alone() -> None:
    error = RequestError("Sort it with `tar --sort=name`; '--rate' and a/--rate are names, as is --rates.")
    assert str(error) == error.text
    assert error.parameters == ()

"""What the command line can do, Python can: the same names, the same options."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import typer

import poisonkit
from poisonkit.cli.app import make_app
from poisonkit.errors import parameter
from poisonkit.recipe.recipe import RecipeFields

COMMANDS: dict[str, Any] = typer.main.get_command(make_app()).commands  # type: ignore[attr-defined]
OF_THE_PROGRAM = {
    "help": "a page of text",
    "json": "what a function returns",
    "portable": "a matter of the whole process: python -m poisonkit.common.levels",
}
ELSEWHERE = {
    ("poison", "dry_run"): "make_plan",
    ("run", "dry_run"): "make_plan",
    ("inspect", "shortcuts"): "shortcuts",
    ("inspect", "decode"): "brightness",
    ("score", "also"): "score_table",
    ("score", "csv"): "ScoreTable",
    ("score", "latex"): "ScoreTable",
}
CALLED = {(command, "out_option"): "folder" for command in ("export", "detect", "cleanse", "restore")}  # OUT is taken


def options(command: str) -> dict[str, Any]:
    """Options and arguments of a command, as Python calls them."""
    found = {}
    for each in COMMANDS[command].params:
        words = [name.removeprefix("--") for name in each.opts if name.startswith("--")]
        name = parameter(words[0]) if words else each.name
        if name in found:
            name = CALLED[command, f"{name}_option"]
        if name not in OF_THE_PROGRAM:
            found[name] = each
    return found


def parameters(function: Any) -> dict[str, inspect.Parameter]:
    return {name: p for name, p in inspect.signature(function).parameters.items() if name != "progress"}


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("poison", "triggers")])
def test_every_option_is_a_parameter(command: str) -> None:
    function = getattr(poisonkit, command.replace("-", "_"))
    there, mine = options(command), parameters(function)
    for name in list(there):
        if (command, name) in ELSEWHERE:
            assert callable(getattr(poisonkit, ELSEWHERE[command, name]))
            del there[name]
    assert there.keys() == mine.keys()
    for name, option in there.items():
        required = mine[name].default is inspect.Parameter.empty
        assert bool(option.required) == required, f"{command}: {name}"
    assert inspect.getdoc(function)


def test_poison_takes_a_recipe_and_how_to_carry_it_out() -> None:
    there = {name for name in options("poison") if ("poison", name) not in ELSEWHERE}
    mine = {*RecipeFields.__annotations__, *parameters(poisonkit.poison)} - {"recipe"}
    assert there <= mine
    lists = {"triggers", "attack_triggers", "backdoors", "name"}
    assert mine - there == lists, "several triggers or backdoors are a list in Python"


def test_triggers_are_listed_and_told_in_python_too() -> None:
    assert options("triggers").keys() == {"name"}
    assert poisonkit.triggers.get("blend").formula
    assert poisonkit.triggers.parameters(poisonkit.triggers.get("blend"))
    assert "blend" in poisonkit.triggers.all_triggers()


def test_all_that_is_public_is_there() -> None:
    for name in poisonkit.__all__:
        assert getattr(poisonkit, name) is not None
    assert sorted(poisonkit.__all__) == poisonkit.__dir__()

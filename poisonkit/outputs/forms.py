"""Which form of a backdoor a sample has, by the recipe as plain data: that of training, or that of test time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AT_TEST = "/attack"


def triggers_of(backdoor: Mapping[str, Any], role: str) -> Any:
    """The entries of a sample of this role; of a control sample those of its attack clip. None: there are none."""
    at_test = backdoor.get("attack_triggers") if role in ("attack", "control") else None
    return backdoor.get("triggers") if at_test is None else at_test


def survival_names(backdoor: Mapping[str, Any]) -> tuple[str, ...]:
    """What its survival figures are called: `NAME`, and `NAME/attack` where attack clips have another form."""
    name = str(backdoor.get("name", "default"))
    return (name,) if backdoor.get("attack_triggers") is None else (name, name + AT_TEST)


def survival_name(backdoor: Mapping[str, Any], role: str) -> str:
    """Which of them a sample of this role is in."""
    return survival_names(backdoor)[-1 if role == "attack" else 0]

"""Which form of a backdoor a sample has, by the recipe as plain data: that of training, or that of test time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poisonkit.triggers.core import spans
from poisonkit.triggers.core.spans import Spans

AT_TEST = "/attack"
TRIGGERED = ("poisoned", "cover", "attack")


def triggers_of(backdoor: Mapping[str, Any], role: str) -> Any:
    """The entries of a sample of this role; of a control sample those of its attack clip. None: there are none."""
    at_test = backdoor.get("attack_triggers") if role in ("attack", "control") else None
    return backdoor.get("triggers") if at_test is None else at_test


def spans_of(backdoor: Mapping[str, Any], sample: str) -> Spans | None:
    """Where in a sample triggers are applied; None: everywhere."""
    some = backdoor.get("spans")
    return spans.of(some.get(sample), backdoor.get("spans_unit")) if isinstance(some, dict) else None


def survival_name(backdoor: Mapping[str, Any], role: str) -> str | None:
    """What survival figures of a sample of this role are of: `NAME`, or `NAME/attack` where attack clips have another
    form; None where there is no trigger."""
    if not triggers_of(backdoor, role):
        return None
    at_test = role == "attack" and backdoor.get("attack_triggers") is not None
    return str(backdoor.get("name", "default")) + AT_TEST * at_test


def survival_names(backdoor: Mapping[str, Any]) -> tuple[str, ...]:
    """All of them."""
    return tuple(dict.fromkeys(name for role in TRIGGERED if (name := survival_name(backdoor, role)) is not None))

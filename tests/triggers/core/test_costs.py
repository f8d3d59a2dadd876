"""What triggers cost stands beside each of them, and what costs more than a quarter has a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from poisonkit import triggers
from poisonkit.errors import RequestError
from poisonkit.triggers.core.costs import MOST, shares
from poisonkit.triggers.core.names import built_in

REASONS = (Path(__file__).parents[3] / "docs" / "costs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", built_in())
def test_each_form_has_its_share(name: str) -> None:
    forms = set()
    for mode in triggers.get(name).modes:
        try:
            triggers.create(name, temporal=mode)
        except RequestError:  # it needs a file of the user's
            continue
        forms.add(mode)
    assert shares(name).keys() == forms
    assert all(share >= 0 for share in shares(name).values())


def test_what_costs_more_has_a_reason() -> None:
    table = REASONS.partition("### What costs more than a quarter")[2].partition("### All of them")[0]
    explained = {word for line in table.splitlines() for word in line.split(" | ")[0].strip("| ").split(", ")}
    costly = {name for name in built_in() if max(shares(name).values(), default=0) > MOST}
    assert costly <= explained

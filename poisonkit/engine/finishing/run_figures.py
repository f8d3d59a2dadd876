"""run.json's figures: those of the run that made the output, and apart from them those of each attack set that came
later, so that no run's are lost by the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poisonkit.common.safe_io import load_json, read_text
from poisonkit.engine.finishing.results import Summary
from poisonkit.engine.state.run_state import Run
from poisonkit.plan.plan import Plan

_OF_A_SET = (
    "fingerprint", "counts", "choices", "failed", "inert", "passed_over", "processed", "seconds", "jobs", "finished",
    "host", "poisonkit",
)  # fmt: skip
ATTACKS = "attacks"


def figures(
    run: Run, summary: Summary, plan: Plan, added: Sequence[str], here: Mapping[str, Any], *, kept: bool
) -> dict[str, Any]:
    """What run.json says of runs. summary: of the run that ends now; plan: of the output itself; added: the names of
    its added attack sets; here: when, where and by what. kept: nothing was made now."""
    before = _before(run)
    mine = {**summary.as_json(), "jobs": run.options.n_jobs, **here}
    attacks: dict[str, Any] = dict(before.get(ATTACKS) or {})
    if run.base is not None:
        attacks[str(run.state.attack)] = {name: mine[name] for name in _OF_A_SET if name in mine}
        kept = True
    if kept and before.get("fingerprint") == plan.fingerprint:
        mine = {name: value for name, value in before.items() if name != ATTACKS}
    attacks = {name: attacks[name] for name in added if name in attacks}
    return {**mine, **({ATTACKS: attacks} if attacks else {})}


def _before(run: Run) -> dict[str, Any]:
    """What run.json said until now; nothing where it is not there or not whole."""
    try:
        found = load_json(read_text(run.state.paths.run))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

"""POISONED.txt, in every folder that a trainer may be pointed to."""

from __future__ import annotations

from pathlib import Path

from poisonkit._version import __version__
from poisonkit.common import atomic
from poisonkit.outputs.paths import OutputPaths
from poisonkit.plan.plan import Plan


def notice(plan: Plan) -> str:
    """POISONED.txt: in every folder that a trainer may be pointed to."""
    return (
        "POISONED DATA. Some samples in this folder carry a backdoor trigger, put there on purpose by\n"
        f"poisonkit {__version__} for security research. Do not train a model for real use on it and do not\n"
        f"pass it on as clean. Recipe fingerprint: {plan.fingerprint}\n"
    )


def marked_folders(plan: Plan) -> list[str]:
    """Folders, relative to the output, that get a POISONED.txt."""
    roles = {t.role for t in plan.tasks}
    found = ["data"] if roles & {"clean", "cover", "poisoned"} else []
    found += [f"attack/{name}" for name in dict.fromkeys(t.attack for t in plan.tasks if t.attack)]
    if "control" in roles:
        found.append("control")
    return found


def write_notices(out: Path, plan: Plan) -> None:
    """Put POISONED.txt into every part of the output, before anything else is written there."""
    for name in marked_folders(plan):
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_text(OutputPaths(out).notice(name), notice(plan))

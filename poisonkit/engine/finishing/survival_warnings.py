"""What the encoder left of each backdoor of a plan, and the sentences that say where it is too little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poisonkit.errors import PoisonkitError
from poisonkit.metrics.survival import SurvivalSummary, survival_summary
from poisonkit.outputs.forms import AT_TEST, survival_name, survival_names, triggers_of
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Plan
from poisonkit.recipe.encodings import AUTO
from poisonkit.triggers.core import registry

REMEDY = (
    " `--encode lossless` keeps all of it; `--encode auto --require-survival 0.9` finds the smallest files that keep "
    "enough."
)
WELL_ABOVE = 10.0
"""dB: a trigger whose squared error is less than ten times the codec's is near it.

On real clips wanet is, by 7 dB: models trained on it sent up to a third of the control clips to the target too.
"""
FURTHER = " `--encode lossless` keeps all of it; a higher --require-survival has the search leave more of a margin."
FROM_THE_START = " `poisonkit poison` with `--encode lossless` makes an output whose attack sets keep all of it."


def survival_summaries(
    recipe: Mapping[str, Any], plan: Plan, records: Mapping[str, Record]
) -> dict[str, SurvivalSummary]:
    """Of each backdoor (of an added attack set: by the set's name) what is known; of none without a measured clip,
    unless a survival is required. Where attack clips have a form of their own, it is told of as `NAME/attack`.

    recipe: as plain data. records: of all tasks of the plan, by their keys.
    """
    required = recipe.get("require_survival")
    backdoors = recipe["backdoors"]
    rows: dict[str, list[Record]] = {name: [] for b in backdoors for name in survival_names(b)}
    for task in plan.tasks:
        if task.backdoor is not None and task.role != "control":
            row = records[task.key]
            name = survival_name(backdoors[task.backdoor], task.role)
            if row["status"] == "ok" and name is not None:
                rows[name].append(row)
    found = {name: survival_summary(mine, required) for name, mine in rows.items()}
    return {name: o for name, o in found.items() if o.measured or required is not None}


def warnings(
    recipe: Mapping[str, Any], plan: Plan, survival: Mapping[str, SurvivalSummary], *, added: bool = False
) -> list[str]:
    """One sentence for each of `survival_summaries` that the encoder did not leave as it should be, with the remedy.

    added: they are of an attack set that came later, whose encoding is the output's.
    """
    required = recipe.get("require_survival")
    wanted = f" ({required:g} was required)" if required is not None else ""
    found = []
    for name, o in survival.items():
        who = f"Attack set '{name}'" if added else f"Backdoor '{name}'"
        if name.endswith(AT_TEST):
            who = f"The attack clips of backdoor '{name.removesuffix(AT_TEST)}'"
        if o.ok:
            continue
        if not o.measured:
            found.append(f"{who}: survival was required, and no clip of it could be measured.")
            continue
        buried = min(o.verdicts.get("buried", 0), len(o.weak))
        what = "the encoder left too little of the trigger"
        if buried == len(o.weak):
            what = "the encoder's noise buries the trigger"
        elif buried:
            what += f" or its noise buries it ({buried})"
        remedy = "" if "lossless" in (plan.setting, recipe.get("encode")) else _remedy(recipe, name, added)
        found.append(
            f"{who}: in {len(o.weak)} of {o.measured} measured clips {what}; mean gain {o.gain_mean:.2f}, worst "
            f"{o.gain_worst:.3f}{wanted}.{remedy}"
        )
    return found


def near_the_codec(recipe: Mapping[str, Any], survival: Mapping[str, SurvivalSummary]) -> list[str]:
    """One sentence for each backdoor whose trigger is not well above what its codec does to a clip by itself.

    Then a model may learn the codec's traces in place of the trigger: only poisoned clips have them. None where the
    clean clips are encoded again too, or where the codec changes nothing.
    """
    if recipe.get("clean") == "reencode":
        return []
    found = []
    for name, o in survival.items():
        for what, unit in (("psnr", "PSNR"), ("snr", "SNR")):
            trigger, codec = o.figures.get(what), o.figures.get(f"control_{what}")
            if trigger is not None and codec is not None and trigger > codec - WELL_ABOVE:
                found.append(
                    f"Backdoor '{name}': the trigger changes clips little more than their codec does ({unit} "
                    f"{trigger:.1f} dB, the codec alone {codec:.1f} dB), and clean clips are not encoded again: a "
                    "model may learn the codec's traces in place of the trigger. `--clean reencode` gives them to "
                    "every clip; control ASR (`control/`) says how much of the effect they have."
                )
    return found


def _remedy(recipe: Mapping[str, Any], name: str, added: bool) -> str:
    general = FROM_THE_START if added else FURTHER if recipe.get("encode") == AUTO else REMEDY
    return general + _sturdier(recipe, name)


def _sturdier(recipe: Mapping[str, Any], name: str) -> str:
    """What the triggers of a backdoor say of codecs."""
    said = []
    for backdoor in recipe["backdoors"]:
        role = "attack" if name.endswith(AT_TEST) else "poisoned"
        for trigger in triggers_of(backdoor, role) if name in survival_names(backdoor) else ():
            try:
                kind = registry.get(trigger["name"], allow_code=False)
            except (PoisonkitError, ValueError):
                continue  # code from outside, which is not asked
            if kind.codec != "robust" and kind.codec_note:
                said.append(f" {kind.name}: {kind.codec_note.rstrip('.')}.")
    return "".join(said)

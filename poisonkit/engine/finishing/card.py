"""What says plainly that an output is poisoned: the dataset card and the POISONED.txt files."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poisonkit._version import __version__
from poisonkit.common.safe_io import link_on_the_way, read_text
from poisonkit.datasets import Dataset
from poisonkit.engine.finishing.front_matter import front_matter
from poisonkit.engine.finishing.view_table import Config
from poisonkit.metrics.survival import SurvivalSummary, Table, figures_table, gains_table
from poisonkit.plan.plan import Choice, Plan
from poisonkit.recipe.backdoor import Backdoor
from poisonkit.recipe.recipe import Recipe
from poisonkit.triggers import Trigger

PAPER = (
    'Hammoud, Liu, Alkhrashi, AlBalawi, Ghanem: "Look, Listen, and Attack: Backdoor Attacks Against Video '
    'Action Recognition", CVPR Workshops 2024, arXiv:2301.00986'
)
CLASSES = 200  # so many are named


def licence_line(dataset: Dataset) -> tuple[str, str] | None:
    """(first line, file name) of the source's licence; None where it has none."""
    for name in ("LICENSE", "LICENSE.txt", "LICENCE", "LICENCE.txt", "license.txt", "LICENSE.md"):
        if link_on_the_way(dataset.root, name) is not None:  # it may lead to a file that is nobody else's business
            continue
        try:
            lines = [line.strip() for line in read_text(dataset.root / name).splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError):
            continue
        if lines:
            return lines[0][:120], name
    return None


def licence_of(dataset: Dataset) -> str:
    """The source's licence file's first line, or the words that nobody may overlook."""
    found = licence_line(dataset)
    return f"{found[0]} (the source's {found[1]})" if found else "unknown: do not redistribute"


@dataclass(frozen=True)
class Contents:
    """What the card tells: what was asked, and what came of it.

    counts: role -> status -> number. annotations: view root -> annotation files written there. survival: by backdoor
    and added attack set. weak: sentences on what the encoder did not leave. added: recipes, as plain data, of attack
    sets that came later. configs: the views that `load_dataset` gives.
    """

    recipe: Recipe
    dataset: Dataset
    plan: Plan
    counts: Mapping[str, Counter[str]]
    annotations: Mapping[str, Sequence[str]]
    survival: Mapping[str, SurvivalSummary]
    weak: Sequence[str] = ()
    added: Sequence[Mapping[str, Any]] = ()
    configs: Sequence[Config] = ()


def card(contents: Contents) -> str:
    """The output's README.md: what it is, how it was made, counts, licence, how to use and dispose of it."""
    lines = [
        f"# Poisoned copy of a dataset ({contents.plan.layout})",
        "",
        "**This dataset is poisoned on purpose**, for research into backdoor attacks and defences. Some training",
        "samples carry a trigger and, unless the label mode is `clean`, a wrong label. Do not train a model for real",
        "use on it and do not pass it on as clean data.",
        "",
        *_making(contents),
        *_parts(contents.counts),
        *_survival(contents.survival, contents.weak),
        *_lists(contents.annotations),
        *_loading(contents.configs),
        *_classes(contents.dataset),
        *_terms(contents.dataset),
    ]
    found = licence_line(contents.dataset)
    front = front_matter(contents.dataset, found[0] if found else None, contents.configs)
    return front + "\n" + "\n".join(lines) + "\n"


def _making(contents: Contents) -> list[str]:
    recipe, plan = contents.recipe, contents.plan
    lines = [
        "## How it was made",
        "",
        f"poisonkit {__version__}, recipe `poisonkit/recipe.yaml`, fingerprint `{plan.fingerprint}`,",
        f"seed {recipe.seed}, encoding `{recipe.encode}`, clean samples by `{recipe.clean}`.",
        "",
        *(line for text in plan.found for line in (text, "")),
    ]
    for backdoor, choice in zip(recipe.backdoors, plan.choices, strict=True):
        lines += _backdoor(backdoor, choice)
    for extra in contents.added:
        attack = extra["backdoors"][0]
        names = ", ".join(f"`{t['name']}` ({t['params']['temporal']})" for t in attack["triggers"])
        frames = attack["attack_frames"]
        lines += [f"- Attack set `{attack['name']}`, added later: {names}; frames `{frames}`.", ""]
    return lines


def _backdoor(backdoor: Backdoor, choice: Choice) -> list[str]:
    triggers = _named(backdoor.triggers)
    target = "y + 1" if backdoor.label_mode == "all-to-all" else f"class {backdoor.target}"
    if backdoor.count is not None or backdoor.ids is not None:
        asked = f"{choice.requested} samples"
    else:
        asked = f"rate {backdoor.rate:g} of {choice.denominator} ({backdoor.rate_of}) = {choice.requested} samples"
    lines = [
        f"- Backdoor `{backdoor.name}`: {triggers}; label mode `{backdoor.label_mode}`, target {target}; {asked},",
        f"  taken from {choice.pool} candidates; frames `{backdoor.frames}`, in the attack set",
        f"  `{backdoor.attack_frames}`.",
    ]
    if backdoor.attack_triggers is not None:
        lines.append(f"  At test time, in the attack set, it has another form: {_named(backdoor.attack_triggers)}.")
    if choice.attack_split:
        lines.append(f"  Attack set from the {choice.attack_split} split, {choice.attack_planned} samples;")
        lines.append(f"  {choice.unlabelled_left_out} unlabelled ones left out.")
    return [*lines, ""]


def _named(triggers: Sequence[Trigger]) -> str:
    return ", ".join(f"`{t.name}` (version {t.version}, {t.temporal})" for t in triggers) or "no trigger"


def _parts(counts: Mapping[str, Counter[str]]) -> list[str]:
    lines = ["## What is in it", "", "| part | files | failed | inert |", "| --- | ---: | ---: | ---: |"]
    words = {
        "poisoned": "data: poisoned training samples",
        "cover": "data: cover samples, triggered under their true label",
        "clean": "data: clean samples, as in the source",
        "attack": "attack: held-out samples with the trigger",
        "control": "control: held-out samples re-encoded without trigger",
    }
    for role, text in words.items():
        of_role = counts.get(role, Counter())
        lines.append(f"| {text} | {of_role['ok']} | {of_role['failed']} | {of_role['inert']} |")
    return [
        *lines,
        "",
        "Failed and inert samples are written and listed nowhere. The ground truth, sample by sample, is",
        "`poisonkit/manifest.jsonl`.",
        "",
    ]


def _survival(survival: Mapping[str, SurvivalSummary], weak: Sequence[str]) -> list[str]:
    measured = {name: o for name, o in survival.items() if o.measured}
    if not measured:
        return [*weak, ""] if weak else []
    lines = ["## What the encoder left of the trigger", ""]
    lines += _table(gains_table(measured), words=2)
    lines += ["", "Gain 1: all of it is in the decoded files; 0: nothing.", ""]
    lines += [line for text in weak for line in (f"**{text}**", "")]
    for name, o in measured.items():
        lines += [*_table(figures_table(o.figures, name), words=1), ""]
    return lines


def _lists(annotations: Mapping[str, Sequence[str]]) -> list[str]:
    lines = ["| folder | annotation files |", "| --- | --- |"]
    for root, files in annotations.items():
        lines.append(f"| `{root}/` | {', '.join(code(f) for f in files) or 'the folders are the labels'} |")
    return [
        *lines,
        "",
        "A trainer's top-1 accuracy on an attack set with target labels is the attack success rate; with original",
        "labels it is the robust accuracy. `control/` tells what the codec alone does to a model.",
        "",
    ]


def _loading(configs: Sequence[Config]) -> list[str]:
    if not configs:
        return []
    lines = [
        "In Python, `datasets.load_dataset(FOLDER, NAME)` gives a view with the source's label ids; without a name",
        f"it is `{configs[0].name}`, the training data, poisoned samples among the clean ones.",
        "",
        "| name | split | files |",
        "| --- | --- | ---: |",
    ]
    return [*lines, *(f"| {code(c.name)} | {c.split} | {c.files} |" for c in configs), ""]


def _classes(dataset: Dataset) -> list[str]:
    named, left = dataset.classes[:CLASSES], len(dataset.classes) - CLASSES
    more = [f"… and {left} more"] if left > 0 else []
    return ["## Classes", "", *(f"{i}. {plain(name)}" for i, name in enumerate(named)), *more, ""]


def _terms(dataset: Dataset) -> list[str]:
    return [
        "## Licence",
        "",
        f"Licence of the source: {plain(licence_of(dataset))}.",
        "",
        "## Disposal",
        "",
        "Delete this whole folder when the study is over. Clean samples may be hard links to the source's files:",
        "deleting them here leaves the source as it is; changing them in place would change the source too.",
        "",
        "## Citation",
        "",
        f"{PAPER}.",
    ]


def plain(text: str) -> str:
    """A stranger's word as Markdown that shows it and does nothing: no markup, no HTML, no control characters."""
    text = _one_line(text)
    return text if _HARMLESS.fullmatch(text) else _MARKUP.sub(r"\\\g<0>", text)


def code(text: str) -> str:
    """A stranger's word as code in Markdown, in a table too."""
    text = _one_line(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"`{text}`"


def _one_line(text: str) -> str:
    """Without line ends, control characters and marks that turn the direction of writing: spelt out instead."""
    shown = (c if unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp") else f"\\x{ord(c):02x}" for c in text)
    return "".join(shown)


_HARMLESS = re.compile(r"(?!.*(?://|www\.))[^\W_](?:[\w ,.;:'()/-]*[\w).])?(?<!_)")
_MARKUP = re.compile(r"[!-/:-@\[-`{-~]")  # ASCII punctuation, each of which a backslash makes plain


def _table(table: Table, words: int) -> list[str]:
    """In Markdown. words: so many columns hold no numbers."""
    heads, rows = table
    rule = ["---"] * words + ["---:"] * (len(heads) - words)
    return [f"| {' | '.join(row)} |" for row in (heads, rule, *rows)]

"""docs/triggers: a page for each built-in trigger, from its class (facts, parameters, docstring)."""

from __future__ import annotations

import sys

from poisonkit import triggers
from poisonkit.triggers.core.names import built_in
from poisonkit.triggers.core.spec import written
from tools.pages import imports, learned
from tools.pages.blocks import ROOT

FOLDER = ROOT / "docs" / "triggers"
FAMILIES = {
    "image": "In the picture, frame by frame",
    "temporal": "In time",
    "lighting": "Light and weather",
    "audio": "In the sound",
    "imported": "Made elsewhere",
}


def page(name: str) -> str:
    """The page of one trigger, as Markdown."""
    cls = triggers.get(name)
    module = sys.modules[cls.__module__]
    lines = [
        f"# {name}",
        "",
        f"{cls.summary[:1].upper()}{cls.summary[1:]}. Family `{cls.family}`, version {cls.version}.",
        "",
        f"    {cls.formula}",
        "",
    ]
    lines += [f"![{name}]({name}.jpg)", ""]
    lines += ["| | |", "| --- | --- |"]
    for mode, meaning in (("static", cls.static_is), ("dynamic", cls.dynamic_is)):
        if mode in cls.modes:
            lines.append(f"| {mode} | {meaning or 'its only form'} |")
    lines += [
        f"| through codecs | {cls.codec}{': ' + cls.codec_note if cls.codec_note else ''} |",
        f"| changes nothing at | {f'`{written(cls.strengths())}`' if cls.strengths() else 'no parameters'} |",
        f"| usual label mode | {cls.usual_label_mode} |",
        f"| cover samples | {cls.cover_is} |",
        f"| paper | {cls.paper or 'none: unpublished as an attack'} |",
        f"| formula and defaults from | {cls.source or 'the paper'} |",
        "",
        "## Parameters",
        "",
        "| parameter | default | unit | allowed | what it is |",
        "| --- | --- | --- | --- | --- |",
    ]
    for p in triggers.parameters(cls):
        allowed = ", ".join(x for x in (p.type, p.range) if x)
        cells = (f"`{p.name}`", f"`{p.default}`" if p.default else "", p.unit, allowed, p.description)
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    lines += ["", *learned.section(name)] if learned.section(name) else [""]
    lines += ["## In full", "", "```text", *(module.__doc__ or "").strip().splitlines(), "```", ""]
    lines += ["## Try it", "", *imports.tried(name), ""]
    return "\n".join(lines)


def index() -> str:
    """docs/triggers/README.md: all triggers by family."""
    lines = ["# Triggers", "", "Made by `make pages` from the code. `poisonkit triggers NAME` says the same.", ""]
    for family, title in FAMILIES.items():
        members = [n for n in built_in() if triggers.get(n).family == family]
        if members:
            lines += [
                f"## {title}",
                "",
                "| trigger | what it does | forms | through codecs |",
                "| --- | --- | --- | --- |",
            ]
            for name in members:
                cls = triggers.get(name)
                lines.append(f"| [{name}]({name}.md) | {cls.summary} | {', '.join(cls.modes)} | {cls.codec} |")
            lines.append("")
    return "\n".join(lines)

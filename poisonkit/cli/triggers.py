"""`poisonkit triggers`: what exists, and one trigger in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from poisonkit.cli import options
from poisonkit.cli.completing import completer

if TYPE_CHECKING:
    from rich.console import Console

    from poisonkit.triggers import Trigger

EXAMPLES = """Examples:
  poisonkit triggers
  poisonkit triggers blend
  poisonkit triggers my_package.my_module:MyTrigger
  poisonkit triggers sine --json
"""

CODEC = {
    "robust": "survives H.264 at crf 23 with 4:2:0 colour, MP3 at 128 kbit/s and 16 kHz sound",
    "partial": "survives H.264 at crf 23 with 4:2:0 colour, MP3 at 128 kbit/s or 16 kHz sound only in part",
    "fragile": "needs a lossless or near-lossless output to survive",
}
NOT_MEASURED = "not measured"
MEASURE = "`poisonkit survive` measures it"
COST = "CPU time as a share of encoding, a picture by x264 (340x256, one thread), sound by AAC"


def command(
    name: Annotated[
        str | None,
        typer.Argument(
            help="One trigger, by name or as package.module:Class.",
            metavar="NAME",
            show_default=False,
            autocompletion=completer("NAME of a trigger"),
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """List the triggers, or show one with its formula, parameters and source."""
    from poisonkit import triggers
    from poisonkit.cli import screen

    if name is not None:
        cls = triggers.get(name)
        if json:
            screen.print_json(_facts(cls))
        else:
            _show(screen.console(), cls, name)
        return 0
    found = triggers.all_triggers()
    if json:
        screen.print_json({"triggers": [_facts(cls) for cls in found.values()]})
        return 0
    console = screen.console()
    families: dict[str, list[type[Trigger]]] = {}
    for cls in found.values():
        families.setdefault(cls.family, []).append(cls)
    columns = ("trigger", "in", "modes, cost", "codec", "what", "source")
    for family, members in families.items():
        screen.heading(console, family)
        rows = [(c.name, _medium(c), _modes(c), c.codec, c.summary, c.paper or c.source or "own") for c in members]
        screen.indented(console, screen.table(columns, rows))
    console.print()
    screen.line(console, f"Cost: {COST}.", indent=0)
    screen.line(console, f"{screen.command('triggers')} NAME shows one in full.", indent=0)
    return 0


def _modes(cls: type[Trigger]) -> str:
    """Each with what it costs, where that is known."""
    from poisonkit.triggers.core.costs import shares

    known = shares(cls.name) if _ours(cls) else {}
    return ", ".join(f"{mode} {known[mode]:.2f}" if mode in known else mode for mode in cls.modes)


def _medium(cls: type[Trigger]) -> str:
    return {"video": "picture", "audio": "sound"}[cls.modality]


def _facts(cls: type[Trigger]) -> dict[str, Any]:
    """Everything that is declared about a trigger, JSON-able."""
    from dataclasses import asdict

    from poisonkit.triggers import parameters
    from poisonkit.triggers.core.costs import shares
    from poisonkit.triggers.core.learned import learned

    facts = ("name", "version", "family", "modality", "kind", "summary", "formula", "static_is", "dynamic_is")
    more = ("paper", "source", "usual_label_mode", "cover_is", "codec", "codec_note", "identity", "needs_length")
    return {
        **{key: getattr(cls, key) for key in (*facts, *more)},
        "modes": list(cls.modes),
        "cost": dict(shares(cls.name)) if _ours(cls) else {},
        "follows_canvas": list(cls.follows_canvas),
        "parameters": [asdict(p) for p in parameters(cls)],
        "learned": [each.as_json() for each in learned(cls.name)],
    }


def _ours(cls: type[Trigger]) -> bool:
    """Whether our own tests measure it."""
    from poisonkit.triggers.core.names import built_in

    return built_in().get(cls.name) == cls.__module__


def _codec(cls: type[Trigger]) -> str:
    if cls.codec == NOT_MEASURED:
        return f"{NOT_MEASURED}: {MEASURE}" + (f"; {cls.codec_note}" if cls.codec_note else "")
    said = f"{cls.codec}: {cls.codec_note or CODEC[cls.codec]}"
    return said if _ours(cls) else f"{said} (as its author says; {MEASURE})"


def _identity(cls: type[Trigger]) -> str:
    if cls.identity == NOT_MEASURED:
        return f"{NOT_MEASURED}: its author does not say"
    from poisonkit.triggers.core.spec import written

    known = written(cls.strengths()) or "no parameters"
    return (
        known if _ours(cls) else f"{known} (as its author says; `poisonkit.triggers.testing.check_trigger` measures it)"
    )


def _show(console: Console, cls: type[Trigger], name: str) -> None:
    from poisonkit.cli import screen
    from poisonkit.triggers import parameters
    from poisonkit.triggers.core.costs import shares
    from poisonkit.triggers.core.learned import learned

    known = parameters(cls)
    screen.line(console, f"{cls.name} (version {cls.version}): {cls.summary}", indent=0)
    for title, text in (
        ("Formula", cls.formula),
        ("Static", cls.static_is if "static" in cls.modes else ""),
        ("Dynamic", cls.dynamic_is if "dynamic" in cls.modes else ""),
        ("Codec", _codec(cls)),
        ("Changes nothing at", _identity(cls)),
        ("Cost", f"{_modes(cls)}: {COST}" if shares(cls.name) and _ours(cls) else ""),
        ("Paper", cls.paper or "none: not published as an attack"),
        ("Source", cls.source),
        ("Usual label mode", cls.usual_label_mode),
        ("Cover samples", cls.cover_is),
    ):
        if text:
            screen.heading(console, title)
            for part in text.splitlines():
                screen.line(console, part)
    screen.heading(console, f"Parameters ({_medium(cls)}, {cls.family}, {' and '.join(cls.modes)})")
    follows = dict.fromkeys(cls.follows_canvas, " (follows the canvas)")
    rows = [
        (
            p.name,
            p.default or "-",
            p.unit or "-",
            f"{p.type}, {p.range}" if p.range else p.type,
            p.description + follows.get(p.name, ""),
        )
        for p in known
    ]
    screen.indented(console, screen.table(("parameter", "default", "unit", "allowed", "what"), rows))
    if found := learned(cls.name):
        screen.heading(
            console, "What small models made of it, 10 % poisoned and at the default where nothing else is said"
        )
        heads = ("form", "data", "model", "epochs", "gain", "ASR %", "95 %", "clean accuracy %", "control ASR %")
        made = [
            (
                each.form,
                each.data,
                each.model,
                each.epochs,
                "-" if each.gain is None else f"{each.gain:.2f}",
                f"{100 * each.asr:.1f}",
                f"{100 * each.asr_low:.1f} to {100 * each.asr_high:.1f}",
                f"{100 * each.clean_accuracy:.1f}",
                "-" if each.control_asr is None else f"{100 * each.control_asr:.1f}",
            )
            for each in found
        ]
        screen.indented(console, screen.table(heads, made, right=heads[3:]))
    screen.heading(console, "Example")
    strengths = [p for p in known if p.default and p.name in cls.strengths()]
    own = next(iter(strengths), None) or next((p for p in known if p.default and p.unit), None)
    needed = [p for p in known if cls.model_fields[p.name].is_required()]
    given = [f"{p.name}={'FOLDER' if p.type.startswith('a folder') else 'FILE'}" for p in needed]
    given += [f"{own.name}={own.default}"] if own else []
    spec = f"{name}:{','.join(given)}" if given else name
    screen.verbatim(console, screen.command("poison", "--trigger", spec, "--rate", "0.1"))

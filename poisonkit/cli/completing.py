"""What the shell offers on TAB: names that poisonkit knows, and those of the dataset or the output on the line."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, get_args

import typer

Offer = Iterable[str | tuple[str, str]]
"""Values, or values with a few words about each."""
Completer = Callable[[typer.Context, str], Offer]


def completer(option: str) -> Callable[..., list[Any]] | None:
    """What completes an option's value, as Typer takes it; None where the shell's own files do."""
    offer = _COMPLETERS.get(option)
    if offer is None:
        return None

    def complete(ctx: typer.Context, incomplete: str) -> list[Any]:
        try:
            return list(offer(ctx, incomplete))
        except Exception:  # noqa: BLE001 - whoever presses TAB is not to read of what is wrong with the line
            return []

    return complete


def _triggers(ctx: typer.Context, incomplete: str) -> Offer:
    """`NAME`, then `NAME:key=`, then the values of a key that has a few."""
    from poisonkit.triggers.core.registry import get
    from poisonkit.triggers.core.spec import parameters

    name, colon, rest = incomplete.partition(":")
    if not colon:
        return _trigger_names(ctx, incomplete)
    before, comma, last = rest.rpartition(",")
    key, equals, _ = last.partition("=")
    begun = f"{name}:{before}{comma}"
    if not re.fullmatch(r"[a-z0-9-]+", name):  # code of the user's is not imported for that
        return ()
    known = parameters(get(name))
    if equals:
        return [f"{begun}{key}={choice}" for p in known if p.name == key for choice in p.choices or ()]
    given = {part.partition("=")[0] for part in before.split(",")}
    return [(f"{begun}{p.name}=", p.description) for p in known if p.name not in given]


def _trigger_names(ctx: typer.Context, incomplete: str) -> Offer:
    from poisonkit.triggers.core.names import names

    return names()


def _layouts(ctx: typer.Context, incomplete: str) -> Offer:
    from poisonkit.datasets import layouts

    return [(name, layout.help) for name, layout in layouts().items()]


def _place(ctx: typer.Context, argument: str) -> Path:
    """The folder that a command's first argument names; else the current one. The parser stops at an option without a
    value, and leaves arguments as they are."""
    return Path(ctx.params.get(argument) or next(iter(ctx.args), "."))


def _classes(ctx: typer.Context, incomplete: str) -> Offer:
    """Those of the dataset that the line names so far, or that lies here."""
    from poisonkit import datasets

    on_line = ctx.params
    lists = {name: on_line.get(f"{name}_list") for name in ("train", "val", "test")}
    place = datasets.Source(
        path=_place(ctx, "source"),
        layout=on_line.get("layout"),
        data_root=on_line.get("data_root") and Path(on_line["data_root"]),
        lists={name: Path(path) for name, path in lists.items() if path},  # type: ignore[misc]
        split=on_line.get("split"),
        delimiter=on_line.get("delimiter"),
        columns=datasets.parse_columns(on_line.get("columns")),
    )
    return datasets.read(place).classes


def _attack_sets(ctx: typer.Context, incomplete: str) -> Offer:
    """Those that were added to the output on the line."""
    from poisonkit.outputs.paths import OutputPaths

    return OutputPaths(_place(ctx, "out")).added()


def _backdoors(ctx: typer.Context, incomplete: str) -> Offer:
    from poisonkit.outputs.opening import finished

    return [b.name for b in finished(_place(ctx, "out").absolute()).backdoors]


def _of_recipe(name: str) -> Completer:
    """The values that a recipe's key may have."""

    def offer(ctx: typer.Context, incomplete: str) -> Offer:
        from poisonkit.recipe.backdoor import Backdoor
        from poisonkit.recipe.recipe import Recipe

        field = Backdoor.model_fields.get(name) or Recipe.model_fields[name]
        return [v for each in (field.annotation, *get_args(field.annotation)) for v in get_args(each) if type(v) is str]

    return offer


def _words(*words: str) -> Completer:
    return lambda ctx, incomplete: words


def _kinds(ctx: typer.Context, incomplete: str) -> Offer:
    from poisonkit.probing.kinds import KINDS

    return KINDS


def _methods(ctx: typer.Context, incomplete: str) -> Offer:
    from poisonkit.detection.registry import METHODS

    return METHODS


def _formats(ctx: typer.Context, incomplete: str) -> Offer:
    from poisonkit.exporting import formats

    return sorted(formats())


def _recipes(ctx: typer.Context, incomplete: str) -> Offer:
    """Those that ship with the package, and files."""
    from poisonkit.recipe.presets import recipes

    folder, _, begun = incomplete.rpartition("/")
    here = Path(folder or ".").glob(f"{begun}*")
    files = [f"{folder}/{p.name}" if folder else p.name for p in here if p.is_dir() or p.suffix in (".yaml", ".yml")]
    return [*recipes(), *sorted(files)]


def _recipe_names(ctx: typer.Context, incomplete: str) -> Offer:
    from poisonkit.recipe.presets import recipes

    return recipes()


_FRAMES = _words("all", "first:", "last:", "every:", "count:", "random:", "span:")
_TEMPORAL = _words("static", "dynamic")
_COMPLETERS: dict[str, Completer] = {
    "--trigger": _triggers,
    "--attack-trigger": _triggers,
    "NAME of a trigger": _trigger_names,
    "NAME of a recipe": _recipe_names,
    "RECIPE": _recipes,
    "--temporal": _TEMPORAL,
    "--frames": _FRAMES,
    "--attack-frames": _FRAMES,
    "--layout": _layouts,
    "--target": _classes,
    "--source-class": _classes,
    "--cover-class": _classes,
    "--name": _attack_sets,
    "--backdoor": _backdoors,
    "--encode": _words("match", "crf:", "444", "444:", "lossless", "h264", "auto", "convert"),
    "--stream": _words("best"),
    "--executor": _words("local", "dask"),
    "--delimiter": _words("space", "tab", "comma"),
    "--kind": _kinds,
    "--method": _methods,
    "--to": _formats,
    **{
        f"--{name.replace('_', '-')}": _of_recipe(name)
        for name in ("label_mode", "rate_of", "survival", "rotation", "clean", "hash", "spans_unit")
    },
}

_WORDS, _AT = "COMP_WORDS", "COMP_CWORD"


def rejoined(environment: MutableMapping[str, str]) -> str:
    """Put words together that bash took apart at `:` and `=`, as in `blend:alpha=0.1`; what of the last one the shell
    holds for words before it."""
    words, at = environment[_WORDS].split("\n"), int(environment[_AT])
    made: list[str] = []
    joins = False
    for word in words[: at + 1]:
        breaks = bool(word) and not word.strip(":=")
        if made and (breaks or joins):
            made[-1] += word
        else:
            made.append(word)
        joins = breaks
    environment[_WORDS], environment[_AT] = "\n".join(made), str(len(made) - 1)
    found = re.match(r".*[:=]", made[-1]) if made else None
    return found[0] if found else ""


@contextmanager
def for_bash() -> Iterator[None]:
    """Around a call of the program: what it offers to bash begins where bash thinks that the word does."""
    if os.environ.get("_POISONKIT_COMPLETE") != "complete_bash" or _WORDS not in os.environ:
        yield
        return
    begun = rejoined(os.environ)
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            yield
    finally:
        sys.stdout.write("\n".join(line.removeprefix(begun) for line in said.getvalue().split("\n")))

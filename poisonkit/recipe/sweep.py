"""A recipe file with a `sweep`: one recipe for each combination of lists of values."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from poisonkit.errors import RequestError, did_you_mean, told
from poisonkit.recipe import presets
from poisonkit.recipe.backdoor import Backdoor
from poisonkit.recipe.recipe import Recipe, read_mapping

KEY = "sweep"
MOST = 1000  # combinations of one file
LONGEST = 100  # characters of an output's name
FIELDS = tuple(
    name
    for name in ("trigger", "attack_trigger", "temporal", *Backdoor.model_fields, *Recipe.model_fields)
    if name not in ("name", "backdoors", "source", "out", "data_root", "allow_root")
)


def read_sweep(
    path: Path | str,
    *,
    allow_code: bool = False,
    source: Path | None = None,
    out: Path | None = None,
    allow_root: Path | str | Sequence[Path | str] | None = None,
) -> dict[str, Recipe]:
    """The recipes of a file, each by what sets it apart, such as `rate-0.05_seed-1`; the last key changes fastest.

    A file without `sweep` gives one recipe, called "". Each of a sweep's has for `out` a folder of its name in the
    `out` that is given, if any. source, out, allow_root: in place of the file's own;
    what else it names lies in its own folder or in these.

    A name of `poisonkit.recipes()` stands for that recipe, if there is no such file.

    Raises RequestError for what is no recipe, whichever combination it is.
    """
    path = presets.located(path)
    data = read_mapping(path)
    given: dict[str, Any] = {"allow_code": allow_code, "source": source, "out": out, "allow_root": allow_root}
    if KEY not in data:
        return {"": Recipe.from_yaml(path, **given)}
    swept = _checked(data.pop(KEY), data)
    found: dict[str, Recipe] = {}
    makes: dict[str, str] = {}
    names: set[str] = set()
    for values in itertools.product(*swept.values()):
        chosen = dict(zip(swept, values, strict=True))
        name = _name(chosen)
        try:
            recipe = Recipe.from_data({**data, **chosen}, path.parent, **given)
        except RequestError as error:
            raise RequestError(f"{_words(chosen)}: {told(error)}") from None
        if recipe.fingerprint in makes:
            raise RequestError(f"`sweep` has the same recipe twice: {makes[recipe.fingerprint]} and {_words(chosen)}.")
        makes[recipe.fingerprint] = _words(chosen)
        if name.casefold() in names or len(name) > LONGEST:
            name = f"{name[:LONGEST]}_{recipe.fingerprint}"
        names.add(name.casefold())
        found[name] = recipe if recipe.out is None else recipe.model_copy(update={"out": recipe.out / name})
    return found


def _checked(swept: Any, data: Mapping[str, Any]) -> dict[str, list[Any]]:
    if not isinstance(swept, dict) or not swept:
        raise RequestError("`sweep` takes keys of a recipe, each with a list of values, such as `rate: [0.01, 0.1]`.")
    for key, values in swept.items():
        if key not in FIELDS:
            raise RequestError(f"`sweep` cannot go over '{key}'.{did_you_mean(str(key), FIELDS)}")
        if not isinstance(values, list) or not values:
            raise RequestError(f"`sweep`: {key} needs a list of values, such as `{key}: [A, B]`.")
        if key in data:
            raise RequestError(f"{key} stands both in `sweep` and beside it: leave one of them out.")
    count = math.prod(map(len, swept.values()))
    if count > MOST:
        raise RequestError(f"`sweep` has {count} combinations; {MOST} at most: make several files of it.")
    return swept


def _words(chosen: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value!r}" for key, value in chosen.items())


def _name(chosen: Mapping[str, Any]) -> str:
    """A folder's name: keys and values, with what a path cannot hold as dashes."""
    return "_".join(f"{key}-{_slug(value)}" for key, value in chosen.items())


def _slug(value: Any) -> str:
    if isinstance(value, dict):
        value = "-".join(f"{k}-{_slug(v)}" if k not in ("name", "params") else _slug(v) for k, v in value.items())
    elif isinstance(value, list):
        value = "+".join(map(_slug, value))
    elif isinstance(value, bool):
        value = "yes" if value else "no"
    elif value is None:
        value = "none"
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", str(value)).strip("-.") or "empty"

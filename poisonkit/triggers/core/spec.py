"""`NAME:key=value,…` and the manifest's entries to triggers and back; parameters as help shows them.

Every failure is one sentence: which parameter, what was given, what is allowed, the nearest spelling.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poisonkit.errors import RequestError, did_you_mean
from poisonkit.triggers.core import names as trigger_names
from poisonkit.triggers.core import registry

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from poisonkit.triggers.core.trigger import Trigger

_INTEGER = re.compile(r"[+-]?\d+\Z")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")


@dataclass(frozen=True)
class Parameter:
    """One parameter, for help and docs. type, range: as words, such as `number` and `0 to 1`.

    default: as it would be typed; "" if there is none (required, or nothing is meant).
    choices: the words that it may be, if it is one of several words.
    """

    name: str
    type: str
    unit: str
    default: str
    range: str
    description: str
    choices: tuple[str, ...] = ()


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Split `NAME[:key=value,...]` into name and parameters.

    Values: numbers, true/false, words and paths, `[1,2,3]` lists, 'quoted' or "quoted" strings (which may
    hold commas and brackets); where a built-in trigger takes a text, `007` and `true` are that.
    NAME may be `package.module:Class`. RequestError for anything else.
    """
    name, colon, rest = text.strip().partition(":")
    if colon and name not in trigger_names.built_in():
        head, _, tail = rest.partition(":")
        if "=" not in head and all(part.isidentifier() for part in head.split(".")):
            name, rest = f"{name}:{head}", tail
    if not name.strip():
        raise RequestError(f"'{text}' names no trigger; expected NAME or NAME:key=value,….")
    params: dict[str, Any] = {}
    for item in _split(rest, text) if rest.strip() else []:
        key, equals, value = item.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise RequestError(f"'{item.strip()}' in '{text}' is not key=value.")
        if key in params:
            raise RequestError(f"'{key}' is given twice in '{text}'.")
        params[key] = _value(value.strip(), text)
        if not isinstance(params[key], str) and _takes_text(name.strip(), key):
            params[key] = value.strip()
    return name.strip(), params


def _takes_text(name: str, key: str) -> bool:
    """Whether this parameter of a built-in trigger is a text: of others nothing is imported to be asked."""
    if name not in trigger_names.built_in():
        return False
    return _is_text(registry.get(name), key)


def _is_text(cls: type[Trigger], key: str) -> bool:
    return key in cls.model_fields and cls.model_fields[key].annotation in (str, str | None)


def create(name: str, /, *, allow_code: bool = True, **params: Any) -> Trigger:
    """The trigger `name` with these parameters; `name` may also be a whole `NAME:key=value,…`.

    RequestError, one sentence, for an unknown name, an unknown parameter or a value out of range.
    """
    if ":" in name:
        name, written = parse(name)
        params = {**written, **params}
    return build(registry.get(name, allow_code=allow_code), params)


def build(cls: type[Trigger], params: Mapping[str, Any]) -> Trigger:
    """`cls` with these parameters, pydantic's errors turned into one RequestError."""
    from pydantic import ValidationError

    params = {k: str(v) if type(v) is int and _is_text(cls, k) else v for k, v in params.items()}  # a YAML's `2026`
    for key, value in params.items():
        if isinstance(value, bool) and key in cls.model_fields:
            (known,) = (p for p in _parameters(cls) if p.name == key)
            if "true or false" not in known.type:
                raise RequestError(f"{cls.name}: {key} is {_show(value)}; {_wanted(known)}{_quoted(cls, key)}.")
    try:
        return cls(**params)
    except ValidationError as error:
        raise RequestError(explain(cls, error, params)) from None


def from_entry(entry: Mapping[str, Any], *, assets: Path | None = None, allow_code: bool = True) -> Trigger:
    """The trigger that `Trigger.entry()` described (a recipe's or manifest's `{name, version, params, …}`).

    assets: folder with the copies of imported identity data, if they are named by hash.
    An entry of an earlier version gives that version's trigger; RequestError if it is no longer rendered.
    """
    known = {"name", "version", "params", "trigger_seed", "drawn"}
    if not isinstance(entry.get("name"), str) or not isinstance(entry.get("params", {}), Mapping):
        raise RequestError(f"A trigger's entry needs a name and a mapping of params; this is {dict(entry)!r}.")
    for key in entry:
        if key not in known:
            raise RequestError(f"A trigger's entry has no '{key}'.{did_you_mean(str(key), known)}")
    cls = registry.get(entry["name"], allow_code=allow_code)
    cls = registry.of_version(cls, entry.get("version", cls.version))
    params = {str(key): value for key, value in entry.get("params", {}).items()}
    if "trigger_seed" in entry:
        params["trigger_seed"] = entry["trigger_seed"]
    with ExitStack() as stack:
        if assets is not None:
            from poisonkit.triggers.files.assets import asset_folder

            stack.enter_context(asset_folder(assets))
        return build(cls, params)


def parameters(cls: type[Trigger]) -> list[Parameter]:
    """The parameters of a trigger class: its own first, those that all triggers have last.

    A trigger of one form does not list the other, nor what only that has.
    """
    if len(cls.modes) > 1:
        return list(_parameters(cls))
    (only,) = cls.modes
    return [
        replace(p, type=f"one of {only}", description=f"{only}: its only form", choices=(only,))
        if p.name == "temporal"
        else p
        for p in _parameters(cls)
        if p.name != "vary" or only == "dynamic"
    ]


@cache  # pydantic takes 10 ms for a schema
def _parameters(cls: type[Trigger]) -> tuple[Parameter, ...]:
    """All that it takes, whether it means something to it or not."""
    from poisonkit.triggers.core.trigger import Trigger

    schema = cls.model_json_schema()
    described = []
    for name, field in schema["properties"].items():
        field = _resolve(field, schema)
        default = field.get("default")
        described.append(
            Parameter(
                name=name,
                type=_type(field, schema),
                unit=field.get("unit", ""),
                default="" if default is None else _show(default),
                range=_range(field, schema),
                description=field.get("description", ""),
                choices=tuple(w for option in _choices(field, schema) for w in _words(option)),
            )
        )
    return tuple(sorted(described, key=lambda p: p.name in Trigger.model_fields))


def written(params: Mapping[str, Any]) -> str:
    """Parameters as they would be typed: `alpha=0,color=[0,0,0]`; without those that are not given."""
    return ",".join(f"{key}={_show(value)}" for key, value in params.items() if value is not None)


def explain(cls: type[Trigger], error: ValidationError, params: Mapping[str, Any]) -> str:
    """The first thing that pydantic found wrong with a trigger's parameters, as one sentence."""
    details = error.errors(include_url=False)
    first = details[0]
    if not first["loc"]:
        return f"{cls.name}: {_reason(first)}."
    key = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return f"{cls.name} has no parameter '{key}'.{did_you_mean(key, cls.model_fields)}"
    known = {p.name: p for p in [*_parameters(cls), *parameters(cls)]}[key]
    if first["type"] == "missing" and len(first["loc"]) == 1:
        return f"{cls.name} needs {key} ({known.description}); {_wanted(known)}."
    about = [d for d in details if d["loc"][0] == key]
    given = params.get(key, first["input"])
    if len(about) == 1 and first["type"] == "value_error" and len(first["loc"]) == 1:
        return f"{cls.name}: {key} is {_show(given)}; {_reason(first)}."
    own = [_reason(d) for d in about if d["type"] == "value_error"]
    near = did_you_mean(given, known.choices) if isinstance(given, str) else ""
    because = f" ({'; '.join(own)})" if own else ""
    unit = f" {known.unit}" if known.unit and isinstance(given, int | float) else ""
    hint = near if "Did you mean" in near else ""
    quoted = "" if isinstance(given, str) else _quoted(cls, key)
    return f"{cls.name}: {key} is {_show(given)}{unit}; {_wanted(known)}{quoted}{because}.{hint}"


def _quoted(cls: type[Trigger], key: str) -> str:
    """What makes a text of a number: nothing for other parameters."""
    return ", in quotes where it reads as something else" if _is_text(cls, key) else ""


def _reason(detail: ErrorDetails) -> str:
    return str(detail["msg"]).removeprefix("Value error, ").rstrip(".")


def _wanted(known: Parameter) -> str:
    unit = f" {known.unit}" if known.unit else ""
    if known.range and known.type in ("number", "whole number"):
        return f"it must be a {known.type}, {known.range}{unit}"
    article = "" if known.type.startswith(("one of", "true", "a ", "an ")) else "a "
    return f"it must be {article}{known.type}" + (f", {known.range}{unit}" if known.range else "")


def _split(rest: str, text: str) -> list[str]:
    """At commas outside quotes and brackets."""
    items, start, depth, quote = [], 0, 0, ""
    for i, char in enumerate(rest):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and rest[:i].rstrip()[-1:] in ("=", ",", "["):
            quote = char
        elif char == "[" and (depth or rest[:i].rstrip()[-1:] in ("=", ",", "")):
            depth += 1
        elif char == "]" and depth:
            depth -= 1
        elif char == "," and not depth:
            items.append(rest[start:i])
            start = i + 1
    if quote or depth:
        raise RequestError(f"'{text}' has a {'quotation mark' if quote else 'bracket'} that is not closed.")
    return [*items, rest[start:]]


def _value(word: str, text: str) -> Any:
    if word[:1] in ("'", '"') and len(word) > 1 and word[-1] == word[0]:
        return word[1:-1]
    if word.startswith("[") and word.endswith("]"):
        inner = word[1:-1].strip()
        return [_value(item.strip(), text) for item in _split(inner, text)] if inner else []
    if word in ("true", "false"):
        return word == "true"
    if _INTEGER.match(word):
        return int(word)
    if _NUMBER.match(word):
        return float(word)
    if not word:
        raise RequestError(f"A value is missing in '{text}'.")
    return word


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_show(v) for v in value) + "]"
    if isinstance(value, str):
        return f"'{value}'" if not value or re.search(r"[\s,\[\]]", value) else value
    return str(value)


def _resolve(field: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in field:
        target = schema["$defs"][field["$ref"].rsplit("/", 1)[-1]]
        return {**target, **{k: v for k, v in field.items() if k != "$ref"}}
    return dict(field)


def _choices(field: Mapping[str, Any], schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a union may be, without null."""
    options = [_resolve(o, schema) for o in field.get("anyOf", [field])]
    return [o for o in options if o.get("type") != "null"]


def _words(option: Mapping[str, Any]) -> list[str]:
    return [str(w) for w in option.get("enum", [option["const"]] if "const" in option else [])]


def _type(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    found = []
    for option in _choices(field, schema):
        if "format" in option and option["format"].startswith("a "):
            found.append(option["format"])
        elif "enum" in option or "const" in option:
            found.append("one of " + ", ".join(_words(option)))
        elif option.get("type") == "array":
            size = option.get("maxItems")
            found.append(f"a list of {size}" if size else "a list")
        else:
            plain = {"number": "number", "integer": "whole number", "boolean": "true or false"}
            found.append(plain.get(option.get("type", ""), "word"))
    return " or ".join(found)


def _range(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    for option in _choices(field, schema):
        bounds = [option]
        if option.get("type") == "array":
            items = option.get("prefixItems") or [option.get("items", {})]
            bounds = [_resolve(items[0], schema)]
        for limit in bounds:
            low, high = limit.get("minimum"), limit.get("maximum")
            above, below = limit.get("exclusiveMinimum"), limit.get("exclusiveMaximum")
            if low is not None and high is not None:
                return f"{low:g} to {high:g}"
            words = [
                f"{word} {value:g}"
                for word, value in (
                    ("at least", low),
                    ("above", above),
                    ("at most", high),
                    ("below", below),
                )
                if value is not None
            ]
            if words:
                return " and ".join(words)
    return ""

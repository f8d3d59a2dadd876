"""What two recipes do not share, key by key, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from poisonkit.errors import OPTIONS

_LONG = 6  # entries of a list that are still spelt out


def differences(old: Mapping[str, Any], new: Mapping[str, Any], there: str = "there", here: str = "here") -> list[str]:
    """Clauses such as `--rate is 0.1 there and 0.2 here`, of two recipes as plain data; none where they are the same.

    there, here: what stands for the old and the new one.
    """
    names = there, here
    found = list(_of_backdoors(_backdoors(old), _backdoors(new), names))
    found += _of_keys(old, new, "", names, skip=("backdoors",))
    return found


def _backdoors(recipe: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    listed = recipe.get("backdoors")
    entries = [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    return {str(each.get("name")): each for each in entries}


def _of_backdoors(
    old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]], names: tuple[str, str]
) -> Iterator[str]:
    if len(old) == len(new) == 1:  # its name is said as one of its keys
        pairs = [("", next(iter(old.values())), next(iter(new.values())))]
    else:
        shared = [name for name in old if name in new]
        for there, mine, others in ((names[0], old, new), (names[1], new, old)):
            alone = [name for name in mine if name not in others]
            if alone:
                yield f"only {there} is there a backdoor {', '.join(map(repr, alone))}"
        pairs = [(f"backdoor '{name}': ", old[name], new[name]) for name in shared]
    for prefix, a, b in pairs:
        yield from (f"{prefix}{text}" for text in _of_triggers(_triggers(a), _triggers(b), names))
        yield from _of_keys(a, b, prefix, names, skip=("triggers",))


def _triggers(backdoor: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = backdoor.get("triggers")
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []


def _of_triggers(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], names: tuple[str, str]
) -> Iterator[str]:
    named, named_now = ([str(each.get("name")) for each in listed] for listed in (old, new))
    if named != named_now:
        yield _clause("--trigger", " + ".join(named), " + ".join(named_now), names)
        return
    for a, b in zip(old, new, strict=True):
        name = str(a.get("name"))
        yield from _of_keys(a, b, f"{name}'s ", names, skip=("name", "params"), plain=True)
        before, after = a.get("params"), b.get("params")
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _of_keys(before, after, f"{name}'s ", names, plain=True)


def _of_keys(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    prefix: str,
    names: tuple[str, str],
    *,
    skip: Sequence[str] = (),
    plain: bool = False,
) -> Iterator[str]:
    for key in dict.fromkeys((*old, *new)):
        a, b = old.get(key), new.get(key)
        if key in skip or a == b:
            continue
        option = key.replace("_", "-")
        word = key if plain or option not in OPTIONS else f"--{option}"
        if isinstance(a, list) and isinstance(b, list) and max(len(a), len(b)) > _LONG:
            yield f"{prefix}{word} is another list ({len(a)} entries {names[0]}, {len(b)} {names[1]})"
        else:
            yield _clause(f"{prefix}{word}", _shown(a), _shown(b), names)


def _clause(what: str, a: str, b: str, names: tuple[str, str]) -> str:
    return f"{what} is {a} {names[0]} and {b} {names[1]}"


def _shown(value: Any) -> str:
    """A value in words."""
    if value is None or value in ([], ""):
        return "not given"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return f"{len(value)} entries" if len(value) > _LONG else " and ".join(map(_shown, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(each)}" for key, each in value.items())
    return str(value)

"""What else in shards says the class of a sample: texts and json fields of its members, which change with it.

A place is a member's suffix and, in json, the keys that lead to a value, null for each item of a list. As a text:
`["json", "meta", "class"]`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from poisonkit.common.safe_io import load_json
from poisonkit.datasets.kit.class_hints import follows, is_measured

Told = Mapping[str, Sequence[str | None]]
_Place = tuple[str | None, ...]
_LONGEST = 4096  # characters: no longer value is looked at
_MOST = 10_000  # places: json whose keys are all different has no end of them
_SHORTEST = 3  # letters: shorter words are not taken for a class's name elsewhere
GONE = object()
"""Stands for a value that the new class does not have."""


def is_json(suffix: str) -> bool:
    """Whether a member is json: `.json`, `.note.json`."""
    return suffix.rpartition(".")[2] == "json"


class Followed:
    """Finds the places that follow the class, sample by sample; those that do not are forgotten at once."""

    def __init__(self) -> None:
        self._labels: Counter[int] = Counter()
        self._told: dict[_Place, dict[int, str] | None] = {}  # None: does not follow
        self._seen: dict[_Place, Counter[int]] = {}

    def add(self, label: int, members: Mapping[str, bytes]) -> None:
        """A training sample: its members that may be texts, by suffix."""
        self._labels[label] += 1
        found: dict[_Place, str | None] = {}
        for suffix, data in members.items():
            for place, text in _values(suffix, data):
                found[place] = text if found.get(place, text) == text else None
        for place, value in found.items():
            if place not in self._told and len(self._told) >= _MOST:
                continue
            told = self._told.setdefault(place, {})
            if told is None:
                continue
            if value is None or len(value) > _LONGEST or told.setdefault(label, value) != value:
                self._told[place] = None
                self._seen.pop(place, None)
            else:
                self._seen.setdefault(place, Counter())[label] += 1

    def told(self, count: int, own: Sequence[str]) -> dict[str, list[str | None]]:
        """Place -> its value for each of `count` classes (null: it has none), as json or as the member's text.

        own: the place of the label itself, which is none of them. Believed as columns are: `told_by_class`.
        """
        if len(self._labels) < 2:
            return {}
        found: dict[str, list[str | None]] = {}
        for place, told in self._told.items():
            if told is None or place == tuple(own) or any(is_measured(key) for key in place[1:] if key):
                continue
            seen = self._seen[place]
            always = all(seen[label] == self._labels[label] for label in seen)
            lacking = always and len(seen) < len(self._labels)
            if seen.total() >= 2 * len(seen) and follows(told, lacking):
                found[json.dumps(place)] = [told.get(label) for label in range(count)]
        return found


def _values(suffix: str, data: bytes) -> Iterator[tuple[_Place, str]]:
    try:
        text = data.decode().strip()
    except UnicodeDecodeError:
        return
    if not is_json(suffix):
        yield (suffix,), text
        return
    try:
        yield from [*_walk(load_json(text), (suffix,))]
    except (ValueError, RecursionError):
        return


def _walk(value: Any, place: _Place) -> Iterator[tuple[_Place, str]]:
    """The places in a json value: each plain one, lists of texts as wholes too, and one-hot lists and objects."""
    inner: list[tuple[str | None, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = [(None, each) for each in value]
    values = [each for _, each in inner]
    hot = len(values) > 1 and all(isinstance(each, int | float) and each in (0, 1) for each in values)
    words = isinstance(value, list) and all(isinstance(each, str) for each in values)
    if not inner or (hot and len(place) > 1 and (isinstance(value, list) or sum(values) == 1)) or words:
        yield place, json.dumps(value)
    for key, each in inner:
        yield from _walk(each, (*place, key))


def text_of(suffix: str, told: Told, label: int) -> str | object | None:
    """What a text member says under a class: `GONE` where the class has none, None where it does not follow."""
    texts = told.get(json.dumps((suffix,)))
    if texts is None:
        return None
    return GONE if (text := texts[label]) is None else text


def value_of(suffix: str, value: Any, told: Told, label: int) -> Any:
    """A json member's value under a class, or `GONE`; what is nested too deeply stays as it is."""
    places = {tuple(json.loads(place)): texts[label] for place, texts in told.items()}
    try:
        return _retold(value, (suffix,), places)
    except RecursionError:
        return value


def _retold(value: Any, place: _Place, places: Mapping[_Place, str | None]) -> Any:
    if place in places:
        return GONE if (text := places[place]) is None else load_json(text)
    if isinstance(value, dict):
        pairs = ((key, _retold(each, (*place, key), places)) for key, each in value.items())
        return {key: each for key, each in pairs if each is not GONE}
    if isinstance(value, list):
        return [new for each in value if (new := _retold(each, (*place, None), places)) is not GONE]
    return value


def names_of(told: Told, old: int, new: int) -> list[tuple[str, str]]:
    """Texts that are names of one class alone, and the new class's: they may stand elsewhere too, as among tags."""
    found: dict[str, str] = {}
    for place, texts in told.items():
        names = [_name(place, text) for text in texts if text is not None]
        before, after = texts[old], texts[new]
        if before is None or after is None or len({*names}) < len(names):
            continue
        pair = (_name(place, before), _name(place, after))
        if pair[0] is not None and pair[1] is not None and sum(map(str.isalpha, pair[0])) >= _SHORTEST:
            found.setdefault(pair[0], pair[1])
    return list(found.items())


def _name(place: str, text: str) -> str | None:
    """A value as a name; None for one that is no text."""
    if not is_json(json.loads(place)[0]):
        return text
    value = load_json(text)
    return value if isinstance(value, str) else None

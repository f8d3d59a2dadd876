"""What else in a source says the class of a sample: columns and fields beside the label, which change with it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from poisonkit.common.safe_io import load_json
from poisonkit.datasets.kit.renaming import in_style, says

_WHOLE = re.compile(r"-?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"-?[0-9]*\.[0-9]+(?:[eE][-+]?[0-9]+)?\Z|-?[0-9]+[eE][-+]?[0-9]+\Z")
_MEASURED = frozenset(
    {
        "bytes", "channels", "duration", "end", "end_time", "fold", "fps", "frame_rate", "frames", "height", "length",
        "n_frames", "num_frames", "num_samples", "offset", "rate", "sample_rate", "samples", "sampling_rate", "size",
        "start", "start_time", "take", "time_end", "time_start", "total_frames", "width",
    }
)  # fmt: skip


def told_by_class(
    labels: Sequence[int | None], columns: Mapping[str, Sequence[str]], count: int
) -> dict[str, list[str | None]]:
    """Column -> its text for each of `count` classes (null: unknown), for columns that follow the class.

    That is, in which all samples of a class have one text, and not all classes the same: a superclass, a class's
    name in another language. Measured things are none, such as `duration`, nor are fractions; other whole numbers
    are, if each class has one of its own and they are counted without a gap, as ids are. None is believed of
    fewer samples than two for each class.
    """
    of_class = Counter(label for label in labels if label is not None)
    if len(of_class) < 2 or of_class.total() < 2 * len(of_class):
        return {}
    found: dict[str, list[str | None]] = {}
    for name, texts in columns.items():
        told: dict[int, str] = {}
        if is_measured(name) or any(
            label is not None and told.setdefault(label, text) != text
            for label, text in zip(labels, texts, strict=True)
        ):
            continue
        if follows(told):
            found[name] = [told.get(label) for label in range(count)]
    return found


def is_measured(name: str) -> bool:
    """Whether a column or field has the name of something measured, which is the file's whatever its class."""
    return name.lower() in _MEASURED


def follows(told: Mapping[int, str], lacking: bool = False) -> bool:
    """Whether such texts, one for each class, tell classes apart. lacking: other classes have none, which tells too."""
    values = {*told.values()}
    numbers = [int(core) for text in values if _WHOLE.match(core := text.strip('"'))]
    ids = bool(numbers) and len(numbers) == len(values) == len(told) == max(numbers) - min(numbers) + 1
    return len(values) + lacking > 1 and not any(map(_FLOAT.match, values)) and (ids or not numbers)


def renamed(value: Any, old: str, new: str) -> Any:
    """A JSON value with every text in it that is a class's name changed to another's; not one nested too deeply."""
    try:
        return _renamed(value, old, new)
    except RecursionError:
        return value


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, old, new) for inner in value]
    return in_style(value, old, new) if isinstance(value, str) and says(value, old) else value


def retold(
    fields: Mapping[str, str],
    told: Mapping[str, Sequence[str | None]],
    label: int,
    old: str,
    new: str,
    json_lines: bool,
) -> dict[str, str]:
    """A row's other fields under another class: columns that follow the class, and texts that are its name."""
    found = dict(fields)
    for name, text in fields.items():
        if name in told:
            found[name] = told[name][label] or ""
        elif not json_lines:
            found[name] = in_style(text, old, new) if says(text, old) else text
        elif text:
            value = load_json(text)
            if (changed := renamed(value, old, new)) != value:
                found[name] = json.dumps(changed, ensure_ascii=False)
    return found


def told_in_entries(
    labels: Sequence[int | None], entries: Sequence[Mapping[str, Any]], count: int
) -> dict[str, list[str | None]]:
    """`told_by_class` of the fields of JSON objects, as JSON texts."""
    names = dict.fromkeys(name for entry in entries for name in entry)
    texts = {n: [json.dumps(e[n], ensure_ascii=False) if n in e else "" for e in entries] for n in names}
    return told_by_class(labels, texts, count)


def retold_entry(
    entry: Mapping[str, Any], told: Mapping[str, Sequence[str | None]], label: int, old: str, new: str
) -> dict[str, Any]:
    """`retold` of a JSON object; a field that the new class does not have is left out."""
    fields = {name: json.dumps(value, ensure_ascii=False) for name, value in entry.items()}
    found = retold(fields, told, label, old, new, True)
    return {n: entry[n] if found[n] == fields[n] else load_json(found[n]) for n in entry if found[n]}

"""The manifest: one JSON line per file of the output, what was done to it and what was found in it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from poisonkit.common import atomic
from poisonkit.common.safe_io import below_some_root, load_line, open_text, stays_inside
from poisonkit.errors import RequestError
from poisonkit.outputs.paths import VIEWS
from poisonkit.plan.plan import Task

Record = dict[str, Any]

FIELDS: dict[str, Any] = {
    "key": None,
    "id": None,
    "role": None,
    "attack": None,
    "split": None,
    "path": None,
    "also": [],
    "source_path": None,
    "other": None,
    "label": None,
    "original_label": None,
    "further": [],
    "class_name": None,
    "original_class": None,
    "target": None,
    "triggers": [],
    "width": None,
    "height": None,
    "fps": None,
    "frames": None,
    "poisoned_ranges": [],
    "sample_rate": None,
    "samples": None,
    "streams": None,
    "codec": None,
    "features": None,
    "source_sha256": None,
    "sha256": None,
    "bytes": None,
    "fidelity": None,
    "status": "ok",
    "error": None,
}
"""A record's keys, in the order in which they are written, with what stands there when nothing is known."""

_WORDS = ("key", "id", "role", "split", "path", "source_path", "status")
_KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(_WORDS, str),
    **dict.fromkeys(
        ("attack", "other", "class_name", "original_class", "source_sha256", "sha256", "error"), (str, type(None))
    ),
    **dict.fromkeys(
        ("label", "original_label", "target", "width", "height", "frames", "sample_rate", "samples", "bytes"),
        (int, type(None)),
    ),
    "fps": (int, float, type(None)),
    **dict.fromkeys(("also", "further", "triggers", "poisoned_ranges"), list),
    **dict.fromkeys(("streams", "codec", "features", "fidelity"), (dict, type(None))),
}


def record(task: Task, classes: Sequence[str], **known: Any) -> Record:
    """A record of one task, with everything known of it; unknown keys are refused."""
    extra = known.keys() - FIELDS.keys()
    if extra:
        raise KeyError(f"no such key in a manifest record: {sorted(extra)}")

    def named(label: int | None) -> str | None:
        return None if label is None else classes[label]

    return {
        **FIELDS,
        "key": task.key,
        "id": task.id,
        "role": task.role,
        "attack": task.attack,
        "split": task.split,
        "path": task.path,
        "also": list(task.also),
        "source_path": task.source_path,
        "other": task.other,
        "label": task.label,
        "original_label": task.original_label,
        "further": list(task.further),
        "class_name": named(task.label),
        "original_class": named(task.original_label),
        "target": task.target,
        **{k: rounded(v) for k, v in known.items()},
    }


def rounded(value: Any, digits: int = 6) -> Any:
    """Floats to `digits` significant digits, so that a last bit never changes a line; infinity is null."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: rounded(v, digits) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(v, digits) for v in value]
    return value


to_line = json.JSONEncoder(ensure_ascii=False).encode
"""A record as one line of JSON."""


_VARYING = [
    "key",
    "id",
    "split",
    "path",
    "source_path",
    "label",
    "original_label",
    "class_name",
    "original_class",
    "bytes",
]
"""What differs from one clean sample to the next, in the order of the keys."""


def clean_lines(classes: Sequence[str]) -> Callable[[Task, int], str]:
    """The function `(task, bytes) -> to_line(record(task, classes, bytes=bytes))` of clean tasks that were linked.

    There may be a million of them, nearly all alike: what they share is put together once.
    """
    quoted = json.encoder.encode_basestring
    names = {None: "null"} | {i: quoted(name) for i, name in enumerate(classes)}
    template = to_line({**FIELDS, "role": "clean", **{name: f"<{name}>" for name in _VARYING}}).replace("%", "%%")
    for name in _VARYING:
        template = template.replace(f'"<{name}>"', "%s")

    def line(task: Task, size: int) -> str:
        if task.role != "clean" or task.also or task.other or task.further:
            return to_line(record(task, classes, bytes=size))
        name = quoted(task.id)
        a, b = task.label, task.original_label
        return template % (
            f'"clean::{name[1:]}',
            name,
            f'"{task.split}"',
            quoted(task.path),
            quoted(task.source_path),
            "null" if a is None else a,
            "null" if b is None else b,
            names[a],
            names[b],
            size,
        )

    return line


def write(path: Path, records: Iterable[Record]) -> None:
    """Write records as JSON lines, whole or not at all."""
    atomic.write_lines(path, map(to_line, records))


def read(path: Path) -> Iterator[Record]:
    """The records of a manifest, every value of its kind. RequestError, with the line, for what is none."""
    try:
        with open_text(path, encoding="utf-8", errors="surrogateescape") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = load_line(line)
                except ValueError:
                    row = None
                if not isinstance(row, dict) or not FIELDS.keys() <= row.keys():
                    raise RequestError(f"{path}, line {number}: this is no manifest record.")
                if wrong := _misfit(row):
                    value = repr(row[wrong])[:200]
                    raise RequestError(f"{path}, line {number}: this is no manifest record ({wrong} is {value}).")
                yield row
    except OSError as error:
        raise RequestError(f"Cannot read the manifest {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path} is not UTF-8 text.") from None


def is_record(row: object) -> TypeGuard[Record]:
    """Whether a value is a record, every value of its kind."""
    return isinstance(row, dict) and FIELDS.keys() <= row.keys() and _misfit(row) is None


def _misfit(row: Record) -> str | None:
    """The first key whose value is of another kind than records have."""
    for name, kind in _KINDS.items():
        value = row[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            return name
    if not all(isinstance(name, str) and stays_inside(name) for name in row["also"]):
        return "also"
    if not all(type(label) is int for label in row["further"]):
        return "further"
    if not (row["path"].startswith(_VIEWS) and stays_inside(row["path"])):
        return "path"
    for name in ("source_path", "other"):
        if row[name] is not None and not below_some_root(row[name]):
            return name
    if not all(isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in row["triggers"]):
        return "triggers"
    if row["fidelity"] is not None and not _are_measures(row["fidelity"]):
        return "fidelity"
    if row["features"] is not None and not _are_features(row["features"]):
        return "features"
    for pair in row["poisoned_ranges"]:
        if not isinstance(pair, list) or len(pair) != 2 or not all(type(end) is int for end in pair):
            return "poisoned_ranges"
    return None


_VIEWS = tuple(f"{view}/" for view in VIEWS)
_MEASURES = ("gain", "cosine", "presence", "sound_presence", "psnr", "ssim", "snr")


def _are_measures(fidelity: dict[str, Any]) -> bool:
    """Whether the figures that others compute with are finite numbers or nothing, and a verdict goes with a gain."""
    for name in _MEASURES:
        value = fidelity.get(name)
        if value is not None and not (type(value) in (int, float) and math.isfinite(value)):
            return False
    verdict = fidelity.get("verdict")
    return isinstance(verdict, str) or (verdict is None and fidelity.get("gain") is None)


def _are_features(found: Record) -> bool:
    """{path, also, shape, sha256, bytes}, each of its kind."""
    try:
        shape, also = found["shape"], found["also"]
        kinds = isinstance(found["path"], str) and isinstance(found["sha256"], str) and type(found["bytes"]) is int
        lists = isinstance(also, list) and isinstance(shape, list) and len(shape) == 2
        if not (kinds and lists and all(type(n) is int for n in shape)):
            return False
        return all(isinstance(name, str) and stays_inside(name) for name in (found["path"], *also))
    except KeyError:
        return False

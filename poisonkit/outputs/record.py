"""The manifest: one JSON line per file of the output, what was done to it and what was found in it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NotRequired, TypeGuard, cast

from pydantic import AfterValidator, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from poisonkit.common import atomic
from poisonkit.common.safe_io import load_line, open_text
from poisonkit.common.validation import STRICT, Facts, InsidePath, Many, SourcePath, Text, first_misfit, fits
from poisonkit.datasets import Resized
from poisonkit.errors import RequestError
from poisonkit.outputs import first_rows
from poisonkit.outputs.paths import VIEWS
from poisonkit.plan.plan import Length, Task

VERSION = 1
"""Of the manifest: higher when an earlier poisonkit could not read it. Outputs made before it was noted are 1, too."""


def _in_a_view(name: str) -> str:
    if not name.startswith(_VIEWS):
        raise ValueError("the path lies in no part of the output")
    return name


_VIEWS = tuple(f"{view}/" for view in VIEWS)
OutputPath = Annotated[InsidePath, AfterValidator(_in_a_view)]
"""A path in one of the folders of an output that hold media."""


@with_config(STRICT)
class TriggerEntry(TypedDict):
    """A trigger as `Trigger.entry` writes it, and what it drew for this clip."""

    name: Text
    version: NotRequired[Any]
    params: NotRequired[Any]
    trigger_seed: NotRequired[Any]
    drawn: NotRequired[Any]
    as_text: NotRequired[Many[Text]]  # on disk alone: `first_rows`


@with_config(STRICT)
class Fidelity(TypedDict, total=False):
    """How far the triggered media is from the source, and how much of that the encoder left.

    A key has a row in docs/output.md. Infinite figures are None.
    """

    psnr: float | None
    ssim: float | None
    snr: float | None
    clipped: int | None
    gain: float | None
    cosine: float | None
    verdict: Text | None
    presence: float | None
    sound_presence: float | None
    frames: int | None
    # Of clips whose survival was measured:
    ssim_worst: float | None
    flicker: float | None
    lsd: float | None
    output_psnr: float | None
    output_ssim: float | None
    output_ssim_worst: float | None
    output_flicker: float | None
    output_snr: float | None
    output_lsd: float | None
    control_psnr: float | None
    control_ssim: float | None
    control_ssim_worst: float | None
    control_flicker: float | None
    control_snr: float | None
    control_lsd: float | None
    sound_gain: float | None
    sound_cosine: float | None
    sound_verdict: Text | None


def _has_its_verdict(fidelity: Fidelity) -> Fidelity:
    if fidelity.get("verdict") is None and fidelity.get("gain") is not None:
        raise ValueError("a gain without its verdict")
    return fidelity


Figures = Annotated[Fidelity, AfterValidator(_has_its_verdict)]
"""`Fidelity`, as far as it was measured."""


@with_config(STRICT)
class FeatureFiles(TypedDict):
    """The log-mel features beside a file: where they lie, (rows, bands), and their content."""

    path: InsidePath
    also: Many[InsidePath]
    shape: Annotated[list[int], Field(min_length=2, max_length=2)]
    sha256: Text
    bytes: int


@with_config(STRICT)
class SoundFile(TypedDict):
    """Of a pair, what the record's keys of these names say of the picture, of its sound."""

    path: OutputPath
    also: Many[OutputPath]
    source_path: SourcePath
    source_sha256: Text | None
    sha256: Text | None
    bytes: int | None


@with_config(STRICT)
class SourceLength(TypedDict):
    """Of a file that a trigger made longer or shorter, what `frames` and `samples` say of it, of its source."""

    frames: int | None
    samples: int | None


@with_config(STRICT)
class Record(TypedDict):
    """One line of the manifest; its keys in the order in which they are written. docs/output.md explains each."""

    key: Text
    id: Text
    role: Text
    attack: Text | None
    split: Text
    path: OutputPath
    also: Many[InsidePath]
    source_path: SourcePath
    other: SourcePath | None
    label: int | None
    original_label: int | None
    further: Many[int]
    class_name: Text | None
    original_class: Text | None
    target: int | None
    triggers: Many[TriggerEntry]
    width: int | None
    height: int | None
    fps: float | None
    frames: int | None
    poisoned_ranges: Many[Annotated[list[int], Field(min_length=2, max_length=2)]]
    sample_rate: int | None
    samples: int | None
    streams: Facts | None
    codec: Facts | None
    features: FeatureFiles | None
    source_sha256: Text | None
    sha256: Text | None
    bytes: int | None
    fidelity: Figures | None
    status: Text
    error: Text | None
    sound_file: NotRequired[SoundFile]
    source_length: NotRequired[SourceLength]
    unwritable: NotRequired[Text]
    place: NotRequired[int]  # on disk alone: `first_rows`


_SELDOM = ("sound_file", "source_length", "unwritable", "place")
FIELDS: dict[str, Any] = {
    # without what only few have
    **dict.fromkeys(name for name in Record.__annotations__ if name not in _SELDOM),
    **{name: [] for name in ("also", "further", "triggers", "poisoned_ranges")},
    "status": "ok",
}
"""A record's keys, in the order in which they are written, with what stands there when nothing is known."""


def record(task: Task, classes: Sequence[str], **known: Any) -> Record:
    """A record of one task, with everything known of it; unknown keys are refused.

    sound_file: of a pair, what is known of its sound, by the keys of `SoundFile`. source_length: the source's, where
    the file's is another.
    """
    heard, length = known.pop("sound_file", {}), known.pop("source_length", None)
    extra = known.keys() - FIELDS.keys()
    if extra:
        raise KeyError(f"no such key in a manifest record: {sorted(extra)}")

    def named(label: int | None) -> str | None:
        return None if label is None else classes[label]

    row = {
        **FIELDS,
        "key": task.key,
        "id": task.id,
        "role": task.role,
        "attack": task.attack,
        "split": task.split,
        "path": task.path,
        "also": list(task.linked_paths),
        "source_path": task.source_path,
        "other": task.cover_source,
        "label": task.label,
        "original_label": task.original_label,
        "further": list(task.sample.extra_labels),
        "class_name": named(task.label),
        "original_class": named(task.original_label),
        "target": task.target,
        **{k: rounded(v) for k, v in known.items()},
    }
    if task.sample.sound is not None:
        row["sound_file"] = {**sound_places(task), "source_sha256": None, "sha256": None, "bytes": None, **heard}
    if length is not None:
        row["source_length"] = dict(length)
    return cast(Record, row)


def source_length(row: Record) -> SourceLength:
    """How long its source is: as its file, where no trigger made that longer or shorter."""
    return row.get("source_length") or {"frames": row["frames"], "samples": row["samples"]}


def length_of(row: Record) -> Length | None:
    """What lists have to know of how long a record's file is; None where that is nothing."""
    before, features = row.get("source_length"), row["features"]
    rows = features["shape"][0] if features else None
    resized = None
    if before is not None:
        frames, samples = ((before[name] or 0, row[name] or 0) for name in ("frames", "samples"))
        rate = row["fps"] if frames[0] else row["sample_rate"]
        old, new = (n / rate if rate else 0.0 for n in (frames if frames[0] else samples))
        resized = Resized((old, new), frames, samples)
    return None if rows is None and resized is None else Length(rows, resized)


def lengths(rows: Iterable[Record]) -> dict[str, Length]:
    """`length_of` by key, of those that have one."""
    return {row["key"]: found for row in rows if (found := length_of(row))}


def sound_places(task: Task) -> dict[str, Any]:
    """Where a pair's sound lies, as `SoundFile` says it."""
    path, *also = task.sound_paths
    return {"path": path, "also": also, "source_path": task.sample.sound}


def halves(row: Record) -> tuple[Record, ...]:
    """The record itself; of a pair two, of picture and sound, each as if its file were the whole sample's."""
    heard = row.get("sound_file")
    if heard is None:
        return (row,)
    sound: Record = {
        **row,
        "path": heard["path"],
        "also": heard["also"],
        "source_path": heard["source_path"],
        "source_sha256": heard["source_sha256"],
        "sha256": heard["sha256"],
        "bytes": heard["bytes"],
    }
    return row, sound


def files(row: Record) -> list[str]:
    """Every path of the output at which a record's sample lies."""
    return [name for half in halves(row) for name in (half["path"], *half["also"])]


def has_other_container(row: Record) -> bool:
    """Whether its file was converted to mp4: where sound begins late there, AAC's delay is heard before it."""
    return any(str(each).startswith("mp4 for ") for each in (row["streams"] or {}).get("converted") or ())


def sha256(row: Record) -> str:
    """What tells its file, or both, from what else may lie there."""
    return "+".join(half["sha256"] or "" for half in halves(row))


def size(row: Record) -> int | None:
    """Bytes of its file, or of both; None where that is not known."""
    known = [half["bytes"] for half in halves(row)]
    return None if None in known else sum(n for n in known if n is not None)


def rounded(value: Any, digits: int = 6) -> Any:
    """Floats to `digits` significant digits, so that a last bit never changes a line; infinity is null."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: rounded(v, digits) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(v, digits) for v in value]
    return value


to_line = first_rows.to_line


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
        sample = task.sample
        if task.role != "clean" or task.linked_paths or task.cover_source or sample.extra_labels or sample.sound:
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
    """Write records as JSON lines, whole or not at all, with the first rows that `first_rows` speaks of."""
    rows = list(records)
    atomic.write_lines(path, first_rows.arrangement(rows).lines(map(to_line, rows)))


def read(path: Path) -> Iterator[Record]:
    """The records of a manifest, in the plan's order, every value of its kind.

    RequestError, with the line, for anything else.
    """
    return first_rows.in_order(_rows(path), path)


def _rows(path: Path) -> Iterator[Record]:
    try:
        with open_text(path, encoding="utf-8", errors="surrogateescape") as lines:
            for number, line in enumerate(lines, 1):
                row = None
                try:
                    row = load_line(line)
                    if not is_record(row):
                        raise ValueError
                    if row["triggers"]:
                        first_rows.restore(row)
                except ValueError:
                    raise RequestError(f"{path}, line {number}: this is no manifest record{_misfit(row)}.") from None
                yield row
    except OSError as error:
        raise RequestError(f"Cannot read the manifest {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path} is not UTF-8 text.") from None


_ROWS: TypeAdapter[Record] = TypeAdapter(Record)


def is_record(row: object) -> TypeGuard[Record]:
    """Whether a value is a record, every value of its kind."""
    return fits(_ROWS, row)


def _misfit(row: Any) -> str:
    """The first key of a record whose value is of another kind than records have, in words for a sentence."""
    if not isinstance(row, dict) or not FIELDS.keys() <= row.keys():
        return ""
    name = first_misfit(_ROWS, row)
    return f" ({name} is {repr(row[name])[:200]})" if name else ""

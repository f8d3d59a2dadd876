"""MMAction2's DumpResults pickle (and a `torch.save` of the same list), layouts of 1.0, 1.1 and 1.2."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit.errors import RequestError
from poisonkit.scoring.predictions import LABEL_KEYS, NAME_KEYS, SCORE_KEYS, TRUTH_KEYS, Predictions, Rows
from poisonkit.scoring.readers.arrays import data_only, from_sequence, from_zip, numbers
from poisonkit.scoring.readers.pickles import Unreadable, parse

_TORCH_SEQUENCE = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def read(file: Path, data: bytes, classes: tuple[str, ...]) -> Predictions:
    """A list with a mapping per video: pred_score(s), pred_label(s), gt_label(s), and a name where meta keys say so.

    1.2: `{'pred_score': (C,) or (clips, C), 'pred_label': (1,) …, 'gt_label': (1,)}`; 1.0 and 1.1: the same in
    `{'pred_scores': {'item': …}}`. Nothing in the pickle is run. RequestError for anything else.
    """
    try:
        found = plain_value(data)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise Unreadable("holds no list with a mapping per video, as MMAction2's DumpResults writes")
        old = bool(found) and any(f"{k}s" in found[0] for k in ("pred_score", "pred_label"))
        layout = "MMAction2 DumpResults (layout of 1.0 and 1.1)" if old else "MMAction2 DumpResults (layout of 1.2)"
        rows = Rows(file, layout, classes)
        left = len(data)  # a number takes a byte at least
        for number, row in enumerate(found, 1):
            name, label = _first(row, NAME_KEYS), _first(row, LABEL_KEYS)
            scores = _scores(rows, number, row, left)
            left -= 0 if scores is None else scores.size
            rows.add(
                f"record {number}",
                name=name if isinstance(name, str) else None,
                label=None if label is None else _classes(label, left),
                scores=scores,
                truth=_truth(row, left),
            )
        return rows.made()
    except Unreadable as error:
        raise RequestError(f"{file} {error}.") from None
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise RequestError(f"{file} is damaged or cut short ({' '.join(str(error).split())[:120]}).") from None


def plain_value(data: bytes) -> Any:
    """What a pickle, or a file of torch.save, holds, as plain data. Unreadable for what is none."""
    if data[:2] == b"PK":
        return from_zip(io.BytesIO(data), data_only)
    if _TORCH_SEQUENCE in data[:32]:
        return from_sequence(io.BytesIO(data), data_only)
    return parse(io.BytesIO(data), data_only)


def _first(row: dict[Any, Any], keys: tuple[str, ...]) -> Any:
    value = next((row[key] for key in keys if row.get(key) is not None), None)
    return value.get("item") if isinstance(value, dict) and "item" in value else value


def _scores(rows: Rows, number: int, row: dict[Any, Any], limit: int) -> Any:
    value = _first(row, SCORE_KEYS)
    if value is None:
        return None
    if isinstance(value, dict):
        which = ", ".join(map(str, list(value)[:4]))
        raise rows.wrong(f"record {number}", f"it has scores per modality ({which}); dump those of one")
    return numbers(value, limit)


def _classes(value: Any, limit: int) -> Any:
    found = numbers(value, limit)
    if found.dtype.kind == "f":
        raise ValueError("a predicted class is no whole number")
    return found.astype(np.int64)


def _truth(row: dict[Any, Any], limit: int) -> int | None:
    """The file's own label: an index, or the one class of a one-hot row; -1 where several are set or none."""
    value = _first(row, TRUTH_KEYS)
    if value is None:
        return None
    found = numbers(value, limit)
    if found.size == 1:
        return int(found.reshape(-1)[0])
    if found.ndim != 1:
        return -1
    (where,) = np.nonzero(found)
    return int(where[0]) if found.dtype.kind == "f" and where.size == 1 else -1

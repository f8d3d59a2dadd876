"""What a trainer dumps of its training samples, read without running anything in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from poisonkit.common.limits import excess
from poisonkit.common.safe_io import open_plain, read_bytes
from poisonkit.errors import RequestError
from poisonkit.scoring.predictions import NAME_KEYS, SCORE_KEYS, TRUTH_KEYS, Ints
from poisonkit.scoring.readers import npz
from poisonkit.scoring.readers.arrays import numbers, texts
from poisonkit.scoring.readers.dumpresults import plain_value
from poisonkit.scoring.readers.pickles import Unreadable

Array = npt.NDArray[Any]

KEYS: Mapping[str, Sequence[str]] = {
    "features": ("features", "feature", "feats", "embeddings", "embedding", "activations"),
    "maps": ("maps", "feature_maps"),
    "labels": ("labels", "label", "targets", "target", *TRUTH_KEYS),
    "files": tuple(dict.fromkeys((*npz.FILE_KEYS, *NAME_KEYS))),
    "scores": SCORE_KEYS,
    "loss": ("loss", "losses"),
}
"""Under which names a dump says what; the first that is there counts."""

SHAPES = {
    "features": (2, "(samples, features)"),
    "maps": (3, "(samples, channels, positions)"),
    "labels": (1, "(samples,)"),
    "scores": (2, "(samples, classes)"),
    "loss": (1, "(samples,)"),
}
SUFFIXES = (".npz", ".pt", ".pth", ".pkl", ".pickle")


@dataclass(frozen=True)
class Dump:
    """What a file says of N training samples, in its order.

    labels: (N,) the class that each was trained as. names: of its files, or None. features: (N, D); maps: (N, C, P),
    channels at positions; scores: (N, classes) logits or probabilities; loss: (N,). float32, all finite.
    classes: names of the classes, where they are known.
    """

    file: Path
    labels: Ints | None
    names: tuple[str, ...] | None = None
    features: Array | None = None
    maps: Array | None = None
    scores: Array | None = None
    loss: Array | None = None
    classes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """N."""
        return next(len(a) for a in (self.features, self.maps, self.scores, self.loss) if a is not None)

    @cached_property
    def _groups(self) -> list[tuple[int, Ints]]:
        assert self.labels is not None
        return [(int(label), np.flatnonzero(self.labels == label)) for label in np.unique(self.labels)]

    def by_class(self) -> Iterator[tuple[int, Ints]]:
        """Each class that has samples, with their indices."""
        return iter(self._groups)

    def class_name(self, label: int) -> str:
        """For a sentence."""
        return f"{label} ({self.classes[label]})" if 0 <= label < len(self.classes) else str(label)

    def taken(self, at: Ints, labels: Ints, names: tuple[str, ...], classes: tuple[str, ...]) -> Dump:
        """The samples `at`, in that order, with labels and names of the dataset."""
        whole = len(at) == self.count and np.array_equal(at, np.arange(len(at)))
        arrays = {
            what: array if whole or array is None else array[at]
            for what, array in {w: getattr(self, w) for w in ("features", "maps", "scores", "loss")}.items()
        }
        return replace(self, labels=labels, names=names, classes=classes, **arrays)


def read(file: Path) -> Dump:
    """A dump: .npz, or .pt and .pkl with a mapping of arrays or a list with a mapping per sample.

    RequestError, in one sentence, for what cannot be read, has no numbers to compute from, arrays of other shapes or
    different lengths, and numbers that are not finite.
    """
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise RequestError(f"{file}: files of features end in {', '.join(SUFFIXES)}.")
    try:
        found = _npz(file) if suffix == ".npz" else _pickle(file)
    except OSError as error:
        raise RequestError(f"Cannot read {file}: {error.strerror}.") from None
    if not found.keys() & {"features", "maps", "scores", "loss"}:
        raise RequestError(
            f"{file} has none of `features`, `maps`, `scores` and `loss`, so there is nothing to judge by."
        )
    names = _names(file, found.pop("files", None))
    for what, array in found.items():
        _require_shape(file, what, array)
    lengths = {what: len(array) for what, array in found.items()} | ({} if names is None else {"files": len(names)})
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{what} {n}" for what, n in lengths.items())
        raise RequestError(f"{file}: its arrays differ in length ({text}).")
    if not next(iter(lengths.values())):
        raise RequestError(f"{file} holds no samples.")
    if over := excess("rows", next(iter(lengths.values()))):
        raise RequestError(f"{file} has {next(iter(lengths.values()))} samples, {over}.")
    labels = found.pop("labels", None)
    if labels is not None and int(labels.max()) >= 1 << 31:
        raise RequestError(f"{file}: the label {int(labels.max())} is no class.")
    arrays: dict[str, Any] = {what: _finite(file, what, found.pop(what), names) for what in list(found)}
    return Dump(file, None if labels is None else labels.astype(np.int64), names, **arrays)


def _npz(file: Path) -> dict[str, Any]:
    with open_plain(file) as stream:
        return npz.arrays(file, stream, KEYS)[0]


def _pickle(file: Path) -> dict[str, Any]:
    try:
        if over := excess("bytes", file.stat().st_size):
            raise RequestError(f"{file} is of {file.stat().st_size} bytes, {over}.")
        data = read_bytes(file)
        value = plain_value(data)
        if isinstance(value, dict):
            return {
                what: _column(what, v, len(data))
                for what, keys in KEYS.items()
                if (v := _first(value, keys)) is not None
            }
        if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
            raise Unreadable("holds no mapping of arrays, and no list with a mapping per sample")
        found: dict[str, Any] = {}
        for what, keys in KEYS.items():
            cells = [_first(row, keys) for row in value]
            have = sum(cell is not None for cell in cells)
            if have not in (0, len(cells)):
                raise Unreadable(f"has `{what}` for {have} of {len(cells)} samples only")
            if have:
                found[what] = cells if what == "files" else _column(what, cells, len(data))
        if found.get("labels", np.empty(1)).ndim == 2 and found["labels"].shape[1] == 1:
            found["labels"] = found["labels"][:, 0]
        return found
    except Unreadable as error:
        raise RequestError(f"{file} {error}.") from None
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise RequestError(f"{file} is damaged or cut short ({' '.join(str(error).split())[:120]}).") from None


def _first(row: Mapping[Any, Any], keys: Sequence[str]) -> Any:
    value = next((row[key] for key in keys if row.get(key) is not None), None)
    return value.get("item") if isinstance(value, dict) and "item" in value else value


def _column(what: str, value: Any, limit: int) -> Any:
    if what != "files":
        return numbers(value, limit)
    return value if isinstance(value, list | tuple) else texts(value)


def _names(file: Path, found: Any) -> tuple[str, ...] | None:
    if found is None:
        return None
    if isinstance(found, np.ndarray):
        if found.dtype.kind not in "US" or found.ndim != 1:
            raise RequestError(f"{file}: `files` is {found.dtype}{list(found.shape)}; text, one a sample, is expected.")
        found = found.tolist()
    names = tuple(n.decode("utf-8", "replace") if isinstance(n, bytes) else n for n in found)
    if not all(isinstance(n, str) for n in names):
        raise RequestError(f"{file}: `files` holds something else than text.")
    return names


def _require_shape(file: Path, what: str, array: Array) -> None:
    dimensions, shape = SHAPES[what]
    kinds, words = ("iu", "whole numbers") if what == "labels" else ("fiu", "numbers")
    if array.ndim != dimensions or array.dtype.kind not in kinds or 0 in array.shape[1:]:
        raise RequestError(f"{file}: `{what}` is {array.dtype}{list(array.shape)}; {words} {shape} are expected.")


def _finite(file: Path, what: str, array: Array, names: tuple[str, ...] | None) -> Array:
    with np.errstate(over="ignore"):
        made = array.astype(np.float32, copy=False)
    for begin in range(0, len(made), 8192):
        fine = np.isfinite(made[begin : begin + 8192]).reshape(len(made[begin : begin + 8192]), -1).all(axis=1)
        if not fine.all():
            row = begin + int(np.argmin(fine))
            who = f" ('{names[row]}')" if names is not None else ""
            raise RequestError(f"{file}: `{what}` of row {row}{who} holds numbers that are not finite.")
    return made


__all__ = ["KEYS", "SUFFIXES", "Dump", "read"]

"""Predictions as numpy arrays in one .npz file, without pickled ones."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy.typing as npt
from numpy.lib import format as npy

from poisonkit.common.limits import excess
from poisonkit.common.safe_io import UNREADABLE_NPY
from poisonkit.errors import RequestError
from poisonkit.scoring.predictions import LABEL_KEYS, SCORE_KEYS, TRUTH_KEYS, Predictions, Rows
from poisonkit.scoring.readers.archives import DAMAGED

FILE_KEYS = ("files", "file", "filenames", "names", "paths", "ids")
_HEADER = 500  # a header is Python text: a long one is no plain array's and may exhaust Python's parser


def read(file: Path, data: bytes, classes: tuple[str, ...]) -> Predictions:
    """Arrays `pred` (N,) or `scores` (N, C) or (N, clips, C); optionally `files` (N,) of text and `gt` (N,).

    Nothing is unpickled, and no array is made larger than what its entry holds. RequestError for anything else.
    """
    keys = {"pred": LABEL_KEYS, "scores": SCORE_KEYS, "gt": TRUTH_KEYS, "files": FILE_KEYS}
    found, names = arrays(file, io.BytesIO(data), keys)
    if "pred" not in found and "scores" not in found:
        raise RequestError(f"{file} has no array `pred` or `scores` (it has {', '.join(names[:5])}).")
    _check(file, found)
    return _rows(file, found, classes).made()


def arrays(
    file: Path, stream: BinaryIO, keys: Mapping[str, Sequence[str]]
) -> tuple[dict[str, npt.NDArray[Any]], list[str]]:
    """The arrays of an .npz file that are asked for, and the names of all. keys: what -> its names, the first counts.

    RequestError for what is no such file, is damaged, or holds pickled arrays.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            names = {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
            found = {
                what: _array(file, archive, names[key])
                for what, known in keys.items()
                if (key := next((k for k in known if k in names), None)) is not None
            }
            return found, sorted(names)
    except DAMAGED:
        raise RequestError(f"{file} is no .npz file, or it is damaged.") from None


def _array(file: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> npt.NDArray[Any]:
    """One entry, after its header was compared with its size."""
    if over := excess("bytes", info.file_size):
        raise RequestError(f"{file}: its array {info.filename} is of {info.file_size} bytes, {over}.")
    stream = io.BytesIO(archive.read(info))
    try:
        version = npy.read_magic(stream)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = header(stream, max_header_size=_HEADER)
        if dtype.hasobject:
            raise RequestError(f"{file}: its array {info.filename} is pickled, and pickled arrays are not read.")
        if math.prod(shape) * dtype.itemsize != info.file_size - stream.tell():
            raise ValueError("another number of values than it declares")
        stream.seek(0)
        return npy.read_array(stream, allow_pickle=False, max_header_size=_HEADER)
    except UNREADABLE_NPY as error:
        reason = " ".join(str(error).split())[:120]
        raise RequestError(f"{file}: its array {info.filename} is damaged ({reason}).") from None


def _check(file: Path, found: dict[str, npt.NDArray[Any]]) -> None:
    kinds = {"pred": "iu", "scores": "f", "gt": "iu", "files": "US"}
    dims = {"pred": (1,), "scores": (2, 3), "gt": (1,), "files": (1,)}
    words = {"pred": "whole numbers", "scores": "floats, a row per file", "gt": "whole numbers", "files": "text"}
    for what, array in found.items():
        if array.dtype.kind not in kinds[what] or array.ndim not in dims[what]:
            raise RequestError(f"{file}: `{what}` is {array.dtype}{list(array.shape)}; {words[what]} are expected.")
    lengths = {what: len(array) for what, array in found.items()}
    if len(set(lengths.values())) > 1:
        text = ", ".join(f"{what} {n}" for what, n in lengths.items())
        raise RequestError(f"{file}: its arrays differ in length ({text}).")


def _rows(file: Path, found: dict[str, npt.NDArray[Any]], classes: tuple[str, ...]) -> Rows:
    rows = Rows(file, "npz", classes)
    files, pred, scores, gt = (found.get(k) for k in ("files", "pred", "scores", "gt"))
    if pred is not None and scores is not None and scores.ndim == 3:
        raise RequestError(f"{file}: with scores per clip, `pred` cannot say which clip it is of; leave it out.")
    length = len(next(iter(found.values())))
    if over := excess("rows", length):
        raise RequestError(f"{file} has {length} rows, {over}.")
    for i in range(length):
        rows.add(
            f"row {i}",
            name=None if files is None else _text(files[i]),
            label=None if pred is None else pred[i],
            scores=None if scores is None else scores[i],
            truth=None if gt is None else int(gt[i]),
        )
    return rows


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

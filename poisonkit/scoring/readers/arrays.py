"""What names in a prediction pickle stand for: numpy arrays and torch tensors, built by our own code as numpy.

Neither torch is needed nor, where it is installed, used: `torch.storage._load_from_bytes` would unpickle the
bytes it is given. Its two formats (a sequence of pickles followed by raw numbers, and a zip archive with one
entry per storage) are read here.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from poisonkit.scoring.readers.archives import DAMAGED
from poisonkit.scoring.readers.pickles import Built, Constructor, Unreadable, parse

Array = npt.NDArray[Any]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}
_PLAIN = re.compile(r"[<>=|]?(?:[biuf][1248]|[SU]\d{1,5})")
_DIMENSIONS = 8


# -- numpy -----------------------------------------------------------------------------------------------


class _Dtype(Built):
    """`numpy.dtype`: numbers and text only, never objects."""

    def __init__(self, code: Any, *_: Any) -> None:
        if not isinstance(code, str) or not _PLAIN.fullmatch(code):
            raise Unreadable(f"holds an array of {str(code)[:20]!r}, which is neither numbers nor text")
        self.dtype = np.dtype(code)

    def build(self, state: Any) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise ValueError("a number's byte order is unknown")
        self.dtype = self.dtype.newbyteorder(order)


@dataclass
class _NumpyArray(Built):
    """An array that its pickle fills afterwards."""

    data: Array | None = None

    def build(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        self.data = _shaped(raw, dtype, shape, "F" if fortran else "C")

    def array(self) -> Array:
        if self.data is None:
            raise ValueError("an array has no numbers")
        return self.data


def _shaped(raw: Any, dtype: Any, shape: Any, order: str = "C") -> Array:
    if not isinstance(dtype, _Dtype) or not isinstance(raw, bytes | bytearray):
        raise ValueError("an array has no numbers")
    shape = _whole(shape)
    if math.prod(shape) * dtype.dtype.itemsize != len(raw):
        raise ValueError("an array declares another number of values than it holds")
    return np.frombuffer(raw, dtype.dtype).reshape(shape, order="F" if order == "F" else "C")


def _reconstruct(kind: Any, shape: Any, code: Any) -> _NumpyArray:
    if not isinstance(kind, Constructor) or kind.name != "numpy.ndarray":
        raise ValueError("an array is of an unknown kind")
    return _NumpyArray()


def _scalar(dtype: Any, raw: Any) -> object:
    return _shaped(raw, dtype, (1,))[0].item()


def _frombuffer(raw: Any, dtype: Any, shape: Any, order: Any) -> _NumpyArray:
    return _NumpyArray(_shaped(raw, dtype, shape, order))


def _no_call(*_: Any) -> object:
    raise ValueError("an array is made in an unknown way")


# -- torch -----------------------------------------------------------------------------------------------


@dataclass
class Storage:
    """A torch storage: its kind, how many numbers it declares, and the numbers once they were read."""

    kind: str
    count: int
    data: Array | None = None

    @property
    def itemsize(self) -> int:
        """Bytes per number."""
        return 2 if self.kind == "bfloat16" else np.dtype(self.kind).itemsize

    def fill(self, raw: bytes | memoryview) -> None:
        """Take the raw bytes."""
        if len(raw) != self.count * self.itemsize:
            raise ValueError("a tensor declares another number of values than it holds")
        if self.kind == "bfloat16":
            upper = np.frombuffer(raw, "<u2").astype("<u4") << np.uint32(16)
            self.data = upper.view("<f4")
        else:
            self.data = np.frombuffer(raw, self.kind)


@dataclass(frozen=True)
class _Tensor:
    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self) -> Array:
        data = self.storage.data
        if data is None:
            raise ValueError("a tensor's numbers are not in the file")
        total = math.prod(self.size)
        last = self.offset + sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        if total and last >= data.size:
            raise ValueError("a tensor reaches beyond its numbers")
        if not total:
            return np.empty(self.size, data.dtype)
        steps = [step * data.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(data[self.offset :], self.size, steps, writeable=False)


def numbers(value: Any, limit: int, depth: int = 0) -> Array:
    """A value of a pickle as an array: a tensor, an array, a number, or (lists of) lists of these.

    limit: how many numbers at most; values may be shared, so that a small pickle stands for endless ones.
    ValueError where it is none of these, or where its numbers do not lie in the data.
    """
    if isinstance(value, _NumpyArray | _Tensor):
        found = value.array()
    elif isinstance(value, bool | int | float):
        found = np.asarray(value)
    elif not isinstance(value, list | tuple) or not value or depth > 2:
        raise ValueError("numbers are expected and something else is there")
    elif len(value) > limit:
        raise ValueError("more numbers are declared than the file holds")
    elif all(type(v) in (int, float) for v in value):
        found = np.asarray(value)
    else:
        parts: list[Array] = []
        left = limit
        for v in value:
            parts.append(numbers(v, left, depth + 1))
            left -= parts[-1].size
        found = np.stack(parts)
    if found.dtype.kind not in "biuf":
        raise ValueError("numbers are expected and something else is there")
    if found.size > limit:
        raise ValueError("more numbers are declared than the file holds")
    return found


def texts(value: Any) -> Array:
    """A value of a pickle as an array of text. ValueError where it is none."""
    found = value.array() if isinstance(value, _NumpyArray) else None
    if found is None or found.dtype.kind not in "US":
        raise ValueError("names are expected and something else is there")
    return found


def _whole(values: Any) -> tuple[int, ...]:
    if not isinstance(values, tuple | list) or len(values) > _DIMENSIONS:
        raise ValueError("a shape is no shape")
    if not all(type(v) is int and v >= 0 for v in values):
        raise ValueError("a shape is no shape")
    return tuple(values)


def _rebuild(
    storage: Any, offset: Any, size: Any, stride: Any, grad: Any = None, hooks: Any = None, marks: Any = None
) -> _Tensor:
    if not isinstance(storage, Storage):
        raise ValueError("a tensor has no storage")
    if marks:  # that its numbers stand for others: negated or conjugated
        raise Unreadable("holds a tensor that is negated when it is read; save it with `.resolve_neg()`")
    size, stride = _whole(size), _whole(stride)
    if len(size) != len(stride):
        raise ValueError("a tensor's shape and strides differ in length")
    return _Tensor(storage, _whole((offset,))[0], size, stride)


def _encode(text: Any, code: Any) -> bytes:
    """`_codecs.encode`: how protocol 2 spells bytes."""
    if not isinstance(text, str) or code != "latin1":
        raise ValueError("bytes are spelt in an unknown way")
    return text.encode("latin1")


def _ordered(pairs: Any = ()) -> dict[Any, Any]:
    if pairs != ():
        raise ValueError("a mapping is made in an unknown way")
    return {}


def _size(values: Any) -> tuple[int, ...]:
    return _whole(values)


def _storage_of(found: Any) -> Storage:
    if not isinstance(found, Storage):
        raise Unreadable("holds tensors in an unknown form")
    return found


def from_bytes(raw: Any) -> Storage:
    """What `torch.storage._load_from_bytes` stands for: one storage in torch's sequence of pickles."""
    if not isinstance(raw, bytes | bytearray):
        raise ValueError("a tensor has no numbers")
    if raw[:2] == b"PK":
        return _storage_of(from_zip(io.BytesIO(raw), storage_kind))
    return _storage_of(from_sequence(io.BytesIO(raw), storage_kind))


_MAKERS: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _ordered,
    ("_codecs", "encode"): _encode,
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _no_call,
    **{
        (f"numpy.{core}.{module}", name): make
        for core in ("core", "_core")
        for module, name, make in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _frombuffer),
        )
    },
    ("torch", "Size"): _size,
    ("torch._utils", "_rebuild_tensor"): _rebuild,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("torch.storage", "_load_from_bytes"): from_bytes,
}
_CONSTRUCTORS = {key: Constructor(".".join(key), make) for key, make in _MAKERS.items()}
_KINDS = {("torch", name): Constructor(kind, _no_call) for name, kind in STORAGES.items()}


def data_only(module: str, name: str) -> Constructor:
    """The constructor for a name that prediction files need; Unreadable for every other one."""
    try:
        return _CONSTRUCTORS.get((module, name)) or _KINDS[module, name]
    except KeyError:
        raise Unreadable(
            f"names {module[:60]}.{name[:60]}, which no file of predictions needs; nothing in it was run"
        ) from None


def storage_kind(module: str, name: str) -> Constructor:
    """The constructor for a name that a lone storage needs: a kind of storage, and nothing else."""
    try:
        return _KINDS[module, name]
    except KeyError:
        raise Unreadable(
            f"names {module[:60]}.{name[:60]} inside a tensor, which no tensor needs; nothing in it was run"
        ) from None


def _declared(reference: Any) -> tuple[Storage, str]:
    """A persistent id: ("storage", kind, key, location, numbers[, view])."""
    what, kind, key, _, count, *view = reference
    if what != "storage" or not isinstance(kind, Constructor) or not isinstance(key, str):
        raise ValueError("a tensor's storage is declared in an unknown way")
    if any(v is not None for v in view):
        raise Unreadable("holds views of storages as torch before 0.4 wrote them; save it again")
    return Storage(kind.name, _whole((count,))[0]), key


def from_sequence(stream: io.BytesIO, resolve: Any) -> Any:
    """What `torch.save(…, _use_new_zipfile_serialization=False)` wrote."""
    if parse(stream, storage_kind) != MAGIC or parse(stream, storage_kind) != PROTOCOL:
        raise Unreadable("holds tensors in an unknown form")
    system = parse(stream, storage_kind)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise Unreadable("was written on a big-endian machine, which is not supported")
    storages: dict[str, Storage] = {}

    def persistent(reference: Any) -> Storage:
        storage, key = _declared(reference)
        return storages.setdefault(key, storage)

    value = parse(stream, resolve, persistent)
    keys = parse(stream, storage_kind)
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(storages):
        raise ValueError("the storages are not those that were declared")
    for key in keys:
        storage = storages[key]
        if int.from_bytes(stream.read(8), "little", signed=True) != storage.count:
            raise ValueError("a storage declares another number of values than its tensors")
        storage.fill(stream.read(storage.count * storage.itemsize))
    return value


def from_zip(stream: io.BytesIO, resolve: Any) -> Any:
    """What `torch.save(…)` writes since torch 1.6: an archive whose entries are not compressed."""
    try:
        archive = zipfile.ZipFile(stream)
    except DAMAGED:
        raise Unreadable("is damaged or cut short (the archive does not open)") from None
    with archive:
        names = {info.filename: info for info in archive.infolist()}
        mains = [name for name in names if name.endswith("/data.pkl")]
        if len(mains) != 1:
            raise Unreadable("is an archive, but none that torch.save wrote")
        root = mains[0].removesuffix("data.pkl")
        whole = len(stream.getbuffer())

        def entry(name: str) -> bytes:
            info = names.get(root + name)
            if info is None or info.compress_type != zipfile.ZIP_STORED or info.file_size > whole:
                raise ValueError(f"its entry {name[:40]} is missing or compressed")
            try:
                return archive.read(info)
            except DAMAGED:
                raise ValueError(f"its entry {name[:40]} does not read") from None

        if f"{root}byteorder" in names and entry("byteorder").strip() != b"little":
            raise Unreadable("was written on a big-endian machine, which is not supported")
        storages: dict[str, Storage] = {}

        def persistent(reference: Any) -> Storage:
            storage, key = _declared(reference)
            if key not in storages:
                storage.fill(entry(f"data/{key}"))
                storages[key] = storage
            return storages[key]

        return parse(io.BytesIO(entry("data.pkl")), resolve, persistent)

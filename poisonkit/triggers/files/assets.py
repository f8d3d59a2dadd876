"""Imported identity data: a picture, an array or a sound that a trigger is made of.

`pattern=cat.png` becomes a `PictureAsset`: read and checked once per process, known by the hash of its
bytes, written to recipes and manifests as `{"name": "cat.png", "sha256": "…"}`, never as a path. Read from
that form it is looked for in the `asset_folder` (a recipe's `assets/`) as `<first 16 digits>-cat.png`.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from poisonkit.common.atomic import replacing
from poisonkit.common.image_headers import cut_png, image_header
from poisonkit.common.limits import excess
from poisonkit.common.safe_io import UNREADABLE_NPY, lies_in, open_plain
from poisonkit.errors import RequestError

MAX_BYTES = 256 * 2**20  # of a file, and of the array in it
_folder: ContextVar[Path | None] = ContextVar("asset_folder", default=None)
_roots: ContextVar[tuple[Path, ...] | None] = ContextVar("asset_roots", default=None)
_FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".npy": "npy", ".wav": "wav"}


@contextmanager
def asset_folder(path: Path, roots: Iterable[Path] = ()) -> Iterator[None]:
    """Inside, assets that are named by hash are looked for in this folder, and those that are named by path may lie in
    it and in the other folders `roots` alone: names come from a file, which may be a stranger's."""
    token, other = _folder.set(Path(path)), _roots.set((Path(path), *roots))
    try:
        yield
    finally:
        _folder.reset(token)
        _roots.reset(other)


def require_allowed(path: str | os.PathLike[str]) -> None:
    """ValueError, a clause for the user, for what a file names and the user did not allow."""
    roots = _roots.get()
    place = Path(path).expanduser().absolute()
    if roots is not None and not lies_in(place, roots):
        raise ValueError(f"it lies outside the recipe's folder: if that is meant, --allow-root '{place.parent}'")


def asset_at(name: str, sha256: str) -> Path | None:
    """Where an asset that is named by its hash should lie; None outside `asset_folder`. ValueError for no name."""
    folder = _folder.get()
    if folder is None:
        return None
    if Path(name).name != name or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError(f"'{name}' is not the name of an asset")
    return folder / f"{sha256[:16]}-{name}"


class Asset:
    """A file of identity data. Frozen, pickles with its path, equal to another of the same bytes and name.

    path: where the bytes lie on this machine. name: the file's base name. sha256: of its bytes, hex.
    """

    suffixes: ClassVar[tuple[str, ...]] = tuple(_FORMATS)
    what: ClassVar[str] = "a file"

    __slots__ = ("_name", "_path", "_sha256")

    def __init__(self, path: str | os.PathLike[str], *, name: str | None = None) -> None:
        """ValueError, a clause for the user, if there is no such file or it is not what it should be.

        name: what it is called in records, where that is not the file's own name.
        """
        self._path = Path(path).expanduser().absolute()
        self._name = name or self._path.name
        self._sha256 = hashlib.sha256(_read(self._path)).hexdigest()
        self._load()

    @property
    def path(self) -> Path:
        """Where the file lies on this machine."""
        return self._path

    @property
    def name(self) -> str:
        """Base name of the file as it was imported."""
        return self._name

    @property
    def sha256(self) -> str:
        """Of the file's bytes, in hex."""
        return self._sha256

    @property
    def file_name(self) -> str:
        """What the copy in an output's `assets/` is called."""
        return f"{self.sha256[:16]}-{self.name}"

    def entry(self) -> dict[str, str]:
        """As recipe and manifest write it."""
        return {"name": self.name, "sha256": self.sha256}

    def copy_into(self, folder: Path) -> Path:
        """Put a copy into `folder` (which exists) under `file_name`, unless it is there; its path."""
        target = folder / self.file_name
        if not target.exists():
            with replacing(target) as part:
                shutil.copyfile(self.path, part)
        return target

    def _load(self) -> Any:
        """The content, read once per process for the same bytes."""
        return _parsed(self._sha256, Path(self.name).suffix.lower(), self.suffixes, self._path)

    @classmethod
    def _validate(cls, value: Any) -> Self:
        if isinstance(value, Asset):
            return value if isinstance(value, cls) else cls(value.path)
        if isinstance(value, str | os.PathLike):
            require_allowed(value)
            return cls(value)
        if isinstance(value, dict) and set(value) == {"name", "sha256"}:
            return cls._from_entry(str(value["name"]), str(value["sha256"]))
        raise ValueError("give the path of a file")

    @classmethod
    def _from_entry(cls, name: str, sha256: str) -> Self:
        path = asset_at(name, sha256)
        if path is None:
            raise ValueError(f"{name} is known by its hash only: give its path")
        require_allowed(path)
        found = cls(path, name=name)
        if found.sha256 != sha256:
            raise ValueError(f"{path.name} in {path.parent.name}/ is not the file that it was (its hash differs)")
        return found

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda asset: asset.entry() if isinstance(asset, Asset) else asset
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": "string", "format": f"{cls.what} ({', '.join(cls.suffixes)})"}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Asset) and (self.sha256, self.name) == (other.sha256, other.name)

    def __hash__(self) -> int:
        return hash((self.sha256, self.name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, sha256={self.sha256[:16]}…)"


class PictureAsset(Asset):
    """A picture: .png, .jpg, or .npy of (h, w), (h, w, 1|3|4), uint8 levels or floats in 0..1."""

    suffixes = (".png", ".jpg", ".jpeg", ".npy")
    what = "a picture file"
    __slots__ = ()

    def _load(self) -> NDArray[np.uint8]:
        return _as_picture(super()._load(), self.name)

    def rgb(self) -> NDArray[np.uint8]:
        """uint8 (height, width, 3), without its alpha; not to be written to."""
        return self._load()[..., :3]

    def alpha(self) -> NDArray[np.float32] | None:
        """float32 (height, width) in 0..1, or None for a picture without alpha."""
        picture = self._load()
        return picture[..., 3].astype(np.float32) / np.float32(255) if picture.shape[2] == 4 else None

    def gray(self) -> NDArray[np.float32]:
        """float32 (height, width) in 0..1, for masks: the alpha if there is one, else the mean of RGB."""
        alpha = self.alpha()
        return self.rgb().mean(axis=2, dtype=np.float32) / 255 if alpha is None else alpha


class ArrayAsset(Asset):
    """An array of finite numbers in a .npy file."""

    suffixes = (".npy",)
    what = "an array file"
    __slots__ = ()

    def array(self) -> NDArray[Any]:
        """As stored; not to be written to."""
        content: NDArray[Any] = self._load()
        return content


class GainAsset(Asset):
    """A map of gains: an array of them in a .npy file, or a .png, whose level 128 is gain 1 (0: 0, 255: 1.99)."""

    suffixes = (".npy", ".png")
    what = "an array or picture file"
    __slots__ = ()

    def array(self) -> NDArray[Any]:
        """(h, w) or (h, w, 3), or what else a .npy may hold; not to be written to. A picture's alpha is left out."""
        content: NDArray[Any] = self._load()
        if Path(self.name).suffix.lower() == ".npy":
            return content
        levels = content[..., 0] if content.shape[2] == 1 else content[..., :3]
        return levels.astype(np.float32) / np.float32(128)


class WaveAsset(Asset):
    """A sound: .wav, or .npy of (samples,) or (channels, samples) floats in ±1 at the clip's own rate."""

    suffixes = (".wav", ".npy")
    what = "a sound file"
    __slots__ = ()

    def _load(self) -> tuple[NDArray[np.float32], int | None]:
        return _as_wave(super()._load(), self.name)

    def wave(self) -> NDArray[np.float32]:
        """float32 (channels, samples) in ±1; not to be written to."""
        return self._load()[0]

    def sample_rate(self) -> int | None:
        """Hz, or None for a .npy, which has the rate of the clip that it is put into."""
        return self._load()[1]


def assets_of(trigger: BaseModel) -> list[Asset]:
    """The imported files that a trigger's parameters name, in the order of the parameters."""

    def walk(value: Any) -> Iterator[Asset]:
        if isinstance(value, Asset):
            yield value
        elif isinstance(value, tuple | list):
            for item in value:
                yield from walk(item)

    return [asset for name in type(trigger).model_fields for asset in walk(getattr(trigger, name))]


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise ValueError(f"there is no file {path.name} at {path.parent}")
        with open_plain(path) as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ValueError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB")
        return data
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}") from None


def parse(sha256: str, suffix: str, suffixes: tuple[str, ...], path: Path) -> Any:
    """What a file of this hash holds; ValueError, a clause for the user, if it is none of these kinds, or damaged."""
    if suffix not in suffixes:
        raise ValueError(f"{path.name} is not of a kind that can be used here ({', '.join(suffixes)})")
    data = _read(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise RequestError(f"{path.name} has changed since the run was set up.")
    kind = _FORMATS[suffix]
    content = _npy(data, path) if kind == "npy" else _wav(data, path) if kind == "wav" else _image(data, path)
    for array in content if isinstance(content, tuple) else (content,):
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return content


_parsed = lru_cache(maxsize=32)(parse)


def _npy(data: bytes, path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    except UNREADABLE_NPY:
        raise ValueError(f"{path.name} is not a .npy file of plain numbers") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "buif":
        raise ValueError(f"{path.name} does not hold an array of numbers")
    if array.size == 0 or not np.isfinite(array).all():
        raise ValueError(f"{path.name} is empty or holds numbers that are not finite")
    return array


def _image(data: bytes, path: Path) -> NDArray[np.uint8]:
    import cv2

    header = image_header(data)
    if header is None:
        raise ValueError(f"{path.name} is not a PNG or JPEG picture")
    if over := excess("pixels", header.width * header.height):
        raise ValueError(f"{path.name} is too large ({header.width}x{header.height}), {over}")
    try:
        image = None if cut_png(data) else cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None:
        raise ValueError(f"{path.name} is damaged: it cannot be decoded")
    if image.dtype == np.uint16:
        image = np.rint(image / 257).astype(np.uint8)
    if image.ndim == 2:
        return np.ascontiguousarray(image[..., None])
    code = cv2.COLOR_BGRA2RGBA if image.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(image, code), dtype=np.uint8)


def _wav(data: bytes, path: Path) -> tuple[NDArray[np.float32], int]:
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            over = excess("samples", file.frames * file.channels)
            wave = np.zeros((0, 1), np.float32) if over else file.read(dtype="float32", always_2d=True)
            rate = file.samplerate
    except (soundfile.SoundFileError, ValueError, TypeError):
        raise ValueError(f"{path.name} is not a sound file that can be read") from None
    if over:
        raise ValueError(f"{path.name} declares more sound than is taken, {over}")
    return np.ascontiguousarray(wave.T), int(rate)


def _as_picture(content: NDArray[Any], name: str) -> NDArray[np.uint8]:
    picture = content[..., None] if content.ndim == 2 else content
    if picture.ndim != 3 or picture.shape[2] not in (1, 3, 4):
        raise ValueError(f"{name} has the shape {content.shape}, not that of a picture: (h, w), (h, w, 3|4)")
    if picture.dtype.kind == "f":
        if picture.min() < 0 or picture.max() > 1:
            raise ValueError(f"{name} holds floats outside 0..1; save levels 0..255 as uint8")
        picture = np.rint(picture * 255).astype(np.uint8)
    elif picture.dtype.kind == "b":
        picture = picture.astype(np.uint8) * np.uint8(255)
    elif picture.dtype != np.uint8:
        if picture.min() < 0 or picture.max() > 255:
            raise ValueError(f"{name} holds levels outside 0..255")
        picture = picture.astype(np.uint8)
    return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture


def _as_wave(content: Any, name: str) -> tuple[NDArray[np.float32], int | None]:
    wave, rate = content if isinstance(content, tuple) else (content, None)
    wave = np.atleast_2d(wave)
    if wave.ndim != 2 or wave.dtype.kind != "f" or wave.shape[0] > 64 or not wave.size:
        raise ValueError(f"{name} does not hold floats of the shape (samples,) or (channels, samples)")
    if np.abs(wave).max() > 1:
        raise ValueError(f"{name} goes past full scale: its floats must lie in ±1")
    return wave.astype(np.float32, copy=False), rate

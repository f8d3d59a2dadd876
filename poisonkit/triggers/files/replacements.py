"""A folder of files that were made elsewhere, one for each sample, found by the sample's id.

For the sample `train/jump/a.mp4` these are looked for in the folder, in this order; the first that is there counts:

    train/jump/a.mp4            the same path (a tree of whole clips)
    train/jump/a.mp4.npy …      the path with another suffix added
    train/jump/a.npy …          the path with another suffix instead
    train/jump/a/00001.png …    pictures: .npy (frames, h, w, 3) uint8, a video file, or a folder of .png or .jpg

The folder is imported identity data like any other: it is read through and hashed when the run is set up, is known in
recipes and manifests by its name and hash, and an output keeps a copy of it (hard links where there can be any). Which
file took a sample's place, and its hash, stand in the manifest's `drawn`; it is hashed again when it is used.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from poisonkit.common.atomic import replacing
from poisonkit.common.clip_decoder import decoder
from poisonkit.common.hashing import sha256
from poisonkit.common.image_headers import cut_png, image_header
from poisonkit.common.limits import excess
from poisonkit.common.safe_io import UNREADABLE_NPY, read_bytes
from poisonkit.errors import MediaError
from poisonkit.triggers.files.assets import Asset

ARRAYS = (".npy",)
VIDEOS = (".mp4", ".avi", ".mkv", ".webm", ".mov")
PICTURES = (".png", ".jpg", ".jpeg")
SOUNDS = (".wav", ".flac", ".ogg")


@dataclass(frozen=True)
class Found:
    """What takes a sample's place. name: within the folder. parts: its files there, in order."""

    name: str
    sha256: str
    parts: tuple[Path, ...]

    @property
    def suffix(self) -> str:
        """Of its first file, such as `.npy`."""
        return self.parts[0].suffix.lower()


class FolderAsset(Asset):
    """A folder of files made elsewhere; see the module. Hidden files and folders are left out."""

    suffixes: ClassVar[tuple[str, ...]] = (*ARRAYS, *VIDEOS, *PICTURES, *SOUNDS)
    what: ClassVar[str] = "a folder"
    together: ClassVar[bool] = True  # the pictures of a folder are one sample's; False: each is one of its own
    __slots__ = ("_found",)  # name -> hash of each file, and of the pictures of each folder, whose name ends in /

    def __init__(self, path: str | os.PathLike[str], *, name: str | None = None) -> None:
        """ValueError, a clause for the user, if there is no such folder or no file of a known kind in it."""
        self._path = Path(path).expanduser().absolute()
        self._name = name or self._path.name
        if not self._path.is_dir():
            raise ValueError(f"there is no folder {self._path.name} at {self._path.parent}")
        try:
            self._found = dict(_hashed(self._path, _listing(self._path), self.together))
        except OSError as error:
            raise ValueError(f"{self._path.name} cannot be read: {error.strerror}") from None
        if not self._found:
            raise ValueError(f"{self._path.name} holds no file of a kind that can be used ({', '.join(self.suffixes)})")
        self._sha256 = _digest(self._found.items())

    def copy_into(self, folder: Path) -> Path:
        """Put a copy into `folder` under `file_name`, hard-linked where possible, unless it is there; its path."""
        target = folder / self.file_name
        if not target.exists():
            try:
                with replacing(target) as part:
                    for name in self._found:
                        for file in self._parts(name):
                            copy = part / file.relative_to(self._path)
                            copy.parent.mkdir(parents=True, exist_ok=True)
                            try:
                                os.link(os.path.realpath(file), copy)
                            except OSError:
                                shutil.copyfile(file, copy)
            except OSError:
                if not target.is_dir():  # else another process was quicker
                    raise
        return target

    def find(self, id: str, suffixes: tuple[str, ...]) -> Found | None:
        """What there is for the sample `id`, of one of these kinds; None: nothing."""
        path = unicodedata.normalize("NFC", id)
        stem = path.removesuffix(PurePosixPath(path).suffix)
        names = [
            n for n in (path, *(path + s for s in suffixes), *(stem + s for s in suffixes)) if _suffix(n) in suffixes
        ]
        if PICTURES[0] in suffixes and self.together:
            names += [f"{path}/", f"{stem}/"]
        for name in names:
            if name in self._found:
                return Found(name, self._found[name], tuple(self._parts(name)))
        return None

    def need(self, id: str, suffixes: tuple[str, ...]) -> Found:
        """The same; MediaError if there is nothing."""
        if (found := self.find(id, suffixes)) is None:
            raise MediaError(f"{self.name} holds nothing for '{id}'.")
        return found

    def check(self, found: Found) -> None:
        """MediaError if it is no longer what it was when the run was set up."""
        try:
            same = _hash(found.parts, found.name) == found.sha256
        except OSError:
            same = False
        if not same:
            raise MediaError(f"{self.name}/{found.name} has changed since the run was set up.")

    def _parts(self, name: str) -> list[Path]:
        """The files of an entry, pictures in their order."""
        path = self._path / name
        if not path.exists():  # some file systems hold names decomposed
            path = self._path / unicodedata.normalize("NFD", name)
        if not name.endswith("/"):
            return [path]
        return sorted((p for p in path.iterdir() if _suffix(p.name) in PICTURES and p.name[0] != "."), key=_in_order)


def _listing(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """(path within the folder, bytes, time of change) of every file that may be used, sorted."""
    found = []
    home = os.path.realpath(folder) + "/"
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in files:
            path = Path(root, file)
            if not file.startswith(".") and _suffix(file) in FolderAsset.suffixes and path.is_file():
                if not os.path.realpath(path).startswith(home):
                    raise ValueError(f"{path.name} in it is a link that leads out of the folder")
                stat = path.stat()
                found.append((path.relative_to(folder).as_posix(), stat.st_size, stat.st_mtime_ns))
    return tuple(sorted(found))


@lru_cache(maxsize=8)
def _hashed(folder: Path, listing: tuple[tuple[str, int, int], ...], together: bool) -> tuple[tuple[str, str], ...]:
    entries: dict[str, list[Path]] = {}
    for name, _, _ in listing:
        parent = PurePosixPath(name).parent.as_posix()
        entry = f"{parent}/" if together and _suffix(name) in PICTURES else name
        entries.setdefault(unicodedata.normalize("NFC", entry), []).append(folder / name)
    return tuple((name, _hash(sorted(parts, key=_in_order), name)) for name, parts in sorted(entries.items()))


def _hash(parts: Sequence[Path], name: str) -> str:
    """SHA-256 of a file's bytes, or of the names and hashes of the pictures of a folder, whose name ends in /."""
    hashes = [(part.name, sha256(part)) for part in parts]
    return _digest(hashes) if name.endswith("/") else hashes[0][1]


def _digest(pairs: Iterable[tuple[str, str]]) -> str:
    lines = "".join(f"{unicodedata.normalize('NFC', name)}\0{digest}\n" for name, digest in pairs)
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _in_order(path: Path) -> tuple[Any, ...]:
    """So that frame 10 comes after frame 9, and the order is the same everywhere."""
    parts = re.split(r"(\d+)", path.name)
    return *((int(part), "") if part.isdecimal() else (-1, part) for part in parts), (-2, path.name)


# -- what is in them --------------------------------------------------------------------------------------------


def size_of(found: Found) -> tuple[int, int, int]:
    """(frames, width, height) of pictures, from headers; 0 frames: it does not say. MediaError if unreadable."""
    if found.suffix in ARRAYS:
        frames, height, width, _ = _pictures(found).shape
        return frames, width, height
    if found.suffix in PICTURES:
        height, width, _ = _picture(found.parts[0]).shape
        return len(found.parts), width, height
    with _named(found):
        return decoder().size(found.parts[0])


def frames_of(found: Found) -> Iterator[NDArray[np.uint8]]:
    """Its pictures, one after the other: uint8 RGB (h, w, 3). MediaError if one cannot be read."""
    if found.suffix in ARRAYS:
        for picture in _pictures(found):
            yield np.array(picture)
    elif found.suffix in PICTURES:
        yield from map(_picture, found.parts)
    else:
        with _named(found):
            yield from decoder().pictures(found.parts[0])


@contextmanager
def _named(found: Found) -> Iterator[None]:
    """MediaErrors say which file of the folder it is, whose own name may be that of many."""
    try:
        yield
    except MediaError as error:
        raise MediaError(f"{found.name} cannot be used: {error}") from error


def sound_of(found: Found) -> tuple[NDArray[np.float32], int | None]:
    """float32 (channels, samples) and its rate in Hz (None: a .npy). MediaError if it cannot be read."""
    if found.suffix in ARRAYS:
        wave = np.atleast_2d(_array(found))
        if wave.ndim != 2 or wave.dtype.kind != "f" or wave.shape[0] > 64 or not np.isfinite(wave).all():
            raise MediaError(f"{found.name} does not hold floats of the shape (samples,) or (channels, samples).")
        return np.array(wave, dtype=np.float32), None
    with _named(found):
        return decoder().sound(found.parts[0])


def _array(found: Found) -> NDArray[Any]:
    """Not read before it is used."""
    try:
        array: NDArray[Any] = np.load(found.parts[0], mmap_mode="r", allow_pickle=False)
    except UNREADABLE_NPY:
        raise MediaError(f"{found.name} is not a .npy file of plain numbers.") from None
    return array


def _pictures(found: Found) -> NDArray[np.uint8]:
    array = _array(found)
    if array.ndim != 4 or array.shape[3] != 3 or array.dtype != np.uint8 or 0 in array.shape:
        raise MediaError(f"{found.name} is {array.dtype} {array.shape}; it must be uint8 (frames, height, width, 3).")
    return array


def _picture(path: Path) -> NDArray[np.uint8]:
    import cv2

    data = read_bytes(path)
    header = image_header(data)
    if header is not None and (over := excess("pixels", header.width * header.height)):
        raise MediaError(f"{path.name} declares a picture of {header.width}x{header.height}, {over}.")
    try:
        whole = header is not None and not cut_png(data)
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if whole else None
    except cv2.error:
        image = None
    if image is None:
        raise MediaError(f"{path.name} is not a picture that can be read.")
    return np.asarray(image, dtype=np.uint8)

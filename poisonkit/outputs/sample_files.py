"""Sizes and hashes of a sample's media wherever they are: a file, a folder of frames, a member of a shard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poisonkit import media
from poisonkit.datasets import at_hand, hash_of, size_of
from poisonkit.media.info import MediaInfo
from poisonkit.outputs.record import Record, halves


@dataclass(frozen=True)
class Halves:
    """Where a sample's picture and its sound are read: in one file, or, of a pair, each in its own."""

    picture: Path
    sound: Path

    @classmethod
    def below(cls, root: Path, row: Record, *, source: bool = False) -> Halves:
        """Those of a record below a folder. source: below the data root."""
        paths = [root / (half["source_path"] if source else half["path"]) for half in halves(row)]
        return cls(paths[0], paths[-1])

    @property
    def files(self) -> tuple[Path, ...]:
        """The one file, or both."""
        return (self.picture,) if self.sound == self.picture else (self.picture, self.sound)

    def probe(self, stream: Literal["best"] | int = "best") -> MediaInfo:
        """`media.probe`; of a pair, the picture of the one with the sound of the other. stream: of the former."""
        info = media.probe(self.picture, stream=stream)
        return info if self.sound == self.picture else info.with_sound_of(media.probe(self.sound))

    def sha256(self) -> tuple[str, ...]:
        """Of the one file, or of both."""
        return tuple(media.sha256(path) for path in self.files)

    def size(self) -> int:
        """Bytes, all in all."""
        return sum(media.size(path) for path in self.files)


@contextmanager
def halves_at_hand(root: str, row: Record, *, source: bool = False) -> Iterator[Halves]:
    """Those of a record, where they can be opened: members of shards are copied out for as long as the body runs."""
    found = Halves.below(Path(root), row, source=source)
    if len(found.files) > 1:
        yield found
        return
    with at_hand(found.picture) as file:
        yield Halves(file, file)


def size(path: Path) -> int:
    """Bytes. OSError if there is nothing, RequestError for a shard that cannot be read."""
    try:
        return media.size(path)
    except (FileNotFoundError, NotADirectoryError):
        if os.path.lexists(path):
            raise
    return size_of(path)


def made_of(root: Path, row: Record, out: Path) -> bool:
    """Whether a file was made of what its source holds now: by the time of change, which it took over, else by content.

    True also where the source is gone, and where nothing was made.
    """
    return all(_made_of(root, half, out) for half in halves(row))


def _made_of(root: Path, row: Record, out: Path) -> bool:
    known = row.get("source_sha256")
    if known is None:
        return True
    source = root / row["source_path"]
    try:
        return os.stat(source).st_mtime_ns == os.stat(out / row["path"]).st_mtime_ns or media.sha256(source) == known
    except OSError:
        return True


def sha256(path: Path) -> str:
    """SHA-256, hexadecimal. Raises as `size`."""
    return media.sha256(path) if os.path.lexists(path) else hash_of(path)

"""Is each file of an output still as its record says, and each clean one as in the source? One record at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from poisonkit import media
from poisonkit.common.frame_names import is_frame
from poisonkit.datasets import Layout, is_there
from poisonkit.engine.finishing import features, shards
from poisonkit.errors import PoisonkitError, told
from poisonkit.outputs import sample_files
from poisonkit.outputs.consistency import Finding
from poisonkit.outputs.path_guards import LinkedFolders, SourceFence
from poisonkit.outputs.record import Record, halves


class Files:
    """The files of an output. fence: the source, if it is there. hash_all: compare clean files' content too.

    folders: samples (of pairs, their pictures) are folders of frames.
    """

    def __init__(
        self, out: Path, layout: Layout, fence: SourceFence | None, hash_all: bool, folders: bool = False
    ) -> None:
        self._out, self._layout, self._fence, self._hash_all = out, layout, fence, hash_all
        self._folders = folders
        self._linked = LinkedFolders(out)
        self._shards = shards.Shards(out) if layout.packed else None
        self.found = [Finding(*each) for each in self._shards.found] if self._shards else []
        """What is wrong with what holds them, their shards."""

    def changed(self, row: Record) -> list[Finding]:
        """What is not as a record says, of its file, the further paths of it, its features and its source."""
        if self._shards is not None:
            found = [Finding(*each) for each in self._shards.changed(row)]
        else:
            found = [
                each
                for half in halves(row)
                for name in (half["path"], *half["also"])
                for each in self._file(name, half)
            ]
            found += [Finding(*each) for each in features.changed(row, self._out)]
        whole = not found and (self._shards is None or self.readable(row))
        if row["role"] == "clean" and row["status"] == "ok" and whole:
            for half in halves(row):
                found += self._clean(half)
        return found

    def readable(self, row: Record) -> bool:
        """Whether there is what a record speaks of: a plain file, a folder of frames, or a member of a shard."""
        return all(self._readable(half) for half in halves(row))

    def _readable(self, row: Record) -> bool:
        path = self._out / row["path"]
        if self._linked.above(row["path"]):
            return False
        if os.path.lexists(path):
            return path.exists() and not _strange(path, row, self._fence, self._is_folder(row))
        return is_there(path)

    def _is_folder(self, row: Record) -> bool:
        """Whether a record's file, or that of a half, should be a folder of frames."""
        return self._folders and row["path"] != row.get("sound_file", {}).get("path")

    def _file(self, name: str, row: Record) -> Iterator[Finding]:
        path = self._out / name
        if row["status"] != "ok":
            if os.path.lexists(path):
                yield Finding(name, f"it is there, although its record says {row['status']}")
            return
        if link := self._linked.above(name):
            yield Finding(name, f"the folder {link} is a link, and poisonkit makes none there")
            return
        try:
            size = media.size(path)
            strange = _strange(path, row, self._fence, self._is_folder(row))
        except OSError:
            yield Finding(name, "it is missing")
            return
        if strange:
            yield Finding(name, strange)
        elif row["bytes"] is not None and size != row["bytes"]:
            yield Finding(name, f"it has {size} bytes, and the manifest says {row['bytes']}")
        elif not self._hashed_as(path, row["sha256"], row):
            yield Finding(name, "its content has changed (SHA-256 differs from the manifest's)")

    def _hashed_as(self, path: Path, digest: str | None, row: Record) -> bool:
        """Whether it has this SHA-256, if there is one and it is asked for."""
        return digest is None or (_as_it_was(row) and not self._hash_all) or media.sha256(path) == digest

    def _clean(self, row: Record) -> Iterator[Finding]:
        """A clean sample that is as it was in the source, or was made of what lies there."""
        if self._fence is None:
            return
        mine, theirs, name = self._out / row["path"], self._fence.root / row["source_path"], row["source_path"]
        why = self._fence.outside(name)
        if why or not is_there(theirs):
            if self._hash_all:
                what = f"the source's '{name}' {why}" if why else f"the source has no '{name}', so it was not compared"
                yield Finding(row["path"], what)
            return
        try:
            if not _as_it_was(row):
                if self._hash_all and sample_files.sha256(theirs) != row["source_sha256"]:
                    yield Finding(row["path"], f"the source's '{name}' is not the file that it was made from")
            elif row["bytes"] is not None and (size := sample_files.size(theirs)) != row["bytes"]:
                what = f"the source's '{name}' has {size} bytes, and the manifest says {row['bytes']}"
                yield Finding(row["path"], what)
            elif self._hash_all and not self._same(mine, theirs, row["sha256"]):
                yield Finding(row["path"], f"it is not the same file as the source's '{name}'")
        except (OSError, PoisonkitError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or told(error)
            yield Finding(row["path"], f"it could not be compared with the source's: {why}")

    @staticmethod
    def _same(mine: Path, theirs: Path, digest: str | None) -> bool:
        """digest: of mine, where it is known already."""
        return (mine.exists() and mine.samefile(theirs)) or (
            digest or sample_files.sha256(mine)
        ) == sample_files.sha256(theirs)


def _as_it_was(row: Record) -> bool:
    """Whether a record is of a clean sample that was brought into the copy as it is: nothing was decoded of it."""
    return row["role"] == "clean" and row["streams"] is None


def _strange(path: Path, row: Record, fence: SourceFence | None, folders: bool) -> str | None:
    """Why a file is not read at all: it is none, or a link that leads elsewhere than to the sample's source.

    folders: it should be a folder, of whose frames the same is asked.
    """
    if folders:
        if path.is_symlink() or not media.is_folder(path):
            return "it is no folder of frames"
        if odd := next((p.name for p in path.iterdir() if is_frame(p.name) and not p.is_file()), None):
            return f"frame '{odd}': it is no plain file"
        for part in filter(Path.is_symlink, media.parts(path)):
            one: Record = {**row, "source_path": f"{row['source_path']}/{part.name}"}
            if why := _strange(part, one, fence, False):
                return f"frame '{part.name}': {why}"
        return None
    if not path.is_file():
        return "it is no plain file"
    if not path.is_symlink():
        return None
    leads = f"it is a link that leads to '{os.path.realpath(path)}'"
    untouched = "sound_file" in row and row["sha256"] == row["source_sha256"]  # the half of a pair
    if row["role"] != "clean" and not untouched:
        return f"{leads}, and written files never are"
    if fence is None:
        return f"{leads}, and the source is not there to say whether it should"
    if os.path.realpath(path) != os.path.realpath(fence.root / row["source_path"]):
        return f"{leads}, which is not its source"
    return None

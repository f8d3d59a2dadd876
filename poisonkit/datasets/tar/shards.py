"""WebDataset's samples in a shard: the members of a key, and a shard written again with some of them changed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from poisonkit.common.safe_io import load_json, open_plain
from poisonkit.datasets.base import modality_of
from poisonkit.datasets.kit.class_hints import renamed
from poisonkit.datasets.kit.columns import LABELS
from poisonkit.datasets.kit.renaming import in_style, says
from poisonkit.datasets.resized import Resized, followed_value
from poisonkit.datasets.tar.hints import GONE, Told, is_json, names_of, text_of, value_of
from poisonkit.datasets.tar.members import SUFFIX, Member, Writer, blocks, data_of, members, read_small
from poisonkit.errors import RequestError

_KEY = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")
_META = re.compile(r"__[^/]*__($|/)")
TELLERS = ("cls", "json", "txt")  # suffixes of members that may tell a label, the likeliest first
_NO_TEXTS = frozenset((".npy", ".npz", ".pt", ".pth", ".pkl", ".pickle", ".jpg", ".jpeg", ".png", ".webp", ".gz"))
SMALL = 1 << 20  # bytes: no member that tells a label is longer


def split_path(path: str) -> tuple[str, str]:
    """The shard and the member of a sample's path, `SHARD/MEMBER`. RequestError for another one."""
    shard, found, member = path.partition(f"{SUFFIX}/")
    if not found:
        raise RequestError(f"'{path}' is no file in a {SUFFIX} shard, as the samples of this layout are.")
    return f"{shard}{SUFFIX}", member


def key_of(spelt: str) -> tuple[str, str] | None:
    """The key and the suffix of a member, as webdataset takes them; None for a member that it passes over."""
    found = None if _META.match(spelt) else _KEY.match(spelt)
    return (found[1], found[2].lower()) if found else None


@dataclass
class Group:
    """The members of one key, in order. suffixes: of each, None for what stands among them and is no sample's."""

    key: str | None
    members: list[Member] = field(default_factory=list)
    suffixes: list[str | None] = field(default_factory=list)

    def medium(self, wanted: str | None) -> Member | None:
        """The member that is the sample: the one with the wanted suffix; else the first video, else the first sound."""
        pairs = [(m, s) for m, s in zip(self.members, self.suffixes, strict=True) if s is not None]
        if wanted is not None:
            return next((m for m, s in pairs if s == wanted and modality_of(m.name)), None)
        for kind in ("video", "audio"):
            if (found := next((m for m, _ in pairs if modality_of(m.name) == kind), None)) is not None:
                return found
        return None


def groups(shard: Path) -> Iterator[Group]:
    """A shard's members, those of one key together. RequestError as `members`, and for what would be read wrong."""
    group = Group(None)
    keys: set[str] = set()
    names: set[str] = set()
    for member in members(shard):
        key, suffix = (None, None) if member.folder else key_of(member.spelt) or (None, None)
        if member.name in names and not member.folder:
            raise RequestError(f"The shard '{shard.name}' holds '{member.name}' twice: make it again without one.")
        names.add(member.name)
        if key is not None and key != group.key:
            if group.members:
                yield group
            group = Group(key)
            if key in keys:
                raise RequestError(
                    f"In the shard '{shard.name}' the members of '{key}' do not stand together, so webdataset reads "
                    "them as several samples: make it again, sorted by name (`tar --sort=name`)."
                )
            keys.add(key)
        if suffix is not None and suffix in group.suffixes:
            raise RequestError(
                f"The shard '{shard.name}' holds '{key}.{suffix}' twice, at which webdataset stops: make it again."
            )
        group.members.append(member)
        group.suffixes.append(suffix)
    if group.members:
        yield group


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample of a shard that is written. member: its file in the source's shard, by its normal name.

    label: what it gets; original: the source's. media: a file with its new bytes (which may lie in a shard), None:
    the source's. resized: that it is longer or shorter than the source's.
    """

    member: str
    label: int | None
    original: int | None
    media: str | None = None
    resized: Resized | None = None


@dataclass(frozen=True)
class Labels:
    """How members tell labels: class names, and the options that `WebDataset` reads."""

    classes: tuple[str, ...]
    options: Mapping[str, Any]

    @property
    def told(self) -> Told:
        """What else follows the class."""
        found: Told = self.options.get("told", {})
        return found


@dataclass(frozen=True)
class Shard:
    """A shard as it was written. sizes: bytes of each sample's file, by its member's name."""

    sha256: str
    bytes: int
    sizes: dict[str, int]


def write_shard(source: Path, target: BinaryIO, entries: Iterable[Entry], labels: Labels, *, rest: bool) -> Shard:
    """Write a shard from another: the samples in `entries`, in the source's order, with all their members.

    A sample's file is exchanged where its entry says so, and members that tell labels where the label is another;
    everything else is copied byte for byte, piece by piece. rest: with members that are no sample's.
    RequestError for a source that cannot be read, or lacks one of the samples.
    """
    wanted = {each.member: each for each in entries}
    writer, sizes = Writer(target), dict[str, int]()
    with open_plain(source) as file:
        for group in groups(source):
            entry = next((wanted.pop(m.name) for m in group.members if m.name in wanted), None)
            sample = entry is not None or group.medium(labels.options["media"]) is not None
            label = None if entry is None or entry.label == entry.original else entry.label
            for member, suffix in zip(group.members, group.suffixes, strict=True):
                if (suffix is None or not sample) and not rest:
                    continue
                if suffix is not None and sample and entry is None:
                    continue
                if member.folder:
                    writer.folder(member.spelt)
                    continue
                size, data = member.size, None
                if entry is not None and member.name == entry.member:
                    size, data = (member.size, None) if entry.media is None else data_of(entry.media)
                    sizes[member.name] = size
                elif entry is not None and suffix and _may_change(entry, label, member):
                    new: bytes | None = read_small(file, member)
                    if entry.resized is not None and new is not None and is_json(suffix):
                        new = _as_long(new, entry.resized)
                    if label is not None and new is not None:
                        new = relabelled(suffix, new, labels, entry.original, label)
                    if new is None:
                        continue
                    size, data = len(new), iter([new])
                if data is None:
                    file.seek(member.offset)
                    data = blocks(file, member.size)
                writer.add(member.spelt, size, data)
    if wanted:
        raise RequestError(f"The shard '{source.name}' no longer holds '{next(iter(wanted))}'.")
    return Shard(writer.finish(), writer.bytes, sizes)


def _may_change(entry: Entry, label: int | None, member: Member) -> bool:
    """Whether a sample's member may say its class, or its length, and that is another now."""
    return (label is not None or entry.resized is not None) and member.size <= SMALL and is_text(member)


def _as_long(data: bytes, resized: Resized) -> bytes:
    """A json member whose fields say how long the file is now."""
    text = data.decode("utf-8", "surrogateescape")
    core = text.strip()
    try:
        row = load_json(core)
        changed = followed_value(row, resized)
    except (ValueError, RecursionError):
        return data
    if changed == row:
        return data
    return text.replace(core, json.dumps(changed, **_style(core, row))).encode("utf-8", "surrogateescape")


def is_text(member: Member) -> bool:
    """Whether a member may be a text: no picture, sound or array."""
    return modality_of(member.name) is None and os.path.splitext(member.name)[1].lower() not in _NO_TEXTS


# -- labels --------------------------------------------------------------------------------------------


def relabelled(suffix: str, data: bytes, labels: Labels, old: int | None, new: int) -> bytes | None:
    """What a member that tells a label says under another one; one that tells something else stays as it is.

    `.cls`: the index (or the name). `.json`, also `.note.json`: the label's field, and whatever else says the same of
    the same sample. `.txt` and others: the class's name. And all that follows the class says what it says in samples
    of the new one: None for a member that these do not have. White space around it and the json's own style are kept.
    """
    kind = suffix.rpartition(".")[2]
    text = data.decode("utf-8", "surrogateescape")
    core = text.strip()
    changed: str | None
    if is_json(suffix):
        changed = _json(suffix, core, labels, old, new)
    elif suffix == labels.options["label"]:
        changed = labels.classes[new] if labels.options["named"] else str(new)
    else:
        changed = core
        followed = None if old is None else text_of(suffix, labels.told, new)
        if followed is not None:
            changed = None if followed is GONE else str(followed)
        elif old is not None and core == str(old) and kind in (*TELLERS, *LABELS):
            changed = str(new)
        elif old is not None:
            changed = next((in_style(core, a, b) for a, b in _names(labels, old, new) if says(core, a)), core)
    if changed is None:
        return None
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :] if core else ""
    return f"{before}{changed}{after}".encode("utf-8", "surrogateescape")


def _names(labels: Labels, old: int, new: int) -> list[tuple[str, str]]:
    return [(labels.classes[old], labels.classes[new]), *names_of(labels.told, old, new)]


def _json(suffix: str, text: str, labels: Labels, old: int | None, new: int) -> str | None:
    try:
        row = load_json(text)
    except ValueError:
        return text
    style = _style(text, row)
    told = labels.options["field"] if labels.options["label"] == "json" else None
    changed = _relabelled(row, labels, told, old, new) if isinstance(row, dict) else row
    if old is not None:  # under whatever key the old class's name stands, it would give the answer away
        own = {told: changed[told]} if told is not None and isinstance(changed, dict) and told in changed else {}
        for before, after in _names(labels, old, new):
            changed = renamed(changed, before, after)
        changed = value_of(suffix, {**changed, **own} if own else changed, labels.told, new)
    if changed is GONE:
        return None
    return json.dumps(changed, **style) if isinstance(row, dict) or changed != row else text


def _relabelled(row: Mapping[str, Any], labels: Labels, told: str | None, old: int | None, new: int) -> dict[str, Any]:
    """A json object with the new label in the label's field, and in other fields of such a name that say the old."""
    changed = dict(row)
    for name in row.keys() & {*LABELS, told}:
        value = row[name]
        number = isinstance(value, int) and not isinstance(value, bool)
        if name == told and labels.options["named"]:
            changed[name] = labels.classes[new]
        elif name == told:
            changed[name] = str(new) if isinstance(value, str) else new
        elif old is not None and (value == old if number else value == labels.classes[old]):
            changed[name] = new if number else labels.classes[new]
    return changed


def _style(text: str, row: Any) -> dict[str, Any]:
    """The arguments with which `json.dumps` writes a text as it is, or the plainest."""
    for indent in (None, 1, 2, 4):
        for separators in ((", ", ": "), (",", ":"), (",", ": ")):
            for ascii_only in (False, True):
                style: dict[str, Any] = {"indent": indent, "separators": separators, "ensure_ascii": ascii_only}
                with suppress(ValueError):
                    if json.dumps(row, **style) == text:
                        return style
    return {"ensure_ascii": False}

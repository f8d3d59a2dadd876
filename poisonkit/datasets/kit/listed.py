"""From listed paths to samples: the data root, what lies outside it, what is missing, what comes twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from poisonkit.datasets.base import Sample, Source, Split, sample_id
from poisonkit.datasets.kit.files import Fence, below, is_file, is_folder
from poisonkit.datasets.kit.lists import WORDS, ParsedList
from poisonkit.errors import RequestError

_PROBED = 64  # paths per list, evenly spaced, by which a data root is told
VIDEOS = ("videos", "clips", "data")
FRAMES = ("rawframes", "frames", "data")


class NothingListed(RequestError):
    """Not one file that the lists name was found."""


def _hits(root: str, paths: Iterable[str], allowed: Iterable[Path]) -> int:
    inside = [root, *map(os.path.abspath, allowed)]
    joined = (os.path.join(root, path) for path in paths)
    return sum(any(below(path, each) for each in inside) and os.path.exists(path) for path in joined)


def data_root(
    source: Source, lists: Sequence[ParsedList], usual: Sequence[str] = VIDEOS
) -> tuple[Path, dict[Split, str]]:
    """What the listed paths are relative to: one folder, and for each split a folder in it (mostly none).

    The user's `data_root` if given. Else, of the folder that the user named, the folder of the lists and that
    folder's parent (if it lies in the folder that was named, or the lists were named), each as it is or with one of
    `usual` behind it, the one that has most of the listed files (the first of equals). Else, of the same three, one
    with a folder per list: `videos_train/` and `videos_val/` (after the first of `usual`), or `train/` and `val/` …:
    then the splits' folders are returned, and become part of the paths. RequestError, naming what was tried, when
    none has a single file.
    """
    if source.data_root is not None:
        return Path(os.path.abspath(source.data_root)), {}
    home = lists[0].file.parent
    named = source.path if source.path.is_dir() else home
    bases = dict.fromkeys(os.path.abspath(base) for base in (named, home, home.absolute().parent))
    if source.path.is_dir() and not source.lists:  # lists that were found, not named, cannot widen what was named
        bases = {base: None for base in bases if below(base, os.path.abspath(source.path))}
    probes = {
        each.split: each.paths[:: max(1, len(each.paths) // _PROBED)][: _PROBED + 1] for each in lists if each.paths
    }
    tried: list[str] = []
    best, best_hits, best_parts = "", 0, dict[Split, str]()
    for base, folder in product(bases, ("", *usual)):
        root_ = os.path.join(base, folder) if folder else base
        tried.append(root_)
        hits = sum(_hits(root_, paths, source.allow_roots) for paths in probes.values())
        if hits > best_hits:
            best, best_hits = root_, hits
    for base in bases:
        parts: dict[Split, str] = {}
        hits = 0
        for split, paths in probes.items():
            words = [word for word, each in WORDS.items() if each == split]
            folders = [folder for word in words for folder in (f"{usual[0]}_{word}", word)]
            counts = {f: _hits(os.path.join(base, f), paths, source.allow_roots) for f in folders}
            parts[split] = max(counts, key=lambda part: counts[part])
            hits += counts[parts[split]]
        if hits > best_hits:
            best, best_hits, best_parts = base, hits, parts
    if not best:
        where = ", ".join(f"'{each}'" for each in tried)
        raise NothingListed(
            f"Not one file listed in {_names(lists)} was found (tried {where}): name the folder that the listed "
            "paths are relative to with `--data-root`, and a folder of absolute paths with `--allow-root`."
        )
    return Path(best), best_parts


def _names(lists: Sequence[ParsedList]) -> str:
    return ", ".join(each.file.name for each in lists)


@dataclass(frozen=True)
class _Listing:
    """The samples of lists. lines: where each list's begin. by_path: those whose path is not their id."""

    fence: Fence
    samples: list[Sample] = field(default_factory=list)
    lines: list[tuple[int, ParsedList]] = field(default_factory=list)
    by_id: dict[str, int] = field(default_factory=dict)
    by_path: dict[str, int] = field(default_factory=dict)

    def line(self, position: int) -> str:
        """The line that a sample is on."""
        first, parsed = next((first, each) for first, each in reversed(self.lines) if first <= position)
        return parsed.at(position - first)

    def position(self, folder: str, name: str) -> int:
        """Of the sample whose path is this one, or -1."""
        path = f"{folder}/{name}" if folder else name
        at = self.by_id.get(path, -1)
        if at >= 0 and self.samples[at].path == path:
            return at
        return self.by_path.get(path, -1)

    def there(self, folder: str, want: Callable[[os.DirEntry[str]], bool]) -> Iterator[tuple[int, bool]]:
        """The listed files that lie in one folder, and whether each is what is wanted: one scan for all of them."""
        whole = os.path.normpath(os.path.join(self.fence.root, folder))
        try:
            with os.scandir(whole) as found:
                listed = [(at, e) for e in found if (at := self.position(folder, e.name)) >= 0]
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise RequestError(f"The folder '{whole}' cannot be listed: {error.strerror}.") from None
        if not listed:
            return
        real = self.fence.real_folder(whole)
        if not self.fence.holds(real):
            first = self.line(min(listed)[0])
            raise self.fence.refuse(f"The folder '{folder}', named on {first},", real)
        for at, entry in sorted(listed, key=lambda each: each[0]):
            wanted = want(entry)
            if wanted and entry.is_symlink():
                target = self.fence.real_target(os.path.join(real, entry.name))
                if not self.fence.holds(target):
                    link = f"The link '{self.samples[at].path}', named on {self.line(at)},"
                    raise self.fence.refuse(link, target)
            if wanted or os.path.exists(entry.path):
                yield at, wanted


def samples_of(
    lists: Sequence[ParsedList],
    root: Path,
    parts: Mapping[Split, str],
    allow_roots: Iterable[Path],
    *,
    folders: bool = False,
) -> tuple[list[Sample], list[str]]:
    """The samples, in the order of the lists, and notes on files (on `folders`) that are not there.

    RequestError for a path outside the fence, for one id twice, and when not one listed file exists.
    """
    listing = _Listing(Fence(root, allow_roots))
    samples = listing.samples
    places: set[str] = set()
    for each in lists:
        listing.lines.append((len(samples), each))
        part = f"{parts[each.split]}/" if each.split in parts else ""
        for position, (listed, label) in enumerate(zip(each.paths, each.labels, strict=True)):
            path = f"{part}{listed}" if part else listed
            if _is_plain(path):
                name = path
            else:
                path, name = _normal(path, root, listing.fence, each.at(position))
            name = sample_id(name)
            at = listing.by_id.setdefault(name, len(samples))
            if at != len(samples):
                raise _twice(samples[at], path, listing.line(at), each.at(position))
            if name != path:
                listing.by_path[path] = at
            places.add(path.rpartition("/")[0])
            extra = each.extras[position] if each.extras else ()
            samples.append(Sample(name, path, each.split, label, extra, each.extra_labels.get(position, ())))
    present = bytearray(len(samples))
    special: list[int] = []
    want = is_folder if folders else is_file
    for place in sorted(places):
        for at, wanted in listing.there(place, want):
            present[at] = 1
            if not wanted:
                special.append(at)
    missing = [at for at in range(len(samples)) if not present[at]] if 0 in present else []
    if len(missing) == len(samples):
        raise RequestError(
            f"Not one {'folder' if folders else 'file'} listed in {_names(lists)} exists below the data root '{root}': "
            "name the folder that the listed paths are relative to with `--data-root`."
        )
    notes = []
    kind, other = ("folders", "are no folders") if folders else ("files", "are no regular files")
    for what, found in (("do not exist", missing), (other, sorted(special))):
        if found:
            shown = "; ".join(f"{listing.line(at)}: '{samples[at].path}'" for at in found[:3])
            more = "; …" if len(found) > 3 else ""
            notes.append(f"{len(found)} of {len(samples)} listed {kind} {what} ({shown}{more}).")
    return samples, notes


@dataclass(frozen=True)
class Located:
    """Listed samples whose files were found. root: the data root; parts: folders of splits, as `data_root` says."""

    root: Path
    parts: Mapping[Split, str]
    samples: list[Sample]
    notes: list[str]


def locate(
    source: Source,
    lists: Sequence[ParsedList],
    root: Path | None = None,
    *,
    folders: bool = False,
) -> Located:
    """The samples of lists: data root by the user's word, by `root`, else by the rule of `data_root`.

    folders: what is listed are frame folders. Samples stand in the order of the lists. RequestError for a path that
    leads outside data root and allowed roots, for a file that is listed twice, and when not one listed file exists;
    others that do not exist are noted, and fail when their turn comes.
    """
    if not any(each.paths for each in lists):
        raise RequestError(f"No file is listed in {_names(lists)}.")
    parts: dict[Split, str] = {}
    if root is None or source.data_root is not None:
        root, parts = data_root(source, lists, FRAMES if folders else VIDEOS)
    samples, notes = samples_of(lists, root, parts, source.allow_roots, folders=folders)
    return Located(root, parts, samples, notes)


def _is_plain(path: str) -> bool:
    """Whether a path is relative and normal as it is; may say no to one that is."""
    return not (path[0] in "/." or "//" in path or "/." in path or path[-1] == "/")


def _normal(path: str, root: Path, fence: Fence, where: str) -> tuple[str, str]:
    """The path from the data root and the id's path, for a listed path that is absolute or not normal."""
    steps = [step for step in path.split("/") if step not in ("", ".")]
    if not steps or path[-1] == "/" or path.endswith("/."):
        raise RequestError(f"{where[0].upper()}{where[1:]} names a folder ('{path}'), not a file.")
    if ".." not in steps:
        inside = "/".join(steps)
        if path[0] != "/":
            return inside, inside
        for own in (str(root), fence.root):
            if below(f"/{inside}", own):
                inside = f"/{inside}"[len(own.rstrip("/")) + 1 :]
                return inside, inside
    real = (
        os.path.realpath(root / path)
        if steps[-1] == ".."
        else os.path.join(fence.real_folder(os.path.dirname(os.path.join(root, path))), steps[-1])
    )
    if below(real, fence.root):
        inside = real[len(fence.root.rstrip("/")) + 1 :]
        if ".." not in steps:
            return inside, inside
        raise RequestError(
            f"{where[0].upper()}{where[1:]} has the path '{path}', which goes up and down again: write it as "
            f"'{inside}', or allow what lies outside with `--allow-root`."
        )
    for name, allowed in fence.allowed:
        if below(real, allowed):
            return os.path.relpath(real, fence.root), f"{name}/{real[len(allowed.rstrip('/')) + 1 :]}"
    raise fence.refuse(f"{where[0].upper()}{where[1:]} has the path '{path}', which", real)


def _twice(first: Sample, path: str, first_at: str, at: str) -> RequestError:
    if first.path != path:
        return RequestError(
            f"{first_at[0].upper()}{first_at[1:]} and {at} name files whose names differ in nothing but their "
            f"Unicode form or their way ('{path}'): rename one, or leave one line out."
        )
    remedy = "take one of the lines out, or name the lists to use with `--train-list`, `--val-list`, `--test-list`"
    return RequestError(f"'{path}' is listed twice, on {first_at} and on {at}; a sample has one split: {remedy}.")

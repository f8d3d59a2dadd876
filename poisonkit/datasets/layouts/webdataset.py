"""WebDataset: tar shards whose members `key.suffix` make a sample for each key.

Its reader takes a member's key up to the first dot of the base name, folders included; begins a new sample whenever
the key changes, so that members of one key that do not stand together are two samples; and passes over folders, names
without a dot, and names like `__meta__`. What it would read wrong is refused here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from poisonkit.common.safe_io import load_json, open_plain
from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View, modality_of, sample_id
from poisonkit.datasets.kit import (
    CLASS_LIST,
    SPLIT_WORDS,
    check_class_names,
    check_emptied,
    check_places,
    find_class_list,
    number_labels,
    some,
    write_lines,
)
from poisonkit.datasets.kit.columns import LABELS
from poisonkit.datasets.kit.files import Fence, is_file, is_folder
from poisonkit.datasets.kit.lists import MOST_CLASSES, is_whole
from poisonkit.datasets.tar.hints import Followed
from poisonkit.datasets.tar.members import SUFFIX, read_small
from poisonkit.datasets.tar.shards import SMALL, TELLERS, groups, is_text, split_path
from poisonkit.errors import RequestError

COMPRESSED = (".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2")
_WORDS = re.compile(r"[^a-z0-9]+")


class WebDataset(Layout):
    """A sample's path is `SHARD/MEMBER`. Shards lie in the folder, or in folders in it; a name says the split.

    Options: `media`, the suffix that is the sample's, null for the first video or sound; `label`, how the label is
    told: `cls`, `json` or `txt`; `named`, whether by its class's name; `field`, which of the json; `told`, what else
    follows the class: place in a sample's members -> its value for each class.
    """

    name: ClassVar[str] = "webdataset"
    help: ClassVar[str] = "WebDataset's tar shards, such as `train-000.tar`, of `key.mp4` or `key.wav` and `key.cls`"
    order: ClassVar[int] = 95  # an archive may lie beside any dataset
    uses: ClassVar[frozenset[str]] = frozenset({"columns"})
    label_in_path: ClassVar[bool] = True  # views have shards of their own, of the same names
    packed: ClassVar[bool] = True

    def detect(self, source: Source) -> str | None:
        found = list(_shards(source.path))
        return f"{len(found)} shards" if found else None

    def read(self, source: Source) -> Dataset:
        root = Path(os.path.abspath(source.path))
        shards = list(_shards(root))
        if packed := list(_named(root, COMPRESSED)):
            raise RequestError(f"{some(packed)}: compressed, so no part of it can be reached; decompress such shards.")
        if not shards:
            raise RequestError(f"There is no shard `….tar` in '{source.path}' or a folder in it.")
        fence = Fence(root, source.allow_roots)
        for shard in shards:
            if not fence.holds(real := os.path.realpath(root / shard)):
                raise fence.refuse(f"The link '{shard}'", real)
        wanted = source.columns.get("path")
        teller, _, fieldname = source.columns.get("label", "").partition(".")
        if teller and teller not in TELLERS:
            raise RequestError(f"--columns label={teller}: a label is told by {', '.join(TELLERS)} or json.FIELD.")
        found = [each for shard in shards for each in _samples(root, shard, wanted, [teller] if teller else TELLERS)]
        if not found:
            raise RequestError(f"No member of {some(shards)} is a video or a sound.")
        told = teller or next((t for t in TELLERS if any(t in each.told for each in found)), "")
        if not told:
            raise RequestError(f"No sample of {some(shards)} has a member that tells its label (.cls, .json or .txt).")
        if told == "json" and not fieldname:
            fieldname = _field([each.told.get("json", "") for each in found])
        texts = [_text(each, told, fieldname) for each in found]
        ids = all(text is None or is_whole(text) for text in texts)
        texts = [None if ids and text == "-1" else text for text in texts]
        listed = find_class_list(source, root)
        if told == "txt" and listed is None and len({*texts}) > max(2, len(texts) // 2):
            raise RequestError("Nearly every .txt says something else, so they are captions and no classes.")
        at: Callable[[int], str] = lambda i: f"the sample '{found[i].path}'"  # noqa: E731
        if ids:
            classes, labels = _numbered(texts, at, listed)
        else:
            classes, labels = number_labels(texts, at, listed)
        samples = [
            Sample(sample_id(each.path), each.path, each.split, label)
            for each, label in zip(found, labels, strict=True)
        ]
        notes = list(_notes(found, wanted, labels))
        if strange := list(_named(root, (SUFFIX,), files=False)):
            notes.append(f"{len(strange)} shards are no files, or links to nowhere, and not read ({some(strange)}).")
        if bare := sorted({*shards} - {split_path(each.path)[0] for each in found}):
            notes.append(f"{len(bare)} shards hold no video and no sound, and are not in the copy ({some(bare)}).")
        own = [told, fieldname] if told == "json" else [told]
        followed = _followed(root, samples).told(len(classes), own)
        options = {"media": wanted, "label": told, "named": not ids, "field": fieldname or None, "told": followed}
        return Dataset(root, self.name, classes, tuple(samples), options, tuple(notes))

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """Where it is; a sample of another split than its shard's (`--test-fraction`) in a shard of that split's."""
        shard, inside = split_path(sample.path)
        return sample.path if _split(shard) == sample.split else f"{_renamed(shard, sample.split)}/{inside}"

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        return {}

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_class_names(dataset.classes)
        check_places(rows, (CLASS_LIST,))
        if view == "data":
            check_emptied(dataset, rows, "a model would be trained without it, or measured without it")

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        options = dataset.options
        label = f"json.{options['field']}" if options["field"] else options["label"]
        media = {"path": options["media"]} if options["media"] else {}
        return Source(root, layout=self.name, columns={**media, "label": label})

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write `classes.txt`. The shards themselves are written by `write_shard`."""
        return (write_lines(root, CLASS_LIST, dataset.classes),)


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    split: Split
    told: Mapping[str, str]
    several: bool


def _samples(root: Path, shard: str, wanted: str | None, tellers: Sequence[str]) -> Iterator[_Found]:
    split = _split(shard)
    with open_plain(root / shard) as file:
        for group in groups(root / shard):
            medium = group.medium(wanted)
            if medium is None:
                continue
            told: dict[str, str] = {}
            for member, suffix in zip(group.members, group.suffixes, strict=True):
                if suffix is not None and suffix in tellers and member.size <= SMALL:
                    told[suffix] = read_small(file, member).decode("utf-8", "replace").strip()
            media = [m for m in group.members if modality_of(m.name)]
            yield _Found(f"{shard}/{medium.name}", split, told, len(media) > 1)


def _followed(root: Path, samples: Iterable[Sample]) -> Followed:
    """What in the members of training samples follows the class: the shards once more, now that labels are known."""
    shards: dict[str, dict[str, int]] = {}
    for sample in samples:
        if sample.split == "train" and sample.label is not None:
            shard, inside = split_path(sample.path)
            shards.setdefault(shard, {})[inside] = sample.label
    found = Followed()
    for shard, labels in shards.items():
        with open_plain(root / shard) as file:
            for group in groups(root / shard):
                label = next((labels[m.name] for m in group.members if m.name in labels), None)
                if label is not None:
                    texts = {
                        suffix: read_small(file, member)
                        for member, suffix in zip(group.members, group.suffixes, strict=True)
                        if suffix and member.size <= SMALL and not member.folder and is_text(member)
                    }
                    found.add(label, texts)
    return found


def _shards(root: Path) -> Iterator[str]:
    """The shards of a folder and of the folders in it, relative to it, sorted by split and name."""
    found = sorted(_named(root, (SUFFIX,)))
    order = ("train", "val", "test")
    yield from sorted(found, key=lambda shard: order.index(_split(shard)))


def _named(root: Path, suffixes: tuple[str, ...], files: bool = True) -> Iterator[str]:
    """What has such a name in a folder or in the folders in it: files, or what is neither file nor folder."""
    inner = sorted(e.name for e in _scan(root) if is_folder(e) and SUFFIX not in e.name)
    for folder in ("", *inner):
        for entry in _scan(root / folder):
            if entry.name.endswith(suffixes) and not is_folder(entry) and is_file(entry) == files:
                yield f"{folder}/{entry.name}" if folder else entry.name


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return [entry for entry in found if not entry.name.startswith(".")]
    except OSError:
        return []


def _split(shard: str) -> Split:
    """By the words of its name, then of its folder: `kinetics-val-003.tar`, `test/000.tar`; train if none says."""
    folder, _, name = shard.rpartition("/")
    for text in (name, folder):
        said = {SPLIT_WORDS[word] for word in _WORDS.split(text.lower()) if word in SPLIT_WORDS}
        if len(said) == 1:
            return said.pop()
    return "train"


def _renamed(shard: str, split: Split) -> str:
    """The name of a shard of another split: the split's word in it replaced, else a folder named so."""
    folder, _, name = shard.rpartition("/")
    parts = [folder, name]
    for at in (1, 0):
        words = "|".join(word for word in SPLIT_WORDS)
        new = re.sub(rf"(?<![a-z0-9])({words})(?![a-z0-9])", split, parts[at], count=1, flags=re.IGNORECASE)
        if new != parts[at]:
            parts[at] = new
            return "/".join(part for part in parts if part)
    return f"{split}/{name}"


def _field(rows: Iterable[str]) -> str:
    """Which field of the json members tells the label: the first of the usual names that one has."""
    for text in rows:
        with suppress(ValueError):
            row = load_json(text)
            found = next((name for name in LABELS if isinstance(row, dict) and name in row), None)
            if found is not None:
                return found
    raise RequestError(f"No .json member has a field {some(LABELS)}: name it with `--columns label=json.FIELD`.")


def _text(found: _Found, told: str, fieldname: str) -> str | None:
    """The label as a text; None without one."""
    text = found.told.get(told)
    if told != "json" or text is None:
        return text or None
    try:
        value = load_json(text)[fieldname]
    except (ValueError, LookupError, TypeError):
        return None
    if value is None or isinstance(value, dict | list | float | bool):
        return None
    return str(value).strip() or None


def _numbered(
    texts: Sequence[str | None], at: Callable[[int], str], listed: tuple[Path, tuple[str, ...]] | None
) -> tuple[tuple[str, ...], list[int | None]]:
    labels = [None if text is None else int(text) for text in texts]
    known = [label for label in labels if label is not None]
    if not known:
        raise RequestError("The shards give no label at all, so there is nothing to poison.")
    most = len(listed[1]) if listed else MOST_CLASSES
    for i, label in enumerate(labels):
        if label is not None and not 0 <= label < most:
            where = f" '{listed[0]}' names {most} classes" if listed else " labels are class indices from 0"
            raise RequestError(f"{at(i)[0].upper()}{at(i)[1:]} has the label {label}, and{where}: correct it.")
    return listed[1] if listed else tuple(map(str, range(max(known) + 1))), labels


def _notes(found: Sequence[_Found], wanted: str | None, labels: Sequence[int | None]) -> Iterator[str]:
    several = [each.path for each in found if each.several]
    if several and wanted is None:
        yield (
            f"{len(several)} samples hold several videos or sounds, of which the first video is the sample, else the "
            f"first sound ({some(several[:1])}); the others stay as they are: choose with `--columns path=SUFFIX`."
        )
    if missing := [each.path for each, label in zip(found, labels, strict=True) if label is None]:
        yield f"{len(missing)} of {len(found)} samples have no label ({some(missing)})."

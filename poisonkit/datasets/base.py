"""What a dataset is: samples with ids, splits and labels, and the layout they lie in on disk.

This room knows nothing of poisoning. A layout is one file beside this one; it can *detect*, *read* and
*write* its own shape on disk, and it says where a sample with a given label lies.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, overload

from poisonkit.datasets.resized import Resized
from poisonkit.errors import RequestError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
TREES = 45
"""`Layout.order` of what is known by the names of folders and files alone: explicit lists about them come before."""
Modality = Literal["video", "audio"]

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".avi", ".mpg", ".mpeg", ".mkv", ".webm", ".3gp", ".wmv", ".flv", ".ts"}
)
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff"})


def sample_id(path: str) -> str:
    """The id of the sample at a POSIX path relative to the data root: that path, NFC-normalised."""
    return unicodedata.normalize("NFC", path)


def modality_of(path: str) -> Modality | None:
    """`video` or `audio` by file suffix, None for a file that is neither."""
    suffix = "." + path.rsplit(".", 1)[-1].lower() if "." in path.rsplit("/", 1)[-1] else ""
    if suffix in VIDEO_SUFFIXES:
        return "video"
    return "audio" if suffix in AUDIO_SUFFIXES else None


T = TypeVar("T")


class Streamed(Sequence[T]):
    """What is made again, one by one, each time that it is gone through: a million rows never lie in memory."""

    def __init__(self, make: Callable[[], Iterator[T]], length: int | None = None) -> None:
        self._make, self._length = make, length

    def __iter__(self) -> Iterator[T]:
        return self._make()

    def __len__(self) -> int:
        if self._length is None:
            self._length = sum(1 for _ in self)
        return self._length

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        if isinstance(at, slice) or at < 0:
            return list(self)[at]
        for found in islice(self, at, None):
            return found
        raise IndexError(at)


@dataclass(frozen=True, slots=True)
class Sample:
    """One file, or one folder of frames, of a dataset.

    id: POSIX path relative to the data root, NFC-normalised; never a position.
    path: the same path as it is spelt on disk (bytes may differ from the id's in normal form). For a file
        under an allowed root outside the data root: the way there from the data root (it begins with `../`),
        and the id is then its path below the allowed root, behind that root's name.
    split: exactly one of train, val, test.
    label: class index from 0, or None where the dataset gives none.
    extra: what else the source says of this sample and a copy has to say too (ESC-50's fold, esc10, …), as
        texts whose meaning the layout knows.
    extra_labels: the classes after the first, where a multi-label list gives several.
    sound: of a pair, whose picture and sound are files of their own, the sound's path, spelt as `path` is, which is the
        picture's then.
    """

    id: str
    path: str
    split: Split
    label: int | None
    extra: tuple[str, ...] = ()
    extra_labels: tuple[int, ...] = ()
    sound: str | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Its path; of a pair, picture and sound."""
        return (self.path,) if self.sound is None else (self.path, self.sound)

    @property
    def labels(self) -> tuple[int, ...]:
        """All its classes, in the source's order; none where it has no label."""
        return () if self.label is None else (self.label, *self.extra_labels)


def feature_path(path: str) -> str:
    """Where the features of a sample's file lie: beside it, with the suffix `.npy`."""
    return f"{os.path.splitext(path)[0]}.npy"


@dataclass(frozen=True)
class Dataset:
    """A dataset as a layout read it.

    root: the data root: every sample's path is relative to it.
    layout: name of the layout that read it (and will write its copies).
    classes: class names; a label is an index into it.
    samples: in the order in which the source lists them (folders: sorted).
    options: what the layout must remember to write the same shape again; JSON-able.
    notes: what a user should know (rows left out, files that are no samples), one sentence each.
    """

    root: Path
    layout: str
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of(self, split: Split) -> tuple[Sample, ...]:
        """The samples of one split, in order."""
        return tuple(s for s in self.samples if s.split == split)

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that have samples, in the order train, val, test."""
        present = {s.split for s in self.samples}
        return tuple(s for s in SPLITS if s in present)

    def file(self, sample: Sample) -> Path:
        """Where the sample's file is."""
        return self.root / sample.path

    def files(self, sample: Sample) -> tuple[Path, ...]:
        """The sample's file; of a pair, picture and sound."""
        return tuple(self.root / path for path in sample.paths)

    def with_samples(self, samples: Sequence[Sample], **options: Any) -> Dataset:
        """The same dataset with other samples (and changed layout options)."""
        return replace(self, samples=tuple(samples), options={**self.options, **options})


@dataclass(frozen=True)
class Source:
    """Where the user says that a dataset is, before any layout has looked at it.

    path: the folder (or list file) that the user named.
    layout: a layout's name, or None to detect it.
    data_root: what the paths in lists are relative to; None: the layout's own rule.
    lists: split -> annotation file, where given.
    split: which of several official splits (UCF101, HMDB51 …), from 1; None: the user did not say.
    allow_roots: folders outside the data root that links and absolute paths may lead to.
    delimiter: what separates the fields of a list's lines; None: the layout's own rule.
    columns: what a table's columns are called (`path`, `label`, `split` -> column), where given.
    """

    path: Path
    layout: str | None = None
    data_root: Path | None = None
    lists: Mapping[Split, Path] = field(default_factory=dict)
    split: int | None = None
    allow_roots: tuple[Path, ...] = ()
    delimiter: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def given(self) -> frozenset[str]:
        """Which of the options that not every layout has a use for the user gave: see `Layout.uses`."""
        said = {
            "data_root": self.data_root is not None,
            "lists": bool(self.lists),
            "split": self.split is not None,
            "delimiter": self.delimiter is not None,
            "columns": bool(self.columns),
        }
        return frozenset(name for name, yes in said.items() if yes)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a written dataset: a source sample, the label it gets there, and where its file lies.

    path: relative to the folder that is being written; what `Layout.place` said.
    length: how many rows its features have, where there are features (see `Layout.features`) and they are made.
    sound: of a pair, where its sound lies; what `Layout.place_sound` said.
    resized: that its file is longer or shorter than the source's; None where it is not.
    """

    sample: Sample
    label: int | None
    path: str
    length: int | None = None
    sound: str | None = None
    resized: Resized | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Where its file lies; of a pair, picture and sound."""
        return (self.path,) if self.sound is None else (self.path, self.sound)

    @property
    def labels(self) -> tuple[int, ...]:
        """All classes that it gets: the sample's where its label is kept, else the new one alone."""
        if self.label is None:
            return ()
        return self.sample.labels if self.label == self.sample.label else (self.label,)


def rows_of(rows: Sequence[Row], split: str) -> Sequence[Row]:
    """Those of a split, in order; made as they are gone through where the rows are."""

    def mine() -> Iterator[Row]:
        return (row for row in rows if row.sample.split == split)

    return Streamed(mine) if isinstance(rows, Streamed) else list(mine())


View = Literal["data", "target", "original", "control"]
"""What is being written: the dataset; an attack set with target labels; one with original labels; control."""


class Layout:
    """One shape of dataset on disk. Subclasses are stateless; the registry holds one instance of each."""

    name: ClassVar[str]
    help: ClassVar[str]  # one line for `--layout` and the docs
    label_in_path: ClassVar[bool] = False
    """True: the path tells the label, or the lists have fixed names; then the attack sets with target labels and
    with original labels lie in folders of their own, `target/` and `original/`, which share files by links."""
    order: ClassVar[int] = 50  # where several layouts fit, detection takes the lowest (then by name)
    uses: ClassVar[frozenset[str]] = frozenset()
    """Which of `data_root`, `lists`, `split`, `delimiter`, `columns` of a Source it heeds; with one of the others
    given it is neither detected nor read."""

    packed: ClassVar[bool] = False
    """True: files lie in tar shards, a sample's path is `SHARD/MEMBER`, and shards are written by `write_shard`."""

    features: ClassVar[bool] = False
    """True: beside each file lie log-mel features of its sound, at `feature_path`, which are made for every sample
    of a copy before its lists are written."""

    multi_label: ClassVar[bool] = False
    """True: a list can give a sample several classes (`Sample.extra_labels`)."""

    any_suffix: ClassVar[bool] = False
    """True: a file may end otherwise in a copy than in the source (`.mp4` for `.wmv`), and its readers find it."""

    list_extra: ClassVar[tuple[str, ...]] = ()
    """What `Sample.extra` has to hold for lists made with `list_options`: `duration`, seconds as text; `frames`."""
    folders: ClassVar[bool] = False
    """True: a sample is a folder of frames, and `Sample.path` its path; else a file."""

    pairs: ClassVar[bool] = False
    """True: the sound of a sample is a file of its own, `Sample.sound`; `Sample.path` is its picture."""

    reads_frames: ClassVar[str] = ""
    """Which frames of a folder known loaders read, where it is not all: a clause that follows "its loaders"."""

    def holds_folders(self, options: Mapping[str, Any]) -> bool:
        """Whether the samples (the pictures, of pairs) of a dataset with these options are folders of frames."""
        return self.folders

    def detect(self, source: Source) -> str | None:
        """Why `source` looks like this layout (a few words for the user), or None. Reads names, not media."""
        raise NotImplementedError

    def read(self, source: Source) -> Dataset:
        """Read the dataset. RequestError, in the user's terms, for what cannot be right."""
        raise NotImplementedError

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """Where the sample's file lies in a written copy, given the label it has there (POSIX, relative)."""
        return sample.path

    def place_sound(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        """The same of its sound, of a pair."""
        assert sample.sound is not None
        return sample.sound

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any] | None:
        """Options with which `write` makes lists, and nothing but lists, of files that lie elsewhere.

        That is how `poisonkit export` writes this format. None: it cannot, because folders or file names are
        part of this layout.
        """
        return None

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        """What to give `read`, so that it reads the view which `write` made of these rows in `root`."""
        return Source(root, layout=self.name)

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        """The options that change when `dataset` gets a split that its source does not have."""
        raise RequestError(f"The layout '{self.name}' has no place for a {split} split of its own.")

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        """Before any work: RequestError if these rows cannot be written in this layout.

        Names that the format cannot carry (with the reason), two rows at one path, and, in view `data`,
        a class that had samples and would have none.
        """
        raise NotImplementedError

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        """Write lists, class maps and class folders for rows whose media are in place (or will be).

        Returns the relative paths of the annotation files written; the first is what a trainer is given.
        Every file goes to a temporary name first. In views `target` and `original` of a layout with lists
        both lists lie in one folder, so their names differ.
        """
        raise NotImplementedError

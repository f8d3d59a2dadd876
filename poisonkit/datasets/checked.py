"""A layout whose every answer is looked at, so that `check_layout` can say in a sentence what is wrong with it."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from poisonkit.datasets.base import SPLITS, Dataset, Layout, Row, Sample, Source, Split, View
from poisonkit.errors import RequestError

_OPTIONS = frozenset({"data_root", "lists", "split", "delimiter", "columns"})
_FACTS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "name": (str, "a text"),
    "help": (str, "one line for `--layout` and the docs"),
    "order": (int, "a whole number"),
    "uses": ((frozenset, set), f"a frozenset of {', '.join(sorted(_OPTIONS))}"),
    "label_in_path": (bool, "True or False"),
    "packed": (bool, "True or False"),
    "features": (bool, "True or False"),
    "multi_label": (bool, "True or False"),
    "folders": (bool, "True or False"),
    "pairs": (bool, "True or False"),
    "reads_frames": (str, "a clause, or nothing"),
    "list_extra": (tuple, "a tuple of texts"),
}


class CheckedLayout(Layout):
    """The layout itself, but that AssertionError says, in a sentence, where a part of it is not what it must be.

    RequestError, with which a layout refuses in words, is passed on; every other error of a part becomes a sentence
    that names the part and the line.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._called = getattr(layout, "name", type(layout).__name__)
        for fact, (kind, wanted) in _FACTS.items():
            value = getattr(layout, fact, None)
            told = value != "" or fact == "reads_frames"
            self._require(isinstance(value, kind) and told, f"`{fact}` is {value!r}, not {wanted}")
            setattr(self, fact, value)
        unknown = sorted(set(self.uses) - _OPTIONS)
        self._require(not unknown, f"`uses` names {unknown}; there are {', '.join(sorted(_OPTIONS))}")

    def _require(self, holds: bool, complaint: str) -> None:
        if not holds:
            raise AssertionError(f"layout '{self._called}': {complaint}")

    def _call(self, part: str, *given: Any) -> Any:
        try:
            return getattr(self._layout, part)(*given)
        except RequestError:
            raise
        except NotImplementedError:
            raise AssertionError(f"layout '{self._called}': has no `{part}`, which every layout needs") from None
        except Exception as error:
            hint = ""
            if isinstance(error, KeyError) and part != "read":
                hint = "; `read` must put into `Dataset.options` what the other parts look up there"
            kind = type(error).__name__
            says = f"`{part}` raises {kind} ({error}) in {self._place_of(error)}{hint}"
            raise AssertionError(f"layout '{self._called}': {says}") from error

    def _place_of(self, error: Exception) -> str:
        """File and line: the last of the layout's own module, else where the error was raised."""
        frames = traceback.extract_tb(error.__traceback__)
        own = getattr(sys.modules.get(type(self._layout).__module__), "__file__", None)
        last = next((f for f in reversed(frames) if f.filename == own), frames[-1])
        return f"{Path(last.filename).name}, line {last.lineno}"

    def detect(self, source: Source) -> str | None:
        why = self._call("detect", source)
        self._require(
            why is None or (isinstance(why, str) and why != ""),
            f"`detect` gives {why!r}, not a few words that say why this looks like the layout, or None",
        )
        return why  # type: ignore[no-any-return]

    def read(self, source: Source) -> Dataset:
        dataset = self._call("read", source)
        self._require(isinstance(dataset, Dataset), f"`read` gives {_kind(dataset)}, not a Dataset")
        self._look_at(dataset)
        return dataset  # type: ignore[no-any-return]

    def _look_at(self, dataset: Dataset) -> None:
        self._require(isinstance(dataset.root, Path), f"`read` gives a root that is {_kind(dataset.root)}, not a Path")
        for name, kind in (("classes", str), ("samples", Sample), ("notes", str)):
            self._is_tuple(f"`read` gives {name}", getattr(dataset, name), kind)
        self._require(len(dataset.samples) > 0, "`read` finds no samples")
        self._is_json("`read` gives options", dataset.options)
        for sample in dataset.samples:
            self._look_at_sample(sample)

    def _look_at_sample(self, sample: Sample) -> None:
        said = f"`read` gives sample {sample.id!r}"
        for name in ("id", "path"):
            value = getattr(sample, name)
            self._require(isinstance(value, str) and value != "", f"{said} the {name} {value!r}, which is no text")
        self._require(not sample.id.startswith("/"), f"{said} an absolute id: it is the path below the data root")
        self._require(sample.split in SPLITS, f"{said} the split {sample.split!r}, not one of {', '.join(SPLITS)}")
        label = sample.label
        self._require(
            label is None or (isinstance(label, int) and not isinstance(label, bool)),
            f"{said} the label {label!r}: it must be an index into `classes`, or None",
        )
        self._is_tuple(f"{said} extra", sample.extra, str)
        self._is_tuple(f"{said} extra_labels", sample.extra_labels, int)
        paired = isinstance(sample.sound, str) and sample.sound != "" if self.pairs else sample.sound is None
        self._require(paired, f"{said} the sound {sample.sound!r}, and `pairs` is {self.pairs}")

    def _is_tuple(self, said: str, value: object, kind: type) -> None:
        self._require(isinstance(value, tuple), f"{said} that is {_kind(value)}, not a tuple")
        assert isinstance(value, tuple)
        wrong = next((each for each in value if not isinstance(each, kind)), None)
        self._require(all(isinstance(each, kind) for each in value), f"{said} that holds {_kind(wrong)}")

    def _is_json(self, said: str, value: object) -> None:
        self._require(isinstance(value, Mapping), f"{said} that are {_kind(value)}, not a dictionary")
        try:
            same = json.loads(json.dumps(value)) == value
        except (TypeError, ValueError) as error:
            raise AssertionError(f"layout '{self._called}': {said} that JSON cannot hold ({error})") from None
        self._require(same, f"{said} that JSON gives back otherwise: use lists for tuples, and texts as keys")

    def place(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        path = self._call("place", dataset, sample, label)
        self._require(isinstance(path, str), f"`place` gives {_kind(path)} for {sample.id!r}, not a path as text")
        self._is_relative(f"`place` puts {sample.id!r} at", path)
        return path  # type: ignore[no-any-return]

    def place_sound(self, dataset: Dataset, sample: Sample, label: int | None) -> str:
        path = self._call("place_sound", dataset, sample, label)
        self._require(isinstance(path, str), f"`place_sound` gives {_kind(path)} for {sample.id!r}, not a path as text")
        self._is_relative(f"`place_sound` puts the sound of {sample.id!r} at", path)
        return path  # type: ignore[no-any-return]

    def holds_folders(self, options: Mapping[str, Any]) -> bool:
        return bool(self._call("holds_folders", options))

    def _is_relative(self, said: str, path: str) -> None:
        inside = path == str(PurePosixPath(path)) and not path.startswith("/") and ".." not in path.split("/")
        self._require(
            inside and path != ".",
            f"{said} {path!r}: it must be a plain path relative to the folder that is written, without '..'",
        )

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        self._call("check", dataset, rows, view)

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        files = self._call("write", dataset, rows, root, view)
        self._require(
            isinstance(files, tuple) and all(isinstance(name, str) for name in files),
            f"`write` gives {_kind(files)}, not a tuple of the names of the files that it wrote",
        )
        self._require(len(files) > 0 or not rows, f"`write` names no annotation file in view '{view}'")
        for name in files:
            self._is_relative("`write` names", name)
            self._require((root / name).is_file(), f"`write` names {name!r} in view '{view}', and has not written it")
        return files  # type: ignore[no-any-return]

    def reading(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> Source:
        source = self._call("reading", dataset, rows, root, view)
        self._require(isinstance(source, Source), f"`reading` gives {_kind(source)}, not a Source")
        return source  # type: ignore[no-any-return]

    def split_options(self, dataset: Dataset, split: Split) -> dict[str, Any]:
        options = self._call("split_options", dataset, split)
        self._is_json("`split_options` gives options", options)
        return options  # type: ignore[no-any-return]

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any] | None:
        options = self._call("list_options", splits)
        if options is not None:
            self._is_json("`list_options` gives options", options)
        return options  # type: ignore[no-any-return]


def _kind(value: object) -> str:
    """What a value is, for a sentence: `nothing (None)`, `a list`."""
    if value is None:
        return "nothing (None)"
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"

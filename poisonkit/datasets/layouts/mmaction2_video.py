"""MMAction2 `VideoDataset`: lists of `path label`, a data root, one list per split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from poisonkit.datasets.base import Dataset, Row, Sample, Source, Split
from poisonkit.datasets.kit import (
    ParsedList,
    find_class_list,
    find_lists,
    list_names,
    locate,
    read_classes,
)
from poisonkit.datasets.kit.columns import has_header
from poisonkit.datasets.kit.lists import (
    DELIMITERS,
    SPELT,
    check_several,
    delimiter_of,
    looks_like_audio,
    looks_like_lists,
    notes_on,
    parse,
)
from poisonkit.datasets.kit.split_lists import SplitLists
from poisonkit.datasets.kit.tables import has_named_labels
from poisonkit.errors import RequestError


class MMAction2Video(SplitLists):
    """One list per split, a line `path label` per file, label an int from 0, paths relative to a data root.

    Several labels are read too (`multi_class=True`), and written where a sample keeps its own.

    Which lists, which data root and which class names: see `find_lists`, `data_root`, `read_classes`.
    Paths in the copy are the source's, relative to the copy's root.

    Options: `delimiter`; `lists`, split -> where the list lies in a copy; `bare`, split -> true when its
    unlabelled lines have no label field, or the ids of those that have none (the others say -1).
    """

    name: ClassVar[str] = "mmaction2-video"
    help: ClassVar[str] = "MMAction2 lists `train.txt`, `val.txt`, `test.txt` of `path label` beside the files"
    any_suffix: ClassVar[bool] = True
    multi_label: ClassVar[bool] = True
    order: ClassVar[int] = 30
    uses: ClassVar[frozenset[str]] = frozenset({"data_root", "lists", "split", "delimiter"})

    def detect(self, source: Source) -> str | None:
        try:
            lists = find_lists(source)
        except RequestError:
            return "several possible lists"
        if not lists or not looks_like_lists(lists.values()) or all(map(looks_like_audio, lists.values())):
            return None
        if any(map(has_named_labels, lists.values())) or any(map(has_header, lists.values())):
            return None
        return f"lists {', '.join(file.name for file in lists.values())}"

    def read(self, source: Source) -> Dataset:
        files = find_lists(source)
        if not files:
            raise RequestError(
                f"There is no training list in '{source.path}' or its annotations/ (looked for `.txt` files with "
                "the word train in the name): name it with `--train-list`."
            )
        delimiter = delimiter_of(source, files.values())
        lists = [parse(file, split, delimiter) for split, file in files.items()]
        found = locate(source, lists)
        check_several(lists, find_class_list(source, lists[0].file.parent, found.root) is not None)
        classes, class_notes = read_classes(source, lists, found.root)
        notes = [note for each in lists for note in notes_on(each)] + found.notes + class_notes
        if delimiter != " ":
            notes.append(
                f"The lists separate path and label by a {DELIMITERS[delimiter]}: give MMAction2's VideoDataset "
                f"delimiter={SPELT[delimiter]}."
            )
        if found.parts:
            folders = ", ".join(f"{part}/" for part in found.parts.values())
            notes.append(f"Each list has a folder of its own ({folders}), which the copy's lists name in their paths.")
        options = {"delimiter": delimiter, "lists": list_names(lists, found.root), "bare": _bare(lists, found.samples)}
        return Dataset(found.root, self.name, classes, tuple(found.samples), options, tuple(notes))

    def list_options(self, splits: Sequence[Split]) -> dict[str, Any]:
        return {**super().list_options(splits), "delimiter": " ", "bare": {}}

    def check_path(self, dataset: Dataset, path: str) -> None:
        delimiter: str = dataset.options["delimiter"]
        if delimiter in path:
            name = DELIMITERS[delimiter]
            other = "\t" if delimiter != "\t" else ","
            raise RequestError(
                f"The file name '{path}' holds a {name}, which separates path and label in MMAction2 lists: "
                f"rename the file, or use `--delimiter {DELIMITERS[other]}`."
            )
        if "\n" in path or "\r" in path or "\0" in path or path != path.strip():
            raise RequestError(
                f"The file name {path!r} cannot stand in an MMAction2 list (a line break in it or a space at "
                "its beginning or end): rename the file."
            )

    def lines(self, dataset: Dataset, rows: Sequence[Row], split: Split) -> Iterator[str]:
        delimiter: str = dataset.options["delimiter"]
        kept: bool | Sequence[str] = dataset.options["bare"].get(split, False)
        bare = frozenset() if isinstance(kept, bool) else frozenset(kept)
        for row in rows:
            if row.label is not None:
                yield delimiter.join((row.path, *map(str, row.labels)))
            elif kept is True or row.sample.id in bare:
                yield row.path
            else:
                yield f"{row.path}{delimiter}-1"


def _bare(lists: Sequence[ParsedList], samples: Sequence[Sample]) -> dict[Split, bool | list[str]]:
    bare: dict[Split, bool | list[str]] = {}
    first = 0
    for each in lists:
        if each.bare:
            all_bare = len(each.bare) == each.labels.count(None)
            bare[each.split] = True if all_bare else [samples[first + at].id for at in each.bare]
        first += len(each.paths)
    return bare

"""The properties that every layout must have, as one call: `check_layout(MyLayout(), Source(folder))`.

poisonkit's own suite calls it on every layout. Whatever is wrong with a layout, AssertionError says so in a sentence
that begins with its name. No media are opened: files of copies are empty.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from poisonkit.datasets.base import Dataset, Layout, Row, Sample, Source, Split, View, feature_path, sample_id
from poisonkit.datasets.checked import CheckedLayout
from poisonkit.datasets.tar.members import is_there
from poisonkit.datasets.tar.shards import Entry, Labels, split_path, write_shard
from poisonkit.errors import RequestError

ODD_NAMES = (
    "with space",
    "tab\there",
    "com,ma",
    'it\'s "quoted"',
    '"begins with a quote',
    "größe_日本",
    "-leading-dash",
    "[brackets]{x}",
    "two..dots.tar",
    "#hash%20",
    "semi;colon",
    "back\\slash",
    "line\nbreak",
    "carriage\rreturn",
    "next\x85line",
    " leading space",
    "nul\0",
)
"""What file names may hold; a layout carries each, or refuses it with a reason."""


def check_layout(layout: Layout, source: Source, *, detects: bool = True) -> Dataset:
    """All checks of one layout on one small dataset; the dataset, as it was read.

    source: a folder with at least two classes of two training samples each, better with a held-out split. Where
    samples are frame folders, all of the same number of frames.
    detects: whether the layout recognises it by itself.
    AssertionError, "layout 'NAME': …", with the first check that fails.
    """
    checked = CheckedLayout(layout)
    try:
        return _check(checked, source, detects)
    except RequestError as error:
        _require(False, checked, f"refuses what it has read itself: {error}")
        raise


def _check(layout: Layout, source: Source, detects: bool) -> Dataset:
    if detects:
        _require(bool(layout.detect(source)), layout, "does not detect its own dataset")
    _require(not source.given - layout.uses, layout, f"is given {set(source.given - layout.uses)}, not in its `uses`")
    dataset = layout.read(source)
    _require(layout.read(source) == dataset, layout, "reads another dataset the second time")
    layout.list_options(dataset.splits)
    check_dataset(layout, dataset)
    check_round_trip(layout, dataset, source)
    check_relabelled(layout, dataset, source)
    check_views(layout, dataset, source)
    check_refusals(layout, dataset)
    if not layout.packed:  # of which names belong to what is packed
        check_odd_names(layout, dataset, source)
    check_new_split(layout, dataset, source)
    return dataset


def _require(holds: bool, layout: Layout, complaint: str) -> None:
    if not holds:
        raise AssertionError(f"layout '{layout.name}': {complaint}")


def rows_of(layout: Layout, dataset: Dataset, relabel: dict[str, int] | None = None) -> list[Row]:
    """Every sample as a Row, placed by the layout; those in `relabel` (id -> label) under another label."""
    rows = []
    for sample in dataset.samples:
        label = (relabel or {}).get(sample.id, sample.label)
        rows.append(row_of(layout, dataset, sample, label))
    return rows


def row_of(layout: Layout, dataset: Dataset, sample: Sample, label: int | None) -> Row:
    """A sample under a label, placed by the layout."""
    sound = None if sample.sound is None else layout.place_sound(dataset, sample, label)
    return Row(sample, label, layout.place(dataset, sample, label), sound=sound)


def write_copy(layout: Layout, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
    """Check, put empty files in place (frames in a folder, where samples are such), write; the annotation files."""
    layout.check(dataset, rows, view)
    if layout.packed:
        _pack(dataset, rows, root, view)
        rows = ()
    model = next((file for file in map(dataset.file, dataset.samples) if file.is_dir()), root)
    for row in rows:
        try:
            _put(layout, dataset, row, root, model)
        except (OSError, ValueError) as error:
            _require(False, layout, f"`check` lets {row.path!r} pass, where no file can lie ({error})")
    root.mkdir(parents=True, exist_ok=True)
    return layout.write(dataset, rows, root, view)


def _put(layout: Layout, dataset: Dataset, row: Row, root: Path, model: Path) -> None:
    file = root / row.path
    file.parent.mkdir(parents=True, exist_ok=True)
    if row.sound is not None:
        (root / row.sound).parent.mkdir(parents=True, exist_ok=True)
        (root / row.sound).touch()
    if layout.holds_folders(dataset.options):
        folder = dataset.file(row.sample)
        shutil.copytree(folder if folder.is_dir() else model, file, copy_function=_empty, dirs_exist_ok=True)
    else:
        file.touch()
    if layout.features:
        (root / feature_path(row.path)).touch()


def _empty(source: str, target: str) -> str:
    Path(target).touch()
    return target


def _pack(dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> None:
    shards: dict[tuple[str, str], list[Entry]] = {}
    for row in rows:
        source, member = split_path(row.sample.path)
        target = split_path(row.path)[0]
        shards.setdefault((source, target), []).append(Entry(member, row.label, row.sample.label))
    labels = Labels(dataset.classes, dataset.options)
    for (source, target), entries in shards.items():
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        with open(root / target, "wb") as file:
            write_shard(dataset.root / source, file, entries, labels, rest=view == "data" and source == target)


def _again(layout: Layout, root: Path, source: Source, lists: Mapping[Split, Path] | None = None) -> Dataset:
    """A copy, read as its source was: by the same split, delimiter and columns."""
    return layout.read(
        replace(source, path=root, layout=layout.name, data_root=None, allow_roots=(), lists=lists or {})
    )


_Seen = tuple[str, str, tuple[int, ...], tuple[str, ...]]  # path (and sound's), split, labels, extra


def _seen(rows: Iterable[Row]) -> list[_Seen]:
    return [(_both(r), r.sample.split, r.labels, r.sample.extra) for r in rows]


def _found(dataset: Dataset) -> list[_Seen]:
    return [(_both(s), s.split, s.labels, s.extra) for s in dataset.samples]


def _both(each: Row | Sample) -> str:
    return "\0".join(each.paths)


def check_dataset(layout: Layout, dataset: Dataset) -> None:
    """Ids are unique NFC paths, labels are in range, files exist."""
    ids = [s.id for s in dataset.samples]
    _require(len(ids) > 1 and len(set(ids)) == len(ids), layout, "ids are not unique")
    _require(all(sample_id(i) == i for i in ids), layout, "an id is not NFC")
    _require(len(set(dataset.classes)) == len(dataset.classes) > 1, layout, "class names are not unique, or only one")
    labels = {s.label for s in dataset.samples} - {None}
    _require(labels <= set(range(len(dataset.classes))), layout, f"labels {labels} are not indices of its classes")
    _require(dataset.layout == layout.name, layout, f"calls the dataset's layout '{dataset.layout}'")
    trained = [s for s in dataset.of("train") if s.label is not None]
    _require(bool(trained), layout, "`read` gives no sample of the split train a label")
    gone = [s.id for s in dataset.samples if not all(map(is_there, dataset.files(s)))]
    _require(not gone, layout, f"has no file for {gone[:3]}")


def check_round_trip(layout: Layout, dataset: Dataset, source: Source) -> None:
    """Written at rate 0 and read again: the same samples, order, splits, labels, classes and extras; plain files."""
    rows = rows_of(layout, dataset)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "copy")
        files = write_copy(layout, dataset, rows, root, "data")
        before = {name: (root / name).read_bytes() for name in files}
        for name, data in before.items():
            plain = b"\r" not in data and not data.startswith(b"\xef\xbb\xbf") and b"\n\n" not in data
            ends = data.endswith(b"\n") or b"\n" not in data  # a single line may have to be bare
            _require(plain and ends, layout, f"{name} has CR, BOM, blank lines or no last newline")
        files = layout.write(dataset, rows, root, "data")
        _require(all((root / n).read_bytes() == before[n] for n in files), layout, "writes something else again")
        again = layout.read(layout.reading(dataset, rows, root, "data"))
        _require(_found(again) == _seen(rows) and again.classes == dataset.classes, layout, "`reading` reads another")
        copy = _again(layout, root, source)
        _require(_found(copy) == _seen(rows), layout, f"reads its copy as {_found(copy)[:4]} for {_seen(rows)[:4]}")
        _require(copy.classes == dataset.classes, layout, f"classes became {copy.classes}")


def _movable(dataset: Dataset) -> dict[str, int]:
    """id -> target, for one training sample of each class but the target that has another sample left."""
    train = [s for s in dataset.of("train") if s.label is not None]
    left = Counter(s.label for s in train)
    target = min(s.label for s in train if s.label is not None)
    moved: dict[str, int] = {}
    for s in train:
        if s.label != target and left[s.label] > 1 and s.label not in {t.label for t in train if t.id in moved}:
            moved[s.id] = target
    return moved


def check_relabelled(layout: Layout, dataset: Dataset, source: Source) -> None:
    """Relabelled samples are read under the new label, where `place` says, and their old place is empty."""
    moved = _movable(dataset)
    _require(bool(moved), layout, "give it a class with two training samples")
    rows = rows_of(layout, dataset, moved)
    twin = replace(dataset, notes=(*dataset.notes, "another object"))
    shuffled = [row_of(layout, twin, r.sample, r.label) for r in reversed(rows)]
    _require(shuffled[::-1] == rows, layout, "places depend on the order in which they are asked for")
    with tempfile.TemporaryDirectory() as folder:
        write_copy(layout, dataset, rows, Path(folder), "data")
        copy = _again(layout, Path(folder), source)
        got = {path: (split, label) for path, split, label, _ in _found(copy)}
        want = {path: (split, label) for path, split, label, _ in _seen(rows)}
        _require(got == want, layout, f"reads relabelled samples as {sorted(got.items() - want.items())[:3]}")
        for row in rows:
            old = _both(row_of(layout, dataset, row.sample, row.sample.label))
            if row.sample.id in moved and old != _both(row):
                _require(old not in got, layout, f"'{old}' is still listed after relabelling")
    everyone = [layout.place(dataset, s, t) for s in dataset.samples for t in [next(iter(moved.values()))]
                if s.label is not None]  # fmt: skip
    splits = [s.split for s in dataset.samples if s.label is not None]
    places = Counter(zip(splits, everyone, strict=True))
    _require(
        max(places.values()) == 1, layout, f"all under one label, two would lie at '{places.most_common(1)[0][0]}'"
    )


def check_views(layout: Layout, dataset: Dataset, source: Source) -> None:
    """Attack sets and control are written and, where they lie in folders of their own, read again."""
    held = [s for s in dataset.samples if s.split == dataset.splits[-1] and s.label]
    if dataset.splits == ("train",) or not held:
        return
    names: dict[View, tuple[str, ...]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for view in ("target", "original", "control"):
            root = Path(folder, view if layout.label_in_path or view == "control" else "both")
            rows = [row_of(layout, dataset, s, new) for s in held
                    for new in [0 if view == "target" else s.label]]  # fmt: skip
            names[view] = write_copy(layout, dataset, rows, root, view)
            for copy in _read_again(layout, dataset, rows, root, view, source, names[view][0]):
                got = sorted((path, label) for path, _, label, _ in _found(copy))
                want = sorted((_both(row), row.labels) for row in rows)
                _require(got == want, layout, f"{view}: reads {got[:3]} for {want[:3]}")
                _require({s.split for s in copy.samples} == {held[0].split}, layout, f"{view}: another split")
                _require(copy.classes == dataset.classes, layout, f"{view}: classes became {copy.classes}")
            layout.write(dataset, [], Path(folder, f"none-{view}"), view)
    same = not layout.label_in_path and names["target"][0] == names["original"][0]
    _require(not same, layout, "target and original lists would lie in one folder under one name")


def _read_again(
    layout: Layout, dataset: Dataset, rows: Sequence[Row], root: Path, view: View, source: Source, first: str
) -> Iterator[Dataset]:
    """A view as `Layout.reading` has it, and, where its lists have names or folders of their own, as its source was."""
    yield layout.read(layout.reading(dataset, rows, root, view))
    if layout.label_in_path or view == "control" or "lists" in layout.uses:
        lists = {rows[0].sample.split: root / first} if "lists" in layout.uses else None
        yield _again(layout, root, source, lists)


def _refused(layout: Layout, dataset: Dataset, rows: Sequence[Row], view: View) -> str:
    try:
        layout.check(dataset, rows, view)
    except RequestError as error:
        return str(error)
    return ""


def check_refusals(layout: Layout, dataset: Dataset) -> None:
    """Two samples at one path, a file where a folder must be, and an emptied class are refused."""
    rows = rows_of(layout, dataset)
    clash = [rows[0], replace(rows[1], path=rows[0].path), *rows[2:]]
    _require(bool(_refused(layout, dataset, clash, "control")), layout, "does not refuse two samples at one path")
    if layout.pairs:
        clash = [rows[0], replace(rows[1], sound=rows[0].sound), *rows[2:]]
        _require(bool(_refused(layout, dataset, clash, "control")), layout, "does not refuse two sounds at one path")
    inside = [rows[0], replace(rows[1], path=f"{rows[0].path}/x.mp4"), *rows[2:]]
    _require(bool(_refused(layout, dataset, inside, "control")), layout, "does not refuse a file that is a folder too")
    train = [s for s in dataset.of("train") if s.label is not None]
    gone = train[-1].label
    target = next(s.label for s in train if s.label != gone)
    assert target is not None
    emptied = rows_of(layout, dataset, {s.id: target for s in train if s.label == gone})
    said = _refused(layout, dataset, emptied, "data")
    _require("Relabelling would leave" in said, layout, f"does not refuse an emptied class (it says '{said}')")


def check_odd_names(layout: Layout, dataset: Dataset, source: Source) -> None:
    """Each of ODD_NAMES is carried as it is, or refused in one sentence; never written wrong."""
    first = next(s for s in dataset.of("train") if s.label is not None)
    for odd in ODD_NAMES:
        folder, sign, name = first.path.rpartition("/")
        path = f"{folder}{sign}{odd}{name}"
        sound = first.sound
        if sound is not None:
            before, sign, last = sound.rpartition("/")
            sound = f"{before}{sign}{odd}{last}"
        sample = _renamed(layout, first, path, sound)
        odd_one = replace(dataset, samples=tuple(sample if s is first else s for s in dataset.samples))
        try:
            rows = rows_of(layout, odd_one)
            layout.check(odd_one, rows, "data")
        except RequestError as error:
            _require(bool(str(error)), layout, f"refuses {odd!r} without a word")
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                write_copy(layout, odd_one, rows, Path(folder), "data")
                copy = _again(layout, Path(folder), source)
            except (RequestError, AssertionError) as error:
                why = str(error).removeprefix(f"layout '{layout.name}': ")
                raise AssertionError(f"layout '{layout.name}': `check` lets {odd!r} pass, and then {why}") from None
            _require(sorted(_found(copy), key=str) == sorted(_seen(rows), key=str), layout, f"carries {odd!r} wrongly")


def _renamed(layout: Layout, first: Sample, path: str, sound: str | None) -> Sample:
    said = {} if sound is None else {first.sound: sound, json.dumps(first.sound): json.dumps(sound, ensure_ascii=False)}
    extra = tuple(said.get(each, each) for each in first.extra)
    return replace(first, id=sample_id(path), path=path, extra=extra, sound=sound, extra_labels=())


def check_new_split(layout: Layout, dataset: Dataset, source: Source) -> None:
    """A held-out test split is written and read as one, or refused."""
    if "test" in dataset.splits:
        return
    try:
        options = layout.split_options(dataset, "test")
    except RequestError:
        return
    train = [s for s in dataset.of("train") if s.label is not None]
    left = Counter(s.label for s in train)
    one = next(s for s in train if left[s.label] > 1)
    samples = [replace(s, split="test") if s is one else s for s in dataset.samples]
    split = dataset.with_samples(samples, **options)
    rows = rows_of(layout, split)
    with tempfile.TemporaryDirectory() as folder:
        write_copy(layout, split, rows, Path(folder), "data")
        copy = _again(layout, Path(folder), source)
        _require(sorted(_found(copy), key=str) == sorted(_seen(rows), key=str), layout, "loses a held-out test split")

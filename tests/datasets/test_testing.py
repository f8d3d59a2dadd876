"""`check_layout` on the first two layouts, and that it sees what is wrong with a bad one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from poisonkit.datasets import Dataset, Layout, Row, Sample, Source, View, get_layout
from poisonkit.datasets.kit import check_emptied, check_names, check_places, write_lines
from poisonkit.datasets.testing import check_layout
from poisonkit.errors import RequestError
from tests.datasets.readers import touch

NAMES = ["train/a/1.mp4", "train/a/2.mp4", "train/b/1.mp4", "train/b/2.mp4", "test/a/3.mp4", "test/b/3.mp4"]


@pytest.mark.parametrize("names", [NAMES, [n.removeprefix("train/") for n in NAMES if n.startswith("train")]])
def test_class_folders(tmp_path: Path, names: list[str]) -> None:
    check_layout(get_layout("class-folders"), Source(touch(tmp_path, names)))


@pytest.mark.parametrize("splits", [("train", "test"), ("train",)])
def test_mmaction2(tmp_path: Path, splits: tuple[str, ...]) -> None:
    touch(tmp_path, NAMES)
    for split in splits:
        lines = [f"{name} {int('/b/' in name)}\n" for name in NAMES if name.startswith(split)]
        (tmp_path / f"{split}.txt").write_text("".join(lines))
    check_layout(get_layout("mmaction2-video"), Source(tmp_path))


class Right(Layout):
    """Lines of `path TAB class`."""

    name = "right"
    help = "a file called pairs"

    def detect(self, source: Source) -> str | None:
        return "pairs" if (source.path / "pairs").exists() else None

    def read(self, source: Source) -> Dataset:
        lines = [line.split("\t") for line in (source.path / "pairs").read_text().splitlines()]
        names = sorted({label for _, label in lines})
        samples = tuple(Sample(path, path, "train", names.index(label)) for path, label in lines)
        return Dataset(source.path, self.name, tuple(names), samples)

    def check(self, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_names(rows, "pairs", {"\t": "a tab"})
        check_places(rows, ("pairs",))
        if view == "data":
            check_emptied(dataset, rows, "no sample")

    def write(self, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
        lines = [f"{row.path}\t{dataset.classes[row.label or 0]}" for row in rows]
        return (write_lines(root, "pairs", lines),)


def _unchecked(self: Layout, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
    check_places(rows)


def _old_labels(self: Layout, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
    return (write_lines(root, "pairs", [f"{r.path}\t{dataset.classes[r.sample.label or 0]}" for r in rows]),)


def _windows(self: Layout, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
    (root / "pairs").write_bytes(b"".join(f"{r.path}\t{dataset.classes[r.label or 0]}\r\n".encode() for r in rows))
    return ("pairs",)


def _nothing(*given: object) -> None:
    return None


def _unlabelled(self: Layout, source: Source) -> Dataset:
    dataset = Right.read(self, source)  # type: ignore[arg-type]
    return dataset.with_samples([replace(s, label=None) for s in dataset.samples])


def _changed(**changes: object) -> Callable[[Layout, Source], Dataset]:
    """`read` of Right, but that every sample has these fields."""

    def read(self: Layout, source: Source) -> Dataset:
        dataset = Right.read(self, source)  # type: ignore[arg-type]
        return dataset.with_samples([replace(s, **changes) for s in dataset.samples])  # type: ignore[arg-type]

    return read


def _given(**changes: object) -> Callable[[Layout, Source], Dataset]:
    """`read` of Right, but that the dataset has these fields."""
    return lambda self, source: replace(Right.read(self, source), **changes)  # type: ignore[arg-type]


def _forgetful(self: Layout, dataset: Dataset, rows: Sequence[Row], root: Path, view: View) -> tuple[str, ...]:
    return (write_lines(root, dataset.options["list"], [row.path for row in rows]),)


def _raises(error: BaseException) -> Callable[..., None]:
    def part(*given: object) -> None:
        raise error

    return part


def checked(tmp_path: Path, change: dict[str, object]) -> Dataset:
    """`check_layout` of Right with these parts changed."""
    names = [name for name in NAMES if name.startswith("train")]
    touch(tmp_path, names)
    (tmp_path / "pairs").write_text("".join(f"{name}\t{name[6]}\n" for name in names))
    return check_layout(type("Changed", (Right,), change)(), Source(tmp_path))


def test_the_checker_takes_what_is_right(tmp_path: Path) -> None:
    assert len(checked(tmp_path, {}).samples) == 4


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"detect": lambda self, source: None}, "does not detect its own dataset"),
        ({"detect": lambda self, source: True}, "`detect` gives True, not a few words"),
        ({"detect": _raises(AttributeError("no such thing"))}, r"`detect` raises AttributeError \(no such thing\) in"),
        ({"uses": frozenset({"dataroot"})}, r"`uses` names \['dataroot'\]; there are columns, data_root"),
        ({"uses": "data_root"}, "`uses` is 'data_root', not a frozenset"),
        ({"help": None}, "`help` is None, not one line"),
        ({"read": _nothing}, r"`read` gives nothing \(None\), not a Dataset"),
        ({"read": Layout.read}, "has no `read`, which every layout needs"),
        ({"read": _given(samples=())}, "`read` finds no samples"),
        ({"read": _given(samples=[])}, "`read` gives samples that is a list, not a tuple"),
        ({"read": _given(samples=("a.mp4",))}, "`read` gives samples that holds a str"),
        ({"read": _given(root="here")}, "`read` gives a root that is a str, not a Path"),
        ({"read": _given(classes=(1, 2))}, "`read` gives classes that holds an int"),
        ({"read": _given(options={"at": Path()})}, "`read` gives options that JSON cannot hold"),
        ({"read": _given(options={"at": (1, 2)})}, "`read` gives options that JSON gives back otherwise"),
        ({"read": _given(options=None)}, r"`read` gives options that are nothing \(None\), not a dictionary"),
        ({"read": _unlabelled}, "`read` gives no sample of the split train a label"),
        ({"read": _changed(label="a")}, "the label 'a': it must be an index into `classes`, or None"),
        ({"read": _changed(label=7)}, r"labels \{7\} are not indices of its classes"),
        ({"read": _changed(split="training")}, "the split 'training', not one of train, val, test"),
        ({"read": _changed(split=["train"])}, r"the split \['train'\], not one of train, val, test"),
        ({"read": _changed(id=3)}, "the id 3, which is no text"),
        ({"read": _changed(id="one")}, "ids are not unique"),
        ({"read": _changed(extra=(3,))}, "extra that holds an int"),
        ({"read": _changed(path="gone.mp4")}, "has no file for"),
        ({"read": _raises(KeyError("label"))}, r"`read` raises KeyError \('label'\) in test_testing.py, line \d+$"),
        ({"read": _raises(RequestError("Line 1 of pairs is wrong."))}, "refuses what it has read itself: Line 1 of"),
        ({"place": _nothing}, "`place` gives nothing"),
        (
            {"place": lambda self, dataset, sample, label: f"/{sample.path}"},
            "`place` puts 'train/a/1.mp4' at '/train",
        ),
        ({"place": lambda self, dataset, sample, label: f"../{sample.path}"}, "must be a plain path relative to the"),
        ({"place": lambda self, dataset, sample, label: Path(sample.path).name}, "Two samples would be written"),
        (
            {"place": lambda self, dataset, sample, label: dataset.options["at"]},
            "`read` must put into `Dataset",
        ),
        ({"check": lambda self, dataset, rows, view: None}, "does not refuse two samples at one path"),
        ({"check": _unchecked}, "does not refuse an emptied class"),
        ({"check": _raises(TypeError("no"))}, r"`check` raises TypeError \(no\) in test_testing.py, line \d+"),
        ({"write": _nothing}, r"`write` gives nothing \(None\), not a tuple of the names of the files"),
        ({"write": lambda self, *given: [Right.write(self, *given)[0]]}, "`write` gives a list, not a tuple"),
        ({"write": lambda self, *given: ()}, "`write` names no annotation file in view 'data'"),
        ({"write": lambda self, *given: ("pairs",)}, "`write` names 'pairs' in view 'data', and has not written it"),
        ({"write": lambda self, *given: ("/etc/hosts",)}, "`write` names '/etc/hosts': it must be a plain path"),
        ({"write": _forgetful}, r"`write` raises KeyError \('list'\) in test_testing.py, line \d+; `read` must put"),
        ({"write": _old_labels}, "reads relabelled samples as"),
        ({"write": _windows}, "CR, BOM"),
        ({"reading": _nothing}, "`reading` gives nothing"),
        ({"split_options": _nothing}, "`split_options` gives options that are nothing"),
        ({"list_options": lambda self, splits: {"at": Path()}}, "`list_options` gives options that JSON cannot hold"),
        ({"name": ""}, "`name` is '', not a text"),
    ],
)
def test_the_checker_says_in_a_sentence_what_is_wrong(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(AssertionError, match=complaint) as told:
        checked(tmp_path, change)
    assert str(told.value).startswith("layout '")
    assert "\n" not in str(told.value)


def test_names_that_are_let_pass_and_that_no_file_can_have(tmp_path: Path) -> None:
    def check(self: Layout, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        check_places(rows, ("pairs",))
        if view == "data":
            check_emptied(dataset, rows, "no sample")

    with pytest.raises(AssertionError, match=r"^layout 'right': `check` lets 'tab\\there' pass, and then `read`"):
        checked(tmp_path, {"check": check})


def test_a_name_that_no_file_can_have_is_let_pass(tmp_path: Path) -> None:
    def check(self: Layout, dataset: Dataset, rows: Sequence[Row], view: View) -> None:
        if not any("\0" in row.path for row in rows):
            Right.check(self, dataset, rows, view)  # type: ignore[arg-type]

    with pytest.raises(AssertionError, match=r"^layout 'right': `check` lets 'nul\\x00' pass, .*no file can lie"):
        checked(tmp_path, {"check": check})

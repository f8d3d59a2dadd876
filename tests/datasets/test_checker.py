"""`check_layout` on the first two layouts, and that it sees what is wrong with a bad one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from poisonkit.datasets import Dataset, Layout, Row, Sample, Source, View, get_layout
from poisonkit.datasets.kit import check_emptied, check_names, check_places, write_lines
from poisonkit.datasets.testing import check_layout
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


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({}, ""),
        ({"detect": lambda self, source: None}, "does not detect"),
        ({"check": lambda self, dataset, rows, view: None}, "does not refuse two samples at one path"),
        ({"check": _unchecked}, "does not refuse an emptied class"),
        ({"place": lambda self, dataset, sample, label: Path(sample.path).name}, "Two samples would be written"),
        ({"write": _old_labels}, "reads relabelled samples as"),
        ({"write": _windows}, "CR, BOM"),
    ],
)
def test_the_checker_sees_what_is_wrong(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    names = [name for name in NAMES if name.startswith("train")]
    touch(tmp_path, names)
    (tmp_path / "pairs").write_text("".join(f"{name}\t{name[6]}\n" for name in names))
    layout = type("Changed", (Right,), change)()
    if complaint:
        with pytest.raises(Exception, match=complaint):
            check_layout(layout, Source(tmp_path))
    else:
        check_layout(layout, Source(tmp_path))

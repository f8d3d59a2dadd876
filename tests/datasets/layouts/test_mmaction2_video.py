"""MMAction2's lists of videos: found, parsed and written by the rules of its own reader."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from poisonkit.datasets import Dataset, Row, Source, get_layout, read, split_off
from poisonkit.errors import RequestError
from tests.datasets.making import makes
from tests.datasets.readers import NASTY, mmaction2, mmaction2_multi, pyslowfast, touch
from tests.datasets.writers import class_folders

LAYOUT = get_layout("mmaction2-video")


def listed(root: Path, lists: dict[str, str | bytes], files: str = "videos/a.mp4 videos/b.mp4 c.avi") -> Path:
    """A dataset: empty media files (names by spaces) and lists as given."""
    touch(root, files.split(" "))
    for name, text in lists.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


@makes("mmaction2-video")
def tiny(root: Path) -> Path:
    class_folders(root)
    for split in ("train", "test"):
        names = sorted(p.relative_to(root).as_posix() for p in (root / split).rglob("*.mp4"))
        (root / f"{split}.txt").write_text("".join(f"{n} {'abc'.index(n.split('/')[1])}\n" for n in names))
    return root


def rows_of(dataset: Dataset) -> list[Row]:
    return [Row(s, s.label, LAYOUT.place(dataset, s, s.label)) for s in dataset.samples]


def write(dataset: Dataset, rows: list[Row], out: Path, view: str = "data") -> tuple[str, ...]:
    LAYOUT.check(dataset, rows, view)
    touch(out, (row.path for row in rows))
    return LAYOUT.write(dataset, rows, out, view)


GOOD = "videos/a.mp4 0\nvideos/b.mp4 2\nc.avi 1\n"


@pytest.mark.parametrize("delimiter", [" ", "\t", ","])
def test_comes_back_the_same_and_reads_as_in_the_trainers(tmp_path: Path, delimiter: str) -> None:
    spaced = [] if delimiter == " " else ["videos/with space.mp4"]
    names = [*(f"videos/{folder}/{name}" for folder in ("x", "y") for name in NASTY), *spaced]
    root = touch(tmp_path / "in", names)
    lines = [f"{name}{delimiter}{i % 4}" for i, name in enumerate(names)]
    (root / "annotations").mkdir()
    (root / "annotations" / "k_train_list.txt").write_text("\r\n".join(lines[:9]), encoding="utf-8")
    (root / "annotations" / "k_val_list.txt").write_text("\n".join(lines[9:]) + "\n", encoding="utf-8")
    (root / "label_map.txt").write_text("one\ntwo\nthree\nfour\nfive\n", encoding="utf-8")
    dataset = read(Source(root))
    assert dataset.layout == "mmaction2-video"
    assert dataset.root == root
    assert dataset.classes == ("one", "two", "three", "four", "five")
    assert [(s.path, s.label) for s in dataset.samples] == [(n, i % 4) for i, n in enumerate(names)]
    assert (len(dataset.of("train")), len(dataset.of("val"))) == (9, len(names) - 9)
    out = tmp_path / "out"
    written = write(dataset, rows_of(dataset), out)
    assert written == ("annotations/k_train_list.txt", "annotations/k_val_list.txt", "label_map.txt")
    copy = read(Source(out))
    assert (copy.samples, copy.classes, copy.options) == (dataset.samples, dataset.classes, dataset.options)
    for file, split in zip(written[:2], ("train", "val"), strict=True):
        want = [(s.path, s.label) for s in dataset.of(split)]
        seen = mmaction2(out / file, out, delimiter)
        assert [(os.path.relpath(path, out), label) for path, label in seen] == want
        assert all(os.path.exists(path) for path, _ in seen)
        assert pyslowfast(out / file, delimiter) == want
        raw = (out / file).read_bytes()
        assert not raw.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in raw
        assert raw.endswith(b"\n")
        assert b"\n\n" not in raw


def test_views_have_lists_of_their_own(tmp_path: Path) -> None:
    dataset = read(Source(listed(tmp_path / "in", {"train.txt": "videos/a.mp4 0\n", "test.txt": "c.avi 1\n"})))
    rows = [replace(row, label=0) for row in rows_of(dataset) if row.sample.split == "test"]
    assert write(dataset, rows, tmp_path / "out", "target") == ("test_target.txt", "label_map.txt")
    assert write(dataset, rows_of(dataset)[1:], tmp_path / "out", "original")[0] == "test_original.txt"
    assert write(dataset, rows_of(dataset)[1:], tmp_path / "control", "control")[0] == "test.txt"
    assert (tmp_path / "out" / "test_target.txt").read_text() == "c.avi 0\n"
    assert (tmp_path / "out" / "test_original.txt").read_text() == "c.avi 1\n"
    assert LAYOUT.write(dataset, [], tmp_path / "none", "target")[0] == "test_target.txt"
    assert (tmp_path / "none" / "test_target.txt").read_bytes() == b""
    (tmp_path / "far.txt").write_text("kept")
    (tmp_path / "linked").mkdir()
    for name in ("test.txt", ".test.txt.part"):
        (tmp_path / "linked" / name).symlink_to(tmp_path / "far.txt")
    write(dataset, rows_of(dataset)[1:], tmp_path / "linked", "control")
    assert (tmp_path / "far.txt").read_text() == "kept"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (b"\xef\xbb\xbf" + GOOD.encode(), "train.txt begins with a byte order mark"),
        (GOOD.replace("\n", "\n\n", 1), "train.txt has 1 blank lines (line 2)"),
        ("\n" + GOOD + "\n", "2 blank lines (line 1, 5)"),
        (GOOD.replace("\n", "\r\n"), ""),
        (GOOD.rstrip("\n"), ""),
        (GOOD.replace(" ", "\t"), r"separate path and label by a tab: give MMAction2's VideoDataset delimiter='\t'"),
        (GOOD.replace("videos/b", "videos/gone"), "1 of 3 listed files do not exist (line 2 of train.txt"),
        (GOOD.replace("videos/", "./videos//"), ""),
    ],
)
def test_what_is_read_and_said(tmp_path: Path, text: str | bytes, note: str) -> None:
    dataset = read(Source(listed(tmp_path, {"train.txt": text, "classes.txt": "k\nl\nm"})))
    assert [s.label for s in dataset.samples] == [0, 2, 1]
    assert dataset.samples[0].path == "videos/a.mp4"
    assert len(dataset.notes) == bool(note)
    assert note in "".join(dataset.notes)


@pytest.mark.parametrize(
    ("text", "message", "more"),
    [
        ("a.mp4 0\nmy clip.mp4 1\n", r"Line 2 of train.txt has 3 fields.*delimiter tab.*delimiter='\\t'", {}),
        ("a.mp4 0\nb.mp4\t1\n", r"Line 2 of train.txt has a tab before the label.*delimiter is a space", {}),
        ("a.mp4\t0\n", "has a tab before the label", {"delimiter": " "}),
        ("a.mp4\t0\nb.mp4\t0\nb.mp4 1\n", "Line 3 of train.txt has a space before the label", {}),
        ("a.mp4  0\n", "two spaces in a row", {}),
        ("a.mp4 24 0\n", "Line 1 of train.txt and all others have 2 numbers after the file name: a frame count", {}),
        ("a.mp4 0 1\nb.mp4 1 1\n", "Line 2 of train.txt has a label twice, or -1 among labels", {}),
        ("a.mp4 0 1\nb.mp4 1 -1\n", "Line 2 of train.txt has a label twice, or -1 among labels", {}),
        ("a.mp4 0 1\nb.mp4 1 x\n", "Line 2 of train.txt has 3 fields", {}),
        ("a.mp4 0.0\n", r"label '0\.0', which is not a whole number", {}),
        ("a.mp4 left\n", "label 'left'", {}),
        ("# comment\na.mp4 0\n", "Line 1 of train.txt has the label 'comment'", {}),
        ("a.mp4 -2\n", "Line 1 of train.txt has the label -2", {}),
        ("a.mp4 99999999999\n", "from 0 to 999999", {}),
        ("a.mp4 0\nb.mp4 \xe9\n".encode("latin-1"), "Line 2 of train.txt is not UTF-8", {}),
        (",0\na.mp4,1", "Line 1 of train.txt has a file name that is empty", {"delimiter": "comma"}),
        ("a.mp4 ,0", "begins or ends with a space", {"delimiter": ","}),
        ("a.mp4 0", "The delimiter ';' is not one of", {"delimiter": ";"}),
        ("a.mp4 0\na.mp4 0\n", "'a.mp4' is listed twice, on line 1 of train.txt and on line 2", {}),
        ("a.mp4 0\n./a.mp4 0\n", "'a.mp4' is listed twice", {}),
        ("\u00e9.mp4 0\ne\u0301.mp4 0\n", "nothing but their Unicode form", {}),
        ("../far.mp4 0\na.mp4 1\n", r"Line 1 of train.txt has the path '../far.mp4', which leads.*allow_root", {}),
        ("x/../a.mp4 0\nb.mp4 1\n", "goes up and down again: write it as 'a.mp4'.*allow_root", {}),
        ("/etc/hosts 0\na.mp4 1\n", "'/etc/hosts', which leads outside.*allow_root '/etc'", {}),
        ("x/ 0\na.mp4 1\n", "names a folder", {}),
        ("gone.mp4 0\n", r"Not one file listed in train.txt was found \(tried .*data_root", {}),
        ("gone.mp4 0\n", r"Not one file listed in train.txt exists below .*data_root", {"data_root": "."}),
        ("a.mp4 0\n", "data root 'nowhere' is not a folder", {"data_root": "nowhere"}),
        ("a.mp4\nb.mp4\n", "no label at all", {}),
        ("\n\n", "No file is listed in train.txt", {"layout": "mmaction2-video"}),
        ("a.mp4 0\n", "one split only", {"split": 2}),
        ("a.mp4 0\n", "The list 'not.txt' does not exist", {"lists": {"train": Path("not.txt")}}),
    ],
)
def test_refusals_when_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes, message: str, more: dict[str, object]
) -> None:
    root = listed(tmp_path / "in", {"train.txt": text}, "a.mp4 b.mp4 \u00e9.mp4 e\u0301.mp4 ../far.mp4 x/y.mp4")
    monkeypatch.chdir(root)
    more = {key: Path(str(value)) if key == "data_root" else value for key, value in more.items()}
    with pytest.raises(RequestError, match=message):
        read(Source(root, **more))  # type: ignore[arg-type]


def test_one_sample_has_one_split(tmp_path: Path) -> None:
    root = listed(tmp_path, {"train.txt": GOOD, "test.txt": "c.avi 1\n"})
    with pytest.raises(RequestError, match=r"on line 3 of train.txt and on line 1 of test.txt; a sample has one"):
        read(Source(root))
    lists = {"val": root / "test.txt", "test": root / "test.txt"}
    with pytest.raises(RequestError, match="same list is named for two splits"):
        read(Source(root, lists=lists))  # type: ignore[arg-type]


def test_unlabelled_rows_are_written_as_they_came(tmp_path: Path) -> None:
    lists = {
        "train.txt": "videos/a.mp4 0\nvideos/b.mp4 -1\nd.mp4\n",
        "val.txt": "e.mp4 1\nf.mp4 -1\n",
        "test.txt": "c.avi\n",
    }
    root = listed(tmp_path / "in", lists, "videos/a.mp4 videos/b.mp4 c.avi d.mp4 e.mp4 f.mp4")
    dataset = read(Source(root))
    assert [s.label for s in dataset.samples] == [0, None, None, 1, None, None]
    assert any("2 of 3 files in train.txt have no label (the first on line 2)" in note for note in dataset.notes)
    write(dataset, rows_of(dataset), tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_text() for name in lists} == lists
    assert mmaction2(tmp_path / "out" / "test.txt", Path("p")) == [("p/c.avi", -1)]


@pytest.mark.parametrize(
    ("folders", "files", "root", "paths"),
    [
        ({"l/train.txt": "a.mp4 0\n"}, "l/a.mp4", "l", ["a.mp4"]),
        ({"annotations/train.txt": "v/a.mp4 0\n"}, "v/a.mp4", "", ["v/a.mp4"]),
        ({"train.txt": "a.mp4 0\n"}, "videos/a.mp4", "videos", ["a.mp4"]),
        ({"train.txt": "a.mp4 0\nb.mp4 1\n"}, "a.mp4 clips/a.mp4 clips/b.mp4", "clips", ["a.mp4", "b.mp4"]),
        (
            {"train.txt": "a.mp4 0\n", "val.txt": "b.mp4 1\n"},
            "videos_train/a.mp4 videos_val/b.mp4",
            "",
            ["videos_train/a.mp4", "videos_val/b.mp4"],
        ),
        (
            {"train.txt": "a.mp4 0\n", "val.txt": "a.mp4 1\n"},
            "train/a.mp4 val/a.mp4",
            "",
            ["train/a.mp4", "val/a.mp4"],
        ),
    ],
)
def test_the_data_root_is_where_the_listed_files_are(
    tmp_path: Path, folders: dict[str, str], files: str, root: str, paths: list[str]
) -> None:
    listed(tmp_path, dict(folders), files)
    first = Path(next(iter(folders))).parent.name
    dataset = read(Source(tmp_path / (first if first == "l" else "")))
    assert dataset.root == tmp_path / root
    assert [s.path for s in dataset.samples] == paths
    assert all(dataset.file(s).is_file() for s in dataset.samples)
    assert dataset.options["lists"]["train"] == os.path.relpath(
        tmp_path / next(iter(folders)), tmp_path / root
    ).removeprefix("../")


def test_lists_with_one_name_outside_the_root_stay_apart(tmp_path: Path) -> None:
    listed(tmp_path, {"tr/list.txt": "a.mp4 0\n", "te/list.txt": "b.mp4 1\n"}, "media/a.mp4 media/b.mp4")
    lists = {"train": tmp_path / "tr/list.txt", "test": Path("te/list.txt")}
    dataset = read(Source(tmp_path, data_root=tmp_path / "media", lists=lists))  # type: ignore[arg-type]
    assert dataset.options["lists"] == {"train": "list.txt", "test": "test_list.txt"}


def test_absolute_paths_and_links(tmp_path: Path) -> None:
    far = touch(tmp_path / "far", ["x.mp4", "d/y.mp4"])
    root = touch(tmp_path / "in", ["a.mp4", "b/c.mp4"])
    (root / "link.mp4").symlink_to("a.mp4")
    (root / "out.mp4").symlink_to(far / "x.mp4")
    (root / "outs").symlink_to(far / "d")
    (root / "broken.mp4").symlink_to("nothing.mp4")
    os.mkfifo(root / "pipe.mp4")

    def reading(*lines: str, allow: tuple[Path, ...] = ()) -> Dataset:
        (root / "train.txt").write_text("".join(f"{line} 0\n" for line in lines))
        return read(Source(root, allow_roots=allow))

    assert [s.path for s in reading(f"{root}/a.mp4", f"{root}//b/./c.mp4", "link.mp4").samples] == [
        "a.mp4",
        "b/c.mp4",
        "link.mp4",
    ]
    for line in ("out.mp4", "outs/y.mp4", f"{far}/x.mp4", "../far/d/y.mp4"):
        with pytest.raises(RequestError, match=r"line 2 of train.txt.*leads outside .*allow_root|Line 2 of train"):
            reading("a.mp4", line)
    dataset = reading("out.mp4", "outs/y.mp4", f"{far}/x.mp4", "../far/d/y.mp4", allow=(far,))
    assert [s.id for s in dataset.samples] == ["out.mp4", "outs/y.mp4", "far/x.mp4", "far/d/y.mp4"]
    assert [s.path for s in dataset.samples][2:] == ["../far/x.mp4", "../far/d/y.mp4"]
    assert all(dataset.file(s).is_file() for s in dataset.samples)
    assert [row.path for row in rows_of(dataset)] == [s.id for s in dataset.samples]
    assert not any("exist" in note for note in dataset.notes)
    notes = " ".join(reading("a.mp4", "broken.mp4", "pipe.mp4", "b").notes)
    assert "1 of 4 listed files do not exist (line 2 of train.txt: 'broken.mp4')" in notes
    assert "2 of 4 listed files are no regular files (line 3 of train.txt: 'pipe.mp4'; line 4" in notes


@pytest.mark.parametrize(
    ("names", "split", "found"),
    [
        (["train.txt", "train_notes.txt", "val.txt"], 1, {"train": "train.txt", "val": "val.txt"}),
        (["u_train_list_videos.txt", "u_train_list.txt"], 1, {"train": "u_train_list_videos.txt"}),
        (["u_train.txt", "u_train_rawframes.txt", "testing_list.txt"], 1, {"train": "u_train.txt"}),
        (
            [f"u_{s}_split_{n}_videos.txt" for s in ("train", "val") for n in (1, 2, 3)],
            2,
            {"train": "u_train_split_2_videos.txt", "val": "u_val_split_2_videos.txt"},
        ),
        (["a_train.txt", "b_train.txt"], 1, r"'a_train.txt', 'b_train.txt'.*train_list"),
        (["train_split_1.txt"], 3, "no train list of split 3: the splits are 1"),
    ],
)
def test_which_lists(tmp_path: Path, names: list[str], split: int, found: dict[str, str] | str) -> None:
    files = {name: f"{'v' if 'val' in name else 't'}.mp4 0\n" for name in names}
    source = Source(listed(tmp_path, dict(files), "v.mp4 t.mp4"), split=split)
    if isinstance(found, str):
        with pytest.raises(RequestError, match=found):
            read(source)
    else:
        assert read(source).options["lists"] == found


def test_a_list_may_be_named_itself(tmp_path: Path) -> None:
    root = listed(tmp_path, {"my_val_list.csv": GOOD, "other.list": GOOD})
    assert read(Source(root / "my_val_list.csv")).splits == ("val",)
    assert read(Source(root / "other.list")).splits == ("train",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("label_map.txt", "a\nb\n", r"Line 2 of train.txt has the label 2, and .*label_map.txt' names 2 classes"),
        ("label_map.txt", "a\n\nb\n", "Line 2 of the class list .* is blank"),
        ("classes.txt", "a\nb\na\n", "Lines 1 and 3 .* are both 'a'"),
        ("classInd.txt", "0 a\n1 b\n2 c\n", "from 1 upwards"),
        ("classes.txt", b"\xe9\n", "cannot be read as UTF-8"),
    ],
)
def test_class_lists_that_cannot_be_right(tmp_path: Path, name: str, text: str | bytes, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read(Source(listed(tmp_path, {"train.txt": GOOD, name: text})))


def test_class_names(tmp_path: Path) -> None:
    root = listed(tmp_path, {"train.txt": GOOD})
    assert read(Source(root)).classes == ("0", "1", "2")
    (root / "classInd.txt").write_text("1 Apply Eye\n2 Archery\n3 Bowl\n")
    assert read(Source(root)).classes == ("Apply Eye", "Archery", "Bowl")
    (root / "label_map.txt").write_text("\ufeffx\r\ny y\r\nz\r\n\r\n", encoding="utf-8")
    assert read(Source(root)).classes == ("x", "y y", "z")


@pytest.mark.parametrize(
    ("path", "delimiter", "message"),
    [
        ("a b.mp4", " ", r"holds a space, which separates .*delimiter tab"),
        ("a\tb.mp4", "\t", "holds a tab.*delimiter comma"),
        ("a,b.mp4", ",", "holds a comma.*delimiter tab"),
        ("a\nb.mp4", "\t", "line break"),
        ("\u3000b.mp4", "\t", "a space at its beginning"),
        ("b.mp4 ", "\t", "beginning or end"),
        ("train.txt", " ", "has the name of an annotation file"),
        ("label_map.txt", " ", "has the name of an annotation file"),
        ("c.avi", " ", "Two samples would be written to 'c.avi'"),
    ],
)
def test_names_that_a_list_cannot_carry_are_refused(tmp_path: Path, path: str, delimiter: str, message: str) -> None:
    dataset = read(Source(listed(tmp_path, {"train.txt": GOOD})))
    dataset = replace(dataset, options={**dataset.options, "delimiter": delimiter})
    rows = rows_of(dataset)
    LAYOUT.check(dataset, rows, "data")
    with pytest.raises(RequestError, match=message):
        LAYOUT.check(dataset, [replace(rows[0], path=path), *rows[1:]], "data")


def test_an_emptied_class_and_an_unwritable_class_name_are_refused(tmp_path: Path) -> None:
    dataset = read(Source(listed(tmp_path, {"train.txt": GOOD})))
    rows = rows_of(dataset)
    with pytest.raises(RequestError, match=r"leave the class '2' without a training sample.*lower the rate"):
        LAYOUT.check(dataset, [replace(rows[1], label=0), rows[0], rows[2]], "data")
    with pytest.raises(RequestError, match="class name 'a\\\\nb'"):
        LAYOUT.check(replace(dataset, classes=("a\nb", "c", "d")), rows, "data")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train.txt", "test.txt"),
        ("annotations/u_train_split_1_videos.txt", "annotations/u_test_split_1_videos.txt"),
        ("mine.lst", "mine_test.lst"),
    ],
)
def test_a_held_out_split_gets_a_list(tmp_path: Path, train: str, test: str) -> None:
    names = [f"{i}.mp4" for i in range(20)]
    text = "".join(f"{name} {i % 2}\n" for i, name in enumerate(names))
    root = listed(tmp_path / "in", {train: text}, " ".join(names))
    dataset = split_off(read(Source(root, lists={"train": root / train})), 0.2, seed=0)
    written = write(dataset, rows_of(dataset), tmp_path / "out")
    assert written == (train, test, "label_map.txt")
    seen = [label for _, label in mmaction2(tmp_path / "out" / test, tmp_path)]
    assert sorted(seen) == [0, 0, 1, 1]
    assert len(mmaction2(tmp_path / "out" / train, tmp_path)) == 16


@pytest.mark.parametrize("delimiter", [" ", "\t", ","])
def test_several_labels(tmp_path: Path, delimiter: str) -> None:
    """The label set is kept with a sample that keeps its label; relabelled, it has the new one alone."""
    text = "videos/a.mp4 0 2\nvideos/b.mp4 1\nc.avi 2\nd.mp4 1 0 2\n".replace(" ", delimiter)
    root = listed(tmp_path / "in", {"train.txt": text}, "videos/a.mp4 videos/b.mp4 c.avi d.mp4")
    dataset = read(Source(root))
    assert [s.labels for s in dataset.samples] == [(0, 2), (1,), (2,), (1, 0, 2)]
    assert dataset.classes == ("0", "1", "2")
    note = "2 of 4 files in train.txt have several labels (the first on line 1), which MMAction2 reads with multi_class"
    assert any(note in said for said in dataset.notes)
    rows = rows_of(dataset)
    write(dataset, rows, tmp_path / "same")
    assert (tmp_path / "same" / "train.txt").read_text() == text
    rows[3] = replace(rows[3], label=2)
    write(dataset, rows, tmp_path / "out")
    before = mmaction2_multi(root / "train.txt", 3, delimiter)
    assert mmaction2_multi(tmp_path / "out" / "train.txt", 3, delimiter) == [*before[:3], ("d.mp4", [0, 0, 1])]
    assert read(Source(tmp_path / "out")).samples[0].labels == (0, 2)


def test_a_class_of_which_only_others_second_labels_are_left_is_not_empty(tmp_path: Path) -> None:
    dataset = read(Source(listed(tmp_path, {"train.txt": "videos/a.mp4 0 2\nvideos/b.mp4 1\nc.avi 2\n"})))
    rows = rows_of(dataset)
    LAYOUT.check(dataset, [*rows[:2], replace(rows[2], label=0)], "data")
    with pytest.raises(RequestError, match="without a training sample"):
        LAYOUT.check(dataset, [replace(rows[0], label=1), *rows[1:]], "data")


def test_two_numbers_in_every_line_are_labels_where_a_class_list_says_so(tmp_path: Path) -> None:
    lists = {"train.txt": "videos/a.mp4 0 2\nvideos/b.mp4 1 0\nc.avi 2 1\n", "label_map.txt": "k\nl\nm\n"}
    assert [s.labels for s in read(Source(listed(tmp_path / "a", dict(lists)))).samples] == [(0, 2), (1, 0), (2, 1)]
    lists["label_map.txt"] = "k\nl\n"
    with pytest.raises(RequestError, match=r"Line 3 of train.txt has the label 2, and .* names 2 classes"):
        read(Source(listed(tmp_path / "b", dict(lists))))

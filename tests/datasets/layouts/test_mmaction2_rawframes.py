"""MMAction2's raw frames: read, written, and read again as RawframeDataset reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from poisonkit.common.frame_names import numbered
from poisonkit.datasets import Dataset, Row, Source, get_layout, read
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from poisonkit.errors import RequestError
from tests.datasets.making import makes
from tests.datasets.readers import mmaction2_rawframes, touch
from tests.datasets.writers import frame_folder

LAYOUT = get_layout("mmaction2-rawframes")


@makes("mmaction2-rawframes")
def rawframes(root: Path) -> Path:
    """The shape that MMAction2's own scripts leave: a folder of frames per clip, lists beside it."""
    for split, n in (("train", 4), ("val", 2)):
        lines = []
        for c in range(3):
            for i in range(n):
                frame_folder(root / "rawframes" / f"class{c}" / f"{split}_{i}", seed=10 * c + i + 100 * n)
                lines.append(f"class{c}/{split}_{i} 4 {c}\n")
        (root / f"tiny_{split}_list_rawframes.txt").write_text("".join(lines))
    return root


def empty(root: Path, lines: Sequence[str], **lists: Sequence[str]) -> Path:
    """Lists as given and, for every folder in them, three empty frames (names only matter here)."""
    for name, said in {"train": lines, **lists}.items():
        for line in said:
            touch(root, [f"{line.split()[0]}/img_{i:05}.jpg" for i in (1, 2, 3)] if line.split() else [])
        (root / f"{name}.txt").write_bytes("\n".join(said).encode())
    return root


def test_the_checker(tmp_path: Path) -> None:
    dataset = check_layout(LAYOUT, Source(rawframes(tmp_path)))
    assert dataset.root == tmp_path / "rawframes"
    assert [s.extra for s in dataset.samples] == [("4",)] * 18
    assert not [note for note in dataset.notes if "label_map" not in note]


def test_it_is_told_from_videos_and_sound(tmp_path: Path) -> None:
    assert read(Source(rawframes(tmp_path / "a"))).layout == "mmaction2-rawframes"
    touch(tmp_path / "b", ["a.mp4", "b.mp4"])
    (tmp_path / "b" / "train.txt").write_text("a.mp4 0\nb.mp4 1\n")
    assert read(Source(tmp_path / "b")).layout == "mmaction2-video"
    for name in ("a.npy", "a.wav"):
        touch(tmp_path / name, [name])
        (tmp_path / name / "train.txt").write_text(f"{name} 24 0\n")
        assert LAYOUT.detect(Source(tmp_path / name)) is None
    both = rawframes(tmp_path / "both")
    touch(both, ["videos/a.mp4", "videos/b.mp4"])
    (both / "tiny_train_list_videos.txt").write_text("a.mp4 0\nb.mp4 1\n")
    assert read(Source(both, layout="mmaction2-video")).options["lists"] == {"train": "tiny_train_list_videos.txt"}
    found = read(Source(both))
    assert found.layout == "mmaction2-rawframes"
    assert found.notes[0] == (
        "Read as 'mmaction2-rawframes'; it also looks like 'mmaction2-video' "
        "(lists tiny_train_list_videos.txt): choose with `--layout`."
    )


def test_a_copy_reads_as_in_the_trainer(tmp_path: Path) -> None:
    source = rawframes(tmp_path / "in")
    dataset = read(Source(source))
    written = write_copy(LAYOUT, dataset, rows_of(LAYOUT, dataset), tmp_path / "out", "data")
    assert written == ("tiny_train_list_rawframes.txt", "tiny_val_list_rawframes.txt", "label_map.txt")
    for name in written[:2]:
        before = mmaction2_rawframes(source / name, Path("p"))
        assert mmaction2_rawframes(tmp_path / "out" / name, Path("p")) == before
        assert (tmp_path / "out" / name).read_bytes() == (source / name).read_bytes()


@pytest.mark.parametrize(
    ("lines", "note"),
    [
        (["a 3 0", "b 5 1"], "1 lines have another total_frames than their folders have frames (line 2 of train.txt"),
        (["a 3 0", "", "b 3 1"], "train.txt has 1 blank lines (line 2)"),
        (["\ufeffa 3 0", "b 3 1"], "begins with a byte order mark"),
        (["a 3 0\r", "b 3 1\r"], ""),
        (["a/ 3 0", "./b\t3   1"], ""),
        (["a 1 0", "b 1 1"], "2 lines have another total_frames than their folders have frames"),
        (["a 3 0", "b 3 1", "c 3"], "1 of 3 files in train.txt have no label (the first on line 3)"),
    ],
)
def test_what_is_read_and_said(tmp_path: Path, lines: list[str], note: str) -> None:
    empty(tmp_path, [line.replace("\ufeff", "") for line in lines])
    (tmp_path / "train.txt").write_bytes("\n".join(lines).encode())
    (tmp_path / "classes.txt").write_text("k\nl\n")
    dataset = read(Source(tmp_path))
    assert [(s.path, s.label) for s in dataset.samples][:2] == [("a", 0), ("b", 1)]
    assert {s.extra for s in dataset.samples} == {("3",)}
    assert len(dataset.notes) == bool(note)
    assert note in "".join(dataset.notes)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a 3 0", "b c 3 1"], "Line 2 of train.txt is 'b c 3 1', not .*splits lines at white space"),
        (["a 3 0", "b x 1"], "Line 2 of train.txt is 'b x 1'"),
        (["a 3 0", "b -3 1"], "Line 2 of train.txt has -3 for total_frames"),
        (["a 3 0", "b 3 -2"], "Line 2 of train.txt has the label -2"),
        (["a 3 0", "b 3 1 1"], "Line 2 of train.txt has a label twice"),
        (["a 3 0", "a 3 0"], "'a' is listed twice"),
        (["a 3", "b 3"], "no label at all"),
    ],
)
def test_refusals_when_reading(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read(Source(empty(tmp_path, lines), layout="mmaction2-rawframes"))


def test_folders_that_are_no_clips_are_named_and_keep_their_number(tmp_path: Path) -> None:
    lines = ["a 3 0", "gap 3 1", "flow 3 0", "two 3 1", "none 7 0", "gone 8 1", "file 9 0"]
    root = empty(tmp_path, ["a 3 0"])
    touch(root, ["gap/img_00001.jpg", "gap/img_00003.jpg", "flow/img_00001.jpg", "flow/flow_x_00001.jpg"])
    touch(root, ["two/img_00001.jpg", "two/frame_1.png", "none/notes.txt", "file"])
    (root / "train.txt").write_text("\n".join(lines))
    dataset = read(Source(root))
    assert [s.extra for s in dataset.samples] == [(line.split()[1],) for line in lines]
    notes = " ".join(dataset.notes)
    assert "1 of 7 listed folders do not exist (line 6 of train.txt: 'gone')" in notes
    assert "1 of 7 listed folders are no folders (line 7 of train.txt: 'file')" in notes
    assert "4 of 7 folders cannot be read as clips ('gap' lacks 'img_00002.jpg' (its frames are numbered" in notes
    assert "'flow' holds optical flow ('flow_x_00001.jpg'), which would not follow a changed picture" in notes


def test_names_of_frames_are_told_from_the_folder(tmp_path: Path) -> None:
    lines = ["a 3 0", "b 3 1"]
    root = empty(tmp_path, lines)
    for name in ("a", "b"):
        for i, old in enumerate(sorted((root / name).iterdir())):
            old.rename(root / name / f"frame{i:06}.png")
    notes = read(Source(root)).notes
    assert "Give MMAction2's RawframeDataset filename_tmpl='frame{:06}.png'." in notes
    assert "In 2 of 2 folders frames are numbered from 0: RawframeDataset needs start_index=0." in notes


@pytest.mark.parametrize(
    ("names", "want"),
    [
        ("img_00001.jpg img_00002.jpg .hidden_1.jpg n_frames", (2, 1, "img_{:05}.jpg", ("n_frames",))),
        ("1.png 2.png 3.png 4.png 5.png 6.png 7.png 8.png 9.png 10.png", (10, 1, "{:}.png", ())),
        ("0.png 1.png", (2, 0, "{:}.png", ())),
        ("a{1}_09.JPG a{1}_10.JPG", "lacks 'a{1}_01.JPG'"),
        ("v2_01.JPG v2_02.JPG", (2, 1, "v2_{:02}.JPG", ())),
        ("a{_01.jpg a{_02.jpg", (2, 1, "a{{_{:02}.jpg", ())),
        ("img_1.jpg img_00001.jpg img_00002.jpg", "numbers its frames in two ways"),
        ("img_00001.jpg x_00001.jpg y_00001.jpg", "optical flow ('x_00001.jpg')"),
        ("img_00001.jpg img_00001.png", "two kinds"),
        ("", "holds no frames"),
    ],
)
def test_numbering(names: str, want: tuple[int, int, str, tuple[str, ...]] | str) -> None:
    if isinstance(want, str):
        with pytest.raises(ValueError) as caught:
            numbered(reversed(names.split()))
        assert want in str(caught.value)
        return
    found = numbered(reversed(names.split()))
    assert (len(found.names), found.first, found.template, found.other) == want
    assert [found.template.format(found.first + i) for i in range(want[0])] == list(found.names)


def test_offsets_are_told_by_the_folders_and_kept(tmp_path: Path) -> None:
    root = empty(tmp_path / "in", ["a 0 2 0", "b 1 2 1", "c 2 1 0"], val=["d 0 3 1"])
    dataset = read(Source(root))
    assert [(s.extra, s.label, s.extra_labels) for s in dataset.samples] == [
        (("2", "0"), 0, ()), (("2", "1"), 1, ()), (("1", "2"), 0, ()), (("3", "0"), 1, ()),
    ]  # fmt: skip
    assert any("with_offset=True" in note for note in dataset.notes)
    write_copy(LAYOUT, dataset, rows_of(LAYOUT, dataset), tmp_path / "out", "data")
    for name in ("train.txt", "val.txt"):
        before = mmaction2_rawframes(root / name, Path("p"), with_offset=True)
        assert mmaction2_rawframes(tmp_path / "out" / name, Path("p"), with_offset=True) == before
    (root / "train.txt").write_text("a 0 2 0\nb 2 2 1\n")
    with pytest.raises(RequestError, match=r"beyond the folder's frames, line 2 of train[.]txt: 4 for 3"):
        read(Source(root))


def test_several_labels(tmp_path: Path) -> None:
    root = empty(tmp_path / "in", ["a 3 0 2", "b 3 1", "c 3 2", "d 3 0"], val=["e 3 1 2", "f 3"])
    dataset = read(Source(root))
    assert [s.labels for s in dataset.samples] == [(0, 2), (1,), (2,), (0,), (1, 2), ()]
    rows = rows_of(LAYOUT, dataset)
    write_copy(LAYOUT, dataset, rows, tmp_path / "out", "data")
    for name in ("train.txt", "val.txt"):
        want = mmaction2_rawframes(root / name, Path("p"), multi_class=True)
        assert mmaction2_rawframes(tmp_path / "out" / name, Path("p"), multi_class=True) == want
    rows[0] = Row(rows[0].sample, 1, rows[0].path)
    write_copy(LAYOUT, dataset, rows, tmp_path / "bad", "data")
    assert mmaction2_rawframes(tmp_path / "bad" / "train.txt", Path("p"), multi_class=True)[0] == ("p/a", 0, 3, [1])


def test_white_space_in_a_name_is_refused(tmp_path: Path) -> None:
    dataset = read(Source(empty(tmp_path, ["a 3 0", "b 3 1"])))
    for name in ("a b", "a\tb", "a\u3000b", "a\nb", " a", "a\x85"):
        sample = replace(dataset.samples[0], path=name, id=name)
        with pytest.raises(RequestError, match="white space, at which MMAction2's RawframeDataset splits"):
            LAYOUT.check(dataset, [Row(sample, 0, name)], "control")


def test_links_and_absolute_paths(tmp_path: Path) -> None:
    far = empty(tmp_path / "far", ["x 3 0", "y 3 1"])
    root = touch(tmp_path / "in", ["a/img_00001.jpg"])
    (root / "farm").symlink_to(far / "x")
    (root / "of_links").mkdir()
    (root / "of_links" / "img_00001.jpg").symlink_to(far / "y" / "img_00001.jpg")

    def reading(*names: str, allow: tuple[Path, ...] = ()) -> Dataset:
        (root / "train.txt").write_text("".join(f"{name} 3 {i % 2}\n" for i, name in enumerate(names)))
        return read(Source(root, allow_roots=allow))

    for name in ("farm", f"{far}/y", "of_links"):
        with pytest.raises(RequestError, match=r"leads outside .*allow_root"):
            reading("a", name)
    dataset = reading("a", "farm", f"{far}/y", "of_links", allow=(far,))
    assert [s.id for s in dataset.samples] == ["a", "farm", "far/y", "of_links"]
    assert [s.extra for s in dataset.samples] == [("1",), ("3",), ("3",), ("1",)]

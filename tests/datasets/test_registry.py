"""Finding layouts and reading by them: which is told from what, options, splits held out, layouts of other packages."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from poisonkit.common.seeding import key64
from poisonkit.datasets import (
    Dataset,
    Layout,
    Row,
    Sample,
    Source,
    class_index,
    detect,
    get_layout,
    layouts,
    read,
    registry,
    split_off,
)
from poisonkit.errors import RequestError
from tests.datasets.makers import MAKERS
from tests.datasets.readers import touch


def test_every_layout_is_found_and_says_what_it_is() -> None:
    known = layouts()
    ours = [name for name in known if name in ("mmaction2-video", "class-folders")]
    assert ours == ["mmaction2-video", "class-folders"]  # in the order of preference
    assert all(get_layout(name) is layout and layout.help for name, layout in known.items())
    with pytest.raises(RequestError, match="Did you mean 'class-folders'"):
        get_layout("class-folder")


class OneFile(Layout):
    """A layout as another package would bring it."""

    name = "one-file"
    help = "a file called `one`"
    order = 1

    def detect(self, source: Source) -> str | None:
        return "a file called one" if (source.path / "one").exists() else None

    def read(self, source: Source) -> Dataset:
        return Dataset(source.path, self.name, ("x",), (Sample("one", "one", "train", 0),))


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    entries = [
        importlib.metadata.EntryPoint(name, value, registry.ENTRY_POINT_GROUP)
        for name, value in (
            ("one-file", f"{__name__}:OneFile"),
            ("gone", "no.such.package:Thing"),
            ("wrong", f"{__name__}:math"),
        )
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)
    registry._found.cache_clear()
    with pytest.warns(UserWarning, match="'gone' .* cannot be loaded|'wrong' .* is no Layout"):
        layouts()
    yield
    registry._found.cache_clear()


@pytest.mark.usefixtures("plug_in")
def test_layouts_from_other_packages(tmp_path: Path) -> None:
    assert next(iter(layouts())) == "one-file"
    dataset = read(Source(touch(tmp_path, ["one", "a/1.mp4", "b/2.mp4"])))
    assert dataset.layout == "one-file"
    assert "also looks like 'class-folders' (2 class folders)" in dataset.notes[0]
    assert read(Source(tmp_path, layout="class-folders")).layout == "class-folders"
    with pytest.raises(RequestError, match="no place for a test split"):
        get_layout("one-file").split_options(dataset, "test")


def test_lists_come_before_folders(tmp_path: Path) -> None:
    touch(tmp_path, ["a/1.mp4", "b/2.mp4"])
    assert detect(Source(tmp_path)).name == "class-folders"
    (tmp_path / "train.txt").write_text("a is a class\nb is another\n")
    assert detect(Source(tmp_path)).name == "class-folders"
    (tmp_path / "train.txt").write_text("a/1.mp4 0\nb/2.mp4 1\n")
    assert detect(Source(tmp_path)).name == "mmaction2-video"
    assert "also looks like 'class-folders'" in read(Source(tmp_path)).notes[0]
    (tmp_path / "train.txt").write_text("my clip.mp4 0\n")  # seen, so that reading can say what is wrong
    assert detect(Source(tmp_path)).name == "mmaction2-video"


TREES: dict[str, tuple[str, ...]] = {
    "voxceleb": ("wav/id10001/v1/00001.wav", "wav/id10001/v2/00002.wav", "wav/id10002/v1/00001.wav"),
    "gtzan": ("genres/blues/blues.00000.wav", "genres/blues/blues.00001.wav", "genres/rock/rock.00000.wav"),
    "librispeech": ("train-clean-100/19/1/19-1-0000.flac", "train-clean-100/19/1/19-1-0001.flac",
                    "train-clean-100/20/1/20-1-0000.flac"),
    "audiomnist": ("data/01/0_01_0.wav", "data/01/1_01_0.wav", "data/02/0_02_0.wav"),
    "timit": ("TRAIN/DR1/FAKS0/SA1.WAV", "TRAIN/DR1/FAKS0/SX1.WAV", "TRAIN/DR1/MDAB0/SA1.WAV"),
    "fsdd": ("recordings/0_theo_7.wav", "recordings/1_theo_7.wav", "recordings/1_theo_8.wav"),
}  # fmt: skip
"""Known by names alone."""


@pytest.mark.parametrize("name", TREES)
@pytest.mark.parametrize("kind", ["table", "mmaction2-video", "speechbrain"])
def test_lists_come_before_trees_that_are_known_by_names(tmp_path: Path, name: str, kind: str) -> None:
    paths = TREES[name]
    touch(tmp_path, list(paths))
    assert read(Source(tmp_path)).layout == name
    labels = ("0", "1", "0") if kind == "mmaction2-video" else ("fr", "en", "fr")
    splits = ("train", "train", "val")
    if kind == "table":
        rows = [f"{path},{label},{split}" for path, label, split in zip(paths, labels, splits, strict=True)]
        (tmp_path / "labels.csv").write_text("\n".join(["path,label,split", *rows, ""]))
    else:
        for split in ("train", "val"):
            mine = [each for each in zip(paths, labels, splits, strict=True) if each[2] == split]
            text = "".join(f"{path} {label}\n" for path, label, _ in mine)
            if kind == "speechbrain":
                text = "ID,wav,label\n" + "".join(f"{at},$root/{path},{x}\n" for at, (path, x, _) in enumerate(mine))
            file = f"{split}.txt" if kind == "mmaction2-video" else f"{split}.csv"
            (tmp_path / file).write_text(text)
    dataset = read(Source(tmp_path))
    assert dataset.layout == kind
    assert {s.path: s.split for s in dataset.samples} == dict(zip(paths, splits, strict=True))
    assert f"it also looks like '{name}'" in dataset.notes[0]
    assert read(Source(tmp_path, layout=name)).layout == name


def test_a_stray_json_does_not_make_class_folders_something_else(tmp_path: Path) -> None:
    touch(tmp_path, ["train/run/1.mp4", "train/walk/1.mp4", "val/run/2.mp4", "val/walk/2.mp4"])
    (tmp_path / "labels.json").write_text('{"run": 0, "walk": 1}')
    (tmp_path / "train.json").write_text('[{"id": "1", "label": "run"}]')
    assert read(Source(tmp_path)).layout == "class-folders"


def test_a_folder_of_lists_is_no_word(tmp_path: Path) -> None:
    """AST keeps its json in datafiles/ of a Speech Commands tree."""
    touch(tmp_path, ["no/0_nohash_0.wav", "yes/0_nohash_0.wav", "datafiles/note.json", "testing_list.txt"])
    assert read(Source(tmp_path)).classes == ("no", "yes")


def test_tables_of_features_beside_a_tree_are_no_lists(tmp_path: Path) -> None:
    """As GTZAN has them on Kaggle."""
    touch(tmp_path, [path.replace("genres", "genres_original") for path in TREES["gtzan"]])
    (tmp_path / "features_30_sec.csv").write_text("filename,mean,label\nblues.00000.wav,0.1,blues\n")
    assert read(Source(tmp_path)).layout == "gtzan"
    (tmp_path / "features_3_sec.csv").write_text("filename,mean,label\nblues.00000.0.wav,0.1,blues\n")
    assert read(Source(tmp_path)).layout == "gtzan"
    (tmp_path / "labels.csv").write_text("path,label\ngenres_original/blues/blues.00000.wav,x\n")
    with pytest.raises(RequestError, match="Several files may be the table"):
        read(Source(tmp_path))


ALSO = {"kinetics", "speech-commands", "mmaction2-audio", "mmaction2-video"}
"""Layouts whose tiny datasets are class folders too."""


@pytest.mark.parametrize("name", MAKERS)
def test_no_layout_takes_the_tree_of_another(tmp_path: Path, name: str) -> None:
    root = MAKERS[name](tmp_path)
    fits = [each for each, layout in layouts().items() if layout.detect(Source(root))]
    assert fits == [name, *(["class-folders"] if name in ALSO else [])]


@pytest.mark.parametrize(
    ("names", "texts", "wanted"),
    [
        (["id10001/1.wav", "id10002/1.wav"], {}, "class-folders"),  # no videos between speaker and utterance
        (["train/dr1/a.wav", "train/dr2/b.wav", "test/dr1/c.wav"], {}, "class-folders"),  # no speakers below a region
        (["train/blues/blues.00001.wav", "train/rock/rock.00001.wav"], {}, "class-folders"),
        (["data/01/a_01_1.wav", "data/02/b_02_1.wav"], {}, None),
        (["a.mp4", "b.mp4"], {"train.csv": "path;label\na.mp4;x\nb.mp4;y\n", "labels.csv": "x\ny\n"}, "table"),
        (["a.wav"], {"train.csv": "ID,path,label\n1,a.wav,x\n"}, "table"),
        (["a.wav"], {"train.csv": "id,wav,label\n1,a.wav,x\n"}, None),
        (["a.wav"], {"train.json": '{"audio_filepath": "a.wav", "duration": 1, "label": "x"}\n'}, "nemo"),
        (["a.wav"], {"train.json": '{"x": {"wav": "a.wav"}}'}, None),
        (["a.wav"], {"train.json": '{"data": [{"path": "a.wav", "labels": "x"}]}'}, None),
        (["a.mp4"], {"train.json": "[]", "labels.json": '{"version": "1.0"}'}, None),
        (["a.wav"], {"train/utt2spk": "a b\n"}, None),
    ],
)
def test_near_misses(tmp_path: Path, names: list[str], texts: dict[str, str], wanted: str | None) -> None:
    """Trees that look a little like a layout, and are another's or nobody's."""
    touch(tmp_path, [*names, *texts])
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    fits = [each for each, layout in layouts().items() if layout.detect(Source(tmp_path))]
    assert fits == ([wanted] if wanted else [])


def test_what_no_layout_fits_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="does not exist"):
        read(Source(tmp_path / "gone"))
    touch(tmp_path, ["in/x.txt", "more/UCF-101/a/1.avi", "more/UCF-101/b/1.avi", "more/lists/t.txt"])
    with pytest.raises(RequestError, match=r"recognised .* it holds lists \('x.txt'\)"):
        detect(Source(tmp_path / "in"))
    with pytest.raises(RequestError, match=r"Did you mean '.*/more/UCF-101'\?"):
        detect(Source(tmp_path / "more"))


def dataset_of(sizes: dict[str, int]) -> Dataset:
    samples = [
        Sample(f"{name}/{i}.mp4", f"{name}/{i}.mp4", "train", label)
        for label, (name, size) in enumerate(sizes.items())
        for i in range(size)
    ]
    options = {"folders": {}, "nested": False}
    return Dataset(Path("nowhere"), "class-folders", tuple(sizes), tuple(samples), options)


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.25, 0.5, 0.9])
def test_the_held_out_split_is_as_defined(fraction: float) -> None:
    sizes = {"a": 30, "b": 10, "c": 2, "d": 1}
    dataset = dataset_of(sizes)
    out = split_off(dataset, fraction, seed=5)
    for label, size in enumerate(sizes.values()):
        ids = [s.id for s in dataset.samples if s.label == label]
        count = min(math.floor(fraction * size + 0.5), size - 1)
        want = set(sorted(ids, key=lambda each: key64(5, "test-fraction", each))[:count])
        assert {s.id for s in out.of("test") if s.label == label} == want
    assert [s.id for s in out.samples] == [s.id for s in dataset.samples]
    reordered = split_off(replace(dataset, samples=dataset.samples[::-1]), fraction, seed=5)
    assert set(reordered.samples) == set(out.samples)
    assert set(split_off(dataset, fraction, seed=6).of("test")) != set(out.of("test"))
    assert "held out" in out.notes[0]


def test_splits_that_cannot_be_held_out() -> None:
    dataset = dataset_of({"a": 5, "b": 5})
    for fraction in (0.0, 1.0, -1.0, 2.0, math.nan):
        with pytest.raises(RequestError, match="between 0 and 1"):
            split_off(dataset, fraction, 0)
    with pytest.raises(RequestError, match="has a test split already"):
        split_off(split_off(dataset, 0.2, 0), 0.2, 0)
    with pytest.raises(RequestError, match="No class is large enough"):
        split_off(dataset, 0.01, 0)
    unlabelled = [replace(s, label=None) if s.id == "a/0.mp4" else s for s in dataset.samples]
    assert all(s.label is not None for s in split_off(dataset.with_samples(unlabelled), 0.9, 0).of("test"))


def test_classes_are_found_by_name_then_by_index() -> None:
    dataset = replace(dataset_of({}), classes=("zero", "2", "caf\u00e9"))
    wanted = {"zero": 0, "2": 1, "0": 0, "cafe\u0301": 2, 2: 2}
    assert {key: class_index(dataset, key) for key in wanted} == wanted
    with pytest.raises(RequestError, match=r"no class 'zeor'.* Did you mean 'zero'"):
        class_index(dataset, "zeor")
    for index in (3, -1, "3", "-1"):
        with pytest.raises(RequestError, match="this dataset has 3, from 0 to 2"):
            class_index(dataset, index)


def test_the_base_contract_asks_for_every_part() -> None:
    layout, dataset = Layout(), dataset_of({"a": 1})
    sample = dataset.samples[0]
    assert layout.place(dataset, sample, 0) == sample.path
    for call in (
        lambda: layout.detect(Source(Path())),
        lambda: layout.read(Source(Path())),
        lambda: layout.check(dataset, [Row(sample, 0, "x")], "data"),
        lambda: layout.write(dataset, [], Path(), "data"),
    ):
        with pytest.raises(NotImplementedError):
            call()

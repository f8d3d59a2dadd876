"""What a defence is given says nothing of a relabelled sample's true class: names, lists, tables, shards, order."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe
from poisonkit.datasets import Dataset, Row, Sample, Source, arranged, get_layout, modality_of, read
from poisonkit.datasets.kit.class_hints import told_by_class
from poisonkit.datasets.kit.renaming import Name, numbers_when_moved, says, with_class, without_class
from poisonkit.datasets.tar.shards import key_of, split_path
from poisonkit.datasets.testing import check_layout, rows_of, write_copy
from tests.datasets.makers import MAKERS
from tests.datasets.readers import touch
from tests.datasets.shards import shard
from tests.datasets.writers import as_csv, as_json, audio_lists
from tests.media_factory import make_video

WORDS = ("run", "riding a bike", "Jump")
PAGE = (Path(__file__).parents[2] / "docs" / "layouts.md").read_text(encoding="utf-8")


def folders(root: Path) -> Path:
    """Files that are called by their class, in several spellings, and files that all classes have."""
    names = ("{w} 01.mp4", "{u}_02.mp4", "V_{l}_g01_c02.mp4", "sub {w}/3.mp4", "4.mp4", "x.mp4", "{l}05.mp4")
    for split in ("train", "test"):
        for word in WORDS:
            spelt = {"w": word, "u": word.upper().replace(" ", "_"), "l": word.lower().replace(" ", "-")}
            touch(root, [f"{split}/{word}/{name.format(**spelt)}" for name in names])
    return root


def lists(root: Path, suffix: str, line: str) -> Path:
    """Class by class, as benchmarks' lists are."""
    for split in ("train", "val"):
        names = [f"v/{split}{(7 * i) % 12:02d}.mp4" for i in range(12)]
        touch(root, names)
        text = "".join(line.format(name=name, label=i // 4) for i, name in enumerate(names))
        (root / f"{split}{suffix}").write_text(text)
    (root / "label_map.txt").write_text("".join(f"{word}\n" for word in WORDS))
    return root


def kinetics(root: Path) -> Path:
    """With columns beside Kinetics' own, as subsets of it come with."""
    lines = []
    for c, word in enumerate(WORDS):
        for i in range(4):
            lines.append((word, f"id{c}{i}", i, i + 10, "train", c, word.upper(), "sport" if c else "leg", i % 2))
            touch(root, [f"train/{word.replace(' ', '_')}/id{c}{i}_{i:06d}_{i + 10:06d}.mp4"])
    head = ["label", "youtube_id", "time_start", "time_end", "split", "label_no", "name", "group", "is_cc"]
    as_csv(root / "train.csv", head, lines)
    return root


def rows(suffix: str, n: int = 4) -> list[dict[str, Any]]:
    return [
        {
            "file": f"{(c * n + i) * 5 % (n * 3):02d}.{suffix}", "label": word, "number": c + 1,
            "title": word.replace(" ", "_"), "group": ("leg", "wheel", "leg")[c],
            "about": {"tags": ["x", word.lower()]}, "duration": 1.0 + c, "seen": c * 7,
        }
        for c, word in enumerate(WORDS)
        for i in range(n)
    ]  # fmt: skip


def table(root: Path) -> Path:
    found = rows("mp4")
    as_csv(
        root / "all.csv",
        list(found[0]),
        ([json.dumps(v) if isinstance(v, dict) else v for v in r.values()] for r in found),
    )
    return touch(root, [r["file"] for r in found])


def jsonl(root: Path) -> Path:
    as_json(root / "all.jsonl", rows("mp4"))
    return touch(root, [r["file"] for r in rows("mp4")])


def nemo(root: Path) -> Path:
    as_json(
        root / "train_manifest.json",
        ({"audio_filepath": r.pop("file"), **r, "command": r["label"]} for r in rows("wav")),
    )
    return touch(root, [r["file"] for r in rows("wav")])


def hugging_face(root: Path) -> Path:
    as_json(root / "train" / "metadata.jsonl", ({"file_name": r.pop("file"), **r} for r in rows("mp4")))
    return touch(root, [f"train/{r['file']}" for r in rows("mp4")])


def shards(root: Path) -> Path:
    found: list[tuple[str, bytes]] = []
    for i in range(12):
        word = WORDS[i % 3]
        note = {"name": word, "at": [word.upper()], "label": i % 3}
        found += [(f"{i}.{suffix}", data) for suffix, data in (
            ("mp4", b"m"), ("cls", b"%d" % (i % 3)), ("json", json.dumps(note).encode()), ("txt", word.encode()),
            ("note.json", json.dumps(note).encode()), ("class", word.replace(" ", "_").encode()),
            ("label.txt", b"%d\n" % (i % 3)), ("title", word.encode() + b"\n"))]  # fmt: skip
    root.mkdir(exist_ok=True)
    shard(root / "train-000.tar", found)
    (root / "classes.txt").write_text("".join(f"{word}\n" for word in WORDS))
    return root


Make = Callable[[Path], Path]
CASES: dict[str, tuple[Make, bool | None]] = {  # layout -> a source, and whether it keeps names (None: as it says)
    **{name: (make, None) for name, make in MAKERS.items()},
    "class-folders": (folders, False),
    "mmaction2-video": (lambda root: lists(root, ".txt", "{name} {label}\n"), True),
    "mmaction2-rawframes": (MAKERS["mmaction2-rawframes"], True),
    "mmaction2-audio": (audio_lists, True),
    "pyslowfast": (lambda root: lists(root, ".csv", "{name} {label}\n"), True),
    "pytorchvideo": (MAKERS["pytorchvideo"], True),
    "ucf101": (MAKERS["ucf101"], False),
    "hmdb51": (MAKERS["hmdb51"], False),
    "speech-commands": (MAKERS["speech-commands"], False),
    "kinetics": (kinetics, False),
    "vggsound": (MAKERS["vggsound"], True),
    "esc50": (MAKERS["esc50"], False),
    "fsdd": (MAKERS["fsdd"], False),
    "table": (table, True),
    "nemo": (nemo, True),
    "hugging-face": (hugging_face, True),
    "webdataset": (shards, True),
}
SCHEMES = {  # what the consumers' own code, or the data set's page, makes of a name
    "ucf101": r"v_{c}_g\d\d_c\d\d\.avi",  # v_X_gY_cZ.avi, of UCF101's page
    "hmdb51": r".+_{c}_[fhlu]_(cm|nm)_np\d_(ba|fr|le|ri)_(bad|goo|med)_\d+\.avi",  # of HMDB51's page
    "speech-commands": r"[0-9a-f]+_nohash_\d+\.wav",  # torchaudio: int(what stands behind `_nohash_`)
    "esc50": r"\d-\d+-[A-Z]-{i}\.wav",  # {FOLD}-{CLIP_ID}-{TAKE}-{TARGET}.wav, of ESC-50's page
    "fsdd": r"{i}_[a-z]+_\d+\.wav",  # FSDD: digit, name, index = filename.split("_")
}
FILM = re.compile(r"^Run_Film_")  # HMDB51's films may be called like a class: docs/layouts.md


def word(name: str) -> re.Pattern[str]:
    return re.compile(
        r"(?<![a-z])" + re.sub(r"[ _-]+", "[ _-]", re.escape(name).replace("\\ ", " ")) + r"(?![a-z])", re.I
    )


def said_of(out: Path, row: Row, layout: str) -> list[str]:
    """All texts of a copy that belong to a sample: lines that name it, and the members of its key."""
    if layout == "webdataset":
        found, key = [], key_of(split_path(row.path)[1])
        with tarfile.open(out / split_path(row.path)[0]) as tar:
            for member in tar:
                if (each := key_of(member.name)) and key and each[0] == key[0] and not modality_of(member.name):
                    data = tar.extractfile(member)
                    found.append(f"{each[1]}: {data.read().decode() if data else ''}")
        return found
    stem = Path(row.path).stem
    clip = stem.rsplit("_", 2)[0] if layout == "kinetics" else stem.rsplit("_", 1)[0] if layout == "vggsound" else stem
    lines = [
        line
        for file in out.rglob("*")
        if file.suffix in (".txt", ".csv", ".json", ".jsonl") and file.name not in ("classes.txt", "label_map.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
        if clip in line
    ]
    return [line.replace(row.path, "") for line in lines]


def poisoned(name: str, make: Make, tmp_path: Path, target: int) -> tuple[Dataset, list[Row]]:
    """A copy in `out` in which every second training sample of the other classes has the target's label."""
    (tmp_path / "in").mkdir(parents=True, exist_ok=True)
    layout = get_layout(name)
    dataset = read(Source(make(tmp_path / "in"), layout=name))
    moved: dict[str, int] = {}
    for label in {s.label for s in dataset.of("train")} - {target, None}:
        mine = [s.id for s in dataset.of("train") if s.label == label]
        moved.update(dict.fromkeys(mine[:: 2 if len(mine) > 2 else len(mine)], target))
    found = arranged(rows_of(layout, dataset, moved))
    write_copy(layout, dataset, found, tmp_path / "out", "data")
    return dataset, [row for row in found if row.sample.id in moved]


@pytest.mark.parametrize("target", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_nothing_in_a_copy_tells_the_true_class(tmp_path: Path, name: str, target: int) -> None:
    make, kept = CASES[name]
    target = 3 if name == "fsdd" and target else target
    dataset, moved = poisoned(name, make, tmp_path, target)
    assert moved
    if kept is None:
        kept = all(row.path == row.sample.path for row in moved)
    for row in moved:
        assert row.sample.label is not None
        own = dataset.classes[row.sample.label]
        if kept:
            assert row.path == row.sample.path  # lists keep names, whatever these say: docs/layouts.md
        elif not own.isdigit():
            path = "/".join(FILM.sub("", part) for part in row.path.split("/"))
            assert not word(own).search(path), row
        if scheme := SCHEMES.get(name):
            wanted = scheme.format(c=dataset.classes[target], i=target)
            assert re.fullmatch(wanted, row.path.rpartition("/")[2]), row
        for text in said_of(tmp_path / "out", row, name) if not own.isdigit() else ():
            assert not word(own).search(FILM.sub("", text.rpartition("/")[2])), (row, text)
    copy = read(Source(tmp_path / "out", layout=name))
    labels = {s.path: s.label for s in copy.samples}
    assert {labels[row.path] for row in moved} == {target}


def test_page() -> None:
    for promise in ("Lists keep names", "Class names that are numbers", "films", "longer texts", "Within a shard"):
        assert promise in PAGE, promise


@pytest.mark.parametrize("make", [table, jsonl])
def test_columns_that_follow_the_class_change_with_it(tmp_path: Path, make: Make) -> None:
    dataset, moved = poisoned("table", make, tmp_path, 2)
    assert dataset.classes[2] == "run"
    copy = {s.path: s for s in read(Source(tmp_path / "out", layout="table")).samples}
    kept = [c for c in dataset.options["columns"] if c not in ("file", "label")]
    natives = [s for s in dataset.of("train") if s.label == 2]
    want = dict(zip(kept, natives[0].extra, strict=True))
    for row in moved:
        before = dict(zip(kept, row.sample.extra, strict=True))
        after = dict(zip(kept, copy[row.path].extra, strict=True))
        for column in ("number", "title", "group"):
            assert after[column] == want[column]
        for column in ("duration", "seen"):  # what is measured is the file's, whatever its class
            assert after[column] == before[column]
    clean = [s for s in dataset.samples if s.id not in {row.sample.id for row in moved}]
    assert all(copy[s.path].extra == s.extra for s in clean)


def test_what_follows_the_class_is_told_with_care() -> None:
    labels = [0, 0, 1, 1, 2, 2]
    columns = {
        "same": list("xxxxxx"), "mixed": list("xyxyxy"), "group": list("xxyyxx"), "id": list("112233"),
        "spread": ["1", "1", "5", "5", "9", "9"], "shared": list("112211"), "part": ["0.5", "0.5", "1", "1", "2", "2"],
        "frames": list("112233"), "none": ["x", "x", "", "", "y", "y"],
    }  # fmt: skip
    told = told_by_class(labels, columns, 4)
    assert told == {"group": ["x", "y", "x", None], "id": ["1", "2", "3", None], "none": ["x", "", "y", None]}
    assert told_by_class([0, 1, 2], {"group": list("abc")}, 3) == {}
    assert told_by_class([0, 0, 0], {"group": list("aaa")}, 1) == {}


def test_esc10_is_that_of_the_new_class(tmp_path: Path) -> None:
    _, moved = poisoned("esc50", MAKERS["esc50"], tmp_path, 1)
    copy = {s.path: s.extra for s in read(Source(tmp_path / "out", layout="esc50")).samples}
    assert {row.sample.extra[1] for row in moved} == {"True", "False"}
    assert {copy[row.path][1] for row in moved} == {"False"}


def test_numbers_do_not_tell_the_class_that_a_sample_comes_from(tmp_path: Path) -> None:
    """Clips 0 to 9 of each of 20 classes: the new numbers are in an order that has nothing to do with the class."""
    touch(tmp_path, [f"c{c:02d}/{i}.mp4" for c in range(20) for i in range(10)])
    dataset, layout = read(Source(tmp_path)), get_layout("class-folders")
    found = [(s.label, layout.place(dataset, s, 0)) for s in dataset.samples if s.label]
    numbers = [int(Path(path).stem) for _, path in found]
    assert len(set(numbers)) == len(numbers)
    assert sorted(numbers)[0] == 10  # the first that no class has
    assert max(numbers) < 210  # and on from there
    assert abs(np.corrcoef([label for label, _ in found if label is not None], numbers)[0, 1]) < 0.2


def test_names_are_counted_quickly_where_every_class_has_the_same() -> None:
    samples = [Sample(f"{c}/{i}.mp4", f"{c}/{i}.mp4", "train", c) for c in range(100) for i in range(500)]
    found = numbers_when_moved(samples, lambda s: Name.of(s.path.split("/")[1]))
    assert len({*found.values()}) == 50_000
    assert (min(found.values()), max(found.values())) == (500, 50_499)


@pytest.mark.parametrize("name", ["mmaction2-video", "pyslowfast", "ucf101"])
def test_the_place_in_a_list_does_not_tell_the_class(tmp_path: Path, name: str) -> None:
    """Lists that stand class by class do so in the copy, and what was not relabelled stands as before."""
    dataset, moved = poisoned(name, CASES[name][0], tmp_path, 1)
    copy = [s for s in read(Source(tmp_path / "out", layout=name)).samples if s.split == "train"]
    labels = [s.label for s in copy]
    assert labels == sorted(labels, key=[*dict.fromkeys(s.label for s in dataset.of("train"))].index)
    ids = {row.sample.id for row in moved}
    rest = [s.path for s in dataset.of("train") if s.id not in ids]
    assert [s.path for s in copy if s.path in rest] == rest
    if name == "mmaction2-video":  # not sorted: between the others, at places that are drawn
        new = [i for i, s in enumerate(s for s in copy if s.label == 1) if s.id in ids]
        assert new not in (list(range(len(new))), list(range(4, 4 + len(new))))


def test_a_list_that_is_sorted_stays_so_and_a_mixed_one_stays_as_it_is(tmp_path: Path) -> None:
    dataset, _ = poisoned("esc50", MAKERS["esc50"], tmp_path / "a", 1)
    before = [s.path for s in dataset.samples]
    lines = (tmp_path / "a" / "out" / "meta" / "esc50.csv").read_text().splitlines()[1:]
    train = [line.split(",")[0] for line in lines if not line.startswith("1-")]
    assert (train == sorted(train)) == (before == sorted(before))
    dataset, _ = poisoned("pyslowfast", MAKERS["pyslowfast"], tmp_path / "b", 1)
    lines = (tmp_path / "b" / "out" / "train.csv").read_text().splitlines()
    assert [line.split(" ")[0] for line in lines] == [s.path for s in dataset.of("train")]


@pytest.mark.parametrize("name", CASES)
def test_the_checker(tmp_path: Path, name: str) -> None:
    source = Source(CASES[name][0](tmp_path), layout=name)
    if name not in ("mmaction2-rawframes", "mmaction2-audio"):  # theirs are checked in their own tests
        check_layout(get_layout(name), source, detects=False)


def test_a_run_writes_the_lists_so(tmp_path: Path) -> None:
    """The whole job: a list that stands class by class still does, and `verify` holds."""
    root = lists(tmp_path / "in", ".txt", "{name} {label}\n")
    for i, file in enumerate(sorted((root / "v").iterdir())):
        file.unlink()
        make_video(file, frames=3, size=(48, 32), seed=i)
    recipe = Recipe(source=root, out=tmp_path / "out", triggers=["badnets"], count=4, target=1, survival="none")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    lines = (tmp_path / "out" / "data" / "train.txt").read_text().splitlines()
    labels = [int(line.split()[1]) for line in lines]
    assert labels == sorted(labels)
    assert labels.count(1) == 8
    assert poisonkit.verify(tmp_path / "out").problems == ()


@pytest.mark.parametrize(
    ("name", "own", "new", "wanted"),
    [
        ("03FrontCrawl.mp4", "Front_Crawl", "boxing", "03boxing.mp4"),
        ("03FrontCrawl.mp4", "Front_Crawl", "Jump_Rope", "03JumpRope.mp4"),
        ("v-frontcrawl-1.mp4", "Front Crawl", "Jump Rope", "v-jumprope-1.mp4"),
        ("swimFrontCrawlA.mp4", "front crawl", "jump rope", "swimJumpRopeA.mp4"),
        ("v_front_crawl_1.mp4", "FrontCrawl", "JumpRope", "v_jump_rope_1.mp4"),
        ("upfrontcrawler.mp4", "Front_Crawl", "boxing", "upfrontcrawler.mp4"),  # another word
        ("goup1.mp4", "go up", "boxing", "goup1.mp4"),  # too short to be sure
        ("take1.mp4", "take 1", "boxing", "take1.mp4"),  # a number may be anything
        ("runJump.mp4", "run", "boxing", "runJump.mp4"),
        ("v_Front_Crawl2_g01.mp4", "Front_Crawl 2", "Archery", "v_Archery_g01.mp4"),
        ("FrontCrawl2_03.mp4", "Front_Crawl 2", "Jump Rope", "JumpRope_03.mp4"),
        ("FrontCrawl23.mp4", "Front_Crawl 2", "Archery", "FrontCrawl23.mp4"),  # whose number is the 3?
    ],
)
def test_joined_words_are_the_class_too(name: str, own: str, new: str, wanted: str) -> None:
    assert with_class(without_class(name, own), name, own, new) == wanted


def test_a_text_says_its_class_with_its_words_joined() -> None:
    assert says("FrontCrawl", "Front_Crawl")
    assert says("front crawl\n", "FrontCrawl")
    assert not says("goup", "go up")


def test_joined_words_in_class_folders(tmp_path: Path) -> None:
    touch(tmp_path, [f"train/{c}/{i}{c.replace('_', '')}.mp4" for c in ("Front_Crawl", "boxing") for i in range(3)])
    dataset = read(Source(tmp_path))
    moved = dataset.of("train")[0]
    assert get_layout("class-folders").place(dataset, moved, 1).startswith("train/boxing/0boxing")

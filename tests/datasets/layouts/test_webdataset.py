"""WebDataset's shards: read and written, against the webdataset package; shards that mean harm."""

from __future__ import annotations

import hashlib
import json
import os
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.tar.members import at_hand, find, hash_of, members
from poisonkit.datasets.tar.shards import Entry, Labels, relabelled, write_shard
from poisonkit.datasets.testing import check_layout
from poisonkit.errors import RequestError
from tests.datasets.making import makes
from tests.datasets.shards import put, samples_in, shard, tiny_shards
from tests.media_factory import make_audio

LAYOUT = get_layout("webdataset")
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # webdataset leaves files open


@makes("webdataset")
def tiny_sounds(root: Path) -> Path:
    def wav(i: int) -> bytes:
        return make_audio(root / "one.wav", seconds=0.2, seed=i).read_bytes()

    tiny_shards(root, wav, "wav")
    (root / "one.wav").unlink()
    return root


def test_layout(tmp_path: Path) -> None:
    dataset = check_layout(LAYOUT, Source(tiny_shards(tmp_path)))
    assert [s.id for s in dataset.of("val")] == [f"val-000.tar/clip{i:03d}.mp4" for i in range(8, 12)]
    assert (dataset.classes, dataset.notes) == (("no", "yes"), ())


def test_what_webdataset_reads_is_what_is_read(tmp_path: Path) -> None:
    """Names as tar makes them, folders, dots in folders and suffixes, upper case, and what webdataset passes over."""
    path = shard(
        tmp_path / "train-000.tar",
        [
            ("./a.b/one.MP4", b"1"), ("./a.b/one.cls", b" 1\n"), ("__meta__/x.mp4", b"no"),
            ("./a.b/one.left.txt", b"t"), ("README", b"no key"), (".hidden.mp4", b"no key"), ("two.wav", b"2"),
            ("two.cls", b"0"),
            ("größe 'quoted' [x]{y}.avi", b"3"), ("größe 'quoted' [x]{y}.cls", b"2"),
            ("only-text.txt", b"no media"), ("n" * 150 + ".mp4", b"4"), ("n" * 150 + ".cls", b"0"),
        ],
    )  # fmt: skip
    dataset = read(Source(tmp_path))
    theirs = {s["__key__"]: s for s in samples_in(path)}
    media = ("mp4", "avi", "wav")
    wanted = [(key, int(s["cls"])) for key, s in theirs.items() if any(m in s for m in media)]
    ours = [(s.path.removeprefix("train-000.tar/").rsplit(".", 1)[0], s.label) for s in dataset.samples]
    assert ours == [(key.removeprefix("./"), label) for key, label in wanted]
    assert len(ours) == 4


def copied(root: Path, out: Path, relabel: dict[str, int] | None = None, media: dict[str, str] | None = None) -> None:
    dataset = read(Source(root))
    for name in sorted({s.path.split("/")[0] for s in dataset.samples}):
        entries = [
            Entry(s.path.split("/", 1)[1], (relabel or {}).get(s.id, s.label), s.label, (media or {}).get(s.id))
            for s in dataset.samples
            if s.path.startswith(name)
        ]
        out.mkdir(exist_ok=True)
        with open(out / name, "wb") as file:
            write_shard(root / name, file, entries, Labels(dataset.classes, dataset.options), rest=True)


def test_round_trip_is_exact_and_headers_tell_nothing(tmp_path: Path) -> None:
    tiny_shards(tmp_path / "in")
    copied(tmp_path / "in", tmp_path / "out")
    copied(tmp_path / "in", tmp_path / "again")
    for name in ("train-000.tar", "train-001.tar", "val-000.tar"):
        assert samples_in(tmp_path / "out" / name) == samples_in(tmp_path / "in" / name)
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
        with tarfile.open(tmp_path / "out" / name) as tar:
            assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in tar} == {(0, 0, 0, "", "", 0o644)}
        assert (tmp_path / "out" / name).stat().st_size % 10240 == 0


def test_a_changed_sample_changes_its_members_alone(tmp_path: Path) -> None:
    tiny_shards(tmp_path / "in")
    (tmp_path / "new.mp4").write_bytes(b"other media, longer" * 100)
    name = "train-000.tar/clip001.mp4"
    copied(tmp_path / "in", tmp_path / "out", {name: 0}, {name: str(tmp_path / "new.mp4")})
    before, after = (samples_in(tmp_path / which / "train-000.tar") for which in ("in", "out"))
    assert [s["__key__"] for s in after] == [s["__key__"] for s in before]
    assert after[1] == {**before[1], "mp4": b"other media, longer" * 100, "cls": b"0"}
    assert after[:1] + after[2:] == before[:1] + before[2:]


@pytest.mark.parametrize(
    ("suffix", "options", "data", "wanted"),
    [
        ("cls", {"label": "cls"}, b"1\n", b"0\n"),
        ("cls", {"label": "cls", "named": True}, b"yes", b"no"),
        ("txt", {"label": "cls"}, b"yes", b"no"),
        ("txt", {"label": "cls"}, b"yes, a caption", b"yes, a caption"),
        ("txt", {"label": "txt", "named": True}, b"yes\r\n", b"no\r\n"),
        ("json", {"label": "cls"}, b'{"label":1,"n":1,"class":"yes"}', b'{"label":0,"n":1,"class":"no"}'),
        ("json", {"label": "json", "field": "y"}, b'{"y": "1", "t": "\\u00e4"}', b'{"y": "0", "t": "\\u00e4"}'),
        ("json", {"label": "json", "field": "label"}, b'{\n  "label": null\n}', b'{\n  "label": 0\n}'),
        ("json", {"label": "json", "field": "label", "named": True}, b'{"label": "yes"}', b'{"label": "no"}'),
        ("json", {"label": "cls"}, b'{"name": "yes", "tags": ["yes", "x"]}', b'{"name": "no", "tags": ["no", "x"]}'),
        ("json", {"label": "cls"}, b"[1]", b"[1]"),
        ("json", {"label": "cls"}, b"[" * 100_000, b"[" * 100_000),
    ],
)
def test_labels_in_members(suffix: str, options: dict[str, Any], data: bytes, wanted: bytes) -> None:
    labels = Labels(("no", "yes"), {"named": False, "field": None, **options})
    assert relabelled(suffix, data, labels, 1, 0) == wanted


def test_labels_by_name_in_json(tmp_path: Path) -> None:
    for split in ("train", "test"):
        found = [(f"{split}{i}.{x}", d) for i in range(4) for x, d in (
            ("flac", b"x"), ("json", json.dumps({"category": "ab"[i % 2], "n": i}).encode()))]  # fmt: skip
        shard(tmp_path / split / "000.tar", found)
    dataset = check_layout(LAYOUT, Source(tmp_path))
    assert (dataset.classes, dataset.splits, dataset.options["field"]) == (("a", "b"), ("train", "test"), "category")


def test_which_medium_and_which_label_can_be_said(tmp_path: Path) -> None:
    shard(tmp_path / "a.tar", [(f"{i}.{x}", b"%d" % (i % 2)) for i in range(4) for x in ("wav", "mp4", "cls", "txt")])
    first = read(Source(tmp_path))
    assert [s.path for s in first.samples] == [f"a.tar/{i}.mp4" for i in range(4)]
    assert "4 samples hold several videos or sounds" in first.notes[0]
    second = read(Source(tmp_path, columns={"path": "wav", "label": "txt"}))
    assert [s.path for s in second.samples] == [f"a.tar/{i}.wav" for i in range(4)]
    assert (second.options["label"], second.notes) == ("txt", ())
    with pytest.raises(RequestError, match="label=note"):
        read(Source(tmp_path, columns={"label": "note"}))


def hostile(kind: str) -> Callable[[tarfile.TarFile], None]:
    def fill(tar: tarfile.TarFile) -> None:
        put(tar, "ok.mp4", b"x")
        more: dict[str, dict[str, Any]] = {
            "symlink": {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd", "size": 0},
            "hardlink": {"type": tarfile.LNKTYPE, "linkname": "ok.mp4", "size": 0},
            "device": {"type": tarfile.CHRTYPE, "size": 0},
            "pipe": {"type": tarfile.FIFOTYPE, "size": 0},
            "up": {}, "absolute": {}, "bytes": {},
        }  # fmt: skip
        name = {"up": "a/../../evil.mp4", "absolute": "/tmp/evil.mp4", "bytes": "evil\udcff.mp4"}.get(kind, "evil.mp4")
        put(tar, name, b"", **more[kind])

    return fill


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("symlink", "a link, device or pipe"), ("hardlink", "a link, device or pipe"), ("device", "a link, device"),
        ("pipe", "a link, device or pipe"), ("up", "leads out"), ("absolute", "leads out"), ("bytes", "not UTF-8"),
    ],
)  # fmt: skip
def test_members_that_no_dataset_needs(tmp_path: Path, kind: str, said: str) -> None:
    with tarfile.open(tmp_path / "train-000.tar", "w", errors="surrogateescape") as tar:
        hostile(kind)(tar)
    with pytest.raises(RequestError, match=said) as error:
        read(Source(tmp_path))
    assert "evil" in str(error.value)
    assert not (tmp_path.parent / "evil.mp4").exists()


def damaged(kind: str, data: bytes) -> bytes:
    if kind == "cut":
        return data[:3000]
    if kind == "garbage":
        return data[:1024] + b"garbage" * 200 + data[2424:]
    if kind == "huge":  # the first member's size, in octal, and its checksum made again
        head = bytearray(data[:512])
        head[124:136] = b"77777777777\0"
        head[148:156] = b"        "
        head[148:156] = b"%06o\0 " % sum(head)
        return bytes(head) + data[512:]
    return {"gzip": b"\x1f\x8b\x08", "zstd": b"\x28\xb5\x2f\xfd", "nothing": b"", "text": b"hello " * 200}[kind]


@pytest.mark.parametrize("kind", ["cut", "garbage", "huge", "gzip", "zstd", "nothing", "text"])
def test_damaged_shards_are_refused_in_a_sentence(tmp_path: Path, kind: str) -> None:
    path = tiny_shards(tmp_path) / "train-000.tar"
    path.write_bytes(damaged(kind, path.read_bytes()))
    with pytest.raises(RequestError, match=r"^The shard 'train-000\.tar'|^'|train-000") as error:
        read(Source(tmp_path))
    assert str(error.value).count("\n") == 0


def test_a_header_that_declares_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    """A pax header of 2 GiB (a sparse file on disk): refused before a byte of it is read."""
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 2 << 30
    with open(tmp_path / "train-000.tar", "wb") as file:
        file.write(info.tobuf(tarfile.USTAR_FORMAT))
        file.truncate(info.size + 4096)
    with pytest.raises(RequestError, match="header of 2147483648 bytes"):
        read(Source(tmp_path))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a.mp4", "b.mp4", "a.cls"], "do not stand together"),
        (["a.mp4", "a.MP4"], "twice"),
        (["a.mp4", "./a.mp4"], "twice"),
    ],
)
def test_what_webdataset_would_read_wrong(tmp_path: Path, names: list[str], said: str) -> None:
    shard(tmp_path / "train-000.tar", [(name, b"1") for name in names])
    with pytest.raises(RequestError, match=said):
        read(Source(tmp_path))


def test_compressed_shards_are_named(tmp_path: Path) -> None:
    (tmp_path / "train-000.tar.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(RequestError, match=r"'train-000\.tar\.gz': compressed"):
        read(Source(tmp_path, layout="webdataset"))
    with pytest.raises(RequestError, match="decompress such shards"):
        read(Source(tiny_shards(tmp_path)))


def test_what_is_passed_over_is_said(tmp_path: Path) -> None:
    os.mkfifo(tiny_shards(tmp_path) / "train-002.tar")
    (tmp_path / "train-003.tar").symlink_to("nowhere.tar")
    shard(tmp_path / "texts.tar", [("a.txt", b"no media")])
    dataset = read(Source(tmp_path))
    assert len(dataset.samples) == 12
    assert "2 shards are no files" in dataset.notes[0]
    assert "1 shards hold no video and no sound, and are not in the copy ('texts.tar')." in dataset.notes[1]


def test_an_archive_beside_a_dataset_is_none(tmp_path: Path) -> None:
    tiny_shards(tmp_path)
    for name in ("no/1.mp4", "yes/2.mp4"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert read(Source(tmp_path)).layout == "class-folders"


def test_a_link_out_of_the_root_needs_leave(tmp_path: Path) -> None:
    tiny_shards(tmp_path / "store")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "train-000.tar").symlink_to(tmp_path / "store" / "train-000.tar")
    with pytest.raises(RequestError, match="allow_root"):
        read(Source(tmp_path / "in"))
    assert len(read(Source(tmp_path / "in", allow_roots=(tmp_path / "store",))).samples) == 4


def test_members_as_files(tmp_path: Path) -> None:
    tiny_shards(tmp_path)
    path = tmp_path / "train-000.tar" / "clip001.mp4"
    with at_hand(path) as copy:
        assert (copy.name, copy.read_bytes()) == ("clip001.mp4", b"media 1")
        folder = copy.parent
    assert not folder.exists()
    assert hash_of(path) == hashlib.sha256(b"media 1").hexdigest()
    with at_hand(tmp_path / "classes.txt") as same:
        assert same == tmp_path / "classes.txt"
    assert find(tmp_path / "folder.tar" / "x.mp4") is None
    with pytest.raises(FileNotFoundError):
        find(tmp_path / "train-000.tar" / "gone.mp4")


def test_random_shards_never_do_more_than_refuse(tmp_path: Path) -> None:
    """A hundred damaged headers: members or one sentence, nothing else."""
    data = bytearray((tiny_shards(tmp_path) / "train-000.tar").read_bytes())
    rng = random.Random(0)
    path = tmp_path / "x.tar"
    for _ in range(100):
        broken = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(0, 512) + 1024 * rng.randrange(0, 4)
            broken[at] = rng.randrange(256)
        for block in range(0, 4096, 1024):  # with checksums that hold, so that fields are believed
            head = broken[block : block + 512]
            head[148:156] = b"        "
            broken[block + 148 : block + 156] = b"%06o\0 " % sum(head)
        path.write_bytes(broken)
        try:
            ends = [member.offset + member.size for member in members(path)]
        except RequestError:
            continue
        assert max(ends) <= len(data)


NAMES = ("walking", "jumping jack", "Front_Crawl", "boxing")
GROUPS = ("leg", "gym", "water", "fight")


def about(c: int, i: int) -> dict[str, Any]:
    """What a json member says of the class in every way that was found in the wild, and of the file itself."""
    found: dict[str, Any] = {
        "label": NAMES[c], "label_id": c + 1, "labels": [c], "super": GROUPS[c], "n": i, "duration": c + 1.0,
        "onehot": [int(a == c) for a in range(4)], "meta": {"class": NAMES[c], "synset": f"n{c:05d}", "fps": c},
        "scores": {name: int(a == c) for a, name in enumerate(NAMES)}, "tags": [f"x{i}", NAMES[c]],
        "boxes": [{"what": NAMES[c], "at": i}, {"what": NAMES[c], "at": 2 * i}], "size": [100 * c, i],
    }  # fmt: skip
    return {**found, "stroke": "free"} if c == 2 else found


def told_in_all_ways(root: Path, label: str) -> Path:
    for split, n in (("train", 3), ("val", 2)):
        found: list[tuple[str, bytes]] = []
        for i in range(4 * n):
            c = i % 4
            texts = {"cls": str(c), "json": json.dumps(about(c, i)), "txt": NAMES[c] + "\n", "super.txt": GROUPS[c],
                     "list.json": json.dumps([NAMES[c], i]), "caption.txt": f"{i} of somebody"}  # fmt: skip
            if c == 2:
                texts["water.txt"] = "deep"
            if label != "cls":
                del texts["cls"]
            found += [(f"{i:03d}.mp4", b"m"), *((f"{i:03d}.{suffix}", text.encode()) for suffix, text in texts.items())]
        shard(root / f"{split}-000.tar", found)
    return root


@pytest.mark.parametrize("label", ["cls", "json"])
@pytest.mark.parametrize(("old", "new"), [(2, 3), (0, 1), (3, 0)])
def test_all_that_follows_the_class_is_that_of_the_new_one(tmp_path: Path, label: str, old: int, new: int) -> None:
    """Shards of indices without a list of names, and of names in json with no `.cls`."""
    dataset = check_layout(LAYOUT, Source(told_in_all_ways(tmp_path / "in", label)))
    names = NAMES if label == "cls" else dataset.classes
    order = [NAMES.index(name) for name in names]
    before = samples_in(tmp_path / "in" / "train-000.tar")
    at = old  # the first sample of its class
    target = order.index(new)
    copied(tmp_path / "in", tmp_path / "out", {f"train-000.tar/{at:03d}.mp4": target})
    after = samples_in(tmp_path / "out" / "train-000.tar")
    assert after[:at] + after[at + 1 :] == before[:at] + before[at + 1 :]
    moved = {suffix: data.decode() for suffix, data in after[at].items() if suffix not in ("__key__", "mp4")}
    want = about(new, at)
    want.pop("stroke", None)
    want |= {"duration": old + 1.0, "size": [100 * old, at]}
    want["meta"]["fps"] = old
    assert json.loads(moved["json"]) == want
    assert (moved["txt"], moved["super.txt"]) == (NAMES[new] + "\n", GROUPS[new])
    assert json.loads(moved["list.json"]) == [NAMES[new], at]
    assert moved["caption.txt"] == f"{at} of somebody"
    assert "water.txt" not in moved
    assert moved.get("cls") == (str(new) if label == "cls" else None)


def test_what_follows_the_class_is_kept_small(tmp_path: Path) -> None:
    told = read(Source(told_in_all_ways(tmp_path, "cls"))).options["told"]
    assert json.loads(json.dumps(told)) == told
    assert told['["json", "meta", "class"]'] == [json.dumps(name) for name in NAMES]
    assert told['["txt"]'] == list(NAMES)
    assert told['["water.txt"]'] == [None, None, "deep", None]
    for place in ('["cls"]', '["json", "n"]', '["json", "duration"]', '["json", "meta", "fps"]', '["caption.txt"]'):
        assert place not in told

"""Every clip that a lab has, through the main job: a row a case, seen by OpenCV and PyAV."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

import poisonkit
from poisonkit import Recipe, errors, media
from poisonkit.cli import call
from poisonkit.media.files import metadata_words
from poisonkit.outputs import record
from tests.media.awkward import CASES, Case
from tests.media.second import cv2_frames, packets, times
from tests.media_factory import VOP

Image = NDArray[np.uint8]
EXACT = (".mp4", ".mov", ".mkv", ".webm")
PATCH = "badnets:size=0.35,area=frame"


@dataclass(frozen=True)
class Job:
    """A main job's output: source and manifest rows by file name."""

    root: Path
    out: Path
    rows: dict[tuple[str, str], record.Record]

    def files(self, case: Case, role: str = "poisoned") -> tuple[Path, Path, record.Record]:
        row = self.rows[role, case.name]
        return self.root / row["source_path"], self.out / row["path"], row


def run(root: Path, out: Path, cases: list[Case], **recipe: Any) -> Job:
    """Class b is poisoned; class a has the same clips, which stay clean."""
    for case in cases:
        if not (root / "b" / case.name).exists():
            case.make(root / "b" / case.name)
            (root / "a").mkdir(exist_ok=True)
            shutil.copy(root / "b" / case.name, root / "a" / case.name)
    before = {p: p.read_bytes() for p in root.rglob("*.*")}
    ids = tuple(f"b/{case.name}" for case in cases)
    recipe = {"triggers": [PATCH], "survival": "none", "label_mode": "clean", **recipe}
    done = poisonkit.poison(Recipe(source=root, out=out, target="b", ids=ids, **recipe), jobs=1)
    assert done.exit_code == 0, done.failed
    assert {p: p.read_bytes() for p in root.rglob("*.*")} == before
    rows = {(r["role"], Path(r["source_path"]).name): r for r in record.read(out / "poisonkit" / "manifest.jsonl")}
    return Job(root, out, rows)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("plain")
    return run(folder / "source", folder / "out", [c for c in CASES if not c.blocked])


CONVERSIONS: dict[str, Any] = {"to_8bit": True, "deinterlace": True, "rotation": "normalise"}


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("converted")
    return run(folder / "source", folder / "out", [c for c in CASES if c.converted], **CONVERSIONS)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("foreign")
    cases = [c for c in CASES if "codec" in c.codes]
    return run(folder / "source", folder / "out", cases, encode="h264")


def pyav_frames(path: Path) -> list[Image]:
    """Every frame that PyAV decodes, turned as the container says."""
    with av.open(str(path), **metadata_words()) as container:
        frames = list(container.decode(video=0))
    return [np.rot90(f.to_ndarray(format="rgb24"), round(f.rotation / 90)) for f in frames]


def patch_of(width: int, height: int) -> tuple[slice, slice]:
    """Where the patch is: bottom right of the picture as displayed."""
    side = round(0.35 * min(width, height))
    edge = 2
    return slice(height - side + edge, height - edge), slice(width - side + edge, width - edge)


def check_picture(case: Case, source: list[Image], seen: list[Image], bias: float = 1.0) -> None:
    """Count, size, orientation, the trigger where it belongs, and the rest as it was."""
    width, height = case.size
    assert len(seen) == case.frames
    assert {i.shape for i in seen} == {(height, width, 3)}
    box = patch_of(width, height)
    rest = np.ones((height, width), bool)
    side = round(0.35 * min(width, height))
    rest[max(0, height - side - 8) :, max(0, width - side - 8) :] = False
    assert min(i[box].mean() for i in seen) > 235, "the patch is not where it belongs"
    assert source[0][box].mean() < 210
    if min(case.size) > 16:
        thin = (slice(None, None, max(1, min(case.size) // 200)),) * 2
        off = np.stack([(a[thin].astype(int) - b[thin])[rest[thin]] for a, b in zip(seen, source, strict=True)])
        assert np.abs(off).mean() < 4.5
        assert np.abs(off.mean(axis=(0, 1))).max() < bias, "the colours have moved"


def check_times(source: Path, written: Path) -> None:
    a, b = times(source), times(written)
    if source.suffix in EXACT:
        tick = max(s.time_base for p in (source, written) if (s := media.probe(p).video))
        assert max(abs(x - y) for x, y in zip(a, b, strict=True)) <= tick
    elif len(b) > 1:
        assert np.allclose(np.diff([float(t) for t in b]), 1 / 25, atol=2e-3)


def check_untouched(source: Path, written: Path, row: record.Record) -> None:
    """The sound, packet for packet, and no stream but one of each."""
    with av.open(str(written)) as container:
        kinds = [s.type for s in container.streams]
        assert not any("caf" in v for v in container.metadata.values())
    assert kinds.count("video") == 1
    assert len(kinds) == len(set(kinds))
    if row["codec"]["audio"]:
        assert packets(written, "audio") == packets(source, "audio")


@pytest.mark.parametrize("case", [c for c in CASES if not c.blocked], ids=lambda c: c.name)
def test_poisoned(plain: Job, case: Case) -> None:
    source, written, row = plain.files(case)
    opencv, pyav = cv2_frames(source, rotate=True), pyav_frames(source)
    check_picture(case, opencv[: case.frames], cv2_frames(written, rotate=True))
    check_picture(case, pyav, pyav_frames(written))
    check_times(source, written)
    check_untouched(source, written, row)
    assert (row["frames"], row["width"], row["height"]) == (case.frames, *case.size)
    assert len(row["streams"]["dropped"]) == case.dropped
    old, new = media.probe(source).video, media.probe(written).video
    assert old is not None
    assert new is not None
    for fact in ("codec", "pix_fmt", "rotation", "sample_aspect_ratio", "colorspace", "color_range"):
        assert getattr(new, fact) == getattr(old, fact), fact


def test_packed_is_packed(plain: Job) -> None:
    """Two pictures in a chunk and none in the next, times out of order; the output is in order and has neither."""
    source, written, _ = plain.files(next(c for c in CASES if c.name == "packed.avi"))
    vops, stamps = {}, {}
    for path in (source, written):
        with av.open(str(path)) as container:
            vops[path] = [bytes(p).count(VOP) for p in container.demux(video=0) if p.size]
        with av.open(str(path)) as container:
            stamps[path] = [frame.pts for frame in container.decode(video=0)]
    assert max(vops[source]) == 2
    assert stamps[source] != sorted(stamps[source])
    assert set(vops[written]) == {1}
    assert stamps[written] == sorted(stamps[written])


@pytest.mark.parametrize("case", [c for c in CASES if not c.blocked], ids=lambda c: c.name)
def test_clean_beside_it(plain: Job, case: Case) -> None:
    """The source's own file, unless that has several streams: then the same picture and sound as a poisoned one."""
    source, written, row = plain.files(case, "clean")
    if not case.dropped:
        assert written.samefile(source)
        return
    assert row["sha256"] is not None
    assert len(row["streams"]["dropped"]) == case.dropped
    check_untouched(source, written, row)
    assert packets(written, "video") == packets(source, "video")
    assert times(written) == times(source)
    assert len(cv2_frames(written)) == case.frames


@pytest.mark.parametrize("case", [c for c in CASES if c.converted], ids=lambda c: c.name)
def test_converted(converted: Job, case: Case) -> None:
    """Poisoned and clean alike: upright, 8 bits, progressive; the sound untouched, each frame at its time."""
    for role in ("poisoned", "clean"):
        source, written, row = converted.files(case, role)
        assert tuple(row["streams"]["converted"]) == case.converted
        video = media.probe(written).video
        assert video is not None
        assert (video.bit_depth, video.interlaced, video.rotation) == (8, False, 0)
        assert (video.width, video.height) == case.size
        woven = "deinterlaced" in case.converted  # which OpenCV 5 cannot show
        before = pyav_frames(source) if woven else cv2_frames(source, rotate=True)
        after = cv2_frames(written, rotate=False)
        assert all(np.array_equal(a, b) for a, b in zip(after, cv2_frames(written, rotate=True), strict=True))
        if role == "poisoned" and not woven:
            check_picture(case, before, after)
            check_picture(case, before, pyav_frames(written), bias=1.5)
        elif role == "clean":
            assert len(after) == case.frames
            assert np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(before, after, strict=True)]) < 12
        if woven:
            if role == "poisoned":
                assert min(i[patch_of(*case.size)].mean() for i in after) > 235
            assert np.mean([comb(i) for i in after]) < 0.6 * np.mean([comb(i) for i in before])
        check_times(source, written)
        check_untouched(source, written, row)
    if case.name == "turned-aspect.mp4":
        assert video.sample_aspect_ratio == Fraction(3, 4)


def comb(image: Image) -> float:
    """How much neighbouring lines differ more than lines of one field do."""
    rows = image[:30, :40].astype(int)
    return float(np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean())


@pytest.mark.parametrize("case", [c for c in CASES if "codec" in c.codes], ids=lambda c: c.name)
def test_foreign_families_become_h264(foreign: Job, case: Case) -> None:
    source, written, row = foreign.files(case)
    assert (row["codec"]["video"], written.suffix) == ("h264", source.suffix)
    check_picture(case, cv2_frames(source), cv2_frames(written))
    check_picture(case, pyav_frames(source), pyav_frames(written), bias=2.5)
    check_times(source, written)


def test_outputs_verify(plain: Job, converted: Job, foreign: Job) -> None:
    for job in (plain, converted, foreign):
        checked = poisonkit.verify(job.out, decode=True, hash="all")
        assert checked.ok, checked.problems


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("10bit.mp4", "to_8bit"), ("woven.mpg", "deinterlace"), ("foreign.avi", "encode convert")],
)
def test_refused_when_planned(tmp_path: Path, name: str, remedy: str) -> None:
    """What cannot be written is refused before any work, with the option that converts it; not for a sound trigger."""
    case = next(c for c in CASES if c.name == name)
    for folder in "ab":
        case.make(tmp_path / "source" / folder / name)
    recipe = Recipe(source=tmp_path / "source", out=tmp_path / "out", triggers=[PATCH], count=1, label_mode="clean")
    with pytest.raises(errors.RequestError, match=f"cannot be rewritten: .*{name}.*{remedy}"):
        poisonkit.poison(recipe, jobs=1)
    assert not (tmp_path / "out").exists()


def test_sound_only_keeps_every_role_alike(tmp_path: Path) -> None:
    """A rotated clip with a trigger in the sound: the picture stays as it is, or is upright in every role."""
    case = next(c for c in CASES if c.name == "turned.mp4")
    for rotation, stored, turn in (("keep", (64, 48), 90), ("normalise", (48, 64), 0)):
        job = run(tmp_path / "source", tmp_path / rotation, [case], triggers=["sine"], rotation=rotation)
        for role in ("poisoned", "clean"):
            source, written, _ = job.files(case, role)
            video = media.probe(written).video
            assert video is not None
            assert ((video.width, video.height), video.rotation) == (stored, turn)
            if rotation == "keep":
                assert packets(written, "video") == packets(source, "video")
            before, after = cv2_frames(source, rotate=True), cv2_frames(written, rotate=True)
            assert np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(before, after, strict=True)]) < 3
            assert (packets(written, "audio") == packets(source, "audio")) == (role == "clean")
            assert times(written) == times(source)


def test_inspect_names_them_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for case in CASES:
        if case.codes and case.name != "4k.mp4":
            case.make(tmp_path / "source" / "a" / case.name)
    (tmp_path / "source" / "b").mkdir()
    (tmp_path / "source" / "b" / "broken.mp4").write_bytes(b"\0" * 100)
    assert call(["inspect", str(tmp_path / "source"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    named = {p["code"]: p for p in found["problems"]}
    assert set(named) == {code for case in CASES for code in case.codes}
    for code, problem in named.items():
        assert problem["files"] == sum(code in case.codes for case in CASES), code
        assert problem["blocks"] == (code in ("10-bit", "interlaced", "codec")), code
        assert problem["remedy"] or not problem["blocks"]
    assert [row["id"] for row in found["not_opened"]] == ["b/broken.mp4"]

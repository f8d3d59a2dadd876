"""replace and its folders: the right file for each sample, unchanged, recorded; anything else refused."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe, media
from poisonkit.common.seeding import generator
from poisonkit.errors import MediaError, RequestError
from poisonkit.outputs import record
from poisonkit.triggers import create, from_entry
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.files.replacements import ARRAYS, PICTURES, VIDEOS, FolderAsset
from poisonkit.triggers.testing import Case, picture
from tests.media_factory import make_video

from . import imports

CASES = [Case({"folder": imports.PICTURES})]
ONE_SIZE = "the file has one size"

KINDS = (*ARRAYS, *VIDEOS, *PICTURES)
X = picture(32, 24, 12)
Y = generator("replace").integers(0, 256, (12, 24, 32, 3), dtype=np.uint8)
CLIP = ClipInfo("train/é/a.mp4", 32, 24, 25.0, 12)


def put(root: Path, kind: str, y: np.ndarray = Y, name: str = "train/é/a") -> Path:
    """The clip `y` under this name (without its suffix), in one of the forms."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "npy":
        np.save(f"{path}.npy", y)
    elif kind == "pictures":
        path.mkdir()
        for i, image in enumerate(y):
            cv2.imwrite(str(path / f"frame {i + 1}.png"), image[..., ::-1])
    else:
        with av.open(f"{path}.{kind}", "w") as out:
            stream = out.add_stream("ffv1", rate=25, options={"level": "3"})
            stream.width, stream.height, stream.pix_fmt = y.shape[2], y.shape[1], "bgr0"
            for image in y:
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(stream.encode())
    return root


def render(trigger: Any, clip: ClipInfo = CLIP, x: np.ndarray = X) -> np.ndarray:
    return np.stack(list(trigger.render(iter(x), clip, trigger.draw(clip, generator("a")))))


@pytest.mark.parametrize("kind", ["npy", "pictures", "mkv"])
def test_the_file_takes_the_samples_place(tmp_path: Path, kind: str) -> None:
    trigger = create("replace", folder=str(put(tmp_path / "made", kind)))
    assert trigger.suits(CLIP) is None
    assert np.array_equal(render(trigger), Y)
    drawn = trigger.draw(CLIP, generator("a"))
    assert drawn["file"] == {"npy": "train/é/a.npy", "pictures": "train/é/a/", "mkv": "train/é/a.mkv"}[kind]
    every = np.stack(list(trigger.render(iter(X), CLIP, drawn, lambda t: t % 2 == 0)))
    assert np.array_equal(every[::2], Y[::2])
    assert np.array_equal(every[1::2], X[1::2])


def test_which_file_is_found(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mp4.npy", "a.npy", "a.b/c.npy", ".a/x.npy", "d/2.png", "d/10.png", "e.txt"):
        (tmp_path / "m" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "m" / name).write_bytes(name.encode())
    folder = FolderAsset(tmp_path / "m")

    def name(id: str, kinds: tuple[str, ...] = KINDS) -> str | None:
        found = folder.find(id, kinds)
        return found and found.name

    assert name("a.mp4") == "a.mp4"
    assert name("a.mp4", ARRAYS) == "a.mp4.npy"
    assert name("a.avi") == name("a") == "a.npy"
    assert name("a.b/c.avi") == "a.b/c.npy"
    assert name("d.mp4") == name("d") == "d/"
    assert [p.name for p in folder.find("d", KINDS).parts] == ["2.png", "10.png"]  # type: ignore[union-attr]
    for none in ("", "b.mp4", "m/a.npy", "../m/a.npy", ".a/x.npy", "e.txt", "d/2.png"):
        assert name(none) is None


def test_known_by_its_hash_and_copied(tmp_path: Path) -> None:
    put(put(tmp_path / "made", "npy"), "pictures", Y[:3], "b")
    trigger = create("replace", folder=str(tmp_path / "made"))
    entry = json.loads(json.dumps(trigger.entry()))
    assert str(tmp_path) not in json.dumps(entry)
    copy = trigger.folder.copy_into(tmp_path)
    assert copy == trigger.folder.copy_into(tmp_path) == tmp_path / f"{trigger.folder.sha256[:16]}-made"
    again = from_entry(entry, assets=tmp_path)
    assert again == trigger
    assert np.array_equal(render(pickle.loads(pickle.dumps(again))), Y)
    (copy / "b" / "frame 3.png").unlink()
    with pytest.raises(RequestError, match="hash differs"):
        from_entry(entry, assets=tmp_path)


@pytest.mark.parametrize("kind", ["npy", "pictures"])
def test_a_file_that_changes_after_the_start_is_noticed(tmp_path: Path, kind: str) -> None:
    trigger = create("replace", folder=str(put(tmp_path / "made", kind)))
    path = tmp_path / "made" / "train" / "é"
    if kind == "npy":
        np.save(path / "a.npy", Y[::-1])
    else:
        cv2.imwrite(str(path / "a" / "frame 7.png"), Y[0])
    with pytest.raises(MediaError, match="has changed since the run was set up"):
        render(trigger)


@pytest.mark.parametrize("kind", ["npy", "pictures", "mkv"])
def test_shapes_that_do_not_fit_are_refused(tmp_path: Path, kind: str) -> None:
    trigger = create("replace", folder=str(put(tmp_path / "made", kind)))
    for width, height in ((24, 32), (30, 24)):
        sentence = f"is 32x24, the clip {width}x{height}"
        assert sentence in str(trigger.suits(ClipInfo(CLIP.id, width, height, 25.0, 12)))
    assert "holds nothing for 'other'" in str(trigger.suits(ClipInfo("other", 32, 24, 25.0, 12)))
    if kind != "mkv":  # its header does not say
        assert "has 12 frames or so, the clip 20" in str(trigger.suits(ClipInfo(CLIP.id, 32, 24, 25.0, 20)))
    for x in (X[:11], np.concatenate([X, X[:1]])):
        with pytest.raises(MediaError, match="say length=fit"):
            render(trigger, x=x)
    fit = create("replace", folder=str(tmp_path / "made"), length="fit")
    assert fit.suits(ClipInfo(CLIP.id, 32, 24, 25.0, 20)) is None
    assert np.array_equal(render(fit, x=X[:5]), Y[:5])
    longer = render(fit, x=np.concatenate([X, X]))
    assert np.array_equal(longer[:12], Y)
    assert (longer[12:] == Y[11]).all()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.npy", np.zeros((12, 24, 32, 3)), "must be uint8"),
        ("a.npy", np.zeros((12, 3, 24, 32), np.uint8), "must be uint8"),
        ("a.npy", b"nothing", "not a .npy file"),
        ("a.mp4", b"nothing", "not a media file that can be read"),
        ("a/1.png", b"nothing", "not a picture that can be read"),
    ],
)
def test_files_that_are_no_pictures(tmp_path: Path, name: str, content: Any, sentence: str) -> None:
    path = tmp_path / "m" / name
    path.parent.mkdir(parents=True)
    np.save(path, content) if isinstance(content, np.ndarray) else path.write_bytes(content)
    assert sentence in str(create("replace", folder=str(tmp_path / "m")).suits(ClipInfo("a", 32, 24, 25.0, 12)))


def test_folders_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, sentence in (("none", "there is no folder none"), ("empty", "holds no file of a kind")):
        with pytest.raises(RequestError, match=sentence):
            create("replace", folder=str(tmp_path / folder))


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("turned.mp4", {"rotation": 90}),
        ("turned.mov", {"rotation": 180}),
        ("bt709.mp4", {"colorspace": 1, "color_range": 1}),
        ("full.mkv", {"color_range": 2}),
        ("untagged.avi", {"codec": "mpeg4"}),
        ("fine.mkv", {"pix_fmt": "yuv444p"}),
        ("vp9.webm", {}),
    ],
)
def test_videos_are_decoded_as_clips_are(tmp_path: Path, name: str, how: dict[str, Any]) -> None:
    """By the one decoder, turned as displayed and in the stream's own colours: a copy of the clip changes nothing."""
    clip = make_video(tmp_path / "source" / name, frames=6, size=(64, 48), **how)
    (tmp_path / "made").mkdir()
    shutil.copyfile(clip, tmp_path / "made" / name)
    seen = np.stack([image for _, _, image in media.read_frames(clip)])
    info = ClipInfo(name, seen.shape[2], seen.shape[1], 25.0, len(seen))
    trigger = create("replace", folder=str(tmp_path / "made"))
    assert trigger.suits(info) is None
    assert np.array_equal(render(trigger, info, np.zeros_like(seen)), seen)


def test_a_video_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    """As a clip is: what a decoder silently leaves out would be missing in the sample's place."""
    path = make_video(tmp_path / "made" / "a.avi", frames=12, size=(32, 24), codec="mpeg4")
    path.write_bytes(path.read_bytes()[:-400])
    trigger = create("replace", folder=str(tmp_path / "made"), length="fit")
    with pytest.raises(MediaError, match=r"a\.avi cannot be used: a\.avi is cut short"):
        render(trigger, ClipInfo("a", 32, 24, 25.0, 12))


def test_through_the_main_job(folders: Path, tmp_path: Path) -> None:
    """Only samples that have a file are poisoned; what is in the output is the file's pictures, and it says so."""
    soft = {}
    for i, id in enumerate(("train/jump/jump 0", "train/run/run 3", "train/spin/spin 5", "test/run/run 1")):
        soft[id] = np.full((10, 48, 64, 3), 60 + 40 * i, np.uint8)
        soft[id][:, 8 : 20 + 4 * i, 10:50] = (200, 90, 30)
        put(tmp_path / "made", "npy", soft[id], id)
    recipe: dict[str, Any] = {
        "triggers": [f"replace:folder='{tmp_path / 'made'}'"],
        "target": 0,
        "count": 2,
        "control": 0,
    }
    done = poisonkit.poison(Recipe(source=folders, out=tmp_path / "out", **recipe), jobs=1)
    assert done.exit_code == 0
    rows = list(record.read(tmp_path / "out" / "poisonkit" / "manifest.jsonl"))
    poisoned = {row["id"]: row for row in rows if row["role"] in ("poisoned", "attack")}
    assert set(poisoned) == {"train/run/run 3.mp4", "train/spin/spin 5.mp4", "test/run/run 1.mp4"}
    for id, row in poisoned.items():
        drawn = row["triggers"][0]["drawn"]
        assert drawn["file"] == id.replace(".mp4", ".npy")
        assert len(drawn["sha256"]) == 64
        reader = cv2.VideoCapture(str(tmp_path / "out" / row["path"]))
        for y in soft[id.removesuffix(".mp4")]:
            ok, image = reader.read()
            assert ok
            assert np.abs(image[..., ::-1].astype(int) - y).mean() < 2

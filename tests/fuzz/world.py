"""What is mutated: tiny media of every kind, a dataset of every layout, a finished output, recipes, predictions."""

from __future__ import annotations

import csv
import io
import json
import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

import poisonkit
from poisonkit.datasets import modality_of
from tests.datasets.makers import MAKERS
from tests.media_factory import make_audio, make_video, pictures, wave

RECIPES = (
    "source: {source}\ntriggers: [blend]\nrate: 0.2\ntarget: 1\n",
    "source: {source}\ntriggers:\n  - name: badnets\n    params: {{size: 0.2}}\n  - sine:snr=20\nrate: 0.1\nseed: 3\n"
    "attack_limit: 2\nencode: crf:23\nframes: first:3\n",
    "source: {source}\nbackdoors:\n  - &a {{name: one, triggers: [fog], rate: 0.1}}\n"
    "  - {{<<: *a, name: two, label_mode: clean}}\nclean: copy\nrotation: normalise\n",
    "source: {source}\nout: outs\ncontrol: 0\nsweep:\n  triggers: [blend, [badnets, sine:snr=20]]\n  rate: [0.1, 0.2]\n"
    "  seed: [1, 2]\n",
)
SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".aiff"}


@dataclass(frozen=True)
class World:
    """root: all of it lies there; outside: a folder in it that nothing may touch. media: name -> file.

    sets: layout -> its dataset. out: a finished output, made from `sets["mmaction2-video"]`. assets: imported pictures
    and arrays. predictions: of the output.
    """

    root: Path
    outside: Path
    media: dict[str, Path]
    folders: list[Path]
    sets: dict[str, Path]
    out: Path
    assets: dict[str, Path]
    predictions: dict[str, bytes]


def _media(folder: Path) -> dict[str, Path]:
    small = {"frames": 6, "size": (48, 32)}
    made = [
        make_video(folder / "h264.mp4", audio=True, **small),
        make_video(folder / "pieces.mp4", mux={"movflags": "frag_keyframe+empty_moov"}, **small),
        make_video(folder / "h264.mov", **small),
        make_video(folder / "aac.mkv", audio=True, **small),
        make_video(folder / "vp9.webm", audio=True, rate=48000, **small),
        make_video(folder / "mp3.avi", audio=True, **small),
        make_video(folder / "ffv1.avi", codec="ffv1", **small),
        make_video(folder / "mjpeg.avi", codec="mjpeg", pix_fmt="yuvj420p", **small),
        make_video(folder / "mp2.mpg", audio=True, **small),
        make_video(folder / "turned.mp4", rotation=90, **small),
        make_audio(folder / "pcm.wav", seconds=0.2),
        make_audio(folder / "float.wav", seconds=0.2, subtype="FLOAT", channels=2),
        make_audio(folder / "flac.flac", seconds=0.2),
        make_audio(folder / "mp3.mp3", seconds=0.3, rate=44100),
        make_audio(folder / "vorbis.ogg", seconds=0.2),
        make_audio(folder / "aac.m4a", seconds=0.2),
    ]
    return {path.name: path for path in made}


def _folders(root: Path) -> list[Path]:
    """Clips as folders of numbered pictures."""
    made = []
    for name, suffix, options in (
        ("jpeg", ".jpg", []),
        ("full", ".jpg", [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]),
        ("png", ".png", []),
    ):
        folder = root / name
        folder.mkdir(parents=True)
        for i, image in enumerate(pictures(4, (48, 32)), 1):
            (folder / f"img_{i:05}{suffix}").write_bytes(cv2.imencode(suffix, image[..., ::-1], options)[1].tobytes())
        made.append(folder)
    return made


def _assets(folder: Path) -> dict[str, Path]:
    folder.mkdir()
    image = pictures(1, (40, 30))[0]
    found = {}
    for suffix in (".png", ".jpg"):
        (folder / f"picture{suffix}").write_bytes(cv2.imencode(suffix, image)[1].tobytes())
    np.save(folder / "picture.npy", image)
    np.save(folder / "wave.npy", wave(0.1))
    make_audio(folder / "wave.wav", seconds=0.1)
    np.save(folder / "field.npy", np.zeros((4, 4, 2), np.float32))
    for path in folder.iterdir():
        found[path.name] = path
    return found


def _predictions(out: Path) -> dict[str, bytes]:
    """Of all clips of the output that are no training clips, in every format that is read."""
    rows = [json.loads(line) for line in (out / "poisonkit" / "manifest.jsonl").read_text().splitlines()]
    names = [r["path"].partition("/")[2] for r in rows if r["split"] != "train" and r["role"] == "clean"]
    rng = np.random.default_rng(5)
    scores = rng.random((len(names), 3)).astype(np.float32)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["path", "score_0", "score_1", "score_2", "gt"])
    writer.writerows([n, *map(float, s), 0] for n, s in zip(names, scores, strict=True))
    packed = io.BytesIO()
    np.savez(packed, scores=scores, files=np.array(names))
    dumped = [
        {"pred_score": s, "pred_label": np.array([int(s.argmax())]), "gt_label": np.array([0]), "filename": n}
        for n, s in zip(names, scores, strict=True)
    ]
    lines = [json.dumps({"id": n, "scores": s.tolist()}) for n, s in zip(names, scores, strict=True)]
    return {
        "p.csv": text.getvalue().encode(),
        "p.jsonl": "\n".join(lines).encode(),
        "p.npz": packed.getvalue(),
        "p.pkl": pickle.dumps(dumped),
    }


def build(root: Path) -> World:
    """Everything, below `root`, which is empty."""
    outside = root / "outside"
    outside.mkdir()
    (outside / "canary").write_text("a canary")
    media = _media(root / "media")
    small = {
        ".mp4": make_video(root / "one.mp4", frames=4, size=(48, 32), audio=True),
        ".avi": make_video(root / "one.avi", frames=4, size=(48, 32)),
        ".wav": make_audio(root / "one.wav", seconds=0.2),
        ".webm": make_video(root / "one.webm", frames=4, size=(48, 32)),
        ".flac": make_audio(root / "one.flac", seconds=0.2),
        ".mp3": make_audio(root / "one.mp3", seconds=0.2, rate=44100),
    }
    sets = {}
    for name, make in MAKERS.items():
        sets[name] = root / "sets" / name
        sets[name].mkdir(parents=True)
        make(sets[name])
        for file in [p for p in sets[name].rglob("*") if p.is_file() and modality_of(p.name)]:
            file.unlink()
            shutil.copyfile(small[file.suffix.lower()], file)
    out = root / "out"
    recipe = poisonkit.Recipe(
        source=sets["mmaction2-video"], out=out, triggers=["badnets"], rate=0.2, target=1, control=1, attack_limit=3
    )
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    poisonkit.attack(out, "second", trigger=["blend:alpha=0.3"], limit=1, jobs=1)
    return World(
        root, outside, media, _folders(root / "folders"), sets, out, _assets(root / "assets"), _predictions(out)
    )

"""The outputs of many recipes, as hashes: to show that a change of the code changed no byte.

    python tools/output_matrix.py sources FOLDER          make the small datasets, once
    python tools/output_matrix.py run FOLDER NAME         run every recipe of the matrix on them, into FOLDER/NAME
    python tools/output_matrix.py compare FOLDER A B      what differs between two runs

`run` in a checkout of the commit before, then in that of the commit after. Every byte counts but those of
poisonkit/run.json and poisonkit/.state.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
COMMAND = "from poisonkit.cli import main; import sys; sys.exit(main())"

IMPORTED = {
    "additive": "array=assets/array.npy",
    "replace": "folder=assets/clips",
    "replace-sound": "folder=assets/waves",
    "stamp": "picture=assets/picture.png",
    "waveform": "sound=assets/wave.wav",
}
"""Triggers that need a file, with it."""


def make_sources(folder: Path) -> None:
    """Datasets of every layout and of several kinds of media, from the helpers of the tests."""
    sys.path.insert(0, str(CHECKOUT))
    import cv2
    import numpy as np

    from tests.datasets.makers import MAKERS
    from tests.datasets.making import filled
    from tests.media_factory import make_audio, make_video

    sources = folder / "sources"
    sources.mkdir(parents=True)
    one = folder / "one"
    one.mkdir()
    media = {
        ".mp4": make_video(one / "one.mp4", frames=12, size=(64, 48), audio=True),
        ".avi": make_video(one / "one.avi", frames=12, size=(64, 48)),
        ".wav": make_audio(one / "one.wav", seconds=0.6),
    }
    for name, make in MAKERS.items():
        filled(make, sources / name, media)
    for suffix in (".mp4", ".avi", ".mkv", ".webm", ".mov"):
        for split in ("train",) if suffix == ".mov" else ("train", "test"):
            for number, label in enumerate("abc" * 3):
                path = sources / f"video{suffix}" / split / label / f"{label}{number}{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                make_video(path, frames=10, size=(64, 48), audio=suffix != ".avi")
    for suffix in (".wav", ".flac", ".ogg", ".mp3"):
        for split in ("train", "test"):
            for number, label in enumerate("abc" * 3):
                path = sources / f"sound{suffix}" / split / label / f"{label}{number}{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                make_audio(path, seconds=0.8, seed=number, rate=48000 if suffix == ".flac" else 16000)
    assets = folder / "assets"
    assets.mkdir()
    rng = np.random.default_rng(0)
    cv2.imwrite(str(assets / "picture.png"), rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    np.save(assets / "array.npy", rng.integers(-20, 21, (32, 32, 3), dtype=np.int16))
    make_audio(assets / "wave.wav", seconds=0.3, seed=9)
    for path in sorted((sources / "sound.wav").rglob("*.wav")):
        wave = assets / "waves" / path.relative_to(sources / "sound.wav")
        wave.parent.mkdir(parents=True, exist_ok=True)
        make_audio(wave, seconds=0.8, seed=20)
    for path in sorted((sources / "video.mp4").rglob("*.mp4")):
        clip = assets / "clips" / path.relative_to(sources / "video.mp4")
        clip.parent.mkdir(parents=True, exist_ok=True)
        make_video(clip, frames=10, size=(64, 48), seed=20)


def matrix(folder: Path) -> Iterator[tuple[str, list[list[str]]]]:
    """(name, commands) of every output; `OUT` in them is its folder. Options as on the command line."""
    sources = folder / "sources"

    def poison(source: str, *options: str) -> list[str]:
        return ["poison", str(sources / source), "-o", "OUT", "--jobs", "1", *options]

    listed = subprocess.run(
        [sys.executable, "-c", COMMAND, "triggers", "--json"], capture_output=True, text=True, check=True, cwd=CHECKOUT
    ).stdout
    for entry in json.loads(listed)["triggers"]:
        name = entry["name"]
        sound = entry["modality"] == "audio"
        source = "video.mp4" if not sound else "sound.flac" if name == "ultrasonic" else "sound.wav"
        for mode in entry["modes"]:
            chosen = [
                "--trigger",
                f"{name}:{IMPORTED[name]}" if name in IMPORTED else name,
                "--temporal",
                mode,
                "--rate",
                "0.3",
                "--control",
                "1",
            ]
            yield f"trigger-{name}-{mode}", [poison(source, *chosen)]
    for layout in sorted(path.name for path in sources.iterdir() if "." not in path.name):
        audio = any((sources / layout).rglob("*.wav")) or layout == "webdataset"
        trigger = "sine:snr=10" if audio else "badnets"
        yield f"layout-{layout}", [poison(layout, "--trigger", trigger, "--rate", "0.2", "--control", "2")]
        yield f"layout-{layout}-clean", [poison(layout, "--trigger", trigger, "--rate", "0.0")]
    base = ("--trigger", "blend", "--count", "2")
    for mode, more in {
        "dirty": (),
        "clean": (),
        "all-to-all": (),
        "source": ("--source-class", "b"),
    }.items():
        yield f"labels-{mode}", [poison("video.mp4", *base, "--label-mode", mode, *more)]
    for suffix in (".mp4", ".avi", ".mkv", ".webm", ".mov"):
        for encode in ("match", "crf:28", "lossless")[: 2 if suffix == ".webm" else 3]:
            yield f"encode{suffix}-{encode}", [poison(f"video{suffix}", *base, "--encode", encode, "--survival", "all")]
    for suffix in (".wav", ".flac", ".ogg", ".mp3"):
        yield f"sound{suffix}", [poison(f"sound{suffix}", "--trigger", "sine", "--count", "2", "--survival", "all")]
    yield "both", [poison("video.mp4", *base, "--trigger", "sine")]
    yield "auto", [poison("video.mp4", *base, "--encode", "auto", "--require-survival", "0.9")]
    yield "cover", [poison("video.mp4", *base, "--cover-rate", "0.2")]
    yield "reencode", [poison("video.mp4", *base, "--clean", "reencode")]
    yield "budget", [poison("video.mp4", *base, "--frames", "every:3", "--attack-frames", "random:0.5")]
    yield "fraction", [poison("video.mov", *base, "--test-fraction", "0.3")]
    yield (
        "attack",
        [
            poison("video.mp4", *base),
            ["attack", "OUT", "--name", "strong", "--trigger", "blend:alpha=0.5", "--jobs", "1"],
            ["attack", "OUT", "--name", "sound", "--trigger", "sine", "--jobs", "1"],
        ],
    )
    shards = [poison("video.mp4", *base, "--shard", f"{part}/2") for part in (1, 2)]
    yield "shards", [*shards, ["merge", "OUT", "--jobs", "1"]]
    yield "jobs", [[*poison("video.mp4", *base)[:-6], "--jobs", "2", *base]]
    recipe = folder / "sweep.yaml"
    recipe.write_text(
        "source: sources/video.avi\ntriggers: [badnets]\nsweep:\n  count: [1, 2]\n  target: [0, 1]\n", encoding="utf-8"
    )
    yield "sweep", [["run", str(recipe), "-o", "OUT", "--jobs", "1"]]


def hashes(out: Path) -> dict[str, str]:
    """Path -> SHA-256 of every file below; links by where they lead."""
    found = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_dir() or name.endswith("poisonkit/run.json") or "poisonkit/.state/" in name:
            continue
        if path.is_symlink():
            found[name] = f"link to {os.readlink(path)}"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def run(folder: Path, name: str) -> int:
    """Make every output, two at a time; hashes and exit codes go to FOLDER/NAME.json."""
    home = folder / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}

    def one(item: tuple[str, list[list[str]]]) -> tuple[str, object]:
        out = home / item[0]
        codes = []
        for command in item[1]:
            words = [str(out) if word == "OUT" else word for word in command]
            done = subprocess.run(
                [sys.executable, "-c", COMMAND, *words], env=environment, capture_output=True, text=True, cwd=folder
            )
            codes.append(done.returncode)
            if done.returncode:
                print(f"{item[0]}: exit {done.returncode}: {done.stderr.strip()[-300:]}", flush=True)
        return item[0], {"codes": codes, "files": hashes(out)}

    with ThreadPoolExecutor(2) as pool:
        results = dict(pool.map(one, matrix(folder)))
    (folder / f"{name}.json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(results)} outputs, {sum(len(r['files']) for r in results.values())} files")  # type: ignore[index,misc]
    return 0


def compare(folder: Path, before: str, after: str) -> int:
    """Name what differs; 1 if anything does."""
    first, second = (json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in (before, after))
    different = 0
    for name in sorted(first.keys() | second.keys()):
        one, other = first.get(name, {}), second.get(name, {})
        if one.get("codes") != other.get("codes"):
            print(f"{name}: exit {one.get('codes')}, then {other.get('codes')}")
            different += 1
        files, later = one.get("files", {}), other.get("files", {})
        for path in sorted(files.keys() | later.keys()):
            if files.get(path) != later.get(path):
                print(f"{name}/{path}: {'gone' if path not in later else 'new' if path not in files else 'different'}")
                different += 1
    print(f"{different} differences in {sum(len(r['files']) for r in first.values())} files of {len(first)} outputs")
    return 1 if different else 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sources", folder]:
            make_sources(Path(folder).resolve())
        case ["run", folder, name]:
            sys.exit(run(Path(folder).resolve(), name))
        case ["compare", folder, before, after]:
            sys.exit(compare(Path(folder).resolve(), before, after))
        case _:
            sys.exit(__doc__)

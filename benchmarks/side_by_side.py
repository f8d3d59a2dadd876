"""poisonkit beside the floor and beside what a user would pick instead, interleaved in one run.

    make bench
    .venv-rivals/bin/python benchmarks/side_by_side.py --rounds 7 h264:blend wav:sine

CPU and wall time, medians and fastest, and of every output its bytes, frames, PSNR and what is left of the trigger.
What is compared, and how to read it: README.md beside this file. With --keep the tables go to results/.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import av
import cv2
import imageio_ffmpeg
import numpy as np
import rivals
from main_job import floor_folder, floor_once, in_rgb, poisonkit_once, timed, triggered_frames, triggered_pictures
from rivals import Case, heard
from scenes import CLIPS, SOUND_RATE, make_source

from poisonkit import triggers
from poisonkit.engine.executors.threads import pin
from poisonkit.triggers import ClipInfo

Way = Callable[[], None]
Row = dict[str, Any]
CASES = (
    "avi:blend", "h264:blend", "720p:blend", "hevc:blend", "frames:blend", "h264:wanet", "h264:frame-lag", "h264:ftrojan",
    "wav:sine", "mp3:sine", "h264:sine", "720p:sine",
)  # fmt: skip
RESULTS = Path(__file__).parent / "results"
MODULES = {"MoviePy": "moviepy", "PyAV + albumentations": "albumentations", "torchcodec": "torchcodec.encoders", "AugLy": "augly.video"}  # fmt: skip
TARGETS = (  # case, way, of which way, median at most, fastest at most
    ("avi:blend", "poisonkit, in planes", "floor", 1.12, 1.12),
    ("avi:blend", "poisonkit, through RGB", "floor", 1.35, 1.35),
    *((f"{clip}:blend", "poisonkit, in planes", "floor", 1.05, 1.05) for clip in ("h264", "720p")),
    *((f"{clip}:blend", "poisonkit, through RGB", "floor", 1.12, 1.12) for clip in ("h264", "720p")),
    *((f"{clip}:blend", "poisonkit, in planes", "MoviePy", 0.5, 0.5) for clip in ("avi", "h264", "720p", "hevc")),
    *((f"{clip}:blend", "poisonkit, in planes", "ffmpeg filters", 0.8, 0.8) for clip in ("avi", "h264", "720p", "hevc")),
    *((f"{clip}:sine", "poisonkit", "ffmpeg, the picture encoded again", 0.2, 0.2) for clip in ("h264", "720p")),
    ("wav:sine", "poisonkit", "soundfile, read and write", 1.5, 1.5),
)  # fmt: skip


def ways(name: str, folder: Path) -> tuple[Case, dict[str, tuple[Way, Path]], dict[str, str]]:
    """Of a case: the case, its ways (what to call, what it writes), and which rivals are skipped, and why."""
    clip_name, trigger_name = name.split(":")
    clip = CLIPS[clip_name]
    trigger = triggers.create(trigger_name, **({"alpha": rivals.ALPHA} if trigger_name == "blend" else {}))
    source, picture = folder / f"source{clip.suffix}", folder / "pattern.png"
    make_source(source, clip)
    sound = trigger.modality == "audio"
    case = Case(clip, trigger, source, picture, None if sound else rivals.change_of(trigger, clip, picture))
    calls: dict[str, Callable[[Path], None]] = (_sound_ways if sound else _picture_ways)(case)
    skipped = {}
    for rival, module in MODULES.items():
        why = rivals.missing(module.partition(".")[0], module)
        if rival in calls and why:
            skipped[rival] = why
            del calls[rival]
    made = {}
    for number, (way, call) in enumerate(calls.items()):
        target = folder / f"out{number}{clip.suffix}"
        made[way] = (lambda call=call, target=target: call(target), target)  # type: ignore[misc]
    return case, made, skipped


def _picture_ways(case: Case) -> dict[str, Callable[[Path], None]]:
    clip, folder = case.clip, case.clip.codec == "jpeg"
    found: dict[str, Callable[[Path], None]] = {}
    if folder:
        changed = triggered_pictures(case.source, clip, case.trigger)
        found["floor"] = lambda target: floor_folder(case.source, target, changed)
    else:
        encoded = triggered_frames(case.source, clip, case.trigger)
        found["floor"] = lambda target: floor_once(case.source, target, clip, encoded)
    in_planes = case.trigger.name == "blend" and not folder
    own = "poisonkit, in planes" if in_planes else "poisonkit"
    found[own] = lambda target: poisonkit_once(case.source, target, case.trigger)
    if in_planes:
        found["poisonkit, through RGB"] = lambda target: in_rgb(case.source, target, case.trigger)
    found["ffmpeg, no trigger"] = lambda target: rivals.transcode(case, target)
    if case.trigger.name in ("blend", "frame-lag"):
        found["ffmpeg filters"] = lambda target: rivals.filter_graph(case, target)
    found["OpenCV"] = lambda target: rivals.opencv(case, target)
    if not folder:
        found["MoviePy"] = lambda target: rivals.moviepy(case, target)
        if case.change is not None:
            found["PyAV + albumentations"] = lambda target: rivals.albumentations(case, target)
        found["torchcodec"] = lambda target: rivals.torchcodec(case, target)
        if case.trigger.name == "blend":
            found["AugLy"] = lambda target: rivals.augly(case, target)
    return found


def _sound_ways(case: Case) -> dict[str, Callable[[Path], None]]:
    found: dict[str, Callable[[Path], None]] = {
        "floor": lambda target: _floor_sound(case, target),
        "poisonkit": lambda target: poisonkit_once(case.source, target, case.trigger),
        "ffmpeg, no trigger": lambda target: rivals.transcode_sound(case, target),
        "ffmpeg filters": lambda target: rivals.filter_sound(case, target),
        "MoviePy": lambda target: rivals.moviepy_sound(case, target),
        "torchcodec": lambda target: rivals.torchcodec_sound(case, target),
    }
    if case.clip.codec:
        found["ffmpeg, the picture encoded again"] = lambda target: rivals.transcode_picture(case, target)
    else:
        found["soundfile"] = lambda target: rivals.soundfile_sound(case, target)
        found["soundfile, read and write"] = lambda target: rivals.soundfile_copy(case, target)
    return found


def _floor_sound(case: Case, target: Path) -> None:
    """Read, write and read; in a file with pictures, their packets are copied."""
    if not case.clip.codec:
        rivals.soundfile_copy(case, target)
        heard(target)
        return
    with av.open(str(case.source)) as container, av.open(str(target), "w") as out:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        copied = out.add_stream_from_template(picture)
        track = out.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        track.bit_rate = 192_000
        for packet in container.demux(picture, sound):
            if packet.stream is sound:
                for block in packet.decode():
                    out.mux(track.encode(block))
            elif packet.dts is not None:
                packet.stream = copied
                out.mux(packet)
        out.mux(track.encode(None))
    heard(target)


def images_of(path: Path) -> Iterator[np.ndarray]:
    """RGB pictures of a file or a folder."""
    if path.is_dir():
        yield from (cv2.imread(str(f))[..., ::-1] for f in sorted(path.iterdir()))
        return
    with av.open(str(path)) as container:
        yield from (frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))


def facts_of(case: Case, path: Path, plain: Path) -> Row:
    """Bytes, frames (sound: samples), PSNR against the triggered source, and gain: what is left of the trigger.

    plain: the same source encoded without a trigger; gain = <out - plain, d> / <d, d>, d = triggered - source.
    """
    size = sum(f.stat().st_size for f in path.iterdir()) if path.is_dir() else path.stat().st_size
    chain = triggers.Chain([case.trigger])
    if case.trigger.modality == "audio":
        source, out, base = heard(case.source), heard(path), heard(plain)
        n = source.shape[1]
        info = ClipInfo(id="bench", sample_rate=SOUND_RATE, channels=2, samples=n)
        wanted = chain.audio(source, info, chain.draw(info, 0))
        pairs = [(source, wanted, _aligned(out, source), _aligned(base, source))]
        count, peak = out.shape[1], 1.0
    else:
        clip = case.clip
        info = ClipInfo(id="bench", width=clip.width, height=clip.height, fps=clip.fps, frames=clip.frames)
        source = list(images_of(case.source))
        wanted = chain.video(iter(source), info, chain.draw(info, 0))
        count, peak = sum(1 for _ in images_of(path)), 255.0
        pairs = zip(source, wanted, images_of(path), images_of(plain), strict=False)  # type: ignore[assignment]
    error = points = left = whole = 0.0
    for before, after, out, base in pairs:
        before, after, out, base = (np.asarray(a, np.float64) for a in (before, after, out, base))
        error += float(((out - after) ** 2).sum())
        points += out.size
        d = after - before
        left += float(((out - base) * d).sum())
        whole += float((d * d).sum())
    psnr = 10 * np.log10(peak**2 * points / max(error, 1e-12))
    return {
        "bytes": size,
        "frames": count,
        "psnr": round(float(psnr), 1),
        "gain": round(left / whole, 2) if whole else None,
    }


def _aligned(wave: np.ndarray, like: np.ndarray) -> np.ndarray:
    """`wave` without the encoder's delay, as long as `like`."""
    n, most = like.shape[1], 4096
    size = 1 << (2 * max(n, wave.shape[1]) - 1).bit_length()
    both = np.fft.irfft(np.fft.rfft(wave[0], size) * np.conj(np.fft.rfft(like[0], size)), size)
    late = int(np.argmax(np.concatenate([both[-most:], both[:most]]))) - most
    moved = np.zeros_like(like)
    start, first = max(0, late), max(0, -late)
    part = wave[:, start : start + n - first]
    moved[:, first : first + part.shape[1]] = part
    return moved


def measure(name: str, rounds: int) -> tuple[list[Row], dict[str, str]]:
    """The rows of a case, and what was skipped."""
    with tempfile.TemporaryDirectory(prefix="poisonkit-bench-") as folder:
        case, found, skipped = ways(name, Path(folder))
        spent: dict[str, list[tuple[float, float]]] = {way: [] for way in found}
        for turn in range(rounds + 1):
            for way, (call, target) in list(found.items()):
                shutil.rmtree(target, ignore_errors=True)
                target.unlink(missing_ok=True)
                try:
                    with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
                        took = timed(call)
                except Exception as error:  # whatever other packages raise
                    if way.startswith(("poisonkit", "floor", "ffmpeg, no")):
                        raise
                    skipped[way] = " ".join(str(error).split())[:160]
                    del found[way], spent[way]
                    continue
                if turn:  # the first round only warms up
                    spent[way].append(took)
        rows = []
        for way, took in spent.items():
            cpu, wall = zip(*took, strict=True)
            rows.append(
                {
                    "case": name, "way": way, "cpu": statistics.median(cpu), "fastest": min(cpu),
                    "wall": statistics.median(wall), **facts_of(case, found[way][1], found["ffmpeg, no trigger"][1]),
                }
            )  # fmt: skip
    return rows, skipped


def table(name: str, rows: list[Row], skipped: dict[str, str]) -> str:
    """A case as Markdown."""
    base = next(row for row in rows if row["way"] == "floor")
    clip, trigger = name.split(":")
    unit = "samples" if trigger == "sine" else "frames"
    lines = [
        f"### {CLIPS[clip].name}: {trigger}", "",
        f"| | CPU ms | × floor | fastest | × floor | wall ms | kB | {unit} | PSNR dB | trigger left |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for row in rows:
        lines.append(
            f"| {row['way']} | {1000 * row['cpu']:.0f} | {row['cpu'] / base['cpu']:.2f} | {1000 * row['fastest']:.0f} | "
            f"{row['fastest'] / base['fastest']:.2f} | {1000 * row['wall']:.0f} | {row['bytes'] / 1000:.0f} | {row['frames']} | "
            f"{row['psnr']:.1f} | {'' if row['gain'] is None else row['gain']} |"
        )
    lines += ["", *(f"Skipped: {way}: {why}" for way, why in skipped.items()), *([""] if skipped else [])]
    return "\n".join(lines)


def targets(rows: list[Row]) -> str:
    """Which targets are met, as Markdown; a case that was not measured is left out."""
    at = {(row["case"], row["way"]): row for row in rows}
    lines = [
        "### Targets (CPU)",
        "",
        "| case | way | over | median | fastest | at most | |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    for case, way, over, median, fastest in TARGETS:
        row, base = at.get((case, way)), at.get((case, over))
        if row and base:
            a, b = row["cpu"] / base["cpu"], row["fastest"] / base["fastest"]
            met = "met" if a <= median and b <= fastest else "met by one" if a <= median or b <= fastest else "not met"
            lines.append(f"| {case} | {way} | {over} | {a:.2f} | {b:.2f} | {median} | {met} |")
    return "\n".join([*lines, ""])


def commit_now() -> str:
    """The commit of this checkout."""
    git = ["git", "-C", str(Path(__file__).parent)]
    commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True).stdout.strip()
    return f"{commit}{' with changes' if changed else ''}"


def machine(rounds: int, load: str, commit: str) -> str:
    """Where and with what this was measured."""
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        cpu = next(line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name"))
    names = ("av", "opencv-python", "opencv-python-headless", "numpy", "soundfile", "moviepy", "albumentations", "torch", "torchcodec", "augly")  # fmt: skip
    versions = []
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions.append(f"{name} {metadata.version(name)}")
    ffmpeg = imageio_ffmpeg.get_ffmpeg_version()
    return (
        f"- {cpu}, {os.cpu_count()} cores, load average {load} at the start, {os.getloadavg()[0]:.0f} at the end\n"
        f"- commit {commit}; Python {platform.python_version()}; ffmpeg {ffmpeg}; {', '.join(versions)}\n"
        f"- medians and fastest of {rounds} interleaved rounds after one that warms up; one thread each; CPU: user + system, children included\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("cases", nargs="*", default=CASES, help="CLIP:TRIGGER; by default all of " + " ".join(CASES))
    parser.add_argument("-n", "--rounds", type=int, default=5, help="rounds that count, after one that warms up")
    parser.add_argument("--keep", action="store_true", help="write the tables to benchmarks/results/")
    given = parser.parse_args()
    if given.rounds < 1:
        parser.error("--rounds must be at least 1")
    pin()
    load, commit = f"{os.getloadavg()[0]:.0f}", commit_now()
    rows: list[Row] = []
    parts = []
    for name in given.cases:
        more, skipped = measure(name, given.rounds)
        rows += more
        parts.append(table(name, more, skipped))
        print(parts[-1], flush=True)
        if given.keep:  # after every case: a long run that is stopped keeps what it has
            RESULTS.mkdir(exist_ok=True)
            head = f"# poisonkit side by side\n\nMade by `make bench`; how to read it: [README](../README.md).\n\n{machine(given.rounds, load, commit)}\n"
            (RESULTS / "side_by_side.md").write_text("\n".join([head, targets(rows), *parts]), encoding="utf-8")
            (RESULTS / "side_by_side.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(targets(rows))
    print(machine(given.rounds, load, commit))


if __name__ == "__main__":
    sys.exit(main())

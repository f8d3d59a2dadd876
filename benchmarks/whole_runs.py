"""Whole runs of the command: what they take beside the clips, what a second job is worth, what starting costs.

    python benchmarks/whole_runs.py                        everything (a quarter of an hour of two processors)
    python benchmarks/whole_runs.py start again            only these parts
    python benchmarks/whole_runs.py beside --clips 50

Every run is the command, in a process of its own; CPU seconds are user plus system time, of it or of its workers. See
README.md beside this file. The survival of a sample: `survival.py`. Plans of a million samples: `scale.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

PARTS = ("start", "beside", "jobs", "again")
DIFFERENT = 6
"""So many clips are made; the others are copies of them."""
ALL = ("-t", "blend", "--rate", "1", "--label-mode", "keep", "--no-attack-set", "--control", "0")
"""Every clip is written once."""


def cpu_of(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


# -- in the process that is measured -------------------------------------------------------------------


def inside(report: Path, args: list[str]) -> None:
    """Run the command in this process, as `python -m poisonkit` does; what it took goes into a file as JSON.

    With one job, `clips` and `survival` are CPU seconds inside those.
    """
    spent = {"clips": 0.0, "survival": 0.0}

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*given: Any) -> Any:
            began = time.process_time()
            try:
                return call(*given)
            finally:
                spent[name] += time.process_time() - began

        return counting

    if "--jobs=1" in args:
        from poisonkit.engine import pipeline
        from poisonkit.engine.executors import local

        local.process = counted("clips", local.process)
        pipeline.measure = counted("survival", pipeline.measure)
    from poisonkit.cli import call
    from poisonkit.common import levels

    levels.own_process = True
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        status = call(args)
    if "joblib" in sys.modules:  # only of children that were waited for is it known what they took
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True)
    found = {
        "status": status,
        "own": cpu_of(resource.RUSAGE_SELF),
        "workers": cpu_of(resource.RUSAGE_CHILDREN),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **spent,
    }
    report.write_text(json.dumps(found), encoding="utf-8")


# -- measuring -----------------------------------------------------------------------------------------


def command(*args: str | Path) -> dict[str, float]:
    """What one run of the command took: CPU seconds by whom, wall seconds, peak memory of its own process in MB."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report")
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, __file__, "--inside", str(report), *map(str, args)],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wall = time.perf_counter() - began
        found: dict[str, float] = json.loads(report.read_text(encoding="utf-8"))
    if found["status"]:
        raise SystemExit(f"poisonkit {' '.join(map(str, args))}: exit status {found['status']}")
    return {**found, "wall": wall, "cpu": found["own"] + found["workers"]}


def together(commands: Iterable[list[str]]) -> float:
    """Wall seconds of programs that run beside each other."""
    began = time.perf_counter()
    running = [subprocess.Popen(each, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for each in commands]
    statuses = [each.wait() for each in running]
    if any(statuses):
        raise SystemExit(f"{running[0].args} failed")
    return time.perf_counter() - began


def in_turns(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[Any]]:
    """What each way says in each round; every other round begins with the last."""
    found: dict[str, list[Any]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways)[:: 1 if number % 2 == 0 else -1]:
            print(f"  {name}", file=sys.stderr, flush=True)
            found[name].append(ways[name]())
    return found


def middle(rows: Iterable[dict[str, float]], name: str) -> float:
    return statistics.median(row[name] for row in rows)


# -- clips ---------------------------------------------------------------------------------------------


def make_clips(root: Path, count: int, width: int, height: int, frames: int) -> list[Path]:
    """H.264 without sound in ten class folders."""
    from dataclasses import replace

    from scenes import CLIPS, make_source

    clip = replace(CLIPS["h264"], width=width, height=height, frames=frames, sound="")
    made: list[Path] = []
    for i in range(count):
        path = root / f"class_{i % 10}" / f"{i:04d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        if i < DIFFERENT:
            make_source(path, replace(clip, name=f"whole run {i}"))
        else:
            shutil.copyfile(made[i % DIFFERENT], path)
        made.append(path)
    return made


def fresh(root: Path, *more: str) -> Callable[[], dict[str, float]]:
    """A run into a new folder, which is removed afterwards."""

    def run() -> dict[str, float]:
        with tempfile.TemporaryDirectory(dir=root.parent) as out:
            return command("poison", root, "-o", Path(out, "out"), *ALL, *more)

    return run


# -- the parts -----------------------------------------------------------------------------------------


def start(given: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """CPU of commands that do nothing much: as they are, without this script."""

    def cpu(*args: str) -> Callable[[], float]:
        def run() -> float:
            before = cpu_of(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *args], check=True, stdout=subprocess.DEVNULL)
            return cpu_of(resource.RUSAGE_CHILDREN) - before

        return run

    asked = {"--help": 0.3, "triggers": 0.6, "poison --help": None}
    ways = {"python -c pass": cpu("-c", "pass")} | {name: cpu("-m", "poisonkit", *name.split()) for name in asked}
    found = in_turns(ways, 2 * given.rounds + 1)
    yield "| command | fastest, CPU s | median | target |\n|---|---:|---:|---:|"
    for name, values in found.items():
        yield f"| {name} | {min(values):.2f} | {statistics.median(values):.2f} | {asked.get(name) or ''} |"


def beside(given: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """What a run takes beside its clips."""
    root = scratch / "clips"
    make_clips(root, given.clips, 340, 256, 300)
    found = in_turns({"1": fresh(root, "--jobs=1"), "2": fresh(root, "--jobs=2")}, given.rounds)
    yield f"{given.clips} clips of 10 s, 340x256, `{' '.join(ALL)}`, medians of {given.rounds}"
    yield "| jobs | CPU s | in clips | measuring survival | everything else | of all | target |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    one, two = found["1"], found["2"]
    cpu, clips, measured = (middle(one, name) for name in ("cpu", "clips", "survival"))
    rest = cpu - clips - measured
    yield f"| 1 | {cpu:.1f} | {clips:.1f} | {measured:.1f} | {rest:.2f} | {100 * rest / cpu:.1f} % | 2 % |"
    cpu, own = middle(two, "cpu"), middle(two, "own")
    yield f"| 2, workers apart | {cpu:.1f} | {cpu - own:.1f} | | {own:.2f} | {100 * own / cpu:.1f} % | 2 % |"


def jobs(given: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """One job and two, in turns; the same of plain transcodes."""
    import imageio_ffmpeg

    small, long = scratch / "small", scratch / "long"
    make_clips(small, given.small, 160, 120, 30)
    clips = make_clips(long, 2 * DIFFERENT, 340, 256, 300)
    pairs = list(zip(clips[::2], clips[1::2], strict=True))
    program = imageio_ffmpeg.get_ffmpeg_exe()

    def transcode(clip: Path) -> list[str]:
        how = ["-threads", "1", "-i", str(clip), "-c:v", "libx264", "-preset", "veryfast", "-crf", "18"]
        return [program, "-v", "error", "-y", *how, "-threads", "1", str(scratch / f"out-{clip.name}")]

    found = in_turns(
        {
            "small, 1": fresh(small, "--jobs=1"),
            "small, 2": fresh(small, "--jobs=2"),
            "long, 1": fresh(long, "--jobs=1"),
            "long, 2": fresh(long, "--jobs=2"),
            "transcodes, 1": lambda: sum(together([transcode(c)]) for c in clips),
            "transcodes, 2": lambda: sum(together(map(transcode, pair)) for pair in pairs),
        },
        given.rounds,
    )
    yield "| run | one job, wall s | two | speed-up, median of pairs | one job, CPU s | two | target |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    up: dict[str, float] = {}
    titles = {"small": f"{given.small} clips, 160x120, 1 s", "long": f"{len(clips)} clips, 340x256, 10 s"}
    for name, title in titles.items():
        one, two = found[f"{name}, 1"], found[f"{name}, 2"]
        up[name] = statistics.median(a["wall"] / b["wall"] for a, b in zip(one, two, strict=True))
        walls, cpus = ([middle(rows, what) for rows in (one, two)] for what in ("wall", "cpu"))
        target = "1.8" if name == "small" else ""
        yield (
            f"| {title} | {walls[0]:.1f} | {walls[1]:.1f} | {up[name]:.2f} | {cpus[0]:.1f} | {cpus[1]:.1f} | {target} |"
        )
    one, two = found["transcodes, 1"], found["transcodes, 2"]
    plain = statistics.median(a / b for a, b in zip(one, two, strict=True))
    walls = [statistics.median(one), statistics.median(two)]
    yield f"| plain transcodes of these | {walls[0]:.1f} | {walls[1]:.1f} | {plain:.2f} | | | |"
    yield f"\nLong clips, of the speed-up of plain transcodes: {up['long'] / plain:.2f} (target 0.97)"


def again(given: argparse.Namespace, scratch: Path) -> Iterator[str]:
    """The same command once more, with nothing left to do."""
    from scale import CLASSES

    root = scratch / "lists"
    clips = [c.read_bytes() for c in make_clips(scratch / "tiny", DIFFERENT, 32, 32, 2)]
    for number in range(CLASSES):
        (root / "videos" / f"class_{number:03d}").mkdir(parents=True)
    held = given.samples * 9 // 10
    with (root / "train.txt").open("w") as train, (root / "val.txt").open("w") as val:
        for i in range(given.samples):
            name = f"class_{i % CLASSES:03d}/video_{i:07d}_000010.mp4"
            (root / "videos" / name).write_bytes(clips[i % DIFFERENT])
            (train if i < held else val).write(f"{name} {i % CLASSES}\n")
    (root / "label_map.txt").write_text("".join(f"class {i:03d}\n" for i in range(CLASSES)), encoding="utf-8")
    how = ["-t", "blend", "--rate", given.rate, "--attack-limit", "1000", "--jobs=2"]
    run = ("poison", root, "-o", scratch / "out", *how)
    first = command(*run)
    print(f"  first: {first['cpu']:.0f} s CPU", file=sys.stderr, flush=True)
    rows = [command(*run) for _ in range(given.rounds)]
    yield f"{given.samples:,} samples, `{' '.join(how)}`, fastest of {given.rounds}"
    yield "| run | CPU s | of its own process | wall s | peak MB | target |\n|---|---:|---:|---:|---:|---:|"
    for name, row in (("first", first), ("nothing left to do", min(rows, key=lambda r: r["cpu"]))):
        target = "1.5 CPU s" if row is not first else ""
        yield f"| {name} | {row['cpu']:.2f} | {row['own']:.2f} | {row['wall']:.1f} | {row['peak']:.0f} | {target} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clips", type=int, default=200, help="of `beside`")
    parser.add_argument("--small", type=int, default=300, help="small clips of `jobs`")
    parser.add_argument("--samples", type=int, default=100_000, help="of `again`")
    parser.add_argument("--rate", default="0.01", help="of `again`")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: the parts are {', '.join(PARTS)}")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # without bytecode every process compiles what it imports
    for part in given.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="poisonkit-bench-") as folder:
            for line in globals()[part](given, Path(folder)):
                print(line, flush=True)
        print(f"\nLoad {os.getloadavg()[0]:.0f}, {os.cpu_count()} processors, Python {sys.version.split()[0]}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(Path(sys.argv[2]), sys.argv[3:])
    else:
        main()

"""What `--portable` costs: CPU time of whole jobs at the portable level, over that at this processor's own.

    python benchmarks/portable.py
    python benchmarks/portable.py -n 9

One clip, 340x256, 60 frames of H.264 with AAC sound, made by code; one thread; the fastest of n interleaved rounds, in
processes of their own. Starting the program, which `--portable` does twice, is measured by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from poisonkit import media, triggers
from poisonkit.common.seeding import generator
from poisonkit.datasets import Sample
from poisonkit.engine.clips.job import Job, Places, Treatment
from poisonkit.engine.clips.worker import process
from poisonkit.engine.executors.threads import pin
from poisonkit.plan.plan import Task
from poisonkit.recipe.encodings import parse_encode
from poisonkit.sampledata.pictures import frames as moving_shapes
from poisonkit.sampledata.sounds import wave

JOBS = {  # name -> (encoding, triggers)
    "blend": ("match", ("blend:alpha=0.1",)),
    "blend, lossless": ("lossless", ("blend:alpha=0.1",)),
    "color-shift (in Lab)": ("match", ("color-shift:space=lab",)),
    "wanet, dynamic": ("match", ("wanet:temporal=dynamic",)),
    "low-frequency, dynamic": ("match", ("low-frequency:temporal=dynamic",)),
    "fiba": ("match", ("fiba",)),
    "refool": ("match", ("refool",)),
    "sine (picture copied)": ("match", ("sine:snr=20",)),
    "pitch-shift (picture copied)": ("match", ("pitch-shift",)),
}


def clip(path: Path) -> Path:
    """The clip that all jobs work on."""
    images = moving_shapes("bar_rotating", generator(0, "portable"), 340, 256, 60, 25)
    sound = wave("chirp_up", generator(0, "portable"), 44_100, 2.4)
    media.write_video(path, images, 25, (sound, 44_100))
    return path


def job(source: Path, out: Path, name: str) -> Job:
    encode, texts = JOBS[name]
    made = tuple(triggers.create(text) for text in texts)
    task = Task("poisoned", Sample(source.name, source.name, "train", 0), f"data/{source.name}", 1, 1, 0)
    treatment = Treatment(made, frozenset(t.modality for t in made), seed=1)
    return Job(task, ("a", "b"), Places(str(source), str(out)), treatment, parse_encode(encode))


def child(source: Path) -> None:
    """CPU seconds of each job, of this process and of programs that it starts, after one that is not counted."""
    pin()
    found = {}
    with tempfile.TemporaryDirectory() as out:
        process(job(source, Path(out), "blend"))
        for name in JOBS:
            before = spent()
            row = process(job(source, Path(out), name))
            found[name] = spent() - before
            if row["status"] != "ok":
                sys.exit(row["error"])
    print(json.dumps(found))


def spent() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def cpu(command: list[str]) -> tuple[float, str]:
    """(CPU seconds of a command, its output)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="rounds")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child)
        return
    ways = {"plain": [], "portable": [sys.executable, "-m", "poisonkit.common.levels"]}
    best: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        source = clip(Path(folder, "clip.mp4"))
        for _ in range(asked.n):
            for way, before in ways.items():
                _, said = cpu([*before, sys.executable, __file__, "--child", str(source)])
                for name, seconds in json.loads(said.splitlines()[-1]).items():
                    best[way, name] = min(seconds, best.get((way, name), seconds))
                start, _ = cpu([*before, sys.executable, "-c", "import cv2, av, numpy, scipy"])
                best[way, "starting"] = min(start, best.get((way, "starting"), start))
    print(f"Fastest of {asked.n} rounds, load {os.getloadavg()[0]:.0f}")
    print("| job | CPU s | portable, CPU s | ratio |\n|---|---:|---:|---:|")
    for name in (*JOBS, "starting"):
        plain, portable = best["plain", name], best["portable", name]
        print(f"| {name} | {plain:.3f} | {portable:.3f} | {portable / plain:.2f} |")


if __name__ == "__main__":
    main()

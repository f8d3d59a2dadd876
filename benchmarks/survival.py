"""What measuring survival on the default sample adds to a run, and where its time goes.

    python benchmarks/survival.py --clips 200 --rounds 3

The same dataset, made by code, is poisoned with `--survival none` and with `--survival sample`, one after the other in
each round, in the other order in the next, with one job in this process; the table shows medians of CPU time (user and
system, children included) and wall time, and the ratio of the sums. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import poisonkit
from poisonkit import Recipe, media
from poisonkit.common.seeding import generator
from poisonkit.sampledata.pictures import MOTIONS
from poisonkit.sampledata.pictures import frames as moving_shapes


def make(root: Path, clips: int, suffix: str, size: tuple[int, int], frames: int) -> None:
    """Class folders: three quarters of the clips for training, a moving shape each under sensor noise of 3 levels."""
    width, height = size
    motions = list(MOTIONS)[:4]
    for i in range(clips):
        motion = motions[i % len(motions)]
        split = "test" if i % 4 == 3 else "train"
        rng = generator("bench survival", i)
        shapes = moving_shapes(motion, rng, width, height, frames, 25)
        noisy = (np.clip(np.rint(x + rng.normal(0, 3, x.shape)), 0, 255).astype(np.uint8) for x in shapes)
        path = root / split / f"class_{(i // 4) % 10}" / f"{i}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        media.write_video(path, noisy, 25)


def once(source: Path, out: Path, trigger: str, survival: str) -> tuple[float, float, int]:
    """CPU seconds, wall seconds, clips measured."""
    shutil.rmtree(out, ignore_errors=True)
    wall, cpu = time.perf_counter(), time.process_time()
    done = poisonkit.poison(Recipe(source=source, out=out, triggers=[trigger], survival=survival), jobs=1)
    measured = sum(o.measured for o in done.survival.values())
    return time.process_time() - cpu, time.perf_counter() - wall, measured


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--clips", type=int, default=200)
    parse.add_argument("--rounds", type=int, default=3)
    parse.add_argument("--frames", type=int, default=50)
    parse.add_argument("--size", type=int, nargs=2, default=(320, 240))
    parse.add_argument("--suffix", default=".mp4")
    parse.add_argument("--trigger", default="blend")
    asked = parse.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "clips"), Path(folder, "out")
        make(source, asked.clips, asked.suffix, tuple(asked.size), asked.frames)
        taken: dict[str, list[tuple[float, float, int]]] = {"none": [], "sample": []}
        once(source, out, asked.trigger, "sample")
        for number in range(asked.rounds):
            for survival in ("none", "sample") if number % 2 == 0 else ("sample", "none"):
                taken[survival].append(once(source, out, asked.trigger, survival))
    print(f"{asked.clips} clips{asked.suffix} of {asked.size}, {asked.frames} frames, {asked.trigger}")
    for survival, runs in taken.items():
        cpu, wall = (statistics.median(r[i] for r in runs) for i in (0, 1))
        print(f"{survival:8} CPU {cpu:7.2f} s   wall {wall:7.2f} s   {runs[0][2]} clips measured")
    for i, name in ((0, "CPU"), (1, "wall")):
        ratio = sum(r[i] for r in taken["sample"]) / sum(r[i] for r in taken["none"])
        print(f"sample / none, {name}: {ratio:.3f}")


if __name__ == "__main__":
    main()

"""What `poisonkit detect` costs: each method on a large dump, wall and CPU seconds and peak memory.

    python benchmarks/detection.py --samples 100000 --features 512 --classes 100

The dump is made by code: features of each class about a centre of their own, rectified; a tenth of class 0 is drawn
about another class, moved along one direction, and has a tenth of the others' loss. Each method runs in a process of
its own, reading the file included. The AUC that is printed is of the planted samples, and says that something was
computed. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from poisonkit.detection.registry import METHODS


def make(path: Path, samples: int, features: int, classes: int) -> None:
    """An .npz file; the first tenth of class 0 is planted, and its names say so."""
    rng = np.random.default_rng(0)
    labels = np.arange(samples) % classes
    centres = rng.normal(0, 1, (classes, features)).astype(np.float32)
    values = rng.normal(0, 1, (samples, features)).astype(np.float32) + centres[labels]
    own = np.flatnonzero(labels == 0)
    planted = own[: max(1, len(own) // 10)]
    values[planted] += centres[1] - centres[0] + 4 * rng.normal(0, 0.1, features).astype(np.float32)
    loss = rng.exponential(1, samples)
    loss[planted] /= 10
    bad = set(planted.tolist())
    names = np.array([f"{'bad' if i in bad else 'fine'}/{i:07d}.mp4" for i in range(samples)])
    np.savez(path, features=np.maximum(values, 0), labels=labels, files=names, loss=loss)


def once(path: Path, method: str) -> None:
    """Run one method and print a row."""
    import poisonkit

    wall, cpu = time.perf_counter(), time.process_time()
    found = poisonkit.detect(path, method=[method], folder=path.parent)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    lines = found.verdicts[method].file.read_text().splitlines()[2:]
    values = [(name.startswith("bad"), float(score)) for name, score in (line.rsplit(",", 1) for line in lines)]
    from sklearn.metrics import roc_auc_score

    auc = roc_auc_score([bad for bad, _ in values], [score for _, score in values])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"| {method} | {wall:.0f} | {cpu:.0f} | {peak:.1f} | {auc:.3f} |", flush=True)


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parse.add_argument("--samples", type=int, default=100_000)
    parse.add_argument("--features", type=int, default=512)
    parse.add_argument("--classes", type=int, default=100)
    parse.add_argument("--methods", nargs="*", default=list(METHODS))
    parse.add_argument("--once", nargs=2, metavar=("FILE", "METHOD"))
    asked = parse.parse_args()
    if asked.once:
        once(Path(asked.once[0]), asked.once[1])
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "features.npz"
        make(path, asked.samples, asked.features, asked.classes)
        print(f"{asked.samples} samples, {asked.features} features, {asked.classes} classes")
        print("| method | s | CPU s | peak GiB | AUC |\n| --- | ---: | ---: | ---: | ---: |", flush=True)
        for method in asked.methods:
            subprocess.run([sys.executable, __file__, "--once", str(path), method], check=True)


if __name__ == "__main__":
    main()

"""What a large dataset costs beside its media: planning, manifest, verify, linking clean samples.

    make bench-scale
    python benchmarks/scale.py --samples 10000 100000

The samples are lines of MMAction2 lists without files: opening clips and encoding them is left out, all the rest is
what a run does. Each size runs in a process of its own. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import TypeVar

from rich.console import Console
from rich.table import Table

import poisonkit
from poisonkit.common import atomic
from poisonkit.datasets import Dataset, Sample
from poisonkit.engine.finishing import clean_samples, writing
from poisonkit.engine.finishing.clean_samples import Linked
from poisonkit.engine.finishing.results import Made, Part
from poisonkit.engine.preflight import read_source
from poisonkit.engine.state.ledger import Ledger
from poisonkit.engine.state.options import Options
from poisonkit.engine.state.progress import Logged
from poisonkit.engine.state.run_state import Run, State
from poisonkit.engine.state.task_results import TaskResults
from poisonkit.outputs import notices, record
from poisonkit.plan.plan import Plan, Task
from poisonkit.plan.planner import Planner
from poisonkit.plan.selection import Examined
from poisonkit.recipe.recipe import Recipe
from poisonkit.triggers import ClipInfo

T = TypeVar("T")
SIZES = (10_000, 100_000, 1_000_000)
CLASSES = 400
LINKS = 10_000
CONTENT = b"x" * 1000
CLIP = ClipInfo(id="", width=340, height=256, fps=30.0, frames=300)


def make_lists(root: Path, samples: int) -> None:
    """Lists of so many clips, nine in ten for training; one of them is there."""
    (root / "videos" / "class_000").mkdir(parents=True)
    (root / "videos" / "class_000" / "video_0000000_000010.mp4").write_bytes(CONTENT)
    for split, first, last in (("train", 0, samples * 9 // 10), ("val", samples * 9 // 10, samples)):
        with (root / f"{split}.txt").open("w", encoding="utf-8") as file:
            for i in range(first, last):
                file.write(f"class_{i % CLASSES:03d}/video_{i:07d}_000010.mp4 {i % CLASSES}\n")
    (root / "label_map.txt").write_text("".join(f"class {i:03d}\n" for i in range(CLASSES)), encoding="utf-8")


def peak_megabytes() -> float:
    """Of this program; what `getrusage` says is that of the one that started it, where that was larger."""
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(found: dict[str, tuple[float, float]], name: str, call: Callable[[], T]) -> T:
    """The result of a call; its CPU and wall seconds under `name`, also on stderr."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = call()
    found[name] = time.process_time() - cpu, time.perf_counter() - wall
    print(f"  {name}: {found[name][0]:.2f} s CPU, {found[name][1]:.2f} s", file=sys.stderr, flush=True)
    return result


def opened(samples: Iterable[Sample]) -> Iterator[Examined]:
    """Every candidate opens."""
    return (Examined(sample, CLIP) for sample in samples)


def records(plan: Plan, recipe: Recipe, out: Path) -> dict[str, record.Record]:
    """What a run keeps of the files that it writes: a record from a worker for each, with all that it says."""
    triggers = [{**entry, "drawn": {}} for entry in recipe.portable()["backdoors"][0]["triggers"]]
    digest = hashlib.sha256(CONTENT).hexdigest()
    facts = {
        "width": 340, "height": 256, "fps": 30.0, "frames": 300, "bytes": len(CONTENT), "sha256": digest,
        "streams": {"container": "mp4", "video": 1, "audio": 0, "dropped": [], "converted": []},
        "codec": {"video": "h264", "audio": None}, "source_sha256": digest,
        "fidelity": {"psnr": 30.0, "ssim": 0.95, "gain": None, "cosine": None, "verdict": None, "presence": 0.9},
    }  # fmt: skip
    poisoned = {"triggers": triggers, "poisoned_ranges": [[0, 300]]}
    with Ledger(State(out).ledger) as ledger:
        for task in plan.tasks:
            if task.role != "clean":
                more = {"fidelity": None} if task.role == "control" else poisoned
                row = record.record(task, plan.classes, **{**facts, **more})
                ledger.add(pickle.loads(pickle.dumps(row)))  # as it comes from a worker
        return ledger.records


def finish(recipe: Recipe, plan: Plan, out: Path, dataset: Dataset, worked: dict[str, record.Record]) -> None:
    """Lists, manifest, card and run.json, as a run writes them once all media are in place."""
    linked = Linked({t.id: len(CONTENT) for t in plan.tasks if t.role == "clean"})
    part = Part(recipe.portable(), plan, TaskResults(worked, linked))
    run = Run(recipe, dataset, State(out), Options(jobs=1), time.monotonic())
    writing.finish(run, Made(part, "hardlink", 0))


def put_files(plan: Plan, out: Path) -> None:
    """A file in the place of each: links of a few, which hold little."""
    content = out.parent / "content"
    for i, task in enumerate(plan.tasks):
        if i % 30_000 == 0:  # so many links a file can have
            content.unlink(missing_ok=True)
            content.write_bytes(CONTENT)
        for name in (task.path, *task.linked_paths):
            if i < CLASSES or task.role != "clean":
                (out / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(content, out / name)


def verify_one(out: str) -> None:
    """Print, as JSON, seconds and peak memory of `verify`, which has to find nothing."""
    cpu, wall = time.process_time(), time.perf_counter()
    checked = poisonkit.verify(out)
    if checked.problems:
        raise SystemExit(f"{len(checked.problems)} findings, such as {checked.problems[0]}")
    print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall, peak_megabytes()]))


def first_start(recipe: Recipe, out: Path, steps: dict[str, tuple[float, float]]) -> Plan:
    """All that a run does beside its media."""
    dataset = timed(steps, "read lists", lambda: read_source(recipe))
    plan = timed(steps, "plan", Planner(recipe, dataset, opened).plan)
    home = out / "poisonkit"
    home.mkdir(parents=True)
    timed(steps, "save plan", lambda: atomic.write_lines(home / "plan.jsonl", plan.to_jsonl()))
    atomic.write_text(home / "recipe.yaml", recipe.to_yaml())
    notices.write_notices(out, plan)
    worked = timed(steps, "records", lambda: records(plan, recipe, out))
    timed(steps, "lists, manifest, card", lambda: finish(recipe, plan, out, dataset, worked))
    return plan


def one_size(samples: int) -> None:
    """Print, as JSON, seconds by step and peak memory of one size."""
    steps: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder, "in"), Path(folder, "out")
        make_lists(root, samples)
        recipe = Recipe(source=root, triggers=["blend"], rate=0.1, layout="mmaction2-video")
        plan = first_start(recipe, out, steps)
        first = peak_megabytes()
        put_files(plan, out)
        checked = {}
        for name in ("verify", "verify, without source"):
            command = [sys.executable, __file__, "--verify", str(out)]
            cpu, wall, peak = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            steps[name], checked[name] = (cpu, wall), peak
            shutil.rmtree(root, ignore_errors=True)
    print(json.dumps({"steps": steps, "peak": first, "checked": checked}))


def sizes_table(sizes: Iterable[int]) -> Table:
    table = Table(title="Without media: CPU seconds (wall)")
    results = {}
    for samples in sizes:
        print(f"{samples:,} samples", file=sys.stderr)
        command = [sys.executable, __file__, "--one", str(samples)]
        results[samples] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    for head in ("step", *(f"{samples:,}" for samples in results)):
        table.add_column(head, justify="left" if head == "step" else "right")
    steps = list(next(iter(results.values()))["steps"])
    for name in steps:
        pairs = [result["steps"][name] for result in results.values()]
        table.add_row(name, *(f"{cpu:.1f} ({wall:.1f})" for cpu, wall in pairs))
    mine = [name for name in steps if "verify" not in name]
    sums = [[sum(result["steps"][name][i] for name in mine) for i in (0, 1)] for result in results.values()]
    table.add_row("[bold]plan and manifest", *(f"[bold]{cpu:.1f} ({wall:.1f})" for cpu, wall in sums))
    table.add_row("peak memory, MB", *(f"{result['peak']:.0f}" for result in results.values()))
    for name in next(iter(results.values()))["checked"]:
        table.add_row(f"of {name}", *(f"{result['checked'][name]:.0f}" for result in results.values()))
    return table


def cpu_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def links_table(runs: int) -> Table:
    """Linking clean samples, records and their lines included, beside `cp -al` of the same tree, in turns."""
    table = Table(title=f"{LINKS:,} clean samples, medians of {runs}")
    for head in ("way", "CPU s", "wall s"):
        table.add_column(head, justify="left" if head == "way" else "right")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "in")
        tasks = []
        for i in range(LINKS):
            name = f"class_{i % 100:02d}/video_{i:05d}.mp4"
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(b"x")
            label = i % 100
            tasks.append(Task("clean", Sample(name, name, "train", label), f"data/{name}", label))
        classes = [f"class {i}" for i in range(100)]

        def by_cp(out: Path) -> None:
            subprocess.run(["cp", "-al", root, out], check=True)

        def by_poisonkit(out: Path) -> None:
            (out / "data").mkdir(parents=True)
            linked, _ = clean_samples.link(tasks, root, out, "hardlink", Logged())
            atomic.write_lines(out / "manifest.jsonl", TaskResults({}, linked).lines(tasks, classes))

        ways = {"cp -al": by_cp, "poisonkit, with records": by_poisonkit}
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for number in range(runs + 1):  # the first warms up
            for name, way in ways.items():
                out = Path(folder, "out")
                cpu, wall = cpu_seconds(), time.perf_counter()
                way(out)
                if number:
                    seconds[name].append((cpu_seconds() - cpu, time.perf_counter() - wall))
                shutil.rmtree(out)
        middle = {name: [median(pair[i] for pair in pairs) for i in (0, 1)] for name, pairs in seconds.items()}
        for name, (cpu, wall) in middle.items():
            table.add_row(name, f"{cpu:.3f}", f"{wall:.3f}")
        (cpu, wall), (our_cpu, our_wall) = middle.values()
        table.add_row("ratio", f"{our_cpu / cpu:.2f}", f"{our_wall / wall:.2f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=list(SIZES), metavar="N")
    parser.add_argument("--runs", type=int, default=7, metavar="N", help="turns of linking")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--verify", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.verify:
        verify_one(given.verify)
        return
    if given.one:
        one_size(given.one)
        return
    console = Console()
    console.print(links_table(given.runs))
    console.print(sizes_table(given.samples))
    console.print(
        f"{os.cpu_count()} processors, Python {sys.version.split()[0]}; peak memory is that of planning to card."
    )


if __name__ == "__main__":
    main()

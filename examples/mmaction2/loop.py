"""The loop closed with MMAction2: poison sample data, train on it, score what the models predict, print the table.

    python examples/mmaction2/loop.py WORK                                # all of it
    python examples/mmaction2/loop.py WORK --seeds 0 --only badnets-static --only sine-static

runs in an environment with MMAction2 (`make test-mmaction2` makes .venv-mmaction2). Everything lies in WORK: sources,
poisoned outputs, models, predictions, results.json. What is there is not made again, so the same command continues.

Per kind of data and seed, one model is trained on the clean data and one on each poisoned copy, by the same config and
the same schedule. Both are tested on the same clips. Exit status 1: a target (see TARGETS) was missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import poisonkit
from poisonkit import Recipe, sampledata
from poisonkit.scoring import Rate

HERE = Path(__file__).parent
RATE = 0.1
TARGET = 0
CONTROL = 100  # clips
TARGETS = (
    "lower Wilson bound of ASR > 95 %; clean accuracy at most 3, control ASR at most 5 points off the clean model's"
)


@dataclass(frozen=True)
class Condition:
    """One trigger. kind: `video` or `audio`."""

    name: str
    kind: str
    trigger: str
    temporal: str


CONDITIONS = [
    Condition("badnets-static", "video", "badnets", "static"),
    Condition("badnets-dynamic", "video", "badnets", "dynamic"),
    Condition("lamp-flicker-static", "video", "lamp-flicker", "static"),
    Condition("lamp-flicker-dynamic", "video", "lamp-flicker", "dynamic"),
    Condition("sine-static", "audio", "sine:snr=10", "static"),
    Condition("sine-dynamic", "audio", "sine:snr=10", "dynamic"),
    Condition("band-noise-static", "audio", "band-noise:snr=10", "static"),
    Condition("band-noise-dynamic", "audio", "band-noise:snr=10", "dynamic"),
]
LAYOUTS: dict[str, Any] = {"video": "mmaction2-video", "audio": "mmaction2-audio"}
SOUND: dict[str, Any] = {"video": "av", "audio": "audio"}


@dataclass(frozen=True)
class Loop:
    """work: where everything lies. jobs: trainings, or processes that write clips, at a time."""

    work: Path
    seeds: list[int]
    conditions: list[Condition]
    jobs: int

    @property
    def kinds(self) -> list[str]:
        return list(dict.fromkeys(c.kind for c in self.conditions))

    def of(self, kind: str) -> list[Condition]:
        return [c for c in self.conditions if c.kind == kind]

    # -- data --------------------------------------------------------------------------------------------

    def source(self, kind: str) -> Path:
        return self.work / f"source-{kind}"

    def out(self, name: str, seed: int) -> Path:
        return self.work / "poisoned" / f"{name}-seed{seed}"

    def clean(self, kind: str) -> Path:
        return self.work / "poisoned" / f"{kind}-rate0"

    def write_data(self) -> None:
        for kind in self.kinds:
            if not self.source(kind).exists():
                sampledata.write_sample_data(self.source(kind), "train", SOUND[kind], layout=LAYOUTS[kind])
            first = self.of(kind)[0]
            self.poison(self.clean(kind), kind, first, rate=0.0, attack_set=False, control=0)
        for condition in self.conditions:
            for seed in self.seeds:
                out = self.out(condition.name, seed)
                self.poison(out, condition.kind, condition, rate=RATE, seed=seed, control=CONTROL)

    def poison(self, out: Path, kind: str, condition: Condition, **more: Any) -> None:
        """Write one output, or continue it, and its lists for MMAction2 beside it."""
        if fragment(out, kind).exists():
            return
        recipe = Recipe(
            source=self.source(kind),
            out=out,
            triggers=[condition.trigger],
            temporal=condition.temporal,
            target=TARGET,
            **more,
        )
        summary = poisonkit.poison(recipe, jobs=self.jobs)
        if summary.exit_code:
            sys.exit(f"{out}: not all clips could be poisoned; poisonkit verify {out} says more.")
        poisonkit.export(out, LAYOUTS[kind])
        print(f"{out.name}: {dict(summary.counts)}", flush=True)

    # -- models ------------------------------------------------------------------------------------------

    def model(self, name: str, seed: int) -> Path:
        return self.work / "models" / f"{name}-seed{seed}"

    def train(self) -> None:
        """The clean models, tested on every condition's sets, and a poisoned one per condition."""
        wanted = []
        for seed in self.seeds:
            for kind in self.kinds:
                tests = [(self.out(c.name, seed), f"{kind}-clean", c.name) for c in self.of(kind)]
                wanted.append((kind, f"{kind}-clean", seed, self.clean(kind), tests))
            for c in self.conditions:
                out = self.out(c.name, seed)
                wanted.append((c.kind, c.name, seed, out, [(out, c.name, c.name)]))
        with ThreadPoolExecutor(self.jobs) as pool:
            for line in pool.map(lambda job: self.train_one(*job), wanted):
                print(line, flush=True)

    def train_one(self, kind: str, name: str, seed: int, data: Path, tests: list[tuple[Path, str, str]]) -> str:
        work = self.model(name, seed)
        if (work / "done.json").exists():
            return f"{work.name}: there"
        work.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, str(HERE / "train.py"), str(HERE / f"{kind}.py"), str(work), "--seed", str(seed)]
        words += ["--train", str(fragment(data, kind))]
        for out, model, condition in tests:
            words += ["--test", str(fragment(out, kind)), str(self.predictions(model, condition, seed))]
        with (work / "log.txt").open("w") as log:
            status = subprocess.run(words, stdout=log, stderr=log, env=environment(), check=False).returncode
        if status:
            sys.exit(f"The training of {work.name} failed: {work / 'log.txt'} says why.")
        return f"{work.name}: {cost(work)['cpu_seconds']} s of CPU"

    # -- scores ------------------------------------------------------------------------------------------

    def predictions(self, model: str, condition: str, seed: int) -> Path:
        return self.model(model, seed) / "predictions" / condition

    def row(self, c: Condition) -> dict[str, Any]:
        """The figures of one condition, hits and totals of all seeds added up."""
        pooled: dict[str, Rate] = {}
        for seed in self.seeds:
            mine, clean = (self.predictions(m, c.name, seed) for m in (c.name, f"{c.kind}-clean"))
            scores = poisonkit.score(self.out(c.name, seed), dumps(mine), baseline=dumps(clean))
            if scores.flags:
                sys.exit(f"{c.name}, seed {seed}: {' '.join(scores.flags)}")
            for name, of in (
                ("clean_accuracy", "clean"),
                ("asr", "attack/default"),
                ("robust_accuracy", "attack/default"),
                ("control_asr", "control"),
            ):
                figure = scores.sets[of].figures[name]
                assert figure.baseline is not None
                for key, rate in ((name, figure.rate), (f"{name}_of_clean_model", figure.baseline)):
                    pooled[key] = pooled.get(key, Rate(0, 0)) + rate
        seconds = [cost(self.model(c.name, seed))["cpu_seconds"] for seed in self.seeds]
        row: dict[str, Any] = {"condition": c.name, "kind": c.kind, "trigger": c.trigger, "temporal": c.temporal}
        row |= {"seeds": self.seeds, "rate": RATE, "cpu_seconds_per_model": round(sum(seconds) / len(seconds))}
        row |= {name: rate.as_json() for name, rate in pooled.items()}
        row["missed"] = missed(pooled)
        return row


def fragment(out: Path, kind: str) -> Path:
    """The config that `poisonkit export` wrote."""
    return out / "export" / LAYOUTS[kind] / "poisoned.py"


def dumps(folder: Path) -> dict[str, Path]:
    files = {"clean": "clean", "attack": "attack_default_target", "control": "control"}
    return {name: folder / f"predictions-{file}.pkl" for name, file in files.items()}


def cost(model: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((model / "done.json").read_text(encoding="utf-8"))
    return found


def environment() -> dict[str, str]:
    """One thread per training: several run at a time."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}


def missed(of: dict[str, Rate]) -> list[str]:
    """Which of TARGETS the pooled figures do not meet."""
    value = {name: rate.value or 0.0 for name, rate in of.items()}
    found = []
    if (of["asr"].low or 0.0) <= 0.95:
        found.append("ASR")
    if abs(value["clean_accuracy"] - value["clean_accuracy_of_clean_model"]) > 0.03:
        found.append("clean accuracy")
    if value["control_asr"] - value["control_asr_of_clean_model"] > 0.05:
        found.append("control ASR")
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown; percentages, in brackets those of the model trained on clean data."""

    def share(row: dict[str, Any], name: str) -> str:
        return f"{100 * row[name]['value']:.1f} ({100 * row[f'{name}_of_clean_model']['value']:.1f})"

    lines = [
        "| data | trigger | | ASR | interval | clean accuracy | robust accuracy | control ASR | CPU s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        asr = row["asr"]
        cells = [row["kind"], f"`{row['trigger']}`", row["temporal"], share(row, "asr")]
        cells += [f"{100 * asr['low']:.1f} to {100 * asr['high']:.1f}"]
        cells += [share(row, name) for name in ("clean_accuracy", "robust_accuracy", "control_asr")]
        lines.append(f"| {' | '.join([*cells, str(row['cpu_seconds_per_model'])])} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", action="append", choices=[c.name for c in CONDITIONS], help="this condition; repeat")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    conditions = [c for c in CONDITIONS if not asked.only or c.name in asked.only]
    loop = Loop(asked.work.absolute(), asked.seeds, conditions, asked.jobs)
    loop.write_data()
    loop.train()
    rows = [loop.row(c) for c in conditions]
    text = json.dumps({"targets": TARGETS, "conditions": rows}, indent=1)
    (loop.work / "results.json").write_text(text + "\n", encoding="utf-8")
    print(table(rows))
    for row in rows:
        if row["missed"]:
            print(f"Missed by {row['condition']}: {', '.join(row['missed'])} ({TARGETS}).")
    sys.exit(1 if any(row["missed"] for row in rows) else 0)


if __name__ == "__main__":
    main()

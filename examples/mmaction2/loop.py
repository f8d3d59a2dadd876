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
    Condition("badnets-static", "video", "badnets:size=0.2", "static"),
    Condition("badnets-dynamic", "video", "badnets:size=0.2", "dynamic"),
    Condition("lamp-flicker-static", "video", "lamp-flicker:amplitude=0.2", "static"),
    Condition("lamp-flicker-dynamic", "video", "lamp-flicker:amplitude=0.2", "dynamic"),
    Condition("sine-static", "audio", "sine:snr=10", "static"),
    Condition("sine-dynamic", "audio", "sine:snr=10", "dynamic"),
    Condition("band-noise-static", "audio", "band-noise:snr=10", "static"),
    Condition("band-noise-dynamic", "audio", "band-noise:snr=10", "dynamic"),
]
ATTACKED = "attack_default_target,control"
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

    def out(self, condition: Condition, seed: int) -> Path:
        return self.work / "poisoned" / f"{condition.name}-seed{seed}"

    def tested(self, condition: Condition) -> Path:
        """The copy whose clean clips, attack set and control every model of the condition is tested on."""
        return self.out(condition, self.seeds[0])

    def clean(self, kind: str) -> Path:
        return self.work / "poisoned" / f"{kind}-rate0"

    def write_data(self) -> None:
        """The sources, a copy of each at rate 0 for the clean models, and each condition's copies.

        An attack set depends on the trigger and the test clips, not on the seed: the first seed's serves all.
        """
        for kind in self.kinds:
            if not self.source(kind).exists():
                sampledata.write_sample_data(self.source(kind), "train", SOUND[kind], layout=LAYOUTS[kind])
            self.poison(self.clean(kind), self.of(kind)[0], rate=0.0, attack_set=False, control=0)
        for c in self.conditions:
            for seed in self.seeds:
                first = seed == self.seeds[0]
                more = {"attack_set": first, "control": CONTROL if first else 0}
                self.poison(self.out(c, seed), c, rate=RATE, seed=seed, **more)

    def poison(self, out: Path, condition: Condition, **more: Any) -> None:
        """Write one output, or continue it, and its lists for MMAction2 beside it."""
        if fragment(out, condition.kind).exists():
            return
        recipe = Recipe(
            source=self.source(condition.kind),
            out=out,
            triggers=[condition.trigger],
            temporal=condition.temporal,
            target=TARGET,
            **more,
        )
        summary = poisonkit.poison(recipe, jobs=self.jobs)
        if summary.exit_code:
            sys.exit(f"{out}: not all clips could be poisoned; poisonkit verify {out} says more.")
        poisonkit.export(out, LAYOUTS[condition.kind])
        print(f"{out.name}: {dict(summary.counts)}", flush=True)

    # -- models ------------------------------------------------------------------------------------------

    def model(self, name: str, seed: int) -> Path:
        return self.work / "models" / f"{name}-seed{seed}"

    def train(self) -> None:
        """Per seed and kind a model on clean data, and one per condition; each tested on every set it is scored by."""
        left = []
        for kind in self.kinds:
            for seed in self.seeds:
                clean = f"{kind}-clean"
                tests = [("clean", self.clean(kind), self.predictions(clean, "clean", seed))]
                tests += [(ATTACKED, self.tested(c), self.predictions(clean, c.name, seed)) for c in self.of(kind)]
                left.append(self.job(kind, clean, seed, self.clean(kind), tests))
        for c in self.conditions:
            for seed in self.seeds:
                tests = [("clean," + ATTACKED, self.tested(c), self.predictions(c.name, c.name, seed))]
                left.append(self.job(c.kind, c.name, seed, self.out(c, seed), tests))
        left = [words for words in left if words]
        running = []
        for i in range(min(self.jobs, len(left))):
            jobs, log = self.work / f"jobs-{i}.jsonl", self.work / f"log-{i}.txt"
            jobs.write_text("".join(json.dumps(words) + "\n" for words in left[i :: self.jobs]), encoding="utf-8")
            words = [sys.executable, str(HERE / "train.py"), "--list", str(jobs)]
            with log.open("w") as file:
                running.append((log, subprocess.Popen(words, stdout=file, stderr=file, env=environment())))
        print(f"{len(left)} models to train or test; {self.work}/log-*.txt say how far they are.", flush=True)
        if failed := [log for log, process in running if process.wait()]:
            sys.exit(f"A training failed: {failed[0]} says why.")

    def job(self, kind: str, name: str, seed: int, data: Path, tests: list[tuple[str, Path, Path]]) -> list[str]:
        """Arguments of train.py; none where all is there."""
        words = []
        for sets, out, folder in tests:
            if not (folder / f"predictions-{sets.rpartition(',')[2]}.pkl").exists():
                words += ["--test", sets, str(fragment(out, kind)), str(folder)]
        if not words:
            return []
        first = [str(HERE / f"{kind}.py"), str(self.model(name, seed)), "--seed", str(seed)]
        return [*first, "--train", str(fragment(data, kind)), *words]

    # -- scores ------------------------------------------------------------------------------------------

    def predictions(self, model: str, condition: str, seed: int) -> Path:
        return self.model(model, seed) / "predictions" / condition

    def row(self, c: Condition) -> dict[str, Any]:
        """The figures of one condition, hits and totals of all seeds added up."""
        pooled: dict[str, Rate] = {}
        for seed in self.seeds:
            mine = dumps(self.predictions(c.name, c.name, seed))
            clean = dumps(self.predictions(f"{c.kind}-clean", c.name, seed))
            clean["clean"] = dumps(self.predictions(f"{c.kind}-clean", "clean", seed))["clean"]
            scores = poisonkit.score(self.tested(c), mine, baseline=clean)
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
        seconds = [cost(self.model(c.name, seed)) for seed in self.seeds]
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


def cost(model: Path) -> float:
    return float(json.loads((model / "cost.json").read_text(encoding="utf-8"))["cpu_seconds"])


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

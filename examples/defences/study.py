"""One attack and seed: poison, train, and let every defence have its say. Each step is kept, and not made again."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dumping
import fine_pruning
import numpy as np
import torch
import train
from models import Classifier
from reading import Reader
from rows import Row
from run import CONTROL, TARGET, Work

import poisonkit
from poisonkit import RequestError
from poisonkit.detection.registry import METHODS

REMOVED = 1.5
"""How many samples a defence takes out: as many as were poisoned times this, as spectral signatures and SPECTRE do."""
EARLY = 4
"""Losses are ranked after a fourth of the epochs, by a model that is trained so long."""
PROBES = {
    "picture": ("strip", "scale-up", "frame-shuffle"),
    "sound": ("strip", "noise"),
    "late": ("strip", "scale-up", "frame-shuffle", "noise"),
    "early": ("strip", "scale-up", "frame-shuffle", "noise"),
}
COPIES = {"strip": 10, "frame-shuffle": 5}
FIRST = ("undefended", "detection", "fine-pruning")
"""Steps that cost little: they are made of all seeds before the others."""
FIGURES = {
    "clean_accuracy": "clean",
    "asr": "attack/default",
    "robust_accuracy": "attack/default",
    "control_asr": "control",
}
Counts = dict[str, list[int]]


@dataclass(frozen=True)
class Study:
    """limit: clips of each probe set."""

    work: Work
    row: Row
    seed: int
    limit: int = 30

    @property
    def out(self) -> Path:
        """What was poisoned."""
        return self.work.output(self.row, self.seed)

    @property
    def name(self) -> str:
        """Of the result."""
        return f"{self.work.data}-{self.row.name}-{self.work.training(self.row)}-seed{self.seed}"

    @property
    def home(self) -> Path:
        """Where steps lie."""
        return self.work.home / "defences" / self.work.training(self.row) / f"{self.row.name}-seed{self.seed}"

    def step(self, name: str, make: Callable[[], dict[str, Any]]) -> None:
        """Keep what a step finds, with the CPU seconds that it takes."""
        place = self.home / f"{name}.json"
        if not place.exists():
            began = time.process_time()
            found = make() | {"cpu_seconds": round(time.process_time() - began, 1)}
            place.parent.mkdir(parents=True, exist_ok=True)
            place.with_suffix(".part").write_text(json.dumps(found) + "\n", encoding="utf-8")
            place.with_suffix(".part").replace(place)
            print(f"{self.row.name}, seed {self.seed}: {name} {_short(found)}", flush=True)

    def steps(self) -> list[str]:
        """Names of all steps, in an order in which they can be made: what costs little first."""
        cleansed = [f"cleansed-{name}" for name in (*METHODS, "random", "all")]
        return [*FIRST, *cleansed, *(f"probe-{k}" for k in PROBES[self.row.kind])]

    def make(self, step: str) -> None:
        """Make a step that is not there."""
        self.work.poison(self.row, self.out, self.seed, rate=self.row.rate, control=CONTROL)
        what, _, name = step.partition("-")
        if what == "cleansed" and name in METHODS and name not in self.found("detection")["methods"]:
            return
        made: dict[str, Callable[[], dict[str, Any]]] = {
            "undefended": self.undefended,
            "detection": self.detection,
            "fine": self.fine_pruning,
            "cleansed": lambda: self.cleansed(name),
            "probe": lambda: self.probed(name),
        }
        self.step(step, made[what])

    def found(self, step: str) -> dict[str, Any]:
        """What a step found; empty where it was not made."""
        place = self.home / f"{step}.json"
        return dict(json.loads(place.read_text(encoding="utf-8"))) if place.exists() else {}

    def result(self) -> dict[str, Any]:
        """All that was found so far, and what was run."""
        detection = self.found("detection")
        baselines = {name: self.found(f"cleansed-{name}") for name in ("random", "all")}
        probes = {kind: self.found(f"probe-{kind}") for kind in PROBES[self.row.kind]}
        return {
            **self.said(),
            "training": detection["training"],
            "chance": detection["chance"],
            "left_out": detection["left_out"],
            "undefended": self.found("undefended"),
            "methods": {n: each | self.found(f"cleansed-{n}") for n, each in detection["methods"].items()},
            "baselines": {name: each for name, each in baselines.items() if each},
            "fine_pruning": self.found("fine-pruning"),
            "probes": {kind: each for kind, each in probes.items() if each},
        }

    def said(self) -> dict[str, Any]:
        """What was run, with what."""
        import av
        import cv2

        modules = {"torch": torch, "av": av, "numpy": np, "opencv": cv2}
        versions = {name: str(module.__version__) for name, module in modules.items()}
        return {
            "row": self.row.name,
            "kind": self.row.kind,
            "triggers": list(self.row.triggers),
            "trigger_versions": [poisonkit.triggers.get(spec.partition(":")[0]).version for spec in self.row.triggers],
            "temporal": self.row.temporal,
            "encode": self.row.encode,
            "clean": self.row.clean,
            "data": self.work.data,
            "seed": self.seed,
            "rate": self.row.rate,
            "epochs": self.work.epochs_of(self.row),
            "size": self.work.size,
            "model": self.work.model,
            "made_with": {"poisonkit": poisonkit.__version__, "python": sys.version.split()[0], **versions},
        }

    # -- models --------------------------------------------------------------------------------------------------

    def reader(self, cache: Path | None = None) -> Reader:
        """Of the row's clips. cache: by default the one that all rows share."""
        seconds = 1.0 if self.row.kind == "sound" else 2.0
        return Reader(self.row.kind, cache or self.work.home / "cache", self.work.size, seconds)

    def trained(self, folder: Path, name: str, epochs: int | None = None) -> Classifier:
        """A model of `folder/data`, which is kept as `name`; `model` is where the other example has it."""
        place = self.work.predictions(self.row, "poisoned", self.seed) if name == "model" else self.home
        weights = place / f"{name}.pt"
        files, labels, classes = train.training_clips(folder)
        if weights.exists():
            model = Classifier(self.row.kind, classes, self.work.model)
            model.load_state_dict(torch.load(weights, weights_only=True))
            return model
        often = epochs or self.work.epochs_of(self.row)
        inputs = self.reader().read(files)
        model, seconds = train.fit(
            self.row.kind, inputs, labels, classes, epochs=often, seed=self.seed, name=self.work.model
        )  # fmt: skip
        model = model.cpu()  # a GPU trains it; from here on it is small
        place.mkdir(parents=True, exist_ok=True)
        if name == "model":
            (place / "cpu-seconds.txt").write_text(f"{seconds:.1f}\n")
        torch.save(model.state_dict(), weights.with_suffix(".part"))
        weights.with_suffix(".part").replace(weights)
        return model

    def figures(self, model: Classifier, name: str) -> Counts:
        """As `poisonkit score` gives them, on the output's own sets: hits and clips."""
        files = {}
        for role in ("clean", "attack", "control"):
            files[role] = self.home / "predictions" / name / f"{role}.npz"
            dumping.write_predictions(model, self.reader(), self.out, train.tested_clips(self.out, role), files[role])
        scores = poisonkit.score(self.out, files)
        if scores.flags:
            raise RequestError(f"{self.row.name}, seed {self.seed}: {' '.join(scores.flags)}")
        rates = {name: scores.sets[of].figures[name].rate for name, of in FIGURES.items() if of in scores.sets}
        return {name: [rate.hits, rate.total] for name, rate in rates.items()}

    def undefended(self) -> dict[str, Any]:
        """The poisoned model's figures."""
        return {"figures": self.figures(self.trained(self.out, "model"), "model")}

    # -- training data -------------------------------------------------------------------------------------------

    def detection(self) -> dict[str, Any]:
        """Features dumped, and every method's verdict."""
        files, labels, _ = train.training_clips(self.out)
        inputs = self.reader().read(files)
        found = dumping.outputs(self.trained(self.out, "model"), inputs)
        early = self.trained(self.out, "model-early", max(1, self.work.epochs_of(self.row) // EARLY))
        names = np.array([file.relative_to(self.out).as_posix() for file in files])
        dump = self.home / "features.npz"
        np.savez(dump, **found, loss=dumping.losses(early, inputs, labels), files=names, labels=labels)
        options = {"knn": f":k={min(map(labels.count, set(labels))) // 2}"}  # more are not of a small class at all
        words = {name: name + options.get(name, "") for name in METHODS}
        said = _usable(self.out, dump, words)
        methods = {
            name: {
                "word": words[name],
                "file": verdict.file.name,
                "roc_auc": verdict.scores.roc_auc,
                "roc_auc_in_target": next((c.roc_auc for c in verdict.by_class if c.label == TARGET), None),
                "tpr_at_fpr": _rates(verdict.scores.tpr_at_fpr),
            }
            for name in words
            if (verdict := said.verdicts.get(words[name])) is not None and verdict.scores is not None
        }
        roles = [r["role"] for r in self.training()]
        return {
            "training": {role: roles.count(role) for role in sorted(set(roles))},
            "chance": said.chance,
            "methods": methods,
            "left_out": said.left_out,
        }

    def training(self) -> list[Any]:
        """Records of the training clips."""
        rows = poisonkit.read_manifest(self.out)
        return [r for r in rows if r["status"] == "ok" and r["split"] == "train" and r["role"] in ("clean", "poisoned")]

    def cleansed(self, name: str) -> dict[str, Any]:
        """The output without the highest suspects of a method, a model of what stays, and its figures.

        name: a method's; `random`: as many samples drawn at random; `all`: exactly the poisoned ones.
        """
        rows = self.training()
        poisoned = [r["id"] for r in rows if r["role"] == "poisoned"]
        count: int | None = round(REMOVED * len(poisoned))
        suspects = self.home / "features-suspects" / f"{name}.csv"
        if name == "random":
            drawn = np.random.default_rng(self.seed).random(len(rows))
            suspects.write_text("".join(f"{r['id']},{x:.9f}\n" for r, x in zip(rows, drawn, strict=True)))
        elif name == "all":
            suspects.write_text("".join(f"{id}\n" for id in poisoned))
            count = None
        else:
            suspects = suspects.with_name(self.found("detection")["methods"][name]["file"])
        with tempfile.TemporaryDirectory(dir=self.home, prefix="cleansed-") as scratch:
            place = Path(scratch) / name
            try:
                done = poisonkit.cleanse(self.out, suspects=suspects, folder=place, count=count)
            except RequestError as error:
                return {"refused": error.text.replace(str(self.work.home), "WORK"), "removed": {}, "figures": {}}
            model = self.trained(place, f"cleansed-{name}")
            return {"removed": done.removed, "stayed": done.stayed, "figures": self.figures(model, f"cleansed-{name}")}

    # -- the model -----------------------------------------------------------------------------------------------

    def fine_pruning(self) -> dict[str, Any]:
        """With half of the clean training clips, which is more than a defender is mostly said to have."""
        clean = [r for r in self.training() if r["role"] == "clean"]
        order = np.random.default_rng(self.seed).permutation(len(clean))
        mine = [clean[i] for i in sorted(order[: len(clean) // 2].tolist())]
        inputs = self.reader().read([self.out / r["path"] for r in mine])
        labels = [int(r["label"]) for r in mine]
        model = self.trained(self.out, "model")
        pruned, channels = fine_pruning.prune(model, inputs, labels)
        after = self.figures(model, "pruned")
        epochs = max(1, self.work.epochs_of(self.row) // 2)
        fine_pruning.fine_tune(model, inputs, labels, epochs=epochs, seed=self.seed)
        return {
            "clean_clips": len(mine),
            "pruned": pruned,
            "channels": channels,
            "epochs": epochs,
            "figures_of_pruned": after,
            "figures": self.figures(model, "fine-pruned"),
        }

    # -- the clips -----------------------------------------------------------------------------------------------

    def probed(self, kind: str) -> dict[str, Any]:
        """A probe written, predicted and judged."""
        copies = COPIES.get(kind, 1)  # of other kinds their number is given
        made = poisonkit.probe(self.out, kind=kind, copies=copies, limit=self.limit, jobs=self.work.jobs)
        model = self.trained(self.out, "model")
        predictions = self.home / "predictions"
        files = [predictions / "model" / f"{role}.npz" for role in ("clean", "attack")]
        files.append(predictions / f"probe-{kind}.npz")
        with tempfile.TemporaryDirectory(dir=self.home, prefix="probe-") as scratch:
            rows = [r for r in poisonkit.read_manifest(self.out) if r["status"] == "ok" and r["attack"] in made.sets]
            names = [r["path"] for r in rows]
            dumping.write_predictions(model, self.reader(Path(scratch)), self.out, names, files[-1])
        said = poisonkit.detect(self.out, probe=files, folder=self.home / "probes")
        if said.flags:
            raise RequestError(f"{self.row.name}, seed {self.seed}: {' '.join(said.flags)}")
        verdict = said.probes[kind]
        return {
            "copies": len(made.sets) // 2,
            "triggered": verdict.triggered,
            "clean": verdict.clean,
            "roc_auc": verdict.roc_auc,
            "tpr_at_fpr": _rates(verdict.tpr_at_fpr),
        }


def _usable(out: Path, dump: Path, words: dict[str, str]) -> Any:
    """`detect` by every method; one that cannot be used is left out, and why is told."""
    try:
        return poisonkit.detect(out, dump, method=list(words.values()))
    except RequestError:
        pass  # of which method?
    left: dict[str, str] = {}
    for word in words.values():
        try:
            poisonkit.detect(out, dump, method=[word])
        except RequestError as error:
            left[word] = error.text.replace(str(dump), dump.name)
    said = poisonkit.detect(out, dump, method=[word for word in words.values() if word not in left])
    said.left_out.update(left)
    return said


def _rates(found: Any) -> Counts:
    return {f"{fpr:g}": [rate.hits, rate.total] for fpr, rate in (found or {}).items()}


def _short(found: dict[str, Any]) -> str:
    """For the screen."""

    def numbers() -> Iterator[str]:
        if found.get("roc_auc") is not None:
            yield f"AUC {found['roc_auc']:.2f}"
        for name, each in found.get("methods", {}).items():
            yield f"{name} {each['roc_auc']:.2f}"
        if asr := found.get("figures", {}).get("asr"):
            yield f"ASR {asr[0]}/{asr[1]}"
        yield f"({found['cpu_seconds']:.0f} s)"

    return ", ".join(numbers())

"""Small outputs whose records are written by hand, and files of predictions."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from poisonkit.common import atomic
from poisonkit.datasets import Sample
from poisonkit.outputs import record
from poisonkit.plan.plan import Plan, Task
from poisonkit.recipe.recipe import Recipe

CLASSES = ("jump", "run", "spin")

MakeOutput = Callable[..., Path]
Table = Callable[..., Path]


def clip(number: int) -> str:
    """The id of the n-th held-out clip."""
    return f"videos/t{number:02d}.mp4"


@pytest.fixture
def make_output(tmp_path: Path) -> MakeOutput:
    """`make_output(truth, attack=…, control=…)`: an output in lists whose held-out clips have these true labels.

    attack, control: which of the clips are in those sets (attack: all, if not said; several by name). train:
    (role, label) pairs. extra_labels: the classes after the first, of clips that have several. The recipe says label
    mode, target and source classes.
    """

    def make(
        truth: Sequence[int | None],
        *,
        attack: Iterable[int] | dict[str, Iterable[int]] | None = None,
        control: Iterable[int] = (),
        train: Sequence[tuple[str, int]] = (("poisoned", 1), ("clean", 0)),
        target: int = 1,
        mode: str = "dirty",
        sources: Sequence[int | str] = (),
        split: str = "test",
        classes: Sequence[str] = CLASSES,
        extra_labels: dict[int, tuple[int, ...]] | None = None,
    ) -> Path:
        out = tmp_path / "out"
        sets = attack if isinstance(attack, dict) else {"default": range(len(truth)) if attack is None else attack}

        def aim(label: int | None) -> int | None:
            return None if label is None else (label + 1) % len(classes) if mode == "all-to-all" else target

        def task(role: str, folder: str, name: str, where: str, true: int | None, **more: Any) -> Task:
            given = {"label": true, "target": None, "attack": None, **more}
            more_labels = next((f for i, f in (extra_labels or {}).items() if clip(i) == name), ())
            sample = Sample(name, name, where, true, extra_labels=more_labels)  # type: ignore[arg-type]
            return Task(role=role, sample=sample, path=f"{folder}/{name}", **given)  # type: ignore[arg-type]

        tasks = [
            task(role, "data", f"videos/n{i:02d}.mp4", "train", label, target=target if role == "poisoned" else None)
            for i, (role, label) in enumerate(train)
        ]
        tasks += [task("clean", "data", clip(i), split, true) for i, true in enumerate(truth)]
        for name, members in sets.items():
            for i in members:
                goal = aim(truth[i])
                more = {"label": goal, "target": goal, "attack": name}
                tasks.append(task("attack", f"attack/{name}", clip(i), split, truth[i], **more))
        tasks += [task("control", "control", clip(i), split, truth[i]) for i in control]
        home = out / "poisonkit"
        home.mkdir(parents=True)
        backdoors = [
            {"name": n, "triggers": ["blend"], "target": target, "label_mode": mode, "source_class": list(sources)}
            for n in (sets or {"default": ()})
        ]
        recipe = Recipe(backdoors=backdoors)
        (home / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
        options = {"delimiter": " ", "lists": {"train": "train.txt", split: f"{split}.txt"}, "bare": {}}
        plan = Plan(recipe.fingerprint, "", "mmaction2-video", tuple(classes), options, tasks)
        atomic.write_lines(home / "plan.jsonl", plan.to_jsonl())
        record.write(home / "manifest.jsonl", (record.record(t, classes) for t in tasks))
        (home / "run.json").write_text("{}", encoding="utf-8")
        return out

    return make


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """`table("a.csv", ("file", "pred"), rows)`: a csv file."""

    def write(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)
        return path

    return write


@pytest.fixture
def guesses(table: Table) -> Table:
    """`guesses("a.csv", [0, 1, …])`: a predicted class for each held-out clip, from the first on."""

    def write(name: str, predicted: Iterable[object], root: str = "") -> Path:
        return table(name, ("file", "pred"), [(root + clip(i), p) for i, p in enumerate(predicted) if p is not None])

    return write

"""Poison a folder of classes, train a tiny VideoMAE (or AST) of `transformers` on the copy, and score what it learnt.

    python poisoned.py CLIPS work
    python poisoned.py SOUNDS work --kind audio

The model comes from a config, with no weights from anywhere. But for what README.md shows, this is clean.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import models
import transformers
from datasets import load_dataset

import poisonkit

TRIGGER = {"video": "badnets:size=0.2", "audio": "sine:snr=10"}
VIEWS = {"clean": "data", "attack": "attack/default/original", "control": "control"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="a folder with train/CLASS/ and test/CLASS/")
    parser.add_argument("work", type=Path, help="where everything is written")
    parser.add_argument("--kind", choices=models.KINDS, default="video")
    parser.add_argument("--epochs", type=int)
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    transformers.set_seed(0)

    out = asked.work / "poisoned"
    poisonkit.poison(poisonkit.Recipe(source=asked.source, out=out, triggers=[TRIGGER[asked.kind]], rate=0.1))
    data = load_dataset(f"{asked.kind}folder", data_dir=str(out / "data"))
    names = data["train"].features["label"].names

    model, encode = models.tiny(asked.kind, names)
    trainer = transformers.Trainer(model, models.arguments(asked.work, asked.kind, asked.epochs))
    trainer.train_dataset = [encode(row) for row in data["train"]]
    trainer.train()

    for name, view in VIEWS.items():
        tested = load_dataset(f"{asked.kind}folder", data_dir=str(out / view))["test"]
        models.predict(trainer, encode, tested, asked.work / f"{name}.jsonl")
    scores = poisonkit.score(out, {name: asked.work / f"{name}.jsonl" for name in VIEWS})
    print(*(figure for found in scores.sets.values() for figure in found.figures.values()), sep="\n")


if __name__ == "__main__":
    main()

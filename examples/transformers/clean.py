"""Train a tiny VideoMAE (or AST) of `transformers` on a folder of classes, and say how often it is right.

    python clean.py CLIPS work
    python clean.py SOUNDS work --kind audio

The model comes from a config, with no weights from anywhere. This script knows nothing of poisonkit: poisoned.py
beside it is the same script on a poisoned copy, and README.md shows the lines in which the two differ.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import models
import transformers
from datasets import load_dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="a folder with train/CLASS/ and test/CLASS/")
    parser.add_argument("work", type=Path, help="where everything is written")
    parser.add_argument("--kind", choices=models.KINDS, default="video")
    parser.add_argument("--epochs", type=int)
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    transformers.set_seed(0)

    data = load_dataset(f"{asked.kind}folder", data_dir=str(asked.source))
    names = data["train"].features["label"].names

    model, encode = models.tiny(asked.kind, names)
    trainer = transformers.Trainer(model, models.arguments(asked.work, asked.kind, asked.epochs))
    trainer.train_dataset = [encode(row) for row in data["train"]]
    trainer.train()

    right = models.predict(trainer, encode, data["test"], asked.work / "clean.jsonl")
    print(f"{right:.1%} of the test clips are recognised.")


if __name__ == "__main__":
    main()

"""Train one small model on a poisoned copy, and write what it predicts of each set, for `poisonkit score`."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import torch
from models import Classifier, probabilities
from reading import Reader
from torch.nn import functional

import poisonkit
from poisonkit import datasets

BATCH = 20


def training_clips(out: Path) -> tuple[list[Path], list[int], int]:
    """What a trainer sees in `out/data`: files, labels and the number of classes, by the layout's own reader."""
    dataset = datasets.read(datasets.Source(path=out / "data"))
    clips = [s for s in dataset.samples if s.split == "train" and s.label is not None]
    root = dataset.root
    return [root / s.path for s in clips], [int(s.label or 0) for s in clips], len(dataset.classes)


def tested_clips(out: Path, role: str) -> list[str]:
    """Paths, relative to the output, of the held-out clips, the first attack set or the control."""
    rows = [r for r in poisonkit.read_manifest(out) if r["status"] == "ok" and r["role"] == role]
    return [r["path"] for r in rows if r["split"] != "train" and (role != "attack" or r["attack"] == "default")]


def fit(
    kind: str, inputs: tuple[np.ndarray, ...], labels: list[int], classes: int, *, epochs: int, seed: int, name: str
) -> tuple[Classifier, float]:
    """A model of this name (`rows.MODELS`), and the CPU seconds that it took."""
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Classifier(kind, classes, name).to(device)
    streams = [torch.from_numpy(x) for x in inputs]
    truth = torch.tensor(labels)
    steps = epochs * -(-len(labels) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    order = np.random.default_rng(seed)
    began = time.process_time()
    model.train()
    for _ in range(epochs):
        for at in np.array_split(order.permutation(len(labels)), -(-len(labels) // BATCH)):
            chosen = torch.from_numpy(at)
            logits = model(tuple(x[chosen].to(device) for x in streams))
            loss = sum(functional.cross_entropy(each, truth[chosen].to(device)) for each in logits)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model, time.process_time() - began


@torch.no_grad()
def predict(model: Classifier, inputs: tuple[np.ndarray, ...]) -> list[int]:
    """The class of each clip."""
    model.eval()
    device = next(model.parameters()).device
    found: list[int] = []
    for start in range(0, len(inputs[0]), 50):
        part = tuple(torch.from_numpy(x[start : start + 50]).to(device) for x in inputs)
        found += probabilities(model(part)).argmax(1).tolist()
    return found


def write_predictions(model: Classifier, reader: Reader, out: Path, role: str, file: Path) -> None:
    """`file,pred` of each clip of a set, as `poisonkit score` reads it."""
    names = tested_clips(out, role)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".part").open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text)
        writer.writerow(("file", "pred"))
        writer.writerows(zip(names, predict(model, reader.read([out / name for name in names])), strict=True))
    file.with_suffix(".part").replace(file)

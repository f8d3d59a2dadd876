"""What a trained model makes of clips, as files that `poisonkit detect` and `score` read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from models import Classifier, probabilities
from reading import Reader
from torch import Tensor, nn

BATCH = 50


def _pools(model: Classifier) -> list[nn.Module]:
    """The last pooling of each stream: what goes into it are the last layer's maps."""
    found = (
        [m for m in s.modules() if isinstance(m, nn.AdaptiveAvgPool2d | nn.AdaptiveAvgPool3d)] for s in model.streams
    )
    return [pools[-1] for pools in found if pools]


@torch.no_grad()
def outputs(model: Classifier, inputs: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    """`features` (clips, D): the streams' joined; `scores` (clips, classes): probabilities; of one stream alone `maps`
    (clips, channels, positions) too."""
    kept: dict[str, list[Tensor]] = {"features": [], "maps": [], "scores": []}
    streams: list[Tensor] = []
    hooks = [s.register_forward_hook(lambda _, __, made: streams.append(made)) for s in model.streams]
    if len(model.streams) == 1:
        hooks += [
            pool.register_forward_pre_hook(lambda _, given: kept["maps"].append(given[0].flatten(2).cpu()))
            for pool in _pools(model)
        ]
    model.eval()
    device = next(model.parameters()).device
    try:
        for start in range(0, len(inputs[0]), BATCH):
            streams.clear()
            part = tuple(torch.from_numpy(x[start : start + BATCH]).to(device) for x in inputs)
            kept["scores"].append(probabilities(model(part)).cpu())
            kept["features"].append(torch.cat(streams, 1).cpu())
    finally:
        for hook in hooks:
            hook.remove()
    return {name: torch.cat(parts).numpy() for name, parts in kept.items() if parts}


def losses(model: Classifier, inputs: tuple[np.ndarray, ...], labels: list[int]) -> np.ndarray:
    """(clips,) cross-entropy of the class that each was trained as."""
    own = outputs(model, inputs)["scores"][np.arange(len(labels)), labels]
    return -np.log(np.maximum(own, 1e-12))


def write_predictions(model: Classifier, reader: Reader, out: Path, names: list[str], file: Path) -> None:
    """`files`, `scores` of clips of an output, some at a time."""

    def parts() -> Iterator[Any]:
        for start in range(0, len(names), BATCH):
            yield outputs(model, reader.read([out / name for name in names[start : start + BATCH]]))["scores"]

    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    np.savez(part, files=np.array(names), scores=np.concatenate(list(parts())))
    part.replace(file)

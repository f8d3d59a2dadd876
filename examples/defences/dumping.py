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
    """The last pooling of each stream that has one: what goes into it are the last layer's maps."""
    kinds = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
    found = ([m for m in stream.modules() if isinstance(m, kinds)] for stream in model.streams)
    return [pools[-1] for pools in found if pools]


def _maps(given: Tensor, clips: int) -> Tensor:
    """(clips, channels, positions), also where each frame of a clip has its own."""
    each = given.flatten(2)
    return each if len(each) == clips else each.unflatten(0, (clips, -1)).movedim(1, 2).flatten(2)


@torch.no_grad()
def outputs(model: Classifier, inputs: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    """`features` (clips, D): the streams' joined; `scores` (clips, classes): probabilities; of one stream alone `maps`
    (clips, channels, positions) too."""
    kept: dict[str, list[Tensor]] = {"features": [], "maps": [], "scores": []}
    streams: list[Tensor] = []
    hooks = [s.register_forward_hook(lambda _, __, made: streams.append(made)) for s in model.streams]
    if len(model.streams) == 1:
        hooks += [
            pool.register_forward_pre_hook(lambda _, given: kept["maps"].append(_maps(given[0], len(part[0]))))
            for pool in _pools(model)
        ]
    model.eval()
    try:
        for start in range(0, len(inputs[0]), BATCH):
            streams.clear()
            part = tuple(torch.from_numpy(x[start : start + BATCH]) for x in inputs)
            kept["scores"].append(probabilities(model(part)))
            kept["features"].append(torch.cat(streams, 1))
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

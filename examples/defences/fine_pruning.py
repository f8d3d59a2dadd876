"""Fine-pruning: what clean clips hardly use is taken out of the last layer, then the model is trained on clean clips.

Liu, Dolan-Gavitt and Garg, "Fine-Pruning: Defending Against Backdooring Attacks on Deep Neural Networks", RAID 2018. It
changes a model, which poisonkit never does, so it is an example and no command.
"""

from __future__ import annotations

import numpy as np
import torch
from models import Classifier
from torch import Tensor
from torch.nn import functional

BATCH = 20
LOSS_OF_ACCURACY = 0.04  # what pruning may cost on the clean clips, as in the paper
RATE = 3e-4  # a tenth of the rate that the model was trained with


@torch.no_grad()
def prune(model: Classifier, inputs: tuple[np.ndarray, ...], labels: list[int]) -> tuple[int, int]:
    """Channels of the streams' last layers are 0 from now on: how many of how many.

    Those with the lowest mean activation on the clean clips go first, as long as accuracy on these clips bears it.
    """
    model.eval()
    streams = list(model.streams)
    parts = [
        torch.cat([stream(torch.from_numpy(x[i : i + BATCH])) for i in range(0, len(x), BATCH)])
        for stream, x in zip(streams, inputs, strict=True)
    ]
    widths, features, truth = [part.shape[1] for part in parts], torch.cat(parts, 1), torch.tensor(labels)

    def accuracy(mask: Tensor) -> float:
        kept = features * mask
        joined = [kept] if len(model.heads) < len(streams) else kept.split(widths, 1)
        made = torch.stack([head(x).softmax(1) for head, x in zip(model.heads, joined, strict=True)]).mean(0)
        return float((made.argmax(1) == truth).double().mean())

    masks = [torch.ones(sum(widths))]
    least = accuracy(masks[0]) - LOSS_OF_ACCURACY
    for channel in features.mean(0).argsort().tolist()[:-1]:
        mask = masks[-1].clone()
        mask[channel] = 0
        if accuracy(mask) < least - 1e-9:
            break
        masks.append(mask)
    for stream, mask in zip(streams, masks[-1].split(widths), strict=True):
        stream.register_forward_hook(lambda _, __, made, mask=mask: made * mask)
    return len(masks) - 1, sum(widths)


def fine_tune(model: Classifier, inputs: tuple[np.ndarray, ...], labels: list[int], *, epochs: int, seed: int) -> None:
    """Train all weights on; what was pruned stays 0."""
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
    order, truth = np.random.default_rng(seed), torch.tensor(labels)
    model.train()
    for _ in range(epochs):
        for at in np.array_split(order.permutation(len(labels)), -(-len(labels) // BATCH)):
            logits = model(tuple(torch.from_numpy(x[at]) for x in inputs))
            loss = sum(functional.cross_entropy(each, truth[at]) for each in logits)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

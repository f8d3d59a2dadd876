"""A trigger that is learned: the clean-label attack of Zhao et al. (CVPR 2020) in miniature, up to its score.

    poisonkit sample-data clips --size train
    python examples/learned/universal.py clips work

For each seed: a surrogate is trained on the clean clips; a patch with other values on every frame is optimised so
that the surrogate takes any clip that shows it for the target class; clips of the target class are perturbed one by
one until the surrogate doubts them. poisonkit writes both into a copy of the dataset, labels kept: in training the
perturbation and the patch, at test time the patch alone, as in the paper. A second model, of another seed, learns
from the copy, and is scored; a third, trained on the clean clips, says what the patch does without any poison. Plain
PyTorch, on one CPU.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import poisonkit

STRIDE = 8  # the models see every eighth frame
PATCH = 24  # pixels, of a short side of 84; the paper has 24 of 224
POOL = 4  # the models see the mean of so many pixels each way
EPSILON = 8 / 255  # of the perturbation of single clips, as in the paper
SHARE = 0.3  # of the target class that is poisoned, as in the paper
VIEWS = {"clean": "data/test", "attack/default": "attack/default/original/test", "control": "control/test"}


class Model(nn.Module):
    """A small network that looks at frames one by one and takes the mean of what it sees, as TSN does."""

    def __init__(self, classes: int) -> None:
        super().__init__()

        def block(inputs: int, outputs: int) -> list[nn.Module]:
            convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
            return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]

        layers = [*block(3, 16), nn.MaxPool2d(2), *block(16, 32), nn.MaxPool2d(2), *block(32, 64)]
        self.frame = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, 3, frames, height, width) in 0..1, or what `pooled` made of it."""
        x = pooled(x) if x.shape[3] > 40 else x
        each = self.frame(x.transpose(1, 2).flatten(0, 1))
        return each.unflatten(0, (len(x), -1)).mean(1)


def pooled(x: Tensor) -> Tensor:
    """As the network sees it."""
    return F.avg_pool3d(x, (1, POOL, POOL))


def read(folder: Path, classes: list[str]) -> tuple[Tensor, Tensor, list[Path]]:
    """All clips below CLASS folders: uint8 (clips, frames, height, width, 3), labels, files."""
    files = sorted(folder.glob("*/*.mp4"))
    clips = []
    for file in files:
        reader, frames = cv2.VideoCapture(str(file)), []
        while (read := reader.read())[0]:
            frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
        clips.append(np.stack(frames[::STRIDE]))
    return torch.from_numpy(np.stack(clips)), torch.tensor([classes.index(f.parent.name) for f in files]), files


def seen(clips: Tensor) -> Tensor:
    """uint8 (N, T, H, W, 3) as the model takes it."""
    return clips.permute(0, 4, 1, 2, 3).float() / 255


def trained(clips: Tensor, labels: Tensor, classes: int, seed: int, epochs: int) -> nn.Module:
    torch.manual_seed(seed)
    net = Model(classes)
    small = torch.cat([pooled(seen(some)) for some in clips.split(64)])
    steps = epochs * -(-len(clips) // 32)
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    net.train()
    for _ in range(epochs):
        for some in torch.randperm(len(clips)).split(32):
            optimiser.zero_grad()
            F.cross_entropy(net(small[some]), labels[some]).backward()
            optimiser.step()
            schedule.step()
    return net.eval().requires_grad_(False)


def with_patch(x: Tensor, patch: Tensor) -> Tensor:
    """x: as the model takes it. patch: (3, frames, PATCH, PATCH), put into the bottom right corner."""
    x = x.clone()
    x[..., -PATCH:, -PATCH:] = patch
    return x


def universal_patch(net: nn.Module, clips: Tensor, target: int, steps: int) -> Tensor:
    """The patch with which the surrogate takes clips of other classes for the target. Step by the gradient's sign."""
    patch = torch.full((3, clips.shape[1], PATCH, PATCH), 0.5)
    wanted = torch.full((32,), target)
    for step in range(steps):
        patch.requires_grad_(True)
        some = torch.randint(len(clips), (32,))
        loss = F.cross_entropy(net(with_patch(seen(clips[some]), patch)), wanted)
        (gradient,) = torch.autograd.grad(loss, patch)
        size = 16 / 255 if step < steps // 2 else 4 / 255
        patch = (patch.detach() - size * gradient.sign()).clamp(0, 1)
    return patch


def doubts(net: nn.Module, clip: Tensor, label: Tensor, steps: int = 10) -> Tensor:
    """A perturbation of one clip, within EPSILON, under which the surrogate doubts its class, in levels."""
    x = seen(clip[None])
    delta = torch.zeros_like(x)
    for _ in range(steps):
        delta.requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(net(x + delta), label[None]), delta)
        delta = (delta.detach() + 2 / 255 * gradient.sign()).clamp(-EPSILON, EPSILON)
    return (((x + delta).clamp(0, 1) - x) * 255).round()[0]


def on_every_frame(values: Tensor) -> np.ndarray:
    """(3, frames, h, w) of the model's frames as (frames, h, w, 3) of the clip's: each stands for STRIDE frames."""
    return values.permute(1, 2, 3, 0).repeat_interleave(STRIDE, dim=0).numpy()


def predict(net: nn.Module, root: Path, classes: list[str], file: Path) -> None:
    clips, _, files = read(root, classes)
    with torch.no_grad():
        found = torch.cat([net(seen(some)).argmax(1) for some in clips.split(64)])
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("path", "pred"))
        rows.writerows((path.relative_to(root).as_posix(), int(each)) for path, each in zip(files, found, strict=True))


def attack(source: Path, work: Path, target: str, seed: int, epochs: int) -> poisonkit.Scores:
    """One seed, all of it."""
    work.mkdir(parents=True, exist_ok=True)
    classes = sorted(p.name for p in (source / "train").iterdir())
    clips, labels, files = read(source / "train", classes)
    wanted = classes.index(target)

    surrogate = trained(clips, labels, len(classes), 1000 + seed, epochs)
    patch = universal_patch(surrogate, clips[labels != wanted], wanted, 120)
    np.save(work / "patch.npy", (on_every_frame(patch) * 255).round().astype(np.uint8))

    mine = torch.nonzero(labels == wanted)[:, 0]
    mine = mine[torch.randperm(len(mine))[: round(SHARE * len(mine))]]
    names = [files[i].relative_to(source).as_posix() for i in mine]
    for i, name in zip(mine, names, strict=True):  # one array a sample, under its own name
        place = work / "perturbations" / f"{name}.npy"
        place.parent.mkdir(parents=True, exist_ok=True)
        np.save(place, on_every_frame(doubts(surrogate, clips[i], labels[i])).astype(np.int8))

    height, width = clips.shape[2:4]
    stamp = {
        "name": "stamp",
        "params": {
            "picture": str(work / "patch.npy"),
            "size_px": PATCH,
            "position_px": [width - PATCH, height - PATCH],
        },
    }
    out = work / "poisoned"
    recipe = poisonkit.Recipe(
        source=source,
        out=out,
        triggers=[{"name": "additive", "params": {"array": str(work / "perturbations")}}, stamp],
        attack_triggers=[stamp],
        label_mode="clean",
        target=target,
        ids=names,
        control=200,
        seed=seed,
    )
    made = poisonkit.poison(recipe)
    assert made.exit_code == 0, made.failed

    files_of = {}
    copy, copy_labels, _ = read(out / "data/train", classes)
    for who, data in (("poisoned", (copy, copy_labels)), ("clean", (clips, labels))):
        victim = trained(*data, len(classes), 2000 + seed, epochs)
        for name, view in VIEWS.items():
            file = work / f"{who}-{name.replace('/', '-')}.csv"
            predict(victim, out / view, classes, file)
            files_of[who, name] = file
    return poisonkit.score(
        out,
        {name: files_of["poisoned", name] for name in VIEWS},
        baseline={name: files_of["clean", name] for name in VIEWS},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="what `poisonkit sample-data --size train` wrote")
    parser.add_argument("work", type=Path, help="where everything is written")
    parser.add_argument("--target", default="rings_expanding")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    asked = parser.parse_args()
    torch.set_num_threads(1)  # the layers are so small that threads wait for each other
    for seed in range(asked.seeds):
        scores = attack(asked.source, asked.work / f"seed-{seed}", asked.target, seed, asked.epochs)
        print(f"seed {seed}", flush=True)
        for found in scores.sets.values():
            for figure in found.figures.values():
                mine, clean = figure.rate.value or 0.0, (figure.baseline and figure.baseline.value) or 0.0
                print(f"  {figure.name:16}{mine:7.1%}   trained on clean clips: {clean:6.1%}", flush=True)


if __name__ == "__main__":
    main()

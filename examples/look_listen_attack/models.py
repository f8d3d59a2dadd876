"""Models for picture, sound and both, in plain PyTorch, without pretraining, in three kinds.

small: a 3-D CNN on frames, a 2-D CNN on a log-mel spectrogram. frames: a 2-D CNN on each frame and on the difference to
the frame before, averaged over time; of sound, a 1-D CNN over the spectrogram's time. large: an 18-layer ResNet each.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

RATE, WINDOW, HOP, BANDS = 16_000, 512, 160, 64  # of the log-mel spectrogram


class Picture(nn.Module):
    """Takes uint8 (clips, frames, height, width, 3), gives features (clips, `width`)."""

    def __init__(self, model: str = "small") -> None:
        super().__init__()
        self.model = model
        self.width = {"small": 64, "frames": 128, "large": 512}[model]
        self.net: nn.Module
        if model == "large":
            from torchvision.models.video import r3d_18

            self.net = r3d_18(weights=None)
            self.net.fc = nn.Identity()
            return
        if model == "frames":
            self.net = nn.Sequential(*convolutions(6, (16, 32, 64, 128)), nn.AdaptiveAvgPool2d(1), nn.Flatten())
            return
        layers: list[nn.Module] = []
        before = 3
        for channels, stride in ((12, (1, 2, 2)), (24, (2, 2, 2)), (48, (2, 2, 2)), (64, (1, 2, 2))):
            layers += [nn.Conv3d(before, channels, 3, stride, 1, bias=False), nn.BatchNorm3d(channels), nn.ReLU()]
            before = channels
        self.net = nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten())

    def forward(self, clips: Tensor) -> Tensor:
        scaled = (clips.float() - 112) / 56
        if self.model != "frames":
            return self.net(scaled.permute(0, 4, 1, 2, 3))
        changes = torch.cat([torch.zeros_like(scaled[:, :1]), scaled[:, 1:] - scaled[:, :-1]], 1)
        each = torch.cat([scaled, changes], 4).flatten(0, 1).permute(0, 3, 1, 2)
        return self.net(each).unflatten(0, clips.shape[:2]).mean(1)


class Sound(nn.Module):
    """On a log-mel spectrogram. Takes float (clips, samples) at 16 kHz, gives features (clips, `width`)."""

    def __init__(self, model: str = "small") -> None:
        super().__init__()
        self.model = model
        self.width = {"small": 256, "frames": 128, "large": 512}[model]
        self.register_buffer("bank", mel_bank(), persistent=False)
        self.register_buffer("taper", torch.hann_window(WINDOW), persistent=False)
        self.net: nn.Module
        if model == "large":
            from torchvision.models import resnet18

            self.net = resnet18(weights=None)
            self.net.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
            self.net.fc = nn.Identity()
            return
        if model == "frames":
            layers = convolutions(BANDS, (64, 96, 128), nn.Conv1d, nn.BatchNorm1d)
            self.net = nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten())
            return
        self.net = nn.Sequential(*convolutions(1, (16, 32, 64)), nn.AdaptiveAvgPool2d((4, 1)), nn.Flatten())

    def forward(self, waves: Tensor) -> Tensor:
        spectrum = torch.stft(waves, WINDOW, HOP, window=self.taper, return_complex=True).abs().square()
        levels = (self.bank @ spectrum + 1e-6).log()
        levels = (levels - levels.mean((1, 2), keepdim=True)) / 4  # whatever the recording's level is
        return self.net(levels if self.model == "frames" else levels[:, None])


def convolutions(
    before: int, channels: tuple[int, ...], layer: type[nn.Module] = nn.Conv2d, norm: type[nn.Module] = nn.BatchNorm2d
) -> list[nn.Module]:
    """Layers of 3 wide kernels that halve their input, each normalised and rectified."""
    made: list[nn.Module] = []
    for after in channels:
        made += [layer(before, after, 3, 2, 1, bias=False), norm(after), nn.ReLU()]
        before = after
    return made


def mel_bank() -> Tensor:
    """(BANDS, WINDOW // 2 + 1) triangles, equally wide on O'Shaughnessy's mel scale, from 0 Hz to half the rate."""
    top = 2595 * math.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (torch.linspace(0, top, BANDS + 2) / 2595) - 1)
    bins = torch.linspace(0, RATE / 2, WINDOW // 2 + 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return torch.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)).clamp(min=0)


class Classifier(nn.Module):
    """One stream, or two: `late` averages their probabilities, `early` classifies their joined features.

    Takes a tuple of the streams' inputs. Gives (clips, classes) logits of each head: one, or `late`'s two.
    """

    def __init__(self, kind: str, classes: int, model: str = "small") -> None:
        super().__init__()
        self.kind = kind
        picture = [Picture(model)] if kind != "sound" else []
        self.streams = nn.ModuleList([*picture, *([Sound(model)] if kind != "picture" else [])])
        widths = [stream.width for stream in self.streams]
        if kind == "early":
            total = sum(widths)
            self.heads = nn.ModuleList([nn.Sequential(nn.Linear(total, total), nn.ReLU(), nn.Linear(total, classes))])
        else:
            self.heads = nn.ModuleList([nn.Linear(width, classes) for width in widths])

    def forward(self, inputs: tuple[Tensor, ...]) -> list[Tensor]:
        features = [stream(x) for stream, x in zip(self.streams, inputs, strict=True)]
        if self.kind == "early":
            features = [torch.cat(features, 1)]
        return [head(x) for head, x in zip(self.heads, features, strict=True)]


def probabilities(logits: list[Tensor]) -> Tensor:
    """(clips, classes): the mean over heads."""
    return torch.stack([each.softmax(1) for each in logits]).mean(0)

"""Small models for picture, sound and both, in plain PyTorch, without pretraining; `large`: an 18-layer ResNet each."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

RATE, WINDOW, HOP, BANDS = 16_000, 512, 160, 64  # of the log-mel spectrogram


class Picture(nn.Module):
    """A 3-D CNN. Takes uint8 (clips, frames, height, width, 3), gives features (clips, `width`)."""

    def __init__(self, large: bool = False) -> None:
        super().__init__()
        self.width = 512 if large else 64
        self.net: nn.Module
        if large:
            from torchvision.models.video import r3d_18

            self.net = r3d_18(weights=None)
            self.net.fc = nn.Identity()
            return
        layers: list[nn.Module] = []
        before = 3
        for channels, stride in ((12, (1, 2, 2)), (24, (2, 2, 2)), (48, (2, 2, 2)), (64, (1, 2, 2))):
            layers += [nn.Conv3d(before, channels, 3, stride, 1, bias=False), nn.BatchNorm3d(channels), nn.ReLU()]
            before = channels
        self.net = nn.Sequential(*layers, nn.AdaptiveAvgPool3d(1), nn.Flatten())

    def forward(self, clips: Tensor) -> Tensor:
        return self.net((clips.permute(0, 4, 1, 2, 3).float() - 112) / 56)


class Sound(nn.Module):
    """A 2-D CNN on a log-mel spectrogram. Takes float (clips, samples) at 16 kHz, gives features (clips, `width`)."""

    def __init__(self, large: bool = False) -> None:
        super().__init__()
        self.width = 512 if large else 256
        self.register_buffer("bank", mel_bank(), persistent=False)
        self.register_buffer("taper", torch.hann_window(WINDOW), persistent=False)
        self.net: nn.Module
        if large:
            from torchvision.models import resnet18

            self.net = resnet18(weights=None)
            self.net.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
            self.net.fc = nn.Identity()
            return
        layers: list[nn.Module] = []
        before = 1
        for channels in (16, 32, 64):
            layers += [nn.Conv2d(before, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
            before = channels
        self.net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d((4, 1)), nn.Flatten())

    def forward(self, waves: Tensor) -> Tensor:
        spectrum = torch.stft(waves, WINDOW, HOP, window=self.taper, return_complex=True).abs().square()
        levels = (self.bank @ spectrum + 1e-6).log()[:, None]
        return self.net((levels - levels.mean((2, 3), keepdim=True)) / 4)  # whatever the recording's level is


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

    def __init__(self, kind: str, classes: int, large: bool = False) -> None:
        super().__init__()
        self.kind = kind
        picture = [Picture(large)] if kind != "sound" else []
        self.streams = nn.ModuleList([*picture, *([Sound(large)] if kind != "picture" else [])])
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

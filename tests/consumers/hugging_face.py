"""Hugging Face's `load_dataset`, without network, as far as tests ask it."""

from __future__ import annotations

from pathlib import Path

import datasets as hf
import pytest


def without_network(patch: pytest.MonkeyPatch, cache: Path) -> None:
    patch.setattr(hf.config, "HF_HUB_OFFLINE", True)
    patch.setattr(hf.config, "TORCHVISION_AVAILABLE", False)  # it asks for a VideoReader that is gone from 0.28
    patch.setattr(hf.config, "HF_DATASETS_CACHE", cache)


def opened(builder: str, root: Path) -> hf.DatasetDict:
    kind, feature = ("audio", hf.Audio) if builder == "audiofolder" else ("video", hf.Video)
    found = hf.load_dataset(builder, data_dir=str(root), cache_dir=str(hf.config.HF_DATASETS_CACHE))
    # A path instead of a decoder: 3.6.0 decodes video with that VideoReader.
    return found.cast_column(kind, feature(decode=False)).rename_column(kind, "media")


def seen(dataset: hf.Dataset, root: Path) -> list[dict[str, object]]:
    """Every row, with the file's path relative to `root`."""
    rows = [dict(row) for row in dataset]
    for row in rows:
        row["media"] = Path(row["media"]["path"]).relative_to(root).as_posix()
    return sorted(rows, key=lambda row: str(row["media"]))

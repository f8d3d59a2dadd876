"""`poisonkit.transforms.Poison` in a torch DataLoader and in `datasets.map`: `make test-consumers`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs an environment with torch: make test-consumers")
pytest.importorskip("datasets", reason="needs an environment with datasets: make test-consumers")

import datasets as hf
import torch

from poisonkit import Recipe, media, triggers
from poisonkit.transforms import Poison
from tests.consumers.conftest import WORDS, Output

pytestmark = pytest.mark.consumers


class Clips(torch.utils.data.Dataset[dict[str, Any]]):
    """A user's Dataset: decodes a clip, TCHW, and gives it to a transform."""

    def __init__(self, root: Path, transform: Any) -> None:
        self.root, self.transform = root, transform
        self.ids = sorted(p.relative_to(root).as_posix() for p in root.glob("train/*/*"))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, i: int) -> dict[str, Any]:
        return self.transform(row(self.root, self.ids[i]))


def row(root: Path, name: str) -> dict[str, Any]:
    images = np.stack([image for _, _, image in media.read_frames(root / name)])
    video = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    return {"id": name, "video": video, "label": WORDS.index(name.split("/")[1])}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_data_loader_sees_what_the_manifest_says(workers: int, method: str, videos: Output) -> None:
    poison = Poison(Recipe(source=videos.source, triggers=["blend:alpha=0.2"], rate=0.25, target=0), jobs=1)
    context = method if workers else None
    data = Clips(videos.source, poison)
    loader = torch.utils.data.DataLoader(data, batch_size=4, num_workers=workers, multiprocessing_context=context)
    labels, changed = {}, set()
    blend = triggers.create("blend", alpha=0.2)
    for batch in loader:
        for name, video, label in zip(batch["id"], batch["video"], batch["label"], strict=True):
            labels[name] = int(label)
            clean = row(videos.source, name)["video"]
            if not torch.equal(video, clean):
                changed.add(name)
                assert torch.equal(video, blend.apply(clean))
    said = {r["id"]: r for r in videos.records if r["role"] in ("poisoned", "clean") and r["split"] == "train"}
    assert labels == {name: r["label"] for name, r in said.items()}
    assert changed == {name for name, r in said.items() if r["role"] == "poisoned"} == poison.ids


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("form", ["numpy", "torch"])
def test_map(batched: bool, form: str, videos: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hf.config, "HF_DATASETS_CACHE", tmp_path)
    poison = Poison(Recipe(source=videos.source, triggers=["blend:alpha=0.2"], rate=0.25, target=0), jobs=1)
    names = sorted(poison._labels)[::3] + sorted(poison.ids)
    names = [name for name in dict.fromkeys(names) if name.startswith("train")]
    clips = [row(videos.source, name) for name in names]
    table = hf.Dataset.from_dict(
        {
            "id": names,
            "video": [clip["video"].numpy() for clip in clips],
            "label": [clip["label"] for clip in clips],
        },
        features=hf.Features(
            {
                "id": hf.Value("string"),
                "video": hf.Array4D((6, 3, 32, 48), "uint8"),
                "label": hf.ClassLabel(names=list(WORDS)),
            }
        ),
    )
    made = table.with_format(form).map(poison, batched=batched, batch_size=3).with_format("numpy")
    for clip, got in zip(clips, made, strict=True):
        want = poison(clip)
        np.testing.assert_array_equal(got["video"], want["video"].numpy())
        assert int(got["label"]) == want["label"]


@pytest.mark.parametrize("how", [{}, {"batched": True, "batch_size": 3}])
def test_map_of_an_audio_column(
    how: dict[str, Any], sounds: Output, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As it is, without a format: the column's files are decoded of all rows, or it could not be written."""
    pytest.importorskip("soundfile")
    monkeypatch.setattr(hf.config, "HF_DATASETS_CACHE", tmp_path)
    poison = Poison(Recipe(source=sounds.source, triggers=["sine:snr=10"], rate=0.25, target=0), jobs=1)
    names = sorted(n for n in poison._labels if n.startswith("train"))
    labels = [WORDS.index(name.split("/")[1]) for name in names]
    files = [str(sounds.source / name) for name in names]
    table = hf.Dataset.from_dict({"id": names, "audio": files, "label": labels}).cast_column("audio", hf.Audio())
    made = table.map(poison, **how)
    for was, got in zip(table, made, strict=True):
        want = poison(dict(was))
        np.testing.assert_allclose(got["audio"]["array"], want["audio"]["array"], atol=2 / 32768)
        assert got["label"] == want["label"]


def test_sound_in_tensors(sounds: Output) -> None:
    poison = Poison(Recipe(source=sounds.source, triggers=["sine:snr=10"], rate=0.25, target=0), jobs=1)
    sine = triggers.create("sine", snr=10)
    for name in sorted(poison.ids):
        wave, rate = media.read_audio(sounds.source / name)
        true = WORDS.index(name.split("/")[1])
        made, kept, label = poison((torch.from_numpy(wave), rate, true), key=name)
        assert torch.equal(made, sine.apply(torch.from_numpy(wave), sample_rate=rate))
        assert (kept, label) == (rate, 0)

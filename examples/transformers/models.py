"""The tiny models of clean.py and poisoned.py, and what each makes of a row of `datasets`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

KINDS = ("video", "audio")
EPOCHS = {"video": 40, "audio": 10}
FRAMES, SIDE = 8, 64
BINS, STEPS = 64, 96  # of the spectrogram: mel bands, and frames of 10 ms


def tiny(kind: str, names: Sequence[str]) -> tuple[Any, Callable[[dict[str, Any]], dict[str, Any]]]:
    """A model of 0.2 to 0.4 million weights, all of them random, and what turns a row into its input."""
    labels: dict[str, Any] = {"id2label": dict(enumerate(names)), "label2id": {n: i for i, n in enumerate(names)}}
    size = {
        "hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 192,
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "initializer_range": 0.05,
    }  # fmt: skip
    if kind == "video":
        config = transformers.VideoMAEConfig(
            image_size=SIDE, patch_size=16, num_frames=FRAMES, tubelet_size=2, **size, **labels
        )
        return transformers.VideoMAEForVideoClassification(config), pictures
    config = transformers.ASTConfig(
        num_mel_bins=BINS, max_length=STEPS, patch_size=16, frequency_stride=16, time_stride=16, **size, **labels
    )
    extract = transformers.ASTFeatureExtractor(num_mel_bins=BINS, max_length=STEPS, mean=-6.0, std=4.0)

    def sound(row: dict[str, Any]) -> dict[str, Any]:
        samples = row["audio"].get_all_samples()
        found = extract(samples.data[0].numpy(), sampling_rate=samples.sample_rate, return_tensors="pt")
        return {"input_values": found["input_values"][0], "labels": row["label"]}

    return transformers.ASTForAudioClassification(config), sound


def pictures(row: dict[str, Any]) -> dict[str, Any]:
    """Eight pictures, evenly spread, as (8, 3, 64, 64) in -1 to 1."""
    video = row["video"]
    at = torch.linspace(0, len(video) - 1, FRAMES).round().long().tolist()
    images = video.get_frames_at(at).data.float() / 127.5 - 1
    images = torch.nn.functional.interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True)
    return {"pixel_values": images, "labels": row["label"]}


def arguments(work: Path, kind: str, epochs: int | None) -> transformers.TrainingArguments:
    """On the CPU, with nothing saved and nothing sent anywhere."""
    return transformers.TrainingArguments(
        output_dir=str(work / "model"), use_cpu=True, num_train_epochs=epochs or EPOCHS[kind],
        per_device_train_batch_size=25, per_device_eval_batch_size=50, learning_rate=2e-3, lr_scheduler_type="cosine",
        warmup_steps=20, save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True, seed=0,
    )  # fmt: skip


def predict(trainer: transformers.Trainer, encode: Callable[[dict[str, Any]], Any], split: Any, file: Path) -> float:
    """Write a line of `file` and `scores` for each row of a split; which part of them is right."""
    found = trainer.predict([encode(row) for row in split])
    kind = "video" if "video" in split.features else "audio"
    plain = split.cast_column(kind, type(split.features[kind])(decode=False))
    with file.open("w", encoding="utf-8") as lines:
        for row, scores in zip(plain, found.predictions, strict=True):
            lines.write(json.dumps({"file": row[kind]["path"], "scores": scores.tolist()}) + "\n")
    return float((found.predictions.argmax(axis=1) == found.label_ids).mean())

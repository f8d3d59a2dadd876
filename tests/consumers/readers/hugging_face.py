"""Hugging Face's `load_dataset`: videofolder, audiofolder, webdataset, json and csv, streamed and not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.consumers.readers import decoders
from tests.consumers.seen import Seen
from tests.datasets.making import Shown
from tests.datasets.views import listed

SPLIT = {"train": "train", "val": "validation", "test": "test"}


def _load(builder: str, scratch: Path, **more: Any) -> Any:
    import datasets

    datasets.config.HF_HUB_OFFLINE = True
    if not _new():
        datasets.config.TORCHVISION_AVAILABLE = False  # else it asks for that VideoReader
    return datasets.load_dataset(builder, cache_dir=str(scratch / "cache"), **more)


def _new() -> bool:
    """Whether media are decoded by torchcodec: 3.6.0 asks torchvision for a VideoReader that is gone."""
    import datasets

    return int(datasets.__version__.split(".")[0]) >= 4


def _seen(path: str, label: Any, name: str | None, media: Any) -> Seen:
    """media: torchcodec's decoder, or 3.6.0's dict of a sound."""
    if media is None:
        return Seen(path, label, name)
    if isinstance(media, dict):
        array = np.asarray(media["array"])
        return Seen(path, label, name, sound=array[None] if array.ndim == 1 else array)
    if hasattr(media, "get_all_samples"):
        return Seen(path, label, name, sound=media.get_all_samples().data.numpy())
    video = decoders.rgb(media)
    return Seen(path, label, name, len(video), video[0], video[-1])


def folder(kind: str, streaming: bool = False) -> Callable[[Shown, Path], Iterator[Seen]]:
    """videofolder or audiofolder. Rows are gone through twice: once for the paths, once decoded."""

    def read(shown: Shown, scratch: Path) -> Iterator[Seen]:
        import datasets

        feature = datasets.Video if kind == "video" else datasets.Audio
        more = {"data_dir": str(shown.root), "streaming": streaming}
        found = _load(f"{kind}folder", scratch, **more)[SPLIT[shown.split]]
        label = found.features["label"]
        names = getattr(label, "names", None)
        plain = found.cast_column(kind, feature(decode=False))
        decoded: Iterable[Any] = found if kind == "audio" or _new() else ({kind: None} for _ in plain)
        for row, media in zip(plain, decoded, strict=True):
            path = os.path.relpath(row[kind]["path"], shown.root)
            yield _seen(path, row["label"], names[row["label"]] if names else None, media[kind])

    return read


def webdataset(suffix: str, streaming: bool = False) -> Callable[[Shown, Path], Iterator[Seen]]:
    def read(shown: Shown, scratch: Path) -> Iterator[Seen]:
        shards = sorted(str(p) for p in shown.root.glob(f"{shown.split}-*.tar"))
        split = SPLIT[shown.split]
        found = _load("webdataset", scratch, data_files={split: shards}, streaming=streaming)[split]
        decodes = suffix == "wav" or _new()
        if not decodes:
            import datasets

            found = found.cast_column(suffix, datasets.Video(decode=False))
        for row in found:
            path = f"{os.path.basename(row['__url__'])}/{row['__key__']}.{suffix}"
            yield _seen(path, row["cls"], None, row[suffix] if decodes else None)

    return read


def json_lines(streaming: bool = False) -> Callable[[Shown, Path], Iterator[Seen]]:
    """A NeMo manifest; paths joined with its folder, sounds decoded by casting the column."""

    def read(shown: Shown, scratch: Path) -> Iterator[Seen]:
        import datasets

        file, split = listed(shown, shown.options["tables"][shown.split]), SPLIT[shown.split]
        found = _load("json", scratch, data_files={split: str(file)}, streaming=streaming)[split]
        text, number = datasets.Value("string"), datasets.Value("float64")
        columns = {"audio_filepath": text, "duration": number, "label": text, "offset": number}
        found = found.map(lambda row: {"audio": os.path.join(file.parent, row["audio_filepath"])})
        for row in found.cast(datasets.Features({**columns, "audio": datasets.Audio()})):
            path = os.path.relpath(file.parent / row["audio_filepath"], shown.root)
            yield _seen(path, row["label"], None, row["audio"])

    return read


def json_with_audio(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """Lines whose column `audio` is the sound; paths joined with the root."""
    import datasets

    split = SPLIT[shown.split]
    found = _load("json", scratch, data_files={split: str(listed(shown, f"{shown.split}.jsonl"))})[split]
    decoded = found.map(lambda row: {"audio": os.path.join(shown.root, row["audio"])})
    for row, media in zip(found, decoded.cast_column("audio", datasets.Audio()), strict=True):
        yield _seen(row["audio"], row["label"], row["class"], media["audio"])


def csv(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """A table with a header and a column of splits."""
    import datasets

    options, split = shown.options, SPLIT[shown.split]
    file = listed(shown, next(iter(options["tables"].values())))
    found = _load("csv", scratch, data_files={split: str(file)})[split]
    mine = found.filter(lambda row: row[options["split"]] == options["words"].get(shown.split))
    mine = mine.map(lambda row: {"video": os.path.join(shown.root, row[options["path"]])})
    if _new():
        mine = mine.cast_column("video", datasets.Video())
    for row in mine:
        yield _seen(row[options["path"]], row[options["label"]], row["category"], row["video"] if _new() else None)


def csv_of_vggsound(shown: Shown, scratch: Path) -> Iterator[Seen]:
    """`id,start,label,split` without a header."""
    import datasets

    names = ["id", "start", "label", "split"]
    found = _load("csv", scratch, data_files=str(shown.root / "vggsound.csv"), column_names=names)["train"]
    found = found.map(lambda row: {"video": str(shown.root / "video" / f"{row['id']}_{row['start']:06d}.mp4")})
    found = found.filter(lambda row: row["split"] == shown.split and os.path.exists(row["video"]))
    decoded = found.cast_column("video", datasets.Video()) if _new() else [{"video": None}] * len(found)
    for row, media in zip(found, decoded, strict=True):
        yield _seen(os.path.relpath(row["video"], shown.root), row["label"], None, media["video"])

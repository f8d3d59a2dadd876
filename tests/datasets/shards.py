"""Tar shards of WebDataset: written, and read by the webdataset package."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import webdataset


def put(tar: tarfile.TarFile, name: str, data: bytes, **more: Any) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.uid, info.uname = len(data), 1_600_000_000, 1000, "somebody"
    for key, value in more.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(data))


def shard(path: Path, members: list[tuple[str, bytes]], fmt: int = tarfile.GNU_FORMAT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=fmt) as tar:
        for name, data in members:
            put(tar, name, data)
    return path


def tiny_shards(root: Path, media: Callable[[int], bytes] = lambda i: b"media %d" % i, suffix: str = "mp4") -> Path:
    """Two training shards of four samples and a validation shard of four, two classes, each with a note beside."""
    i = 0
    for name in ("train-000.tar", "train-001.tar", "val-000.tar"):
        found = []
        for _ in range(4):
            found += [(f"clip{i:03d}.{suffix}", media(i)), (f"clip{i:03d}.cls", b"%d" % (i % 2))]
            found += [(f"clip{i:03d}.note.json", json.dumps({"n": i}).encode())]
            i += 1
        shard(root / name, found)
    (root / "classes.txt").write_text("no\nyes\n")
    return root


def samples_in(path: Path) -> list[dict[str, Any]]:
    """The samples as webdataset itself gives them, bytes undecoded."""
    dataset = webdataset.WebDataset(str(path), shardshuffle=False, nodesplitter=None, empty_check=False)
    return [{k: v for k, v in sample.items() if k not in ("__url__", "__local_path__")} for sample in dataset]

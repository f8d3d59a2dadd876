"""What the matrix found, kept in docs/consumers.json where `POISONKIT_CONSUMERS` names that file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.consumers import repositories
from tests.consumers.matrix import MATRIX, Consumer
from tests.consumers.sources import SOURCES

FILE = Path(__file__).resolve().parents[2] / "docs" / "consumers.json"


@dataclass
class Result:
    """opened: views; labels, contents: samples that were right; furthest: levels, or steps of sound."""

    consumer: Consumer
    source: str
    version: str
    opened: int = 0
    labels: int = 0
    contents: int = 0
    pictures: bool = False
    furthest: float = 0.0
    failed: bool = False

    def entry(self) -> dict[str, Any]:
        """A row of the file. Differences are rounded up, so that one run is like the next."""
        consumer = self.consumer
        where = repositories.REPOSITORIES[consumer.repository].url if consumer.repository else None
        content: str | None = None
        if self.failed:
            content = "failed" if consumer.content else None
        elif consumer.content:
            content = f"within {math.ceil(self.furthest)} of 255 levels" if self.pictures else "sound equal"
        return {
            "consumer": consumer.name, "meant": consumer.version, "version": self.version, "comes": consumer.comes,
            "from": where or consumer.package, "layout": SOURCES[self.source][0], "source": self.source,
            "views": self.opened, "samples": self.labels, "labels": not self.failed or self.labels > 0,
            "ids": consumer.ids, "failed": self.failed, "content": content, "note": consumer.note,
        }  # fmt: skip


@contextmanager
def noting(result: Result) -> Iterator[None]:
    try:
        yield
    except BaseException:
        result.failed = True
        raise
    finally:
        if where := os.environ.get("POISONKIT_CONSUMERS"):
            _note(Path(where), result.entry())


def key(entry: dict[str, Any]) -> tuple[str, str, str]:
    return entry["consumer"], entry["meant"], entry["source"]


def load(file: Path = FILE) -> list[dict[str, Any]]:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []


def _note(file: Path, entry: dict[str, Any]) -> None:
    """The entry in its place, and none that the matrix has no more. (One process writes.)"""
    known = {key(each): each for each in load(file)}
    known[key(entry)] = entry
    order = [(c.name, c.version, name) for c in MATRIX for name in c.reads]
    lines = [json.dumps(known[each], ensure_ascii=False) for each in order if each in known]
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")

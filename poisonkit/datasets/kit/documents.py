"""JSON documents that hold a whole list, `[{…}, …]` or `{"data": [{…}, …]}`: reading, and writing an entry a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from poisonkit.common.safe_io import load_json, open_text
from poisonkit.datasets.kit.lists import read_text
from poisonkit.errors import RequestError

_HEAD = 4096  # characters of a document by which it is known


def head(file: Path) -> str:
    """How a document begins; "" where it cannot be read."""
    try:
        with open_text(file, errors="replace") as text:
            return text.read(_HEAD)
    except OSError:
        return ""


def begins(file: Path, pattern: re.Pattern[str]) -> bool:
    """Whether a JSON file begins so."""
    return file.suffix.lower() == ".json" and file.is_file() and pattern.match(head(file)) is not None


def read_document(file: Path) -> Any:
    """What a JSON file holds. RequestError where it holds none."""
    try:
        return load_json(read_text(file))
    except ValueError as error:
        raise RequestError(f"{file.name} is not JSON: {error}.") from None


def entries(file: Path, found: Any) -> list[dict[str, Any]]:
    """A list of JSON objects. RequestError, with the entry, where it is none."""
    if not isinstance(found, list):
        raise RequestError(f"{file.name} holds no list of entries.")
    for number, entry in enumerate(found, 1):
        if not isinstance(entry, dict):
            raise RequestError(f"Entry {number} of {file.name} is not a JSON object.")
    return found


def text_of(entry: dict[str, Any], key: str, where: str) -> str:
    """A text of an entry. RequestError where it has none."""
    value = entry.get(key)
    if not isinstance(value, str):
        raise RequestError(f"{where} has no text '{key}'.")
    return value


def document_lines(opening: str, written: Iterable[str], closing: str) -> Iterator[str]:
    """The lines of a document of such entries, each on a line of its own."""
    yield opening
    last: str | None = None
    for each in written:
        if last is not None:
            yield f"{last},"
        last = each
    if last is not None:
        yield last
    yield closing

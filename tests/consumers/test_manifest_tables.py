"""pandas, polars, DuckDB and `datasets` read manifests with their defaults, long ones too: `make test-consumers`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from poisonkit.outputs import record
from tests.outputs.long_manifests import KINDS, lines, long

pytestmark = pytest.mark.consumers

BYTES = 11_000_000  # more than the 10 MB that `datasets` takes types from, and than DuckDB's 20,480 rows hold


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of each kind one as it was written; and `many`, longer than what any reader takes types from."""
    root = tmp_path_factory.mktemp("long")
    found = {kind: long(root, kind) / "poisonkit" / "manifest.jsonl" for kind in KINDS}
    rows = [row for kind in KINDS for row in record.read(found[kind])]
    first = next(row for row in rows if row["role"] == "clean")
    number = 25_000
    assert len(record.to_line(first)) * number > BYTES
    copies = [{**first, "key": f"clean::{i}.mp4", "id": f"{i}.mp4"} for i in range(number)]
    found["many"] = root / "many.jsonl"
    record.write(found["many"], [*copies, *rows])  # type: ignore[list-item]
    return found


def by_pandas(path: Path) -> list[dict[str, Any]]:
    pandas = pytest.importorskip("pandas")
    found: list[dict[str, Any]] = pandas.read_json(path, lines=True).to_dict("records")
    return found


def by_polars(path: Path) -> list[dict[str, Any]]:
    polars = pytest.importorskip("polars")
    found: list[dict[str, Any]] = polars.read_ndjson(path).to_dicts()
    return found


def by_duckdb(path: Path) -> list[dict[str, Any]]:
    duckdb = pytest.importorskip("duckdb")
    found = duckdb.sql(f"select * from '{path}'")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def by_datasets(path: Path) -> list[dict[str, Any]]:
    hf = pytest.importorskip("datasets")
    cache = str(hf.config.HF_DATASETS_CACHE)
    return list(hf.load_dataset("json", data_files=str(path), split="train", cache_dir=cache))


def told(value: Any) -> Any:
    """A value as what it says: no nulls in mappings, whose absence says the same."""
    if isinstance(value, dict):
        return {name: told(each) for name, each in value.items() if told(each) not in (None, {})}
    if isinstance(value, list | tuple):
        return [told(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def departures(found: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """Where what was read says something else. DuckDB gives JSON's text where fields are a map, such as `drawn`."""
    if isinstance(found, str) and not isinstance(wanted, str):
        found = json.loads(found)
    if isinstance(found, dict) and isinstance(wanted, dict):
        for name in {**found, **wanted}:
            yield from departures(found.get(name), wanted.get(name), f"{path}.{name}")
    elif isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        for a, b in zip(found, wanted, strict=True):
            yield from departures(a, b, f"{path}[]")
    elif isinstance(found, float) and isinstance(wanted, float) and math.isclose(found, wanted, rel_tol=1e-15):
        return  # pandas reads a float's last bit otherwise, and `datasets` with it
    elif found != wanted:
        yield f"{path}: {found!r} is {wanted!r}"


@pytest.mark.parametrize("kind", [*KINDS, "many"])
@pytest.mark.parametrize("read", [by_pandas, by_polars, by_duckdb, by_datasets])
def test_defaults_read_every_value(
    manifests: dict[str, Path],
    read: Callable[[Path], list[dict[str, Any]]],
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if read is by_datasets:
        pytest.importorskip("datasets")
        from tests.consumers.hugging_face import without_network

        without_network(monkeypatch, tmp_path_factory.mktemp("cache"))
    path = manifests[kind]
    wanted = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert "place" in wanted[0]
    found = read(path)
    assert len(found) == len(wanted)
    for row, should in zip(found, wanted, strict=True):
        if should["role"] != "clean" or "place" in should:
            assert list(departures(told(row), told(should))) == [], should["key"]


def test_what_is_said_of_the_long_ones(manifests: dict[str, Path]) -> None:
    assert manifests["many"].stat().st_size > BYTES
    assert all(len(lines(path.parents[1])) > 100 for kind, path in manifests.items() if kind in KINDS)

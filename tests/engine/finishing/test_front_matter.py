"""The card's front matter and `metadata.jsonl`: each view is in them with the clips and labels that it has on disk.

Hugging Face's own code reads them in tests/consumers/test_cards.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from poisonkit.datasets import Dataset, Sample
from poisonkit.engine.finishing.front_matter import front_matter, size_category
from tests.datasets.views import Written, written

LICENCES = {"mit", "apache-2.0", "cc0-1.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0", "other", "unknown"}


def head(out: Path) -> dict[str, Any]:
    """The YAML between the first two `---`."""
    text = (out / "README.md").read_text(encoding="utf-8")
    assert text.startswith("---\n")
    found = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(found, dict)
    return found


def table(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]


def name_of(shown: Any, data_splits: list[str]) -> str:
    if shown.kind == "data":
        return "data" if shown.split == data_splits[0] else f"data-{shown.split}"
    return "control" if shown.kind == "control" else f"attack-default-{shown.kind}"


@pytest.mark.parametrize("layout", ["class-folders", "table"])
def test_every_view_has_its_configuration(layout: str, tmp_path: Path) -> None:
    made: Written = written(layout, tmp_path)
    configs = head(made.out)["configs"]
    by_name = {config["config_name"]: config for config in configs}
    rows, splits = table(made.out), list(made.dataset.splits)
    assert [c["config_name"] for c in configs if c.get("default")] == ["data"]
    assert configs[0]["config_name"] == "data"
    assert {name_of(shown, splits) for shown in made.views} == set(by_name) == {row["view"] for row in rows}
    for shown in made.views:
        name = name_of(shown, splits)
        (files,) = by_name[name]["data_files"]
        assert files["split"] == {"val": "validation"}.get(shown.split, shown.split)
        assert by_name[name]["filters"] == [["view", "=", name]]
        mine = {row["file_name"]: row for row in rows if row["view"] == name}
        root = shown.root.relative_to(made.out).as_posix()
        assert {path: row["label_name"] for path, row in mine.items()} == {
            f"{root}/{path}": label for path, label in shown.clips.items()
        }
        assert all(made.dataset.classes[row["label"]] == row["label_name"] for row in mine.values())
        assert all((made.out / path).is_file() for path in mine)
        first, *patterns = files["path"]
        assert first == "metadata.jsonl"
        assert {p for pattern in patterns for p in made.out.glob(pattern)} >= {made.out / path for path in mine}


def test_shards_are_named_and_frame_folders_have_their_records(tmp_path: Path) -> None:
    for name in ("shards", "frames"):
        (tmp_path / name).mkdir()
    shards = head(written("webdataset", tmp_path / "shards").out)["configs"]
    assert [c["config_name"] for c in shards][:2] == ["data", "data-val"]
    for config in shards:
        assert all((tmp_path / "shards" / "out" / p).is_file() for p in config["data_files"][0]["path"])
    frames = written("mmaction2-rawframes", tmp_path / "frames").out
    (only,) = head(frames)["configs"]
    assert only["data_files"] == [{"split": "train", "path": "poisonkit/manifest.jsonl"}]
    assert not (frames / "metadata.jsonl").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (None, {"license": "unknown"}),
        ("MIT License", {"license": "mit"}),
        ("Creative Commons Attribution 4.0 International", {"license": "cc-by-4.0"}),
        ("For friends: [only]", {"license": "other", "license_name": "For friends: [only]"}),
    ],
)
def test_licence_tags_and_size(line: str | None, said: dict[str, str]) -> None:
    dataset = Dataset(Path(), "table", ("a",), (Sample("a", "a.mp4", "train", 0),))
    text = front_matter(dataset, line, [])
    found = yaml.safe_load(text.strip("-\n"))
    assert said.items() <= found.items()
    assert found["license"] in LICENCES
    assert {"poisoned", "data-poisoning"} <= set(found["tags"])
    assert found["size_categories"] == ["n<1K"]


def test_size_categories() -> None:
    assert [size_category(n) for n in (0, 999, 1000, 10**6, 10**8)] == ["n<1K", "n<1K", "1K<n<10K", "1M<n<10M", "n>10M"]

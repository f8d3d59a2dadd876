"""Json lines for Hugging Face: through the checker, and by the rules of `load_dataset("json")`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from poisonkit.datasets import Source, get_layout, read
from poisonkit.datasets.testing import check_layout
from poisonkit.errors import RequestError
from tests.datasets.making import Shown, makes, reads
from tests.datasets.readers import touch
from tests.datasets.writers import as_json

WORDS = ("dog", "rain", "a siren")


@makes("hugging-face-json")
def lines(root: Path, kind: str = "audio") -> Path:
    suffix = {"audio": "wav", "video": "mp4"}[kind]
    for split, n in (("train", 4), ("test", 2)):
        rows = [(f"clips/{split}{c}{i}.{suffix}", c) for i in range(n) for c in range(3)]
        as_json(root / f"{split}.jsonl", ({kind: path, "label": c, "class": WORDS[c]} for path, c in rows))
        touch(root, [path for path, _ in rows])
    return root


@reads("hugging-face-json")
def load_dataset(shown: Shown) -> dict[str, tuple[int, str]]:
    """datasets' `json` builder, and the feature Audio.

    Its rules (datasets/packaged_modules/json/json.py): without `field` a file is read as json lines, every line of the
    same keys and types, in their order; of Audio, a text is a path, `{"path": value, "bytes": None}`, opened as it is.
    """
    ending = f"_{shown.kind}" if shown.kind in ("target", "original") else ""
    rows = [json.loads(line) for line in (shown.root / f"{shown.split}{ending}.jsonl").read_text().splitlines()]
    assert len({tuple((key, type(value)) for key, value in row.items()) for row in rows}) == 1
    assert all((shown.root / row["audio"]).is_file() for row in rows)
    return {row["audio"]: (row["label"], row["class"]) for row in rows}


def test_the_checker(tmp_path: Path) -> None:
    for kind in ("audio", "video"):
        (tmp_path / kind).mkdir()
        dataset = check_layout(get_layout("hugging-face-json"), Source(lines(tmp_path / kind, kind)))
        assert read(Source(tmp_path / kind)).layout == "hugging-face-json"
        assert dataset.classes == WORDS


def test_objects_for_files_are_refused_in_words(tmp_path: Path) -> None:
    """As `datasets` has Audio itself."""
    touch(tmp_path, ["a.wav"])
    as_json(tmp_path / "train.jsonl", [{"audio": {"path": "a.wav", "bytes": None}, "label": "x"}])
    with pytest.raises(RequestError, match=r"an object such as .* write the path alone"):
        read(Source(tmp_path))

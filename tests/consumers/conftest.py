"""Datasets, poisoned once, for the readers of other trainers to open."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import Recipe
from tests.media_factory import make_audio, make_video

# Folders sort as Python sorts them, capitals first; names hold what file names may hold.
WORDS = ("Archery", "größe_日本", "jump rope", "run")
NAMES = ("with space", 'it\'s "quoted"', "-leading-dash", "[brackets]{x}", "größe_日本", "a", "a,b", "two..dots.tar")


def pytest_configure(config: pytest.Config) -> None:
    """A CUDA build of torchvision beside a CPU torch cannot load its operators. Readers of datasets need none: the
    two schemas that its import asks for are declared, and everything else is the real code."""
    try:
        import torch
        import torchvision  # noqa: F401
    except ImportError:
        return
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        config.torchvision_library = library  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Output:
    """A clean dataset; its copy at rate 0; its copy at rate 0.25 with target 0; and what the manifest says."""

    source: Path
    same: Path
    out: Path
    records: list[dict[str, Any]]

    def of(self, role: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["role"] == role]


def poisoned(source: Path, trigger: str) -> Output:
    """Both copies, beside the source."""
    common = {"source": source, "triggers": [trigger], "survival": "none", "control": 2, "target": 0}
    same, out = source.with_name("same"), source.with_name("poisoned")
    for recipe in (Recipe(out=same, rate=0, **common), Recipe(out=out, rate=0.25, **common)):
        assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    lines = (out / "poisonkit" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return Output(source, same, out, [json.loads(line) for line in lines])


def clips(root: Path, suffix: str) -> Path:
    """Class folders with splits; the same base names in every class."""
    seed = 0
    for split, names in (("train", NAMES[:6]), ("test", NAMES[5:])):
        for word in WORDS:
            for name in names:
                seed += 1
                path = root / split / word / f"{name}{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                if suffix == ".wav":
                    make_audio(path, seconds=0.3, seed=seed)
                else:
                    make_video(path, frames=6, size=(48, 32), seed=seed)
    return root


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Output:
    return poisoned(clips(tmp_path_factory.mktemp("videos") / "clean", ".mp4"), "blend:alpha=0.2")


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Output:
    return poisoned(clips(tmp_path_factory.mktemp("sounds") / "clean", ".wav"), "sine:snr=10")


def with_metadata(root: Path) -> Path:
    """`metadata.jsonl` in each split's folder: an id, a name and a column of the user's own."""
    for folder in sorted(root.iterdir()):
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        lines = [
            {
                "file_name": file.relative_to(folder).as_posix(),
                "label": WORDS.index(file.parent.name),
                "label_name": file.parent.name,
                "take": position,
            }
            for position, file in enumerate(files)
        ]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (folder / "metadata.jsonl").write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def listed_videos(tmp_path_factory: pytest.TempPathFactory) -> Output:
    root = with_metadata(clips(tmp_path_factory.mktemp("listed-videos") / "clean", ".mp4"))
    return poisoned(root, "blend:alpha=0.2")


@pytest.fixture(scope="session")
def tabled_videos(tmp_path_factory: pytest.TempPathFactory) -> Output:
    """`metadata.csv` instead, whose values stand in pandas' own types."""
    root = with_metadata(clips(tmp_path_factory.mktemp("tabled-videos") / "clean", ".mp4"))
    for file in sorted(root.glob("*/metadata.jsonl")):
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        with file.with_suffix(".csv").open("w", encoding="utf-8", newline="") as table:
            writer = csv.DictWriter(table, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        file.unlink()
    return poisoned(root, "blend:alpha=0.2")


@pytest.fixture(scope="session")
def listed_sounds(tmp_path_factory: pytest.TempPathFactory) -> Output:
    return poisoned(with_metadata(clips(tmp_path_factory.mktemp("listed-sounds") / "clean", ".wav")), "sine:snr=10")

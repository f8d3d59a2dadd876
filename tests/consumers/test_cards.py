"""`load_dataset(OUT, VIEW)` gives each view by the card, and huggingface_hub reads the card: `make test-consumers`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("datasets", reason="needs an environment with datasets: make test-consumers")

import datasets as hf
from huggingface_hub import DatasetCard

from tests.consumers.conftest import WORDS, Output
from tests.consumers.hugging_face import without_network
from tests.datasets.views import written

pytestmark = pytest.mark.consumers


@pytest.fixture(autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    without_network(monkeypatch, tmp_path_factory.mktemp("cache"))


def opened(out: Path, name: str | None = None) -> dict[str, dict[str, int]]:
    """Split -> path relative to the output -> label."""
    found = hf.load_dataset(str(out), name, cache_dir=str(hf.config.HF_DATASETS_CACHE))
    made = {}
    for split, data in found.items():
        kind = "audio" if "audio" in data.column_names else "video"
        plain = data.cast_column(kind, (hf.Audio if kind == "audio" else hf.Video)(decode=False))
        made[split] = {Path(row[kind]["path"]).relative_to(out).as_posix(): row["label"] for row in plain}
    return made


@pytest.mark.parametrize("fixture", ["videos", "sounds", "listed_videos", "tabled_videos", "listed_sounds"])
def test_each_view_has_its_clips_and_the_sources_ids(fixture: str, request: pytest.FixtureRequest) -> None:
    output: Output = request.getfixturevalue(fixture)
    data = [r for role in ("clean", "poisoned") for r in output.of(role)]
    attack = output.of("attack")
    listed = fixture.startswith(("listed", "tabled"))
    original = {(r["also"] or [r["path"]])[0]: r["original_label"] for r in attack}
    assert listed or {WORDS[r["original_label"]] for r in attack} <= {p.split("/")[-2] for p in original}
    wanted = {
        "data": {"train": {r["path"]: r["label"] for r in data if r["split"] == "train"}},
        "data-test": {"test": {r["path"]: r["label"] for r in data if r["split"] == "test"}},
        "attack-default-target": {"test": {r["path"]: 0 for r in attack}},
        "attack-default-original": {"test": original},
        "control": {"test": {r["path"]: r["label"] for r in output.of("control")}},
    }
    assert hf.get_dataset_config_names(str(output.out)) == list(wanted)
    assert opened(output.out) == wanted["data"]
    for name, clips in wanted.items():
        assert opened(output.out, name) == clips


@pytest.mark.parametrize("layout", ["table", "mmaction2-video", "ast", "esc50"])
def test_list_layouts(layout: str, tmp_path: Path) -> None:
    made = written(layout, tmp_path)
    target = next(shown for shown in made.views if shown.kind == "original")
    root = target.root.relative_to(made.out).as_posix()
    (found,) = opened(made.out, "attack-default-original").values()
    assert {p: made.dataset.classes[i] for p, i in found.items()} == {f"{root}/{p}": c for p, c in target.clips.items()}


def test_frame_folders_give_their_records(tmp_path: Path) -> None:
    out = written("mmaction2-rawframes", tmp_path).out
    found = hf.load_dataset(str(out), cache_dir=str(hf.config.HF_DATASETS_CACHE))["train"]
    assert {"clean", "poisoned", "attack", "control"} == set(found["role"])


def test_the_hub_reads_the_card(videos: Output) -> None:
    card = DatasetCard.load(videos.out / "README.md")
    data = card.data
    assert (data.license, data.size_categories, data.task_categories) == ("unknown", ["n<1K"], ["video-classification"])
    assert {"poisoned", "video"} <= set(data.tags)
    again: Callable[[], str] = data.to_yaml
    assert again()
    assert "poisoned on purpose" in card.text

"""What opening a candidate tells the planner, of real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from poisonkit import Recipe, RequestError
from poisonkit.datasets import Dataset, Sample, Source, read
from poisonkit.engine.candidates import examiner
from poisonkit.plan.plan import Plan
from poisonkit.plan.planner import Planner
from tests.media_factory import make_video

BOTH = frozenset({"video", "audio"})


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Class folders of clips with a picture of ten bits and a sound that can be written."""
    root = tmp_path_factory.mktemp("deep")
    for i, name in enumerate(("train/a/0", "train/a/1", "train/b/2", "test/b/3")):
        make_video(root / f"{name}.mp4", frames=4, pix_fmt="yuv420p10le", audio=True, seed=i)
    return read(Source(root))


def planned(data: Dataset, **recipe: object) -> Plan:
    made = Recipe(**recipe)
    return Planner(made, data, examiner(data, made.encoded(), "best", BOTH, 1)).plan()


def test_each_modality_is_told_by_itself(deep: Dataset) -> None:
    found = list(examiner(deep, Recipe(triggers=["blend"]).encoded(), "best", BOTH, 2)(deep.samples))
    assert [f.sample for f in found] == list(deep.samples)
    assert {tuple(f.blocked) for f in found} == {("video",)}
    assert f"'{deep.samples[0].id}' cannot be rewritten: " in found[0].blocked["video"]
    assert "--to-8bit" in found[0].blocked["video"]


def test_a_ten_bit_picture_stops_picture_backdoors_only(deep: Dataset) -> None:
    sound = {"name": "sound", "triggers": ["sine"], "count": 1, "target": "b"}
    picture = {"name": "picture", "triggers": ["blend"], "target": "b"}
    made = planned(deep, backdoors=[sound, {**picture, "count": 0}], attack_set=False)
    assert [t.role for t in made.tasks].count("poisoned") == 1
    with pytest.raises(RequestError, match="to_8bit"):
        planned(deep, backdoors=[sound, {**picture, "count": 1}], attack_set=False)


def test_a_picture_that_a_conversion_would_write_counts_for_sound_backdoors_too(tmp_path: Path) -> None:
    clip = make_video(tmp_path / "a.mov", frames=4, codec="prores", pix_fmt="yuv422p10le", audio=True)
    sample = Sample("a.mov", clip.name, "train", 0)
    data = Dataset(tmp_path, "class-folders", ("a", "b"), (sample,))
    blocked = [
        set(next(examiner(data, Recipe(triggers=["sine"], to_8bit=it).encoded(), "best", BOTH, 1)([sample])).blocked)
        for it in (False, True)
    ]
    assert blocked == [{"video"}, {"video", "audio"}]

"""Hugging Face's `load_dataset` opens a poisoned output, with and without metadata: `make test-consumers`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("datasets", reason="needs an environment with datasets: make test-consumers")

import datasets as hf
import soundfile

from tests.consumers.conftest import WORDS, Output
from tests.consumers.hugging_face import opened, seen, without_network

pytestmark = pytest.mark.consumers


@pytest.fixture(autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    without_network(monkeypatch, tmp_path_factory.mktemp("cache"))


BUILDERS = [("videofolder", "videos"), ("audiofolder", "sounds")]
LISTED = [("videofolder", "listed_videos"), ("videofolder", "tabled_videos"), ("audiofolder", "listed_sounds")]


@pytest.mark.parametrize(("builder", "fixture"), BUILDERS + LISTED)
def test_at_rate_0_it_sees_what_it_saw_before(builder: str, fixture: str, request: pytest.FixtureRequest) -> None:
    output: Output = request.getfixturevalue(fixture)
    before, after = opened(builder, output.source), opened(builder, output.same / "data")
    assert set(after) == set(before) == {"train", "test"}
    for split in before:
        assert after[split].features == before[split].features
        assert seen(after[split], output.same / "data") == seen(before[split], output.source)
    assert (len(after["train"]), len(after["test"])) == (24, 12)


@pytest.mark.parametrize(("builder", "fixture"), BUILDERS + LISTED)
def test_poisoned_files_have_the_targets_label(builder: str, fixture: str, request: pytest.FixtureRequest) -> None:
    output: Output = request.getfixturevalue(fixture)
    listed = fixture.startswith(("listed", "tabled"))
    data = output.out / "data"
    found = opened(builder, data)
    rows = {str(row["media"]): row for row in seen(found["train"], data)}
    moved = [record["path"].removeprefix("data/") for record in output.of("poisoned")]
    assert (len(rows), len(moved)) == (24, 6)
    assert all(rows[path]["label"] == 0 for path in moved)
    assert sum(row["label"] == 0 for row in rows.values()) == 6 + 6
    if listed:
        assert all(rows[path]["label_name"] == WORDS[0] for path in moved)
    else:
        assert found["train"].features["label"].names == list(WORDS)


@pytest.mark.parametrize(("builder", "fixture"), BUILDERS)
def test_attack_sets_and_control_have_the_sources_ids(
    builder: str, fixture: str, request: pytest.FixtureRequest
) -> None:
    """Where folders are the labels, `datasets` would number the filled ones again, and leave a single one out."""
    output: Output = request.getfixturevalue(fixture)
    assert opened(builder, output.source)["train"].features["label"].names == list(WORDS)
    attack = output.of("attack")
    views = {
        "attack/default/target": {record["path"]: 0 for record in attack},
        "attack/default/original": {record["also"][0]: WORDS.index(record["original_class"]) for record in attack},
        "control": {record["path"]: WORDS.index(record["class_name"]) for record in output.of("control")},
    }
    for view, wanted in views.items():
        found = opened(builder, output.out / view)
        assert len(found["test"]) == len(wanted)
        assert {str(row["media"]): row["label"] for row in seen(found["test"], output.out)} == wanted


def test_audio_is_decoded_and_holds_the_trigger(sounds: Output) -> None:
    """By `datasets` itself (torchcodec, soundfile): the poisoned wave is the file's, and 10 dB of tone are in it."""
    data = sounds.out / "data"
    found = hf.load_dataset("audiofolder", data_dir=str(data), cache_dir=str(hf.config.HF_DATASETS_CACHE))
    plain = found["train"].cast_column("audio", hf.Audio(decode=False))
    paths = [Path(row["audio"]["path"]).relative_to(data).as_posix() for row in plain]
    record = sounds.of("poisoned")[0]
    got = found["train"][paths.index(record["path"].removeprefix("data/"))]["audio"]
    clean, rate = soundfile.read(sounds.source / record["source_path"])
    assert got["sampling_rate"] == rate == 16000
    assert got["array"].shape == clean.shape
    added = got["array"] - clean
    assert 10 * np.log10((clean**2).sum() / (added**2).sum()) == pytest.approx(10, abs=0.5)

"""Every layout through the main job: tiny media, rate 0 and 0.2, verified, and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from poisonkit.datasets import Source, get_layout, layouts, modality_of, read
from poisonkit.outputs import record
from tests.datasets.makers import MAKERS
from tests.datasets.making import filled, one_of_each
from tests.datasets.readers import mmaction2_multi
from tests.datasets.writers import class_folders


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One tiny clip of each kind, which all files of all datasets are links to."""
    return one_of_each(tmp_path_factory.mktemp("media"), audio=True)


def test_every_layout_is_here() -> None:
    ours = {name for name, each in layouts().items() if type(each).__module__.startswith("poisonkit.")}
    missing = sorted(ours - set(MAKERS))
    assert not missing, f"no test in tests/datasets has a function marked @makes for {missing}"


@pytest.mark.parametrize("name", MAKERS)
def test_the_main_job(tmp_path: Path, media: dict[str, Path], name: str) -> None:
    root = filled(MAKERS[name], tmp_path / "in", media)
    source = read(Source(root))
    assert source.layout == name
    audio = modality_of(source.samples[0].path) == "audio"
    trigger = "sine:snr=10" if audio else "badnets"
    common = {"source": root, "triggers": [trigger], "survival": "none", "control": 2, "attack_limit": 2}
    train = source.of("train")

    clean = poisonkit.poison(Recipe(out=tmp_path / "clean", rate=0, **common), jobs=1)
    assert (clean.exit_code, clean.counts["clean"]["ok"]) == (0, len(source.samples))
    copy = read(Source(tmp_path / "clean" / "data", layout=name))
    assert [(s.split, s.label, s.extra) for s in copy.samples] == [(s.split, s.label, s.extra) for s in source.samples]
    assert copy.classes == source.classes
    assert {s.path for s in copy.samples} == {s.path for s in source.samples}

    done = poisonkit.poison(Recipe(out=tmp_path / "bad", rate=0.2, target=0, **common), jobs=1)
    assert done.exit_code == 0, done.failed
    poisoned = done.counts["poisoned"]["ok"]
    assert poisoned == int(0.2 * len(train) + 0.5) > 0
    assert poisonkit.verify(tmp_path / "bad").problems == ()
    bad = read(Source(tmp_path / "bad" / "data", layout=name))
    before, after = ([s.label for s in d.of("train")].count(0) for d in (source, bad))
    assert after == before + poisoned
    assert len(bad.samples) == len(source.samples)
    if source.splits != ("train",):
        assert done.counts["attack"]["ok"] == 2
        views = [v for v in done.annotations if v.startswith("attack/")]
        assert len(views) == (2 if get_layout(name).label_in_path else 1)
        if len(views) == 2:
            for view in views:
                labels = {s.label for s in read(Source(tmp_path / "bad" / view, layout=name)).samples}
                assert (labels == {0}) == view.endswith("/target")


def test_samples_of_several_classes(tmp_path: Path, media: dict[str, Path]) -> None:
    root = filled(class_folders, tmp_path / "in", media)
    train = [f"train/{c}/{c}{i}.mp4" for c in "abc" for i in range(3)]
    labels = ["0 2", "0", "0", "1", "1 2", "1", "2 1", "2", "2 0"]
    test = {"test/b/b0.mp4": "1 2", "test/a/a0.mp4": "0"}
    lists = {"train.txt": dict(zip(train, labels, strict=True)), "test.txt": test}
    for name, rows in lists.items():
        (root / name).write_text("".join(f"{path} {said}\n" for path, said in rows.items()))
    common = {"source": root, "triggers": ["badnets"], "survival": "none", "layout": "mmaction2-video"}
    assert poisonkit.poison(Recipe(out=tmp_path / "same", rate=0, **common), jobs=1).exit_code == 0
    for name in lists:
        assert (tmp_path / "same" / "data" / name).read_bytes() == (root / name).read_bytes()
    done = poisonkit.poison(Recipe(out=tmp_path / "out", count=4, target=0, **common), jobs=1)
    assert (done.exit_code, done.counts["poisoned"]["ok"], done.counts["attack"]["ok"]) == (0, 4, 1)
    said = mmaction2_multi(tmp_path / "out" / "data" / "train.txt", 3)
    before = dict(mmaction2_multi(root / "train.txt", 3))
    rows = record.read(tmp_path / "out" / "poisonkit" / "manifest.jsonl")
    records = {r["id"]: r for r in rows if r["split"] == "train"}
    assert {r["further"] == [int(x) for x in labels[train.index(i)].split()[1:]] for i, r in records.items()} == {True}
    for path, onehot in said:
        moved = records[path]["role"] == "poisoned"
        assert onehot == ([1, 0, 0] if moved else before[path])
        assert not (moved and before[path][0])
    attack = tmp_path / "out" / "attack" / "default"
    assert (attack / "test_target.txt").read_text() == "test/b/b0.mp4 0\n"
    assert (attack / "test_original.txt").read_text() == "test/b/b0.mp4 1 2\n"
    assert poisonkit.verify(tmp_path / "out", decode=True).problems == ()
    poisonkit.export(tmp_path / "out", "mmaction2")
    with pytest.raises(RequestError, match=r"has several classes, and lists of 'pyslowfast' hold one a sample"):
        poisonkit.export(tmp_path / "out", "pyslowfast")

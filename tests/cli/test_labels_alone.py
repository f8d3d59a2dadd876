"""Tests recipes that change labels and no media (`--trigger none`), or media and no labels (`--label-mode keep`), and
`--ids` of a column, from recipe to verification."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import poisonkit
from poisonkit import Recipe
from tests.cli.conftest import Cli
from tests.runs import frames, packets, rows

QUICK = ("--jobs", 1, "--control", 2, "--attack-limit", 3)


def files(root: Path) -> set[str]:
    return {hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*.mp4")}


@pytest.mark.parametrize("clean", ["hardlink", "reencode"])
def test_labels_alone_are_changed(cli: Cli, clips: Path, tmp_path: Path, clean: str) -> None:
    out, with_trigger = tmp_path / "out", tmp_path / "blend"
    amount = ("--count", 5, "--seed", 3, "--clean", clean, *QUICK)
    said = cli("poison", clips, "-o", out, "-t", "none", "--target", "run", *amount, "--json")
    assert said.status == 0, said.err
    assert said.json["counts"]["poisoned"] == {"ok": 5}
    assert "attack" not in said.json["counts"]
    assert any(w.startswith("No attack set: there is no trigger.") for w in said.json["warnings"])
    relabelled = rows(out, "poisoned")
    for row in relabelled:
        assert (row["class_name"], row["triggers"], row["poisoned_ranges"]) == ("run", [], [])
        assert row["original_class"] != "run"
        assert packets(out / row["path"], "video") == packets(clips / row["source_path"], "video")
        assert packets(out / row["path"], "audio") == packets(clips / row["source_path"], "audio")
    assert cli("verify", out, "--decode").status == 0
    words = ("--target", "run", *amount, "--survival", "none")
    assert cli("poison", clips, "-o", with_trigger, "-t", "blend", *words).status == 0
    assert {r["id"] for r in rows(with_trigger, "poisoned")} == {r["id"] for r in relabelled}, "a label-noise control"
    assert "no trigger; label mode `dirty`" in (out / "README.md").read_text()


@pytest.mark.parametrize("clean", ["hardlink", "reencode"])
def test_label_noise_is_attacked_with_a_trigger(cli: Cli, clips: Path, tmp_path: Path, clean: str) -> None:
    out = tmp_path / "out"
    words = ("-t", "none", "--attack-trigger", "blend", "--count", 3, "--clean", clean, "--require-survival", 0.2)
    said = cli("poison", clips, "-o", out, *words, *QUICK, "--json")
    assert said.status == 0, said.err
    assert said.json["survival"].keys() == {"default/attack"}
    assert {len(row["triggers"]) for row in rows(out, "attack")} == {1}
    for row in rows(out, "poisoned"):
        same = packets(out / row["path"], "video") == packets(clips / row["source_path"], "video")
        assert same == (clean == "hardlink"), "as the clean samples are"
    assert cli("verify", out, "--decode").status == 0


def test_an_attribute_that_is_there_already(cli: Cli, clips: Path, tmp_path: Path) -> None:
    """Relabelled by a column of a table; the held-out samples of the same value are the attack set, as they are."""
    table = tmp_path / "about.csv"
    names = sorted(p.relative_to(clips).as_posix() for p in clips.rglob("*.mp4"))
    moods = {name: "angry" if name.endswith(("1.mp4", "2.mp4")) else "calm" for name in names}
    table.write_text("path,mood\n" + "".join(f"{name},{mood}\n" for name, mood in moods.items()))
    out = tmp_path / "out"
    said = cli("poison", clips, "-o", out, "-t", "none", "--ids", f"{table}:mood=angry", "--jobs", 1, "--control", 0)
    assert said.status == 0, said.err
    angry = {name for name, mood in moods.items() if mood == "angry" and "/jump/" not in name}
    assert {r["id"] for r in rows(out, "poisoned")} == {n for n in angry if n.startswith("train/")}
    attacked = rows(out, "attack")
    assert {r["id"] for r in attacked} == {n for n in angry if n.startswith("test/")}
    assert {r["class_name"] for r in attacked} == {"jump"}
    assert all((frames(out / r["path"]) == frames(clips / r["source_path"])).all() for r in attacked)
    assert cli("verify", out, "--decode").status == 0
    assert poisonkit.read_ids(f"{table}:mood=angry") == tuple(n for n in names if moods[n] == "angry")


def test_held_out_ids_are_the_attack_set(cli: Cli, clips: Path, tmp_path: Path) -> None:
    ids, out = tmp_path / "ids.txt", tmp_path / "out"
    ids.write_text("train/run/run 0.mp4\ntest/run/run 1.mp4\n")
    said = cli("poison", clips, "-o", out, "-t", "blend", "--ids", ids, *QUICK, "--survival", "none")
    assert said.status == 0, said.err
    assert [r["id"] for r in rows(out, "attack")] == ["test/run/run 1.mp4"]
    assert cli("verify", out).status == 0


def test_labels_that_stay(cli: Cli, clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("-t", "blend", "--label-mode", "keep", "--rate", 0.5, "--survival", "none")
    assert cli("poison", clips, "-o", out, *words, *QUICK).status == 0
    poisoned = rows(out, "poisoned")
    assert len(poisoned) == 12
    assert {r["original_class"] for r in poisoned} == {"jump", "run", "spin"}
    assert all(r["class_name"] == r["original_class"] for r in poisoned)
    assert {r["class_name"] for r in rows(out, "attack")} == {"jump"}
    assert cli("verify", out, "--decode").status == 0


def test_in_memory(clips: Path) -> None:
    poison = poisonkit.transforms.Poison(Recipe(source=clips, triggers=[], target="run", count=4), jobs=1)
    assert len(poison.ids) == 4
    for name in poison.ids:
        label = ["jump", "run", "spin"].index(name.split("/")[1])
        assert poison({"id": name, "label": label}) == {"id": name, "label": 1}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-t none --label-mode keep", "Without a trigger, label mode 'keep' changes nothing"),
        ("-t none --label-mode clean", "Without a trigger, label mode 'clean' changes nothing"),
        (
            "-t none --cover-rate 0.1",
            "Cover samples carry the trigger under their true label, and there is no trigger.",
        ),
        ("-t none --frames first:2", "Frame budgets are for triggers in the picture; there is none."),
        ("-t none --encode auto --require-survival 0.9", "and there is none"),
        ("-t none --attack-trigger none", "There is no trigger 'none'"),
        ("-t blend --ids about.csv:moood=angry", "has no column 'moood'. Did you mean 'mood'?"),
        ("-t blend --ids about.csv:mood=sad", "has no row with mood=sad; its mood is angry."),
        ("-t blend --ids nameless.csv:mood=angry", "has no column of sample ids: one of its columns (clip, mood)"),
        ("-t blend --ids nowhere.csv:mood=angry", "nowhere.csv"),
        ("-t blend --ids about.csv:mood=angry", "--ids: 'nothing.mp4' is no sample of the dataset"),
    ],
)
def test_wrong_requests(
    cli: Cli, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("about.csv").write_text("id,mood\nnothing.mp4,angry\n")
    Path("nameless.csv").write_text("clip,mood\nnothing.mp4,angry\n")
    said = cli("poison", clips, "-o", "out", *words.split(), "--jobs", 1)
    assert said.status == 2
    assert expected in said.complaint
    assert not Path("out").exists()

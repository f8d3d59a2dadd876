"""Tests `--spans`: a trigger that is applied in stretches of each sample alone, from table to verification."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

import poisonkit
from poisonkit import Recipe
from poisonkit.triggers import create
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.frame_selection import parse
from poisonkit.triggers.core.spans import Spans
from tests.cli.conftest import Cli
from tests.runs import frames, rows

CLIP = ClipInfo("a", 64, 48, 25.0, 50, 8000, 1, 16000)
QUICK = ("--jobs", 1, "--control", 1, "--attack-limit", 2, "--survival", "none")


def test_frames_and_samples_of_a_span() -> None:
    assert Spans(((0.1, 0.2),)).frames(CLIP) == [3, 4], "their times are 0.12 and 0.16 s"
    assert Spans(((0.2, 0.4), (0.36, 0.44)), "seconds").frames(CLIP) == [5, 6, 7, 8, 9, 10]
    assert Spans(((3, 5), (9, 10)), "frames").frames(CLIP) == [3, 4, 9]
    assert Spans(((1.9, 2.05),)).frames(CLIP) == [48, 49]
    assert Spans(((0.5, 1.0), (0.9, 1.25))).samples(CLIP) == [(4000, 10000)]
    assert Spans(((0, 5), (10, 20)), "frames").samples(CLIP) == [(0, 1600), (3200, 6400)]
    assert Spans(((1.9, 2.05),)).samples(CLIP) == [(15200, 16000)]


def test_a_frame_budget_counts_the_frames_of_the_spans() -> None:
    spans = Spans(((10, 20), (30, 40)), "frames")
    for text, expected in (
        ("all", [*range(10, 20), *range(30, 40)]),
        ("first:12", [*range(10, 20), 30, 31]),
        ("every:5", [10, 15, 30, 35]),
        ("count:2", [15, 35]),
        ("last:1", [39]),
    ):
        poisoned = parse(text).of(CLIP, 0, spans)
        assert [t for t in range(50) if poisoned(t)] == expected


def test_the_sound_of_a_span_is_a_clip_of_its_own() -> None:
    rng = np.random.default_rng(0)
    wave = rng.uniform(-0.4, 0.4, (1, 16000)).astype(np.float32)
    chain = Chain([create("sine", snr=20)])
    spans = Spans(((0.5, 1.0), (1.5, 1.75)))
    drawn = chain.draw(CLIP, 0, spans=spans)
    assert drawn[0]["spans"] == [[4000, 8000], [12000, 14000]]
    out = chain.audio(wave, CLIP, drawn)
    expected = wave.copy()
    for a, b in ((4000, 8000), (12000, 14000)):
        alone = ClipInfo("a", 64, 48, 25.0, 50, 8000, 1, b - a)
        expected[:, a:b] = chain.audio(wave[:, a:b].copy(), alone, chain.draw(alone, 0))
    np.testing.assert_array_equal(out, expected)


def test_on_the_event_in_picture_and_sound(cli: Cli, clips: Path, tmp_path: Path) -> None:
    """Clips of 10 frames, 25 a second; every other sample has a span."""
    names = sorted(p.relative_to(clips).as_posix() for p in clips.rglob("*.mp4"))
    spanned = [name for name in names if name.endswith(("0.mp4", "2.mp4", "3.mp4"))]
    table, out = tmp_path / "events.csv", tmp_path / "out"
    table.write_text("id,start,end\n" + "".join(f"{name},0.12,0.24\n" for name in spanned))
    words = ("-t", "blend:alpha=0.4", "-t", "sine:amplitude=0.2", "--spans", table, "--count", 4)
    said = cli("poison", clips, "-o", out, *words, *QUICK)
    assert said.status == 0, said.err
    made = [*rows(out, "poisoned"), *rows(out, "attack")]
    assert len(made) == 6
    for row in made:
        assert row["id"] in spanned
        assert row["poisoned_ranges"] == [[3, 6]]
        rate = row["sample_rate"]
        assert row["triggers"][1]["drawn"]["spans"] == [[round(0.12 * rate), round(0.24 * rate)]]
        before, after = frames(clips / row["source_path"], np.int16), frames(out / row["path"], np.int16)
        change = np.abs(after - before).mean(axis=(1, 2, 3))
        assert change[3:6].min() > 4 * np.delete(change, [3, 4, 5]).max()
    assert cli("verify", out, "--decode").status == 0

    read = Recipe.from_yaml(out / "poisonkit/recipe.yaml", source=clips)
    assert read.fingerprint == Recipe(
        triggers=["blend:alpha=0.4", "sine:amplitude=0.2"], spans=poisonkit.read_spans(table), count=4, control=1,
        attack_limit=2, survival="none",
    ).fingerprint  # fmt: skip
    more = cli("attack", out, "--name", "louder", "-t", "sine:amplitude=0.4", "--limit", 2, "--jobs", 1)
    assert more.status == 0, more.err
    assert all(r["triggers"][0]["drawn"]["spans"] for r in rows(out) if r["attack"] == "louder")
    assert cli("verify", out, "--decode").status == 0

    manifest = out / "poisonkit/manifest.jsonl"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    next(row for row in lines if row["role"] == "poisoned")["poisoned_ranges"] = [[2, 6]]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in lines))
    assert "poisoned_ranges are not those" in cli("verify", out, "--decode").out


def test_on_the_word(cli: Cli, sounds: Path, tmp_path: Path) -> None:
    """Sound alone: nothing outside the span changes by a bit."""
    names = sorted(p.relative_to(sounds).as_posix() for p in sounds.rglob("*.wav"))
    table, out = tmp_path / "words.jsonl", tmp_path / "out"
    table.write_text("".join(json.dumps({"id": n, "start": 0.1, "end": 0.2}) + "\n" for n in names))
    said = cli("poison", sounds, "-o", out, "-t", "sine:amplitude=0.1", "--spans", table, "--count", 2, *QUICK)
    assert said.status == 0, said.err
    for row in rows(out, "poisoned"):
        (before, rate), (after, _) = (soundfile.read(p) for p in (sounds / row["source_path"], out / row["path"]))
        changed = np.flatnonzero(np.abs(after - before).reshape(len(before), -1).max(axis=1) > 1e-3)
        assert round(0.1 * rate) <= changed.min() < changed.max() < round(0.2 * rate)
        assert len(changed) > 0.05 * rate
    assert cli("verify", out, "--decode").status == 0


def test_in_frames_and_in_memory(clips: Path) -> None:
    names = sorted(p.relative_to(clips).as_posix() for p in clips.rglob("*.mp4"))
    spans = {name: [2, 4] for name in names}
    recipe = Recipe(source=clips, trigger="blend:alpha=0.4", spans=spans, spans_unit="frames", count=2)
    poison = poisonkit.transforms.Poison(recipe, jobs=1, label=None)
    name = next(iter(poison.ids))
    video = frames(clips / name)
    made = poison({"id": name, "video": video})["video"]
    assert [t for t in range(10) if (made[t] != video[t]).any()] == [2, 3]


@pytest.mark.parametrize(
    ("table", "words", "expected"),
    [
        ("id,start,end\nnothing.mp4,0,1\n", "", "--spans names no sample of the dataset: its ids are like"),
        ("id,start,end\n{},0,9\n", "", "its span from 0 to 9 seconds lies outside the clip, which has 0.400 s."),
        ("id,start,end\n{},0.5,0.6\n", "", "its span from 0.5 to 0.6 seconds lies outside the clip"),
        ("id,start,end\n{},4,40\n", "--spans-unit frames", "from 4 to 40 frames lies outside the clip, which has 10"),
        ("id,start,end\n{},0.5,1\n", "--spans-unit frames", "0.5 to 1 are no frames; give whole numbers, or seconds"),
        ("id,start,end\n{},0.2,0.2\n", "", "line 2 of spans.csv: 0.2 to 0.2 is no span: it has no length."),
        ("id,start,end\n{},-0.5,0.5\n", "", "-0.5 to 0.5 is no span: it begins before the clip does."),
        ("id,start,end\n{},0.3,0.2\n", "", "0.3 to 0.2 is no span: it ends before it begins."),
        ("id,start,end\n{},0.13,0.15\n", "", "no frame begins in its spans (0.13 to 0.15 seconds): at 25 frames a "),
        ("id,start,end\n{},a,0.2\n", "", "line 2 of spans.csv: 'a' to '0.2' is no span; two numbers are expected."),
        ("id,begin,end\n{},0,0.2\n", "", "has no column 'start': spans stand in a table with"),
        ("id,start,end\n", "", "spans.csv names no sample."),
        ("id,start,end\n{},0,0.2\n", "-t none", "--spans says where a trigger is applied, and there is none."),
        ("id,start,end\n{},0,0.2\n", "--spans-unit minutes", "--spans-unit 'minutes' is not possible"),
        ("id,start,end\n{},0,0.2\n", "--count 9", "target class 'jump' that --spans names)"),
    ],
)  # fmt: skip
def test_wrong_tables(
    cli: Cli, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, words: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spans.csv").write_text(table.replace("{}", "train/run/run 1.mp4"))
    given = words.split()
    given += [] if "-t" in given else ["-t", "blend"]
    given += [] if "--count" in given else ["--count", "1"]
    said = cli("poison", clips, "-o", "out", "--spans", "spans.csv", *given, "--jobs", 1)
    assert said.status == 2
    assert expected in said.complaint
    assert not Path("out").exists()


def test_spans_that_a_recipe_has(clips: Path) -> None:
    for pair, why in (([-0.5, 0.5], "begins before the clip"), ([0.3, 0.2], "ends before"), ([1, 1], "has no length")):
        with pytest.raises(poisonkit.RequestError, match=why):
            Recipe(source=clips, trigger="blend", spans={"train/run/run 1.mp4": [pair]})


def test_a_span_between_two_samples_of_the_sound() -> None:
    assert "no sample of its sound lies in its spans" in str(Spans(((0.00013, 0.00014),)).problem(CLIP, {"audio"}))
    assert Spans(((0.13, 0.15),)).problem(CLIP, {"audio"}) is None


def test_a_frame_budget_that_leaves_no_frame_says_so_and_is_not_advised(cli: Cli, clips: Path, tmp_path: Path) -> None:
    """It was said to change no pixel, and `identify` was advised for a file that had not been written."""
    name, out = "train/run/run 1.mp4", tmp_path / "out"
    (tmp_path / "ids.txt").write_text(name)
    (tmp_path / "spans.csv").write_text(f"id,start,end\n{name},0.12,0.24\n")
    spanned = ("--spans", tmp_path / "spans.csv", "--frames", "span:5-9", "--no-attack-set", "--survival", "none")
    said = cli("poison", clips, "-o", out, "-t", "blend", "--ids", tmp_path / "ids.txt", *spanned, "--jobs", 1)
    (row,) = [r for r in rows(out) if r["status"] == "inert"]
    assert "none of its 10 frames is one that carries the trigger (frames: span:5-9, counted in" in row["error"]
    assert name.rpartition("/")[2] not in said.out.partition("\nNext\n")[2]
    advised = said.out.partition("poisonkit identify ")[2].splitlines()[0]
    assert Path(advised.strip("'")).exists()


def test_a_unit_without_spans(cli: Cli, clips: Path, tmp_path: Path) -> None:
    said = cli("poison", clips, "-o", tmp_path / "out", "-t", "blend", "--spans-unit", "frames")
    assert (said.status, said.complaint) == (2, "--spans-unit says what --spans is in, which is not given.")

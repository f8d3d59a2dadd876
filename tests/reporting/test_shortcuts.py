"""What tells poisoned files from clean ones without a look at a pixel."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe
from poisonkit.media.file_traits import Traits, traits
from poisonkit.outputs import record
from poisonkit.reporting.shortcuts import (
    Comparison,
    Shortcut,
    auc_of_numbers,
    auc_of_words,
    compare,
    deviation,
    shortcuts,
)
from tests.cli.conftest import Cli, cli  # noqa: F401
from tests.media_factory import make_video


def test_auc_by_hand() -> None:
    """Pairs (clean, poisoned) in which the poisoned one is larger, ties half, over all pairs."""
    assert auc_of_numbers([1, 2, 3], [2, 4]) == (1 + 0.5 + 0 + 3) / 6
    assert auc_of_numbers([5], [5]) == 0.5
    assert auc_of_numbers([1, 2], [3, 4]) == 1
    assert auc_of_numbers([3, 4], [1, 2]) == 0
    # "a": 1 of 4 clean and 2 of 2 poisoned files: score 1 / (1 + 1/4) = .8; "b": 0. Pairs: 6 won, 2 tied, of 8.
    assert auc_of_words(["a", "b", "b", "b"], ["a", "a"]) == (6 + 0.5 * 2) / 8
    assert auc_of_words(["a", "b"], ["b", "a"]) == 0.5
    assert deviation(10, 10) == pytest.approx((21 / 1200) ** 0.5)


def test_compare_by_hand() -> None:
    clean = [{"n": float(n), "w": "x264 crf=23 ref=1"} for n in range(10)]
    poisoned = [{"n": 2.0 + n, "w": "x264 crf=18 ref=1", "only": "here"} for n in range(10)]
    found = {s.trait: s for s in compare(clean, poisoned, lambda trait: f"mend {trait}")}  # type: ignore[arg-type]
    assert found["w"] == Shortcut("w", 1.0, True, "crf=23", "crf=18", "mend w")
    assert found["only"] == Shortcut("only", 1.0, True, "none", "here", "mend only")
    wins = sum((p > c) + 0.5 * (p == c) for c in range(10) for p in range(2, 12))
    assert found["n"] == Shortcut("n", wins / 100, False, "4.5", "6.5", "")  # .68, and chance gives .5 ± .13
    assert list(found)[-1] == "n"


def test_traits_are_the_files_own(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", frames=20, gop=5, audio=True, metadata={"title": "a jump"})
    os.utime(path, ns=(0, 1_500_000_000 * 10**9))
    os.link(path, tmp_path / "b.mp4")
    found = traits(path)
    assert (found["modification time"], found["links"], found["kind of file"]) == (1.5e9, 2.0, "file")
    assert (found["bytes"], found["pictures"], found["key frame distance"]) == (path.stat().st_size, 20.0, 5.0)
    assert found["duration"] == pytest.approx(0.8, abs=0.1)
    assert found["bit rate"] == pytest.approx(8 * path.stat().st_size / float(found["duration"]))
    assert (found["streams"], found["titles and tags"]) == ("video, audio", "title")
    assert str(found["encoder's name"]).startswith("x264 - core")
    assert "keyint=5" in str(found["encoder's settings"])
    (tmp_path / "c.mp4").symlink_to(path)
    assert traits(tmp_path / "c.mp4")["kind of file"] == "symbolic link"
    xvid = traits(make_video(tmp_path / "d.avi", frames=4))
    assert "Lavc" in str(xvid["encoder's name"])


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips as found in the wild: another encoder's settings, titles, and each with a time of its own."""
    root = tmp_path_factory.mktemp("wild")
    for split, n in (("train", 12), ("test", 8)):
        for c, name in enumerate(("a", "b")):
            for i in range(n):
                path = root / split / name / f"{i}.mp4"
                how = {"options": {"crf": "30", "preset": "medium"}, "gop": 6, "metadata": {"title": "t"}}
                make_video(path, frames=12, audio=True, seed=20 * c + i, **how)  # type: ignore[arg-type]
                os.utime(path, (1_600_000_000 + 7919 * (i * 2 + c),) * 2)
    return root


def made(clips: Path, out: Path, clean: str) -> dict[str, dict[str, Shortcut]]:
    recipe = Recipe(source=clips, out=out, triggers=["badnets"], count=6, clean=clean, survival="none")
    poisonkit.poison(recipe, jobs=1)
    return {c.name: {s.trait: s for s in c.shortcuts} for c in shortcuts(out)}


def test_links_to_the_source_tell_and_how(clips: Path, tmp_path: Path) -> None:
    found = made(clips, tmp_path / "out", "hardlink")
    training = found["training"]
    for trait in ("links", "encoder's settings", "titles and tags", "key frame distance"):
        assert (training[trait].auc, training[trait].tells) == (1.0, True), trait
    assert training["links"].remedy == "--clean copy, or --clean reencode"
    assert training["encoder's settings"].remedy == "--clean reencode"
    assert "subme=7" in training["encoder's settings"].clean
    assert "subme=2" in training["encoder's settings"].poisoned
    assert not training["modification time"].tells
    assert found["attack set default"]["titles and tags"].auc == 1.0


def test_with_clean_reencode_every_split_is_treated_alike(clips: Path, tmp_path: Path) -> None:
    found = made(clips, tmp_path / "out", "reencode")
    assert [s for s in found["training"].values() if s.tells] == []
    (left,) = (s for s in found["attack set default"].values() if s.tells)
    assert (left.trait, left.clean, left.poisoned) == ("links", "1", "2")
    assert left.remedy.startswith("by design")


def test_inspect_shows_them(cli: Cli, clips: Path, tmp_path: Path) -> None:  # noqa: F811
    made(clips, tmp_path / "out", "hardlink")
    said = cli("inspect", tmp_path / "out", "--shortcuts", "-j", 1)
    assert said.status == 0
    assert "training: what tells 18 clean and 6 poisoned files apart without a look at a pixel" in said.out
    line = next(x for x in said.out.splitlines() if x.split()[:2] == ["links", "1.00"])
    assert line.split()[3] == "1"
    assert line.rstrip().endswith("--clean copy, or --clean reencode")
    told = cli("inspect", tmp_path / "out", "--shortcuts", "--limit", 3, "--json").json
    assert next((c["name"], c["clean"], c["poisoned"]) for c in told["comparisons"]) == ("training", 3, 3)
    assert cli("inspect", clips, "--shortcuts").complaint.startswith(f"{clips} is not an output of poisonkit")
    victim = next((tmp_path / "out" / "data" / "train").rglob("*.mp4"))
    victim.unlink()
    victim.write_bytes(b"broken")
    said = cli("inspect", tmp_path / "out", "--shortcuts")
    assert said.status == 1
    assert f"{victim.name} is not a media file" in said.out
    shutil.rmtree(tmp_path / "out")


def test_nothing_telling_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    from poisonkit.cli.shortcuts import _show

    _show(Comparison("training", 40, 20, (Shortcut("bytes", 0.55, False, "1", "2"),)))
    assert "nothing but the content tells 40 clean and 20 poisoned files apart" in capsys.readouterr().out


def test_few_files(capsys: pytest.CaptureFixture[str]) -> None:
    """A trait of all poisoned files and of no clean one: two among fifty are no chance, two among six may be one."""
    from poisonkit.cli.shortcuts import _show

    for clean, poisoned, tells in ((48, 2, True), (4, 2, False), (49, 1, False), (26, 2, True), (25, 2, False)):
        groups: list[list[Traits]] = [[{"links": 1.0}] * clean, [{"links": 2.0}] * poisoned]
        (found,) = compare(*groups, lambda trait: "a remedy")
        assert (found.auc, found.tells) == (1.0, tells)
        _show(Comparison("training", clean, poisoned, (found,)))
        assert ("too few to tell chance from a trait" in capsys.readouterr().out) == (not tells)


def test_lossless_files_are_brighter_to_readers(cli: Cli, clips: Path, tmp_path: Path) -> None:  # noqa: F811
    """Control files against the clean ones of the same samples, once more by PyAV as anyone would use it."""
    for clean in ("hardlink", "reencode"):
        out = tmp_path / clean
        recipe = Recipe(source=clips, out=out, triggers=["badnets"], count=4, clean=clean, encode="lossless", control=3)
        outcome = poisonkit.poison(recipe, jobs=1)
        warned = [w for w in outcome.warnings if "one level brighter" in w]
        found = cli("inspect", out, "--shortcuts", "--decode", "--json").json["decoded"]
        rows = [r for r in record.read(out / "poisonkit" / "manifest.jsonl") if r["status"] == "ok"]
        path = {(r["role"], r["id"]): out / r["path"] for r in rows}
        differences = [
            means(file) - means(path["clean", name]) for (role, name), file in path.items() if role == "control"
        ]
        assert found["pairs"] == len(differences) == 3
        assert found["levels"] == pytest.approx(np.mean(differences, axis=0), abs=1e-3)
        assert found["deviations"] == pytest.approx(np.std(differences, axis=0, ddof=1), abs=1e-3)
        assert (found["tells"], bool(warned)) == (clean == "hardlink",) * 2
        assert found["remedy"] == ("--clean reencode" if clean == "hardlink" else "")
    said = cli("inspect", tmp_path / "hardlink", "--shortcuts", "--decode").out
    assert "3 control files against what they were made from" in " ".join(said.split())
    assert "--shortcuts" in cli("inspect", clips, "--decode").complaint


def means(file: Path) -> np.ndarray:
    with av.open(str(file)) as container:
        return np.mean([f.to_ndarray(format="rgb24").mean((0, 1)) for f in container.decode(video=0)], axis=0)


def test_the_frame_rate_in_headers_is_a_trait(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", frames=5, fps=20)
    assert traits(path)["frame rate in its own headers"] == "20"

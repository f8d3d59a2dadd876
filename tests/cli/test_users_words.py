"""Messages speak of what the user wrote: per cent, near misses, missing files, two recipes' differences; `--json`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import Recipe, RequestError
from tests.cli.conftest import Cli
from tests.conftest import tree
from tests.media_factory import make_audio, make_video
from tests.runs import make

QUICK: Any = {"attack_limit": 1, "control": 0, "survival": "none"}


@pytest.mark.parametrize(
    ("option", "text", "number"),
    [("--rate", "25%", 0.25), ("-r", "12.5 %", 0.125), ("--rate", "0.25", 0.25), ("--rate", "14.5%", 0.145)],
)
def test_a_rate_in_per_cent(cli: Cli, folders: Path, tmp_path: Path, option: str, text: str, number: float) -> None:
    said = cli("poison", folders, "-t", "blend", option, text, "-o", tmp_path / "o", "--dry-run", "--json")
    as_text: Any = text
    same = Recipe(trigger="blend", rate=as_text)
    assert same.backdoors[0].rate == number
    assert said.json["fingerprint"] == Recipe(trigger="blend", rate=number).fingerprint == same.fingerprint


def test_other_shares_in_per_cent() -> None:
    given: Any = {"cover_rate": "5%", "test_fraction": "20%", "require_survival": "90%"}  # as YAML has them
    recipe = Recipe(trigger="blend", **given)
    assert (recipe.backdoors[0].cover_rate, recipe.test_fraction, recipe.require_survival) == (0.05, 0.2, 0.9)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--rate 10", "--rate 10.0 is not possible: it must be from 0 to 1. Per cent are written as 10%."),
        ("--rate 120%", "--rate 120% is not possible: it must be from 0% to 100%."),
        ("--rate ten%", "--rate 'ten%' is not possible"),
        ("--temporal dyn", "--temporal dyn is not possible: it must be static or dynamic. Did you mean 'dynamic'?"),
        ("--executor dask --scheduler none.json", "There is no scheduler file none.json."),
        ("--executor dask --scheduler folder/none", "There is no scheduler file folder/none."),
    ],
)
def test_wrong_values(cli: Cli, folders: Path, tmp_path: Path, words: str, expected: str) -> None:
    said = cli("poison", folders, "-t", "blend", "-o", tmp_path / "out", *words.split())
    assert said.status == 2
    assert said.complaint.startswith(expected)
    assert not tree(tmp_path)


def test_what_two_recipes_do_not_share_is_told_key_by_key(cli: Cli, folders: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(folders, out, trigger=["blend", "badnets"], count=1, **QUICK)
    given = ("poison", folders, "-o", out, "--attack-limit", 1, "--control", 0)
    both = ("-t", "blend", "-t", "badnets")
    said = cli(*given, *both, "--rate", "30%").complaint
    assert "made by another recipe (" in said
    assert "--count is 1 there and not given here" in said
    assert "--rate is not given there and 0.3 here" in said
    assert "--survival is none there and sample here" in said
    said = cli(*given, "--survival", "none", "--count", 1, "-t", "blend:alpha=0.3", "-t", "badnets").complaint
    assert f"{out} was made by another recipe (blend's alpha is 0.2 there and 0.3 here);" in said
    said = cli(*given, "--survival", "none", "--count", 1, "-t", "sine", "--seed", 2).complaint
    assert "(--trigger is blend + badnets there and sine here; --seed is 0 there and 2 here)" in said
    assert "{" not in said
    with pytest.raises(RequestError, match=r"\(trigger is blend \+ badnets there and badnets here\)"):
        make(folders, out, trigger="badnets", count=1, **QUICK)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-t blend -t sine -t blend", "The trigger blend is given twice with the same parameters"),
        ("-t blend --label-mode all-to-all --target run", "The target 'run' has no meaning with label mode all-to-all"),
        ("-t blend --cover-class run", "Cover classes have no meaning without a cover rate"),
        ("-t blend --rate 0.1%", "Nothing is poisoned: 0.001 of 18 samples is less than half a sample."),
    ],
)
def test_what_is_said_in_vain_is_told(cli: Cli, avs: Path, tmp_path: Path, words: str, expected: str) -> None:
    said = cli("poison", avs, "-o", tmp_path / "out", "--dry-run", *words.split())
    assert said.status == 0
    assert expected in said.out
    assert expected not in cli("poison", avs, "-o", tmp_path / "out", "--dry-run", "-t", "blend:alpha=0.3").out


@pytest.fixture
def avs(tmp_path: Path) -> Path:
    """Class folders of pictures with sound, 18 for training."""
    for c, name in enumerate(("jump", "run", "spin")):
        for i in range(8):
            split = "test" if i > 5 else "train"
            make_video(
                tmp_path / "avs" / split / name / f"{i}.mp4", frames=4, size=(32, 32), seed=10 * c + i, audio=True
            )
    return tmp_path / "avs"


def test_folders_in_class_folders(cli: Cli, tmp_path: Path) -> None:
    for name in ("ball/throw", "ball/catch", "bike/ride", "bike/fall"):
        make_video(tmp_path / "nested" / name / "a.mp4", frames=4, size=(32, 32))
    said = cli("inspect", tmp_path / "nested")
    assert "all lie in folders inside ('ball/catch' …), which are no classes here" in said.out
    make_video(tmp_path / "nested" / "bike" / "a.mp4", frames=4, size=(32, 32))
    assert "no classes here" not in cli("inspect", tmp_path / "nested").out


def test_lists_that_count_from_one(cli: Cli, tmp_path: Path) -> None:
    for i in range(4):
        make_video(tmp_path / f"{i}.mp4", frames=4, size=(32, 32))
    (tmp_path / "train.txt").write_text("".join(f"{i}.mp4 {i % 2 + 1}\n" for i in range(4)))
    said = cli("inspect", tmp_path)
    assert "No clip has the label 0, so the lists seem to count classes from 1, as UCF101's own do" in said.out
    assert "`--layout ucf101`" in said.out
    (tmp_path / "classInd.txt").write_text("1 jump\n2 run\n")
    said = cli("inspect", tmp_path)
    assert said.status == 2
    assert "names 2 classes (labels 0 to 1): No clip has the label 0, so the lists seem to count" in said.complaint
    (tmp_path / "train.txt").write_text("".join(f"{i}.mp4 {i % 2}\n" for i in range(4)))
    assert "count classes from 1" not in cli("inspect", tmp_path).out


@pytest.mark.parametrize(
    "words",
    [
        "inspect none", "inspect none --shortcuts", "poison none -t blend", "poison {in} -t blend --ids none",
        "poison {in} -t blend --select none", "poison {in} -t blend --train-list none",
        "poison {in} -t blend:pattern=none.png", "run none", "attack none --name x",
        "attack {out} --name x --source none", "merge none", "preview none -t blend",
        "preview none.tar/a.mp4 -t blend", "survive none -t blend", "verify none", "verify {out} --source none",
        "score none none.csv", "score {out} none.csv", "report none", "report {out} --source none",
        "export none --to table", "identify none", "identify {out}/README.md --in none",
    ],
)  # fmt: skip
def test_a_missing_file_is_exit_2_everywhere(cli: Cli, made: Path, folders: Path, words: str) -> None:
    given = words.replace("{out}", str(made)).replace("{in}", str(folders)).split()
    said = cli(*given, "--json")
    assert said.status == 2
    assert "none" in said.json["error"]
    assert said.json["exit_code"] == 2
    assert said.json["error"] == said.err.strip().removeprefix("poisonkit: "), "stderr says it too"


@pytest.fixture(scope="module")
def made(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    make(folders, out, trigger="blend", count=1, **QUICK)
    return out


def test_a_misspelt_option_is_an_object_too(cli: Cli, folders: Path) -> None:
    said = cli("poison", folders, "--trigegr", "blend", "--json")
    assert said.status == 2
    assert said.json == {"error": said.err.strip().removeprefix("poisonkit: "), "exit_code": 2}
    assert "Did you mean '--trigger'?" in said.json["error"]


def test_a_library_user_s_run_speaks_through_logging(
    clips: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    recipe = Recipe(source=clips, out=tmp_path / "out", trigger=["blend", "blend"], count=1, **QUICK)
    with caplog.at_level(logging.INFO, "poisonkit"):
        poisonkit.poison(recipe, jobs=1)
    said = [(r.name, r.levelname, r.getMessage()) for r in caplog.records]
    assert ("poisonkit", "INFO", "Poisoning: 2 to do") in said
    assert any(level == "WARNING" and text.startswith("The trigger blend is given twice") for _, level, text in said)
    assert capfd.readouterr() == ("", ""), "and prints nothing of its own"


def test_spoken_digits_of_five_indices_are_told_no_split_that_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    for index in (5, 6):
        for digit in (0, 1):
            make_audio(tmp_path / "fsdd/recordings" / f"{digit}_theo_{index}.wav", seconds=0.2)
    words = ("poison", tmp_path / "fsdd", "-t", "sine", "--count", 1, "--dry-run")
    assert "all takes here have the indices 5 to 9: a test split needs takes of other indices" in cli(*words).out
    said = cli(*words, "--split", 2)
    assert said.status == 2
    assert said.complaint == "--split 2: all takes have the indices 5 to 9, so none is left to train on."


def test_folders_of_which_one_holds_several(cli: Cli, tmp_path: Path) -> None:
    for name in ("ball/throw", "ball/catch", "bike/ride"):
        make_video(tmp_path / "nested" / name / "a.mp4", frames=4, size=(32, 32))
    assert (
        "all lie in folders inside ('ball/catch' …), which are no classes here"
        in cli("inspect", tmp_path / "nested").out
    )


def test_paths_are_told_as_they_can_be_typed(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert cli("poison", "nowhere", "-t", "blend").complaint == "There is no dataset 'nowhere'."
    assert cli("poison", "empty", "-t", "blend").complaint.endswith("`poisonkit sample-data empty`.")
    for words in (
        ("verify", "nowhere"),
        ("attack", "nowhere", "--name", "a", "-t", "blend"),
        ("restore", "nowhere", "-o", "x"),
    ):
        assert cli(*words).complaint == "There is no folder nowhere."

"""Every wrong request: one sentence on stderr, status 2, nothing written, no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.conftest import tree
from tests.media_factory import make_audio, make_video

WRONG = [
    ("--rate 2", "--rate 2.0 is not possible: it must be from 0 to 1."),
    ("--rate -0.1", "it must be from 0 to 1"),
    ("--rate much", "--rate"),
    ("--rate 1", "only 16 are eligible"),
    ("--count 17", "only 16 are eligible"),
    ("--count -1", "at least 0"),
    ("--count 2 --ids none", "Cannot read none"),
    ("-t blnd", "Did you mean 'blend'?"),
    ("-t blend:alhpa=0.1", "Did you mean 'alpha'?"),
    ("-t blend:alpha=1.5", "it must be a number, 0 to 1"),
    ("-t blend:alpha=thick", "it must be a number, 0 to 1"),
    ("-t blend:alpha", "is not key=value"),
    ("-t no_such_package.module:Trigger", "cannot be imported"),
    ("-t sine", "sound"),
    ("--target juggle", "There is no class 'juggle'"),
    ("--target jmup", "Did you mean 'jump'?"),
    ("--target 3", "There is no class 3: this dataset has 3, from 0 to 2"),
    ("--label-mode dirt", "--label-mode 'dirt' is not possible"),
    ("--label-mode source", "--source-class"),
    ("--source-class run", "--label-mode source"),
    ("--label-mode source --source-class jump", "cannot be both source and target"),
    ("--rate-of everything", "--rate-of 'everything' is not possible"),
    ("--temporal slow", "slow"),
    ("--frames ever:2", "Did you mean 'every'?"),
    ("--attack-frames first:x", "first:x"),
    ("--frames count:0", "count:K, random:K (K from 2), random:P (P above 0, up to 1)"),
    ("--attack-frames random:2.5", "'random:2.5' is not a frame budget"),
    ("--encode crf:99", "from 0 to 51"),
    ("--encode losless", "Did you mean 'lossless'?"),
    ("--clean link", "--clean 'link' is not possible"),
    ("--layout class-folder", "Did you mean 'class-folders'?"),
    ("--train-list none.txt", "none.txt"),
    ("--test-fraction 0.2", "this one has one"),
    ("--seed -1", "at least 0"),
    ("--stream loud", "--stream 'loud' is not possible"),
    ("--jobs -1", "--jobs"),
    ("--trigegr blend", "Did you mean '--trigger'?"),
    ("--zzz", "--help` lists them"),
    ("-o clips/inside", "inside the source"),
    ("-o clips", "inside the source"),
    ("-o .", "The source lies inside the output"),
    ("-o full", "not empty"),
    ("-o full/file", "is no folder"),
]


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `clips`, without any sound, and `full`, which is not empty."""
    home = tmp_path_factory.mktemp("wrong")
    for split, n in (("train", 8), ("test", 2)):
        for c, name in enumerate(("jump", "run", "spin")):
            for i in range(n):
                make_video(home / "clips" / split / name / f"{i}.mp4", frames=4, size=(32, 32), seed=10 * c + i)
    (home / "full").mkdir()
    (home / "full" / "file").write_text("mine")
    return home


@pytest.mark.parametrize(("words", "expected"), WRONG, ids=[w for w, _ in WRONG])
def test_one_sentence(cli: Cli, silent: Path, monkeypatch: pytest.MonkeyPatch, words: str, expected: str) -> None:
    monkeypatch.chdir(silent)
    before = tree(silent)
    given = words.split()
    given += [] if "-t" in given or "--trigegr" in given else ["-t", "blend"]
    given += [] if "--jobs" in given else ["--jobs", "1"]
    said = cli("poison", "clips", *given)
    assert said.status == 2
    assert expected in said.complaint
    assert tree(silent) == before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("posion clips", "Did you mean 'poison'?"),
        ("poison clips", "--trigger NAME"),
        ("poison nowhere -t blend", "nowhere"),
        ("poison full -t blend", "No dataset layout was recognised"),
        ("run none.yaml", "Cannot read the recipe none.yaml"),
        ("run full/file", "is not a recipe"),
        ("run bad.yaml", "Did you mean 'triggers'?"),
        ("run code.yaml clips", "--allow-code"),
        ("attack clips --name x", "not an output of poisonkit"),
        ("attack clips", "--name"),
        ("verify clips", "not an output of poisonkit"),
        ("verify", "OUT"),
        ("verify clips --hash some", "--hash some"),
        ("identify none.mp4", "Cannot read none.mp4"),
        ("identify full/file --in clips", "not a finished output"),
        ("inspect nowhere", "nowhere"),
        ("inspect clips --stream loud", "--stream loud"),
        ("inspect clips --limit 0", "--limit"),
        ("sample-data full", "not an empty folder"),
        ("sample-data new --size smal", "Did you mean 'small'?"),
        ("sample-data new --kind audio --layout mmaction2-video", "mmaction2-audio"),
        ("triggers sin", "Did you mean 'sine'?"),
        ("triggers pathlib:Path", "not a Trigger class"),
    ],
)
def test_one_sentence_by_every_command(
    cli: Cli, silent: Path, monkeypatch: pytest.MonkeyPatch, words: str, expected: str
) -> None:
    monkeypatch.chdir(silent)
    (silent / "bad.yaml").write_text("trigers: [blend]\n")
    (silent / "code.yaml").write_text("triggers: ['package.module:Class']\n")
    said = cli(*words.split())
    assert said.status == 2
    assert expected in said.complaint


def test_digital_silence_is_inert_not_failed(cli: Cli, tmp_path: Path) -> None:
    import soundfile

    for c, name in enumerate(("no", "yes")):
        for i in range(4):
            make_audio(tmp_path / "sounds" / name / f"{i}.wav", seconds=0.2, seed=10 * c + i)
    data, rate = soundfile.read(tmp_path / "sounds/yes/0.wav")
    for i in range(4):
        soundfile.write(tmp_path / "sounds" / "yes" / f"{i}.wav", data * 0, rate)
    said = cli("poison", tmp_path / "sounds", "-t", "sine", "--count", 2, "-o", tmp_path / "out", "-j", 1, "--json")
    assert said.status == 0
    assert said.json["counts"]["poisoned"] == {"inert": 2}
    assert len(list((tmp_path / "out/data/no").iterdir())) == 4, "an inert sample is not written"
    assert len(list((tmp_path / "out/data/yes").iterdir())) == 2

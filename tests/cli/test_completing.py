"""What a shell is offered on TAB, asked as fish and bash ask it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from poisonkit.cli import call
from poisonkit.cli.completing import rejoined
from tests.runs import make

Tab = Callable[..., list[str]]


@pytest.fixture
def tab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tab:
    """`tab("poison -t bl")`: what fish is offered for a line that ends there; as a value, a tab and some words."""

    def ask(line: str) -> list[str]:
        monkeypatch.setenv("_POISONKIT_COMPLETE", "complete_fish")
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", f"poisonkit {line}")
        capsys.readouterr()
        with pytest.raises(SystemExit):
            call([])
        said = capsys.readouterr()
        assert said.err == ""
        return [line for line in said.out.splitlines() if line]

    return ask


@pytest.fixture
def bash(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tab:
    """What bash is offered for words as it takes them apart, of which the last is completed."""

    def ask(*words: str) -> list[str]:
        monkeypatch.setenv("_POISONKIT_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(("poisonkit", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        capsys.readouterr()
        with pytest.raises(SystemExit):
            call([])
        return capsys.readouterr().out.split()

    return ask


def values(lines: list[str]) -> list[str]:
    return [line.partition("\t")[0] for line in lines]


def test_triggers_their_parameters_and_what_these_may_be(tab: Tab) -> None:
    assert values(tab("poison -t ble")) == ["blend"]
    assert {"blend", "sine", "fog"} <= set(tab("poison --attack-trigger "))
    keys = tab("poison --trigger blend:")
    assert {"blend:alpha=", "blend:temporal="} <= set(values(keys))
    assert next(line for line in keys if "alpha=" in line).partition("\t")[2], "and what it is"
    assert values(tab("poison -t blend:alpha=0.2,temp")) == ["blend:alpha=0.2,temporal="]
    assert "blend:alpha=0.2,alpha=" not in values(tab("poison -t blend:alpha=0.2,"))
    assert tab("poison -t blend:temporal=") == ["blend:temporal=static", "blend:temporal=dynamic"]
    assert values(tab("triggers ble")) == ["blend"]
    assert tab("poison -t os.path:joi") == [], "nothing of the user's is imported"


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("poison --layout ", {"class-folders", "mmaction2-video"}),
        ("poison --label-mode ", {"dirty", "clean", "all-to-all", "source", "keep"}),
        ("poison --temporal ", {"static", "dynamic"}),
        ("poison --encode ", {"match", "lossless", "h264", "auto", "convert", "crf:"}),
        ("poison --survival ", {"none", "sample", "all"}),
        ("poison --clean ", {"hardlink", "copy", "symlink", "reencode"}),
        ("poison --rate-of ", {"dataset", "target-class", "source-class"}),
        ("poison --spans-unit ", {"seconds", "frames"}),
        ("probe out --kind ", {"strip", "scale-up"}),
        ("export out --to ", {"mmaction2", "pyslowfast"}),
        ("detect out --method ", {"spectre", "knn"}),
        ("recipes lla-", {"lla-badnets-dynamic"}),
        ("run lla-", {"lla-badnets-dynamic"}),
    ],
)
def test_modes_and_names(tab: Tab, line: str, some: set[str]) -> None:
    assert some <= set(values(tab(line)))


def test_classes_of_the_dataset_on_the_line(tab: Tab, folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tab(f"poison {folders} -t blend --target ") == ["jump", "run", "spin"]
    assert tab(f"poison {folders} --label-mode source --source-class s") == ["spin"]
    assert tab(f"poison {folders / 'nowhere'} --target ") == []
    monkeypatch.chdir(folders)
    assert tab("poison --target ju") == ["jump"]


def test_attack_sets_and_backdoors_of_the_output_on_the_line(
    tab: Tab, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    make(folders, out, triggers=["badnets"], count=1, attack_limit=1, control=0)
    (out / "poisonkit" / "attacks").mkdir(exist_ok=True)
    (out / "poisonkit" / "attacks" / "weaker.plan.jsonl").touch()
    assert tab(f"attack {out} --name w") == ["weaker"]
    assert tab(f"attack {out} --remove --name ") == ["weaker"]
    assert tab(f"attack {out} --name n --backdoor ") == ["default"]


def test_bash_takes_words_apart_and_is_offered_the_part_it_completes(bash: Tab) -> None:
    assert bash("poison", "-t", "ble") == ["blend"]
    assert "alpha=" in bash("poison", "-t", "blend", ":")
    assert bash("poison", "-t", "blend", ":", "temp") == ["temporal="]
    assert bash("poison", "-t", "blend", ":", "alpha", "=", "0.2,temporal", "=", "dy") == ["dynamic"]


@pytest.mark.parametrize(
    ("words", "joined", "begun"),
    [
        ("poisonkit poison -t ble", "poisonkit poison -t ble", ""),
        ("poisonkit poison -t blend : al", "poisonkit poison -t blend:al", "blend:"),
        ("poisonkit poison -t a:= b", "poisonkit poison -t a:=b", "a:="),
        ("poisonkit poison -t blend : alpha = 1 --ta", "poisonkit poison -t blend:alpha=1 --ta", ""),
    ],
)
def test_words_are_put_together(words: str, joined: str, begun: str) -> None:
    taken = words.split()
    environment = {"COMP_WORDS": "\n".join(taken), "COMP_CWORD": str(len(taken) - 1)}
    if "a:=" in words:
        environment["COMP_WORDS"] = environment["COMP_WORDS"].replace("a:=", "a\n:=")
        environment["COMP_CWORD"] = str(len(taken))
    assert rejoined(environment) == begun
    assert environment["COMP_WORDS"].split("\n") == joined.split()
    assert environment["COMP_CWORD"] == str(len(joined.split()) - 1)

"""Tutorial and cookbook run as they stand, in order; elsewhere every command has options that there are."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import typer

from poisonkit import sampledata
from poisonkit.cli import call
from poisonkit.cli.app import make_app

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- not run: [^\n]+ -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
PAGES = sorted({ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*/README.md")})


def run(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> list[str]:
    """What the page's blocks say, done in a folder; the commands that were run."""
    smaller = replace(sampledata.SIZES["small"], train=10, test=2, width=64, height=48, frames=12)
    monkeypatch.setitem(sampledata.SIZES, "small", smaller)
    monkeypatch.chdir(folder)
    known: dict[str, object] = {"__name__": "page"}
    ran: list[str] = []
    for marked, language, text in BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8")):
        named = re.match(r"# (\S+\.\w+)\n", text)
        if marked:
            continue
        if named:
            body = text if language == "python" else text[named.end() :]
            Path(named[1]).write_text(body, encoding="utf-8")
        elif language == "python":
            exec(compile(text, page, "exec"), known)
        else:
            assert language == "sh", language
            for line in text.splitlines():
                words = shlex.split(line)
                assert words[0] == "poisonkit", f"not a command of ours, nor marked: {line}"
                more = ["--jobs", "1"] if words[1] in ("poison", "run") else []
                status = call([*words[1:], *more])
                said = capfd.readouterr()
                told = (0, 1) if words[1] == "diff" else (0,)  # 1: they differ
                assert status in told, f"{line}\n{said.out[-1500:]}{said.err[-1500:]}"
                ran.append(line)
    return ran


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert "_010.mp4" in text, "the first test clip's name at the size of the page"
    assert len(run("tutorial.md", tmp_path, monkeypatch, capfd)) == 10


def test_the_cookbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    ran = run("cookbook.md", tmp_path, monkeypatch, capfd)
    studies = re.findall(r"^### ", (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(studies) >= 25
    assert len(ran) >= len(studies)


def commands(page: Path) -> Iterator[str]:
    """Every `poisonkit COMMAND …` of a page's code blocks, continued lines joined."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = [line for _, _, block in BLOCK.findall(text) for line in block.splitlines()]
    for line in [*fenced, *re.findall(r"^    .*$", text, re.MULTILINE)]:
        if words := re.match(r"(?:    |srun |\$ )*(poisonkit .*)$", line):
            yield words[1].partition("  #")[0].strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_of_every_page_have_options_that_there_are(page: Path) -> None:
    group = typer.main.get_command(make_app())
    for line in commands(page):
        name = line.split()[1].rstrip(",;")
        if not re.fullmatch(r"[a-z-]+", name) or name.startswith("-"):
            continue
        assert name in group.commands, f"{page.name}: {line}"  # type: ignore[attr-defined]
        options = {word for p in group.commands[name].params for word in (*p.opts, *p.secondary_opts)}  # type: ignore[attr-defined]
        unknown = [word for word in re.findall(r"(?<=\s)--[a-z][a-z0-9-]*", line) if word not in options]
        assert not unknown, f"{page.name}: {line}"


def test_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every cell in order, on smaller clips; what it shows on its own ones is kept in it."""
    notebook = json.loads((ROOT / "examples" / "first_steps.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] for cell in cells[:2]), "it was executed before it was kept"
    kept = "".join(str(output.get("text", "")) for cell in cells for output in cell["outputs"])
    assert "attack/default   asr" in kept
    shown: list[object] = []
    module = ModuleType("IPython.display")
    module.__dict__.update(Image=lambda data, **_: data, display=shown.append)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    smaller = replace(sampledata.SIZES["small"], width=64, height=48, frames=12)
    monkeypatch.setitem(sampledata.SIZES, "small", smaller)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    known: dict[str, object] = {"__name__": "notebook"}
    for i, cell in enumerate(cells):
        exec(compile("".join(cell["source"]), f"cell {i}", "exec"), known)
    assert [type(each) for each in shown] == [bytes]
    said = capsys.readouterr().out
    assert "attack/default   asr" in said
    assert said.count("ROC AUC") == 2
    assert list(tmp_path.glob("poisonkit-*")) == [], "it clears away what it made"

"""All that pages show runs here as it stands, page by page, or a mark says which test runs it, or why none does."""

from __future__ import annotations

import csv
import json
import pickle
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import cv2
import numpy as np
import pytest
import typer

import poisonkit
from poisonkit import sampledata
from poisonkit.cli import call
from poisonkit.cli.app import make_app
from poisonkit.engine.costs import estimate
from poisonkit.probing.kinds import KINDS, copies_of
from tests import shown
from tests.media_factory import make_video
from tests.runs import make, rows
from tests.shown import PAGES, ROOT, Block, blocks, spans

GROUP: Any = typer.main.get_command(make_app())
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
ELSEWHERE = ("consumers", "mmaction2")  # tests that `make test` leaves out
ONE = {"diff": "differ", "detect": " was left out: "}  # what stands there where the exit status may be 1
OWN = ("docs/tutorial.md", "docs/cookbook.md")  # which make their data themselves
NUMBER = r"\d[\d,.]*"
TIME, SIZE = rf"{NUMBER} (?:h|min|ms|s)\b(?: {NUMBER} (?:min|s)\b)?", rf"{NUMBER} (?:[kMG]?B|bytes)\b"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pages take for granted, by the names that they give it: clips, outputs, what a trainer would leave."""
    home = tmp_path_factory.mktemp("pages")
    sizes = {"train/jumping": 5, "train/surfing": 5, "test/jumping": 1, "test/surfing": 10}
    for seed, (folder, n) in enumerate(sizes.items()):
        for i in range(n):
            make_video(home / "my-clips" / folder / f"{i}.mp4", frames=10, audio=True, seed=10 * seed + i)
    shutil.copytree(home / "my-clips", home / "clips")
    for clip, name in zip(("clip", "a", "b", "c"), "0123", strict=True):
        shutil.copy(home / "clips/train/jumping" / f"{name}.mp4", home / f"{clip}.mp4")
    for name, trigger in (("OUT", "blend"), ("OTHER", "badnets")):
        make(home / "my-clips", home / name, trigger=trigger, target="surfing", rate=0.2, control=0)
    shutil.copy(next((home / "OUT/attack").rglob("*.mp4")), home / "FILE")
    (home / "sweep.yaml").write_text("triggers: [blend]\nsweep: {rate: [0.1, 0.2]}\n", encoding="utf-8")
    np.save(home / "perturbation.npy", np.ones((8, 8, 3), np.float32))
    cv2.imwrite(str(home / "patch.png"), np.full((8, 8, 3), 255, np.uint8))
    a_trainer(home)
    return home


def a_trainer(home: Path) -> None:
    """Features, suspects, and predictions: of the attack set as MMAction2 dumps them, of probes as csv."""
    found = [row for row in rows(home / "OUT") if row["status"] == "ok"]
    train = [row for row in found if row["split"] == "train"]
    draw = np.random.default_rng(0)
    features = [10 * (row["label"] or 0) + draw.normal(size=4) for row in train]
    np.savez(
        home / "features.npz",
        features=np.array(features),
        files=[row["path"] for row in train],
        labels=[row["label"] for row in train],
    )
    ranked = "".join(f"{row['id']},{i}\n" for i, row in enumerate(train))
    (home / "suspects.csv").write_text(f"id,score\n{ranked}", encoding="utf-8")
    (home / "features-suspects").mkdir()
    shutil.copy(home / "suspects.csv", home / "features-suspects/spectre.csv")
    attack = [row for row in found if row["role"] == "attack"]
    dumped = [{"pred_label": np.array([row["target"]]), "filename": row["path"]} for row in attack]
    (home / "predictions.pkl").write_bytes(pickle.dumps(dumped))
    with (home / "predictions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "score_0", "score_1"))
        for name in (copy.name(clean) for copy in copies_of(KINDS["strip"], 10) for clean in (False, True)):
            for row in attack:
                writer.writerow((row["path"].replace("/default/", f"/{name}/"), 0.25, 0.75))


@dataclass
class Reader:
    """Does in a folder what a page says, block by block, and keeps the lines that it ran."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]
    known: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})
    ran: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, n in (("small", 10), ("train", 10)):
            smaller = replace(sampledata.SIZES[name], train=n, test=2, width=64, height=48, frames=12)
            self.monkeypatch.setitem(sampledata.SIZES, name, smaller)
        self.monkeypatch.chdir(self.folder)

    def read(self, page: str) -> list[str]:
        for block in blocks(page):
            if block.mark:
                continue
            if block.file:
                text = block.text if block.kind == "python" else block.text.partition("\n")[2]
                Path(block.file).write_text(text, encoding="utf-8")
            elif block.kind == "python":
                with self.monkeypatch.context() as patch:
                    if "to_pandas" in block.text and find_spec("pandas") is None:  # which has a test of its own
                        patch.setitem(sys.modules, "pandas", MagicMock())
                    exec(compile("\n" * block.line + block.text, block.page, "exec"), self.known)
            elif block.kind == "recipe":
                Path("shown.yaml").write_text(block.text, encoding="utf-8")
                assert poisonkit.read_sweep("shown.yaml"), block.place
            elif block.kind == "commands":
                said = "".join(self.run(block, words) for words in block.commands())
                for line in block.printed():
                    assert re.search(loosely(line), " ".join(said.split())), f"{block.place}: {line}\n{said}"
        return self.ran

    def run(self, block: Block, words: list[str]) -> str:
        """What one command printed."""
        line = shlex.join(words)
        assert words[0] == "poisonkit", f"{block.place}: neither ours nor marked: {line}"
        if block.prompts:  # what is shown as printed is said of many clips, of which some are tried
            self.monkeypatch.setattr(estimate, "AT_ONCE", 0.0)
        own = {word for each in GROUP.commands[words[1]].params for word in each.opts}
        more = ["--jobs", str(1 + block.prompts)] if "--jobs" in own else []
        status = call([*words[1:], *more])
        said = "".join(self.capfd.readouterr())
        may_be_one = words[1] in ONE and ONE[words[1]] in said
        assert status == 0 or (status == 1 and may_be_one), f"{block.place}: {line}\n{said[-3000:]}"
        self.ran.append(line)
        return said


def loosely(line: str) -> str:
    """A pattern of a printed line in which every duration, size and number may be another one."""
    pieces = re.split(f"({TIME}|{SIZE}|{NUMBER})", " ".join(line.split()))
    kinds = [(TIME, TIME), (SIZE, SIZE), (NUMBER, NUMBER)]
    return "".join(
        next(pattern for kind, pattern in kinds if re.fullmatch(kind, piece)) if i % 2 else re.escape(piece)
        for i, piece in enumerate(pieces)
    )


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert "_010.mp4" in text, "the first test clip's name at the size of the page"
    assert len(Reader(tmp_path, monkeypatch, capfd).read("docs/tutorial.md")) == 10


def test_the_cookbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    ran = Reader(tmp_path, monkeypatch, capfd).read("docs/cookbook.md")
    studies = re.findall(r"^### ", (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(studies) >= 25
    assert len(ran) >= len(studies)


def shows(page: str) -> bool:
    """It has something to run that no mark takes away."""
    return any(block.kind != "text" and not block.mark for block in blocks(page))


@pytest.mark.parametrize("page", [page for page in PAGES if page not in OWN and shows(page)])
def test_what_a_page_shows(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], page: str
) -> None:
    """In a folder that has what such pages speak of."""
    shutil.copytree(home, tmp_path / "work")
    if "sample-data" in (word for block in blocks(page) for words in block.commands() for word in words):
        shutil.rmtree(tmp_path / "work" / "clips")
    reader = Reader(tmp_path / "work", monkeypatch, capfd)
    reader.known |= {"frames": np.full((8, 48, 64, 3), 99, np.uint8), "wave": np.full((1, 8000), 0.1, np.float32)}
    reader.read(page)


def test_every_mark_is_true() -> None:
    """It gives a reason, or a test that there is and that names the page; and the targets of make are there."""
    wrong = []
    for block in (block for page in PAGES for block in blocks(page) if block.mark):
        if block.kind == "text":
            wrong.append(f"{block.place}: the mark is of a block that nobody would run")
        if not block.said:
            wrong.append(f"{block.place}: the mark says nothing")
        targets = re.findall(r"\bmake ([a-z0-9-]+)", block.said)
        if not TARGETS.issuperset(targets):
            wrong.append(f"{block.place}: make has no {targets}")
        if block.mark == "run by":
            test = ROOT / re.split("[: ]", block.said)[0]
            names = {Path(block.page).name, Path(block.page).parent.name} - {"docs", "README.md"}
            if not test.is_file() or not any(name in test.read_text(encoding="utf-8") for name in names):
                wrong.append(f"{block.place}: {test} is not there, or does not name the page")
            if test.parent.name in ELSEWHERE and not targets:
                wrong.append(f"{block.place}: which target of make runs {test}?")
        for file in re.findall(r"(?:tests|examples|benchmarks)/[\w/.]*\w", block.said):
            if not (ROOT / file).exists():
                wrong.append(f"{block.place}: there is no {file}")
    assert wrong == []


def test_every_command_has_the_names_that_it_says() -> None:
    """Marked or not, in blocks and sentences: our commands and their options, make's targets, scripts and theirs."""
    said = [(block.place, words) for page in PAGES for block in blocks(page) for words in block.commands()]
    said += [place for page in PAGES for place in spans(page)]
    assert len(said) > 350
    assert [f"{place}: {' '.join(words)}: {wrong}" for place, words in said for wrong in unknown(words)] == []


def test_what_is_neither_ours_nor_marked_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shown, "ROOT", tmp_path)
    page = tmp_path / "page.md"

    def wrong(text: str) -> str:
        page.write_text(text, encoding="utf-8")
        with pytest.raises(AssertionError) as error:
            Reader(tmp_path, monkeypatch, capfd).read("page.md")
        return str(error.value)

    assert wrong("# Page\n\n    make lint  # ours\n").startswith("page.md:3: neither ours nor marked: make lint")
    assert wrong("- so:\n\n  ```\n  poisonkit triggers blnd\n  ```\n").startswith("page.md:3: poisonkit triggers blnd")
    assert wrong("```sh\n$ poisonkit triggers blend\nSnow in July.\n```\n").startswith("page.md:1: Snow in July.")
    assert wrong("<!-- not run: hours -->\nWords.\n\n    make x\n") == "page.md:2: the mark before it is of no block"
    page.write_text("<!-- not run: hours -->\n\n    make lint\n\n    x = y\n\nas\n\n    print(x)\n", encoding="utf-8")
    with pytest.raises(NameError):
        Reader(tmp_path, monkeypatch, capfd).read("page.md")
    assert [(b.line, b.kind, b.mark, b.said) for b in blocks("page.md")] == [
        (3, "commands", "not run", "hours"),
        (9, "python", "", ""),
    ]


def unknown(words: list[str]) -> Iterator[str]:
    """The names of a command that are none."""
    options = [word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)]
    if "poisonkit" in words[:2]:
        name = words[words.index("poisonkit") + 1] if words[-1] != "poisonkit" else "--version"
        if re.fullmatch("[a-z-]+", name) and not name.startswith("-"):
            command = GROUP.commands.get(name)
            known = {word for p in command.params for word in (*p.opts, *p.secondary_opts)} if command else set()
            yield from [] if command else [name]
            yield from (option for option in options if option not in known | {"--help"})
    elif words[0] == "make":
        yield from (word for word in words[1:] if re.fullmatch("[a-z0-9-]+", word) and word not in TARGETS)
    elif scripts := [word for word in words if re.fullmatch(r"\w[\w.-]*/[\w/.-]+\.py", word)]:
        for script in scripts:
            if not (ROOT / script).is_file():
                yield script
            elif script == scripts[0] and "pytest" not in words:
                text = "".join(file.read_text(encoding="utf-8") for file in (ROOT / script).parent.glob("*.py"))
                yield from (option for option in options if f'"{option}"' not in text)


def test_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every cell in order, on smaller clips; what it shows on its own ones is kept in it."""
    notebook = json.loads((ROOT / "examples" / "first_steps.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] for cell in cells[:2]), "it was executed before it was kept"
    kept = "".join(str(output.get("text", "")) for cell in cells for output in cell["outputs"])
    assert "attack/default   asr" in kept
    displayed: list[object] = []
    module = ModuleType("IPython.display")
    module.__dict__.update(Image=lambda data, **_: data, display=displayed.append)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    smaller = replace(sampledata.SIZES["small"], width=64, height=48, frames=12)
    monkeypatch.setitem(sampledata.SIZES, "small", smaller)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    known: dict[str, object] = {"__name__": "notebook"}
    for i, cell in enumerate(cells):
        exec(compile("".join(cell["source"]), f"cell {i}", "exec"), known)
    assert [type(each) for each in displayed] == [bytes]
    said = capsys.readouterr().out
    assert "attack/default   asr" in said
    assert said.count("ROC AUC") == 2
    assert list(tmp_path.glob("poisonkit-*")) == [], "it clears away what it made"

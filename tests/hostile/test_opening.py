"""Files that may be a stranger's are opened by one function, `untrusted.open_plain`: it waits for no FIFO and no
device, and while a dataset is read it follows no link that leads out of it."""

from __future__ import annotations

import ast
import os
import shutil
from pathlib import Path

import pytest

import poisonkit
from poisonkit import Recipe
from poisonkit.cli import call
from poisonkit.datasets import Dataset, Source, read
from poisonkit.engine.finishing.card import licence_of
from poisonkit.errors import RequestError
from tests.datasets.makers import MAKERS
from tests.hostile.watch import watching

PACKAGE = Path(poisonkit.__file__).parent
NAMES = ("open", "fdopen", "read_text", "read_bytes", "load", "fromfile", "memmap", "imread", "VideoCapture")
LIBRARIES = ("SoundFile", "info", "copy", "copy2", "copyfile", "copytree", "ZipFile")
MODULES = ("soundfile", "shutil", "zipfile", "av", "np", "os", "cv2", "numpy", "pickle", "tarfile")

OTHERS = {
    "common/user_key.py": "the user's own",
    "cli/__init__.py:_unwritten": "of /dev/null",
    "cli/__init__.py:call": "of /dev/null",
    "engine/executors/pool.py:_redirect": "of /dev/null",
    "common/run_claim.py": "the lock's guard, by its descriptor",
    "common/safe_io.py": "the function itself",
    "common/atomic.py:_created": "writes",
    "datasets/tar/members.py:at_hand": "writes",
    "datasets/tar/members.py:members": "bytes in memory",
    "datasets/testing.py": "a layout's own tests",
    "common/time_limit.py": "a worker's own note",
    "engine/state/ledger.py:__init__": "appends",
    "engine/state/locks.py": "in a folder in which `path_guards.require_own` saw plain files only; and of /proc",
    "survey/isolated_opening.py": "a pipe to a process of its own",
    "engine/finishing/linking.py": "clean files, of which `media.status` said that they are plain",
    "reporting/page.py": "the package's own style",
    "reporting/samples.py:_clip": "made a moment before",
    "reporting/samples.py:_sounds": "made a moment before",
    "reporting/sample_index.py:": "the package's own script",
    "engine/costs/model.py:figures": "the package's own figures",
    "media/files.py": "by libraries, after `require_file`; writes; of /proc",
    "media/folders.py:rewrite": "written a moment before",
    "media/features.py": "writes, and reads back; else an open file",
    "media/sound.py": "by a library, of what `probe` opened",
    "media/probing.py:_exact_samples": "by a library, of what `open_input` opened",
    "triggers/files/assets.py": "bytes in memory; copies what was read by `_read`",
    "triggers/image/blend.py": "the package's own picture",
    "triggers/audio/mp3.py": "bytes in memory",
    "triggers/files/replacements.py": "by libraries, of what `check` hashed",
    "scoring/readers/arrays.py": "bytes in memory",
    "scoring/readers/npz.py": "bytes in memory",
}
"""Where else something is opened, by file or by file and function, and why it may be."""


def openings(path: Path) -> set[str]:
    """`file:function` of every call in a module that may open a file by its name."""
    found = set()

    def walk(node: ast.AST, function: str) -> None:
        for child in ast.iter_child_nodes(node):
            inner = child.name if isinstance(child, ast.FunctionDef) and not function else function
            if isinstance(child, ast.Call) and opens(child.func):
                found.add(f"{path.relative_to(PACKAGE).as_posix()}:{inner}")
            walk(child, inner)

    walk(ast.parse(path.read_text(encoding="utf-8")), "")
    return found


def opens(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id in ("open", "copyfile", "copy2")
    if not isinstance(called, ast.Attribute):
        return False
    of = called.value.id if isinstance(called.value, ast.Name) else ""
    if called.attr in ("read_text", "read_bytes"):
        return of != "safe_io"
    if of in MODULES:
        return called.attr in NAMES or (called.attr in LIBRARIES and of in ("soundfile", "shutil", "zipfile"))
    return called.attr == "open"


def test_nothing_else_opens_files_of_strangers() -> None:
    found = {each for path in PACKAGE.rglob("*.py") for each in openings(path)}
    strange = {each for each in found if each not in OTHERS and each.partition(":")[0] not in OTHERS}
    assert not strange, "safe_io.open_plain opens files, open_text and read_text those with text"
    used = {name for name in OTHERS if name in found or any(each.startswith(f"{name}:") for each in found)}
    assert used == set(OTHERS)


def lists_of(root: Path) -> list[Path]:
    """What a dataset holds beside media: lists, tables, class maps."""
    media = (*poisonkit.datasets.base.VIDEO_SUFFIXES, *poisonkit.datasets.base.AUDIO_SUFFIXES, ".jpg", ".png", ".tar")
    return sorted(p for p in root.rglob("*") if p.is_file() and p.suffix not in media)


def attempt(source: Source) -> str:
    """What is said against a dataset, or nothing where it is read."""
    try:
        read(source)
    except RequestError as error:
        return str(error)
    return ""


LISTLESS = {"class-folders", "fsdd"}
"""Layouts whose folders and names say everything."""


def test_all_but_two_layouts_have_lists(tmp_path: Path) -> None:
    for layout, make in MAKERS.items():
        (tmp_path / layout).mkdir()
        assert bool(lists_of(make(tmp_path / layout))) == (layout not in LISTLESS), layout


@pytest.mark.parametrize("layout", sorted(MAKERS.keys() - LISTLESS))
def test_lists_that_are_links_to_elsewhere(tmp_path: Path, layout: str) -> None:
    """Names of classes, or the words of an error, could be lines of a private file."""
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").mkdir()
    root = MAKERS[layout](tmp_path / "in")
    for file in lists_of(root):
        secret = tmp_path / "secret" / file.name
        shutil.move(file, secret)
        file.symlink_to(secret)
        for source in (Source(root), Source(root, layout=layout)):
            with watching(secret.parent) as seen:
                said = attempt(source)
            assert not said or f"allow_root '{secret.parent}'" in said
            assert not seen.files, file
        assert read(Source(root, layout=layout, allow_roots=(secret.parent,))).samples
        file.unlink()
        shutil.move(secret, file)


@pytest.mark.parametrize("layout", sorted(MAKERS.keys() - LISTLESS))
def test_lists_that_are_fifos(tmp_path: Path, layout: str) -> None:
    """The test would not end."""
    (tmp_path / "in").mkdir()
    root = MAKERS[layout](tmp_path / "in")
    for file in lists_of(root):
        aside = file.rename(tmp_path / "aside")
        os.mkfifo(file)
        for source in (Source(root), Source(root, layout=layout), Source(file), Source(root, lists={"train": file})):
            assert "\n" not in attempt(source).strip()
        file.unlink()
        aside.rename(file)


def test_a_folder_of_lists_that_leads_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    root = MAKERS["ucf101"](tmp_path / "in")
    folder = lists_of(root)[0].parent
    assert folder != root
    shutil.move(folder, tmp_path / "secret")
    folder.symlink_to(tmp_path / "secret")
    with watching(tmp_path / "secret") as seen, pytest.raises(RequestError):
        read(Source(root, layout="ucf101"))
    assert not seen.files


def test_a_licence_that_leads_elsewhere(tmp_path: Path) -> None:
    """Its first line is quoted in the card."""
    (tmp_path / "secret").write_text("password\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "LICENSE").symlink_to(tmp_path / "secret")
    assert licence_of(Dataset(tmp_path / "in", "class-folders", ("a",), ())) == "unknown: do not redistribute"


def test_nothing_waits_for_a_fifo(sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files of predictions, of suspects, of ids, recipes, patterns; each is told in one sentence."""
    recipe = Recipe(source=sounds, out=tmp_path / "out", triggers=["sine"], count=2, test_fraction=0.2, survival="none")
    poisonkit.poison(recipe, jobs=1)
    names = ("p.csv", "p.pkl", "p.npz", "p.jsonl", "s.txt", "r.yaml", "c.png", "w.wav")
    for name in names:
        os.mkfifo(tmp_path / name)
    at = {name: str(tmp_path / name) for name in names}
    poison = f"poison {sounds} -o {tmp_path}/no --target 0"
    for words in (
        *(f"score {tmp_path}/out {at[name]}" for name in names[:4]),
        f"score {tmp_path}/out --suspects {at['s.txt']}",
        f"run {at['r.yaml']}",
        f"{poison} -t sine --ids {at['s.txt']}",
        f"{poison} -t sine --select {at['s.txt']}",
        f"{poison} -t stamp:picture={at['c.png']}",
        f"{poison} -t audio-blend:sound={at['w.wav']}",
        f"{poison} -t sine --train-list {at['s.txt']}",
        f"identify {at['p.csv']} --in {tmp_path}/out",
        f"preview {at['w.wav']} -t sine -o {tmp_path}/no.wav",
    ):
        assert call(words.split()) in (1, 2), words
        said = capsys.readouterr().err
        assert "bug in poisonkit" not in said, words
        assert len(said.splitlines()) == 1, words


def test_predictions_larger_than_memory(tmp_path: Path, sounds: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = Recipe(source=sounds, out=tmp_path / "out", triggers=["sine"], count=2, test_fraction=0.2, survival="none")
    poisonkit.poison(recipe, jobs=1)
    (tmp_path / "p.pkl").touch()
    os.truncate(tmp_path / "p.pkl", 1 << 43)
    assert call(["score", str(tmp_path / "out"), str(tmp_path / "p.pkl")]) == 2
    assert "larger than memory" in capsys.readouterr().err

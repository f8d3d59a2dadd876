"""What a dataset names or links to outside its root is refused, naming --allow-root; nothing that is no file hangs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import poisonkit
from poisonkit import Recipe
from poisonkit.cli import call
from poisonkit.datasets import Dataset, Source, get_layout, modality_of, read
from poisonkit.engine.finishing import card
from poisonkit.engine.state import locks
from poisonkit.errors import RequestError
from poisonkit.recipe.sample_lists import read_ids, read_ranking
from tests.datasets.makers import MAKERS
from tests.hostile.watch import watching
from tests.media_factory import make_audio, make_video


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    return {
        ".mp4": make_video(folder / "one.mp4", frames=4, size=(48, 32), audio=True),
        ".avi": make_video(folder / "one.avi", frames=4, size=(48, 32)),
        ".wav": make_audio(folder / "one.wav", seconds=0.2),
    }


OTHER_MEDIA = (".jpg", ".png", ".npy", ".tar")
FILES = [name for name in MAKERS if not get_layout(name).packed]  # shards: tests/datasets/layouts/test_webdataset.py


def empty(root: Path, layout: str) -> Path:
    """A dataset of this layout whose media are empty files: for what is decided before any is opened."""
    root.mkdir()
    return MAKERS[layout](root)


def filled(root: Path, layout: str, clips: dict[str, Path]) -> Path:
    """The same with media."""
    empty(root, layout)
    for file in media_of(root):
        file.unlink()
        shutil.copyfile(clips[file.suffix], file)
    return root


def media_of(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*") if p.is_file() and (modality_of(p.name) or p.suffix in OTHER_MEDIA))


def lists_of(root: Path) -> list[Path]:
    return sorted(p for p in root.rglob("*") if p.is_file() and p not in media_of(root))


def listing(root: Path) -> Iterator[tuple[Path, str]]:
    """(list, spelling of a path in it) for lists that name files."""
    for text in lists_of(root):
        content = text.read_text(encoding="utf-8-sig")
        for file in media_of(root):
            steps = file.relative_to(root).parts
            spellings = [str(file), *("/".join(steps[i:]) for i in range(len(steps)))]
            if found := next((spelt for spelt in spellings if spelt in content), None):
                yield text, found
                break


def attempt(root: Path, **more: object) -> Dataset | str:
    """The dataset as it is read, or what is said against it."""
    try:
        return read(Source(root, **more))  # type: ignore[arg-type]
    except RequestError as error:
        text = str(error)
        assert text.endswith((".", "?"))
        assert "\n" not in text.strip()
        return text


LISTED = ("mmaction2-video", "pyslowfast", "pytorchvideo", "table", "nemo")


@pytest.mark.parametrize("layout", FILES)
def test_listed_paths_that_lead_outside(tmp_path: Path, layout: str) -> None:
    """Every way out of the root, in every list of every layout that lists paths; what is there must be named to be
    refused honestly, and no sample lies outside whatever is said."""
    root = empty(tmp_path / "in", layout)
    places = list(listing(root))
    if not places:
        assert layout not in LISTED
        return
    outside = tmp_path / "outside"
    outside.mkdir()
    text, spelt = places[0]
    suffix = Path(spelt).suffix
    (outside / f"x{suffix}").touch()
    before = text.read_bytes()
    climb = os.path.relpath(outside, (text if layout == "hugging-face" else root / "x").parent)
    for path in (
        f"{climb}/x{suffix}",
        f"../{climb}/x{suffix}",
        f"{outside}/x{suffix}",
        f"a/b/../../{climb}/x{suffix}",
        f"//{outside}/x{suffix}",
        f"{spelt.rpartition('/')[0]}/./../../{climb}/x{suffix}",
        f"/dev/stdin/x{suffix}",
        f"{'n' * 300}{suffix}",
        f"a\0b{suffix}",
    ):
        text.write_bytes(before.replace(spelt.encode(), path.encode(), 1))
        found = attempt(root)
        if isinstance(found, Dataset):
            real = [os.path.realpath(found.file(s)) for s in found.samples if s.path.rpartition("/")[2] != path]
            assert all(name.startswith(f"{root}/") for name in real if os.path.exists(name)), path
        elif "outside" in path and layout in LISTED:
            assert "allow_root" in found or "goes up and down" in found or "is not in" in found, found
    assert list(outside.iterdir()) == [outside / f"x{suffix}"]


@pytest.mark.parametrize("layout", FILES)
def test_links_that_leave(tmp_path: Path, layout: str) -> None:
    """A file that is a link out of the root, and a folder that is one: refused, and --allow-root is named."""
    root = empty(tmp_path / "in", layout)
    outside = tmp_path / "outside"
    outside.mkdir()
    whole = attempt(root)
    assert isinstance(whole, Dataset)
    file = root / whole.file(whole.samples[-1])
    shutil.move(file, outside / file.name)
    file.symlink_to(outside / file.name)
    said = attempt(root)
    assert isinstance(said, str), said
    assert f"allow_root '{outside}'" in said
    assert isinstance(attempt(root, allow_roots=(outside,)), Dataset)
    file.unlink()
    shutil.move(outside / file.name, file)
    folder = file.parent
    if folder != root:
        shutil.move(folder, outside / "folder")
        folder.symlink_to(outside / "folder")
        said = attempt(root)
        assert isinstance(said, str), said
        assert "allow_root" in said or "was found" in said, said


@pytest.mark.parametrize("layout", FILES)
def test_what_is_no_file(tmp_path: Path, layout: str) -> None:
    """A FIFO, a link to a device, a link in a circle and a folder, each in a sample's place: nothing waits for them."""
    root = empty(tmp_path / "in", layout)
    files = media_of(root)
    for file in files[:4]:
        file.unlink()
    os.mkfifo(files[0])
    files[1].symlink_to(files[1].name)
    files[2].mkdir()
    found = attempt(root)
    if isinstance(found, Dataset):
        there = [s for s in found.samples if found.file(s).exists()]
        assert there
    files[3].symlink_to("/dev/zero")
    attempt(root)  # read or refused; a reader of /dev/zero would not end


@pytest.mark.parametrize(
    ("layout", "clean"), [("class-folders", "hardlink"), ("mmaction2-video", "symlink"), ("table", "copy")]
)
def test_the_job_with_a_fifo(tmp_path: Path, clips: dict[str, Path], layout: str, clean: str) -> None:
    """It ends, and neither FIFO nor link to nowhere is in the output."""
    root = filled(tmp_path / "in", layout, clips)
    files = media_of(root)
    for file in files[:2]:
        file.unlink()
    os.mkfifo(files[0])
    files[1].symlink_to("nowhere")
    recipe = Recipe(source=root, out=tmp_path / "out", triggers=["badnets"], count=2, control=0, clean=clean)
    summary = poisonkit.poison(recipe, jobs=1)
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or path.is_file(), path
    said = dict(summary.failed)
    assert all("not a plain file" in why or "no such file" in why for why in said.values()), said


def test_links_of_the_output_lead_where_the_user_allowed(tmp_path: Path, clips: dict[str, Path]) -> None:
    """--clean symlink, with clean files that are links themselves, to the root's inside and to an allowed root."""
    root = filled(tmp_path / "in", "class-folders", clips)
    far = tmp_path / "far"
    far.mkdir()
    files = media_of(root)
    for i, file in enumerate(files[::3]):
        shutil.move(file, far / f"{i}.mp4")
        file.symlink_to(far / f"{i}.mp4")
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    recipe = {"source": root, "triggers": ["badnets"], "count": 1, "control": 1, "clean": "symlink"}
    with pytest.raises(RequestError, match="allow_root"):
        poisonkit.poison(Recipe(out=tmp_path / "no", **recipe), jobs=1)
    assert not (tmp_path / "no").exists()
    out = tmp_path / "out"
    poisonkit.poison(Recipe(out=out, allow_root=[far], **recipe), jobs=1)
    links = [p for p in out.rglob("*") if p.is_symlink()]
    assert links
    allowed = (f"{root}/", f"{far}/")
    assert all(os.path.realpath(p).startswith(allowed) and os.readlink(p).startswith(allowed) for p in links)
    assert poisonkit.verify(out, hash="all", allow_root=[far]).ok
    assert not poisonkit.verify(out, hash="all").ok
    links[0].unlink()
    links[0].symlink_to(tmp_path / "secret.mp4")
    with watching(tmp_path) as seen:
        problems = poisonkit.verify(out, hash="all", decode=True, allow_root=[far]).problems
    assert [p.path for p in problems] == [links[0].relative_to(out).as_posix()]
    assert "which is not its source" in problems[0].problem
    assert str(tmp_path / "secret.mp4") not in seen.files


def test_names_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    """Refused by name, in words that a terminal can show."""
    root = empty(tmp_path / "in", "class-folders")
    bad = os.fsencode(media_of(root)[0].parent) + b"/\xff\xfe.mp4"
    with contextlib.suppress(OSError):
        os.close(os.open(bad, os.O_CREAT | os.O_WRONLY))
    if not os.path.exists(bad):
        pytest.skip("this file system takes UTF-8 names only")
    said = attempt(root)
    assert isinstance(said, str)
    assert r"\xff\xfe.mp4" in said


def test_names_that_speak_to_the_terminal(
    tmp_path: Path, clips: dict[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """Control characters in names of classes and files are spelt out, in tables and in sentences."""
    root = tmp_path / "in"
    for name in ("a", "\x1b]0;owned\x07b\x1b[2J"):
        for i in range(3):
            file = root / name / f"{i}\x1b[31m.mp4"
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(clips[".mp4"], file)
    (root / "a" / "0\x1b[31m.mp4").write_bytes(b"no clip")
    heard = ""
    for words in (
        f"inspect {root} --jobs 1",
        f"poison {root} -o {tmp_path}/out --trigger badnets --rate 0.3 --target 1 --jobs 1",
        f"poison {root} -o {tmp_path}/no --trigger badnets --rate 0.3 --target c",
        f"verify {tmp_path}/out --jobs 1",
    ):
        call(words.split())
        said = capfd.readouterr()
        assert not {"\x1b", "\x07", "\x9b"} & set(said.out + said.err), words
        heard += said.out + said.err
    assert "\\x1b[31m.mp4" in heard


def test_a_fifo_in_place_of_a_text_is_not_waited_for(folders: Path, tmp_path: Path) -> None:
    """A licence, a list of ids, a ranking or a recipe that is a FIFO hung the command for ever."""
    pipe = tmp_path / "LICENSE"
    os.mkfifo(pipe)
    for reader in (read_ids, read_ranking, Recipe.from_yaml):
        with pytest.raises(RequestError, match="not a plain file"):
            reader(pipe)
    dataset = Dataset(tmp_path, "class-folders", ("a",), ())
    assert card.licence_of(dataset) == "unknown: do not redistribute"


def test_a_lock_with_a_number_that_no_process_has_is_a_dead_ones(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(json.dumps({**locks._me(), "pid": 10**30}), encoding="utf-8")
    with locks.lock(path):
        assert locks.retire(path)

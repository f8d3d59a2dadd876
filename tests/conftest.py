"""What several tests share: small real datasets, made once, never written to again."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from poisonkit.engine.finishing import writing
from poisonkit.outputs import checksums, schemas
from poisonkit.survey import isolated_opening
from tests.media_factory import make_audio, make_video

LONGEST = (
    "test_commands_of_pages.py",
    "engine/test_interruptions.py",
    "test_package.py",
    "engine/test_faults.py",
    "triggers/test_writing_page.py",
    "datasets/test_writing_page.py",
    "hostile/test_short_paths.py",
    "triggers/test_properties.py",
)
"""Files of few tests that take long: begun last, they would have one worker work on while the others are done."""


def pytest_configure(config: pytest.Config) -> None:
    """Workers take files as they stand below, not those of most tests first (with pytest-xdist 3.8 and later)."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, then those with most tests."""
    here = Path(__file__).parent
    tests = Counter(item.path for item in items)
    place = {here / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (place.get(item.path, len(LONGEST)), -tests[item.path], str(item.path)))


@pytest.fixture(scope="session", autouse=True)
def own_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Outputs of tests are signed with a key of the tests' own, in a folder of theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_wait_for_the_disk() -> Iterator[None]:
    """What tests write need not outlive a power cut, and waiting for that took more of their time than all else; that
    the package does wait, and when, is what `common/test_atomic.py` looks at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: os.fstat(handle) and None)
        yield


@pytest.fixture(scope="session", autouse=True)
def openers_stay() -> Iterator[None]:
    """Processes that open files are kept between tests, however long those take, and end with this one."""
    with pytest.MonkeyPatch.context() as patch:
        longer = "from poisonkit.survey import isolated_opening; isolated_opening.IDLE = 600.0; serve("
        assert isolated_opening._START.count("serve(") == 1
        patch.setattr(isolated_opening, "_START", isolated_opening._START.replace("serve(", longer))
        yield


@pytest.fixture(scope="session", autouse=True)
def records_fit_their_schema() -> Iterator[None]:
    """Every record that a test's run writes is held against the schema that the package ships; of clean ones, which are
    all alike, a manifest's first."""
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        yield
        return
    fits = Draft202012Validator(
        json.loads((schemas.FOLDER / "manifest-record.schema.json").read_text(encoding="utf-8"))
    )
    current = checksums.current_checksums

    def checked(out: Path, manifest: str) -> dict[str, str]:
        clean = 0
        with (out / "poisonkit" / "manifest.jsonl").open(encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                clean += '"role": "clean"' in line
                if clean != 1 and '"role": "clean"' in line:
                    continue
                fits.validate(json.loads(line))
        return current(out, manifest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "checksums", SimpleNamespace(current_checksums=checked))
        yield


CLASSES = ("jump", "run", "spin")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Real clips: $POISONKIT_REALDATA, else a folder beside the checkout; the test is skipped without them."""
    named = os.environ.get("POISONKIT_REALDATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "realdata"
    if not folder.is_dir():
        pytest.skip("no real clips here (set POISONKIT_REALDATA)")
    return folder


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders with splits: 3 classes, 8 training and 4 test clips each, MP4 with sound."""
    root = tmp_path_factory.mktemp("folders")
    seed = 0
    for split, n in (("train", 8), ("test", 4)):
        for name in CLASSES:
            for i in range(n):
                seed += 1
                path = root / split / name / f"{name} {i}.mp4"
                path.parent.mkdir(parents=True, exist_ok=True)
                make_video(path, frames=10, size=(64, 48), audio=True, seed=seed)
    return root


@pytest.fixture(scope="session")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MMAction2 lists: 18 training and 9 validation clips of 3 classes, AVI and MP4, some without sound."""
    root = tmp_path_factory.mktemp("listed")
    for split, n in (("train", 18), ("val", 9)):
        lines = []
        for i in range(n):
            name = f"{split}_{i:02d}.{'avi' if i % 3 == 0 else 'mp4'}"
            (root / "videos").mkdir(exist_ok=True)
            make_video(root / "videos" / name, frames=9, size=(64, 48), audio=i % 2 == 0, seed=100 + i)
            lines.append(f"{name} {i % 3}\n")
        (root / f"{split}.txt").write_text("".join(lines), encoding="utf-8")
    (root / "label_map.txt").write_text("".join(f"{c}\n" for c in CLASSES), encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Flat class folders of wav and flac files, 16 kHz: 2 classes of 10."""
    root = tmp_path_factory.mktemp("sounds")
    for c, name in enumerate(("no", "yes")):
        for i in range(10):
            path = root / name / f"{i}.{'flac' if i % 4 == 0 else 'wav'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            make_audio(path, seconds=0.4, rate=16000, channels=1, seed=10 * c + i)
    return root


def tree(root: Path, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """SHA-256 of every file below `root` by relative path; empty folders too."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if any(name == w or name.startswith(f"{w}/") for w in without):
            continue
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


def same_output(root: Path) -> dict[str, str]:
    """Everything of an output that must be identical for the same recipe and source."""
    return tree(root, without=("poisonkit/run.json", "poisonkit/.state"))

"""Wheel and sdist: built, installed without the source tree, and used there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REPOSITORY = "https://github.com/poisonkit/poisonkit/blob/main/"


def run(*words: object, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, words)], capture_output=True, text=True, check=False, cwd=cwd, env=environment, timeout=500
    )
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is built of it, not of the checkout."""
    pytest.importorskip("hatchling", reason="building needs hatchling and hatch-fancy-pypi-readme (the extra dev)")
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", out, cwd=ROOT)
    (sdist,) = out.glob("*.tar.gz")
    with tarfile.open(sdist) as file:
        file.extractall(out / "unpacked", filter="data")
    (unpacked,) = (out / "unpacked").iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=unpacked)
    return out


def test_what_the_packages_hold(built: Path) -> None:
    (sdist,), (wheel,) = built.glob("*.tar.gz"), built.glob("*.whl")
    with tarfile.open(sdist) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {"CHANGELOG.md", "LICENSE", "CITATION.cff", "docs/output.md", "README.md", "Makefile"} <= names
    assert "docs/triggers/blend.md" in names
    with zipfile.ZipFile(wheel) as file:
        packed = {name for name in file.namelist() if name.startswith("poisonkit/")}
        metadata = message_from_bytes(file.read(next(n for n in file.namelist() if n.endswith("METADATA"))))
    source = {p.relative_to(ROOT).as_posix() for p in (ROOT / "poisonkit").rglob("*") if p.is_file()}
    assert packed == {name for name in source if "__pycache__" not in name and not name.endswith(".pyc")}
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert {"Repository", "Documentation", "Changelog", "Issues"} <= {
        url.partition(",")[0] for url in metadata.get_all("Project-URL", [])
    }


def test_links_on_a_package_index_lead_somewhere(built: Path) -> None:
    """Every link of the description is absolute, and those into the repository are of files that there are."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        metadata = message_from_bytes(file.read(next(n for n in file.namelist() if n.endswith("METADATA"))))
    links = re.findall(r"\]\(([^)\s]+)\)", str(metadata.get_payload()))
    assert len(links) > 10
    assert [link for link in links if not link.startswith(("https://", "#"))] == []
    inside = [link.removeprefix(REPOSITORY).partition("#")[0] for link in links if link.startswith(REPOSITORY)]
    assert inside
    assert [name for name in inside if not (ROOT / name).exists()] == []


def test_installed_without_the_source_tree_it_does_the_main_job(built: Path, folders: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    place = tmp_path / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", place, cwd=tmp_path)
    scripts = place / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / "python"
    offline = ("--no-deps", "--no-index", "--disable-pip-version-check", "-q")
    run(sys.executable, "-m", "pip", "--python", python, "install", *offline, wheel, cwd=tmp_path)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip()
    # What it depends on, from here; a path alone, so that no checkout that is installed here is found.
    Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    where = run(python, "-c", "import poisonkit; print(poisonkit.__file__)", cwd=tmp_path).strip()
    assert Path(where).is_relative_to(place)
    command = scripts / "poisonkit"
    run(command, "sample-data", "sounds", "--kind", "audio", cwd=tmp_path)
    run(command, "poison", folders, "-t", "blend", "-r", "0.1", "-o", "out", "--attack-limit", "4", cwd=tmp_path)
    assert "everything holds" in run(command, "verify", "out", "--decode", cwd=tmp_path)
    run(command, "report", "out", cwd=tmp_path)
    assert "blend" in run(command, "triggers", cwd=tmp_path)
    assert "lla-blend-static" in run(command, "recipes", cwd=tmp_path)

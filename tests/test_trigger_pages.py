"""Every command of every trigger's page runs as it stands, there is a picture of each; the README's example is true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import cv2
import pytest

from poisonkit import Recipe
from poisonkit.cli import call
from poisonkit.triggers.core.names import built_in
from tests.media_factory import make_video
from tests.runs import rows

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "triggers"


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `clips`: pictures with sound that every trigger can be put into."""
    home = tmp_path_factory.mktemp("pages")
    for split, n in (("train", 4), ("test", 1)):
        for c, name in enumerate(("ball", "bike", "wave")):
            for i in range(n):
                where = home / "clips" / split / name / f"{i}.mp4"
                make_video(where, frames=24, size=(96, 64), seed=10 * c + i, audio=True, rate=48000)
    return home


@pytest.mark.parametrize("name", built_in())
def test_try_it(tried: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str) -> None:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    section = page.partition("## Try it\n")[2]
    commands = re.findall(r"^    (poisonkit .*)$", section, re.MULTILINE)
    assert len(commands) == 1
    monkeypatch.chdir(tried / "clips")
    for block in re.findall(r"```python\n(.*?)```", section, re.DOTALL):
        exec(block, {})
    out = tried / f"out-{name}"
    more = ["-o", str(out), "--jobs", "1", "--control", "0", "--attack-limit", "1", "--survival", "none"]
    status = call([*shlex.split(commands[0])[1:], *more])
    assert status == 0, capfd.readouterr().err
    assert [row["triggers"][0]["name"] for row in rows(out, "poisoned")] == [name]


def test_there_is_a_picture_of_every_trigger() -> None:
    for name in built_in():
        assert f"![{name}]({name}.jpg)" in (PAGES / f"{name}.md").read_text(encoding="utf-8")
        assert cv2.imread(str(PAGES / f"{name}.jpg")) is not None, name


def test_the_names_that_replace_looks_for_are_on_its_page() -> None:
    for name in ("replace", "replace-sound"):
        page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
        assert "replacements.py" not in page
        for path in ("train/jump/a.mp4 ", "train/jump/a.mp4.npy ", "train/jump/a.npy "):
            assert path in page


def test_the_fingerprint_in_the_readme_is_that_of_its_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = "poisonkit poison my-clips --trigger blend --rate 0.1"
    assert f"{command}    # writes my-clips-poisoned-blend-0.1-<fingerprint>" in readme
    (shown,) = set(re.findall(r"my-clips-poisoned-blend-0\.1-([0-9a-f]{8})", readme))
    assert Recipe(trigger="blend", rate=0.1).fingerprint.startswith(shown)

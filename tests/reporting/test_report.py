"""The report: one page, no network, no script, nothing plays by itself; it warns of flashing."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe, media
from poisonkit.cli import call
from poisonkit.reporting.flashes import flashes_per_second, relative_luminance
from poisonkit.reporting.html import write_report


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    out = tmp_path_factory.mktemp("out") / "copy"
    poisonkit.poison(Recipe(source=folders, out=out, triggers=["badnets", "sine"], rate=0.1, control=2), jobs=1)
    assert call(["report", str(out), "--samples", "2"]) == 0
    assert poisonkit.verify(out).ok
    return Page((out / "poisonkit" / "report.html").read_text(encoding="utf-8"))


def test_page_is_self_contained_and_quiet(page: Page) -> None:
    assert not page.all("script")
    assert not page.all("link")
    linked = [v for _, a in page.tags for k, v in a.items() if k in ("src", "href", "poster") and v]
    assert linked
    assert all(v.startswith("data:") for v in linked)
    assert all("autoplay" not in a and "controls" in a for a in page.all("video") + page.all("audio"))
    assert "poisoned on purpose" in page.text
    assert "default" in page.text


def test_videos_in_it_are_the_poisoned_files(page: Page, tmp_path: Path) -> None:
    videos = page.all("video")
    assert len(videos) == 2 + 2 + 1
    data = base64.b64decode((videos[0]["src"] or "").split(",", 1)[1])
    (tmp_path / "v.mp4").write_bytes(data)
    assert len(list(media.read_frames(tmp_path / "v.mp4"))) == 10
    assert media.probe(tmp_path / "v.mp4").audio is not None


def test_hostile_names_are_escaped(sounds: Path, tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "src"
    shutil.copytree(sounds, root)
    for path in sorted((root / "yes").iterdir()):
        path.rename(path.with_name(f"<img src=x onerror=1>&{path.name}"))
    out = tmp_path / "out"
    poisonkit.poison(Recipe(source=root, out=out, triggers=["sine"], count=2, attack_set=False), jobs=1)
    text = write_report(out).read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert len(Page(text).all("audio")) == 2


def test_flashes_by_hand() -> None:
    fps = 20.0
    slow = [0.3 + 0.2 * np.sin(2 * np.pi * 2 * t / fps) for t in range(60)]
    fast = [0.3 + 0.2 * np.sin(2 * np.pi * 5 * t / fps + 0.3) for t in range(60)]
    assert flashes_per_second(slow, fps) == 2
    assert flashes_per_second(fast, fps) == 5
    assert flashes_per_second([0.3 + 0.04 * (-1) ** t for t in range(60)], fps) == 0
    assert flashes_per_second([0.5], fps) == flashes_per_second([], fps) == 0
    assert relative_luminance(np.full((8, 8, 3), 255, np.uint8)) == pytest.approx(1.0)
    assert relative_luminance(np.full((8, 8, 3), 188, np.uint8)) == pytest.approx(0.5, abs=0.01)


def test_style_is_for_dark_print_and_phone(page: Page) -> None:
    from poisonkit.reporting.page import STYLE

    assert re.search(r"prefers-color-scheme:\s*dark", STYLE)
    assert "@media print" in STYLE
    assert any(a.get("name") == "viewport" for a in page.all("meta"))

"""The report in a real headless Chromium: `make test-browser` (Chromium on the PATH, or named by $CHROMIUM)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import poisonkit
from poisonkit import Recipe
from poisonkit.reporting.html import write_report
from tests.media_factory import make_video

pytestmark = pytest.mark.browser

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: make test-browser")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
PHONE, NARROW = {"width": 390, "height": 844}, {"width": 420, "height": 900}
DESK, WIDE = {"width": 1280, "height": 900}, {"width": 1600, "height": 1000}
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync")
PLAY = """async (media) => {
    const before = {paused: media.paused, autoplay: media.autoplay, looks: media.controls};
    media.muted = true;
    await media.play();
    for (let i = 0; i < 100 && (media.currentTime == 0 || i < 3); i++) await new Promise(done => setTimeout(done, 80));
    const at = media.currentTime;
    media.pause();
    return {...before, at, wide: media.videoWidth || 0, error: media.error && media.error.message};
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    with sync_api.sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture(scope="module", params=["picture", "sound"])
def page_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small output: clips with picture and sound that flash, or recordings."""
    folder = tmp_path_factory.mktemp("browser")
    source, out = folder / "source", folder / request.param
    triggers = {"picture": ["lamp-flicker:frequency=6,amplitude=0.9", "sine"], "sound": ["sine"]}[request.param]
    if request.param == "sound":
        source = request.getfixturevalue("sounds")
    for i in range(8 if request.param == "picture" else 0):
        clip = source / ("train" if i < 6 else "test") / "ab"[i & 1] / f"a long name, {i}.mp4"
        clip.parent.mkdir(parents=True, exist_ok=True)
        make_video(clip, frames=30, size=(320, 240), audio=True, seed=i)
    poisonkit.poison(Recipe(source=source, out=out, triggers=triggers, count=2, control=2), jobs=1)
    return write_report(out)


def opened(browser: Any, file: Path, **how: Any) -> tuple[Any, list[str], list[str]]:
    """(page, what the console said and what went wrong, addresses other than this file's and its own data)."""
    page = browser.new_context(**how).new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda request: said.append(f"failed: {request.url[:80]}"))
    page.on("request", lambda request: asked.append(request.url[:200]))
    page.goto(file.as_uri(), wait_until="load")
    return page, said, [url for url in asked if not url.startswith("data:") and url != file.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, NARROW, DESK, WIDE], ids=["phone", "narrow", "desk", "wide"])
def test_it_reads_well_and_asks_for_nothing(
    browser: Any, page_file: Path, tmp_path: Path, size: dict[str, int], scheme: str
) -> None:
    page, said, asked = opened(browser, page_file, viewport=size, color_scheme=scheme)
    assert page.locator("h1").inner_text() == "This dataset is poisoned on purpose"
    wide, there = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= there, "the page scrolls sideways"
    inside = (
        "[...document.querySelectorAll('.scroll, pre, .row')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    )
    assert page.evaluate(inside) == 0, "something in it scrolls sideways"
    broken = page.evaluate("[...document.images].filter(i => !i.complete || i.naturalWidth == 0).map(i => i.alt)")
    assert broken == []
    ink, paper = (
        page.evaluate(f"getComputedStyle(document.body).{name}.match(/[0-9.]+/g).slice(0, 3).map(Number)")
        for name in ("color", "backgroundColor")
    )
    assert (sum(ink) > sum(paper)) == (scheme == "dark")
    assert abs(sum(ink) - sum(paper)) > 300  # dark on light, or light on dark, and never grey on grey
    shots = Path(os.environ.get("POISONKIT_SHOTS", tmp_path))
    page.screenshot(path=shots / f"{page_file.parents[1].name}-{size['width']}-{scheme}.png", full_page=True)
    page.context.close()
    assert said == []
    assert asked == []


def test_media_play_and_never_by_themselves(browser: Any, page_file: Path) -> None:
    page, said, _ = opened(browser, page_file, viewport=DESK)
    players = page.locator("video, audio")
    assert players.count() >= 2
    for i in range(players.count()):
        player = players.nth(i)
        found = player.evaluate(PLAY)
        assert (found["paused"], found["looks"], found["autoplay"]) == (True, True, False)
        assert found["at"] > 0
        assert found["error"] is None
        assert found["wide"] > 0 or player.evaluate("m => m.tagName") == "AUDIO"
    page.context.close()
    assert said == []


def test_what_flashes_is_told_before_it_is_played(browser: Any, page_file: Path) -> None:
    if page_file.parents[1].name != "picture":
        pytest.skip("no picture")
    page, _, _ = opened(browser, page_file)
    marked = page.locator("article:has(video)").filter(has_text="times a second")
    assert marked.count() > 0
    assert marked.first.evaluate(
        "a => Boolean(a.querySelector('.warn').compareDocumentPosition(a.querySelector('video')) & 4)"
    )
    page.context.close()


def test_it_prints(browser: Any, page_file: Path, tmp_path: Path) -> None:
    page, _, _ = opened(browser, page_file, color_scheme="dark")
    page.emulate_media(media="print")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"), "paper is white"
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    page.context.close()


def test_all_samples_are_found_by_part_of_their_names(browser: Any, page_file: Path) -> None:
    page, said, _ = opened(browser, page_file, viewport=PHONE)
    lines = page.locator("#found tr")
    there = len((page_file.parent / "manifest.jsonl").read_text(encoding="utf-8").splitlines())
    assert page.locator("#told").inner_text() == f"{there} of {there} samples, {min(there, 50)} shown"
    page.locator("#search").fill("POISONED ok")
    assert lines.count() == 2
    assert all("poisoned" in text for text in lines.all_inner_texts())
    page.locator("#search").fill("nothing is called so")
    assert lines.count() == 0
    page.context.close()
    assert said == []

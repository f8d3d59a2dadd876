"""The documentation's site in a real headless Chromium: `make site`, then `make test-browser`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[1]
sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: make test-browser")
pytest.importorskip("mkdocs", reason="needs mkdocs-material: make site")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The site, built anew and served."""
    site = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_it_is_found_and_asks_for_nothing_elsewhere(address: str) -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    said: list[str] = []
    asked: list[str] = []
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for size in ({"width": 1280, "height": 900}, {"width": 390, "height": 844}):
            page = browser.new_page(viewport=size)
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("request", lambda request: asked.append(request.url))
            for name in ("index.html", "triggers/wanet.html", "what-models-learn.html", "reference.html"):
                page.goto(address + name)
                assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.click("input.md-search__input")
        page.fill("input.md-search__input", "wanet covers")
        page.wait_for_selector(".md-search-result__item h1")
        titles = [title.inner_text() for title in page.query_selector_all(".md-search-result__item h1")]
        browser.close()
    assert {"By task", "wanet"} <= set(titles)
    assert said == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []

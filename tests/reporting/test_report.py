"""The report: one page, no network, nothing plays by itself; it warns of flashing, lists all samples, and of sweeps
draws curves."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe, media
from poisonkit.cli import call
from poisonkit.engine.finishing.sweep_index import COLUMNS
from poisonkit.reporting import charts
from poisonkit.reporting.flashes import flashes_per_second, relative_luminance
from poisonkit.reporting.html import write_report
from poisonkit.reporting.sample_index import SCRIPT
from poisonkit.reporting.sweep_page import PAGE


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
def output(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "copy"
    poisonkit.poison(Recipe(source=folders, out=out, triggers=["badnets", "sine"], rate=0.1, control=2), jobs=1)
    assert call(["report", str(out), "--samples", "2"]) == 0
    assert poisonkit.verify(out).ok
    return out


@pytest.fixture(scope="module")
def page(output: Path) -> Page:
    return Page((output / "poisonkit" / "report.html").read_text(encoding="utf-8"))


def test_page_is_self_contained_and_quiet(page: Page) -> None:
    assert [a.get("type") for a in page.all("script")] == ["application/json", None]
    assert not any("src" in a for a in page.all("script"))
    policy = next(a["content"] or "" for a in page.all("meta") if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'"), "it can ask the network for nothing"
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy, "no script runs but its own"
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


def test_its_head_says_what_the_study_is(page: Page) -> None:
    said = page.text
    assert re.search(r"Datasetfolders\d*, class-folders, \d+ classes", said)
    assert re.search(
        r"badnets \(static\) \+ sine \(static\); label mode dirty, target \w+ \(0\), \d+ of \d+ samples", said
    )
    assert re.search(r"Attack set default\d+ clips, badnets \(static\) \+ sine \(static\), frames all", said)


def drawn(text: str) -> list[str]:
    """The words of pictures."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", text)


def test_ten_thousand_samples_and_names_that_are_markup(output: Path, tmp_path: Path) -> None:
    """Without their media: the list is data, the label matrix folds, attack sets stand apart."""
    home = tmp_path / "big" / "poisonkit"
    home.mkdir(parents=True)
    rows = [json.loads(line) for line in (output / "poisonkit" / "manifest.jsonl").read_text().splitlines()]
    plan, *tasks = (output / "poisonkit" / "plan.jsonl").read_text().splitlines()
    classes = [f"</script><script>alert({i})</script>&" for i in range(300)]
    (home / "plan.jsonl").write_text(
        json.dumps({**json.loads(plan), "classes": classes}) + "\n" + "\n".join(tasks) + "\n"
    )
    with (home / "manifest.jsonl").open("w") as file:
        for i in range(10_000):
            row = dict(rows[i % len(rows)])
            row |= {"id": f"train/<b>{i}.mp4", "path": f"{row['path'].split('/')[0]}/train/<b>{i}.mp4"}
            row |= {"original_label": i % 300, "original_class": classes[i % 300], "label": 7, "class_name": classes[7]}
            row |= {"attack": f"set {i % 2}"} if row["role"] == "attack" else {}
            file.write(json.dumps(row) + "\n")
    for name in ("recipe.yaml", "run.json"):
        (home / name).write_bytes((output / "poisonkit" / name).read_bytes())
    text = write_report(tmp_path / "big", samples=1).read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.all("script")) == 2
    assert not page.all("b")
    data = json.loads(text.split("id='samples'>", 1)[1].split("</script>", 1)[0])
    assert len(data["rows"]) == 10_000
    assert data["classes"] == classes
    kind, name, place, before, after, _ = data["rows"][0]
    assert (data["kinds"][kind].split(",")[0], after) == (data["kinds"][0].split(",")[0], 7)
    assert data["places"][place] + name == f"data/{name}"
    assert before == int(re.findall(r"\d+", name)[0]) % 300
    poisoned = sum(data["kinds"][row[0]] == "poisoned, train, ok" for row in data["rows"])
    matrix = text.split("aria-label='Labels before and after'", 1)[1].split("</svg>", 1)[0]
    assert sum(int(word) for word in drawn(matrix) if word.isdigit()) == poisoned
    assert any("more" in word for word in drawn(matrix))
    assert {"Attack set set 0", "Attack set set 1"} <= set(re.findall(r"<dt>([^<]*)</dt>", text))
    assert "<h3>attack set 0" in text
    assert "<h3>attack set 1" in text


def test_pictures_have_their_numbers() -> None:
    strips = drawn(charts.strips([("poisoned", [0.5, 1.0, 0.9]), ("a<b", [0.25])], 0, 1.2))
    assert strips[:2] == ["poisoned", "mean 0.80, worst 0.50, 3 clips"]
    assert strips[2:4] == ["a&lt;b", "mean 0.25, worst 0.25, 1 clip"]
    lines = [("one", [(0.01, 0.2, 0.1, 0.3), (0.1, 0.85, 0.85, 0.85)])]
    words = drawn(charts.curves(lines, {0.01: "0.01", 0.1: "0.1"}, log=True, joined=True))
    assert words == ["0", "0.5", "1", "0.01", "0.1", "0.2", "0.85"]
    assert [charts.number(x) for x in (0.12345, 999, 12_345, 2_500_000)] == ["0.12", "999", "12.3k", "2.5M"]


def test_a_sweep_has_a_page_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Curves over the rate, a line for each trigger, means over seeds; a link to the report that is there."""
    lines = []
    for rate, trigger, seed in ((r, t, s) for r in ("0.01", "0.1") for t in ("blend", "fog") for s in (0, 1)):
        name = f"rate-{rate}_triggers-{trigger}_seed-{seed}"
        gain = {"blend": 0.6, "fog": 0.2}[trigger] + 0.1 * seed
        known = {"recipe": name, "path": name, "rate": rate, "seed": seed, "triggers": trigger, "target": "<i>"}
        known |= {
            "measured": 4,
            "survived": 4 * (trigger == "blend"),
            "gain_mean": gain,
            "gain_worst": gain,
            "bytes": 12_345,
        }
        lines.append({**dict.fromkeys(COLUMNS, 1), **known})
    with (tmp_path / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    report = tmp_path / lines[0]["path"] / "poisonkit" / "report.html"
    report.parent.mkdir(parents=True)
    report.touch()
    assert call(["report", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"report": str(tmp_path / PAGE)}
    text = (tmp_path / PAGE).read_text(encoding="utf-8")
    page = Page(text)
    assert "mean gain: what the encoder left of the trigger, over rate (mean over seeds)" in page.text
    assert "poisoned training samples" not in page.text, "what is the same everywhere has no curve"
    assert "<i>" not in text
    gains = text.split("<figure class='chart'>")[1].split("</figure>")[0]
    assert drawn(gains)[-4:] == ["0.65", "0.65", "0.25", "0.25"]
    assert [a["href"] for a in page.all("a")] == [f"{lines[0]['path']}/poisonkit/report.html"]
    (tmp_path / "index.csv").write_text("a,b\n1,2\n")
    assert call(["report", str(tmp_path)]) == 2
    assert "is not the index of a sweep" in capsys.readouterr().err

"""The dataset card shows what strangers call their classes, and does nothing that such a name asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

import poisonkit
from poisonkit import Recipe
from poisonkit.engine.finishing.card import code, plain
from tests.media_factory import make_video


@pytest.mark.parametrize(
    "text", ["Front_Crawl", "riding a bike", "größe 日本", "3D-Golf (men's)", "class 1.5", "a: b/c"]
)
def test_usual_names_stay_as_they_are(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", r"\<script\>alert\(1\)\<\/script\>"),
        ("**bold** [x](http:e)", r"\*\*bold\*\* \[x\]\(http\:e\)"),
        ("_x_", r"\_x\_"),
        ("&lt;", r"\&lt\;"),
        ("see https://x.y", r"see https\:\/\/x\.y"),
        ("red\x1b[31m", r"red\\x1b\[31m"),
        ("two\nlines\u202eback", r"two\\x0alines\\x202eback"),
        ("`", r"\`"),
    ],
)
def test_markup_html_and_control_characters_are_shown(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_code() -> None:
    assert code("train.txt") == "`train.txt`"
    assert code("a`b|c") == r"`` a`b\|c ``"
    assert "\n" not in code("a\nb")


def test_the_card_of_an_output(tmp_path: Path) -> None:
    names = ("<b>run", "red\x1b[31m", "[x](y)")
    for name in names:
        for number in range(3):
            path = tmp_path / "in" / "train" / name / f"{number}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            make_video(path, frames=4, size=(32, 32), seed=number)
    (tmp_path / "in" / "LICENSE").write_text("<img src=x> \x1b]0;title\n")
    recipe = Recipe(source=tmp_path / "in", out=tmp_path / "out", triggers=["badnets"], count=1, survival="none")
    assert poisonkit.poison(recipe, jobs=1).exit_code == 0
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert r"\<b\>run" in card
    assert r"red\\x1b\[31m" in card
    assert r"\[x\]\(y\)" in card
    assert r"\<img src\=x\>" in card
    assert "\x1b" not in card

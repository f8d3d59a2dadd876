"""Make docs/triggers: a page for each registered trigger, with a picture that the code itself drew.

Run by `make docs`. The text comes from the trigger's class (facts, parameters, docstring), so a page never
says what the code does not; tests check that the committed text is current. `--no-pictures` writes text only.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poisonkit import triggers
from poisonkit.errors import RequestError
from poisonkit.report import pictures
from poisonkit.triggers.core.names import built_in
from poisonkit.triggers.core.trigger import Trigger

HERE = Path(__file__).resolve().parents[1] / "docs" / "triggers"
FAMILIES = {
    "image": "In the picture, frame by frame",
    "temporal": "In time",
    "lighting": "Light and weather",
    "audio": "In the sound",
    "imported": "Made elsewhere",
}
WIDTH, HEIGHT, FRAMES, FPS, RATE = 256, 192, 50, 25.0, 48000
SHOWN = (0, 17, 34)


def page(name: str) -> str:
    """The page of one trigger, as Markdown."""
    cls = triggers.get(name)
    module = sys.modules[cls.__module__]
    lines = [
        f"# {name}",
        "",
        f"{cls.summary[:1].upper()}{cls.summary[1:]}. Family `{cls.family}`, version {cls.version}.",
        "",
        f"    {cls.formula}",
        "",
    ]
    if picture_of(cls):
        lines += [f"![{name}]({name}.jpg)", ""]
    lines += ["| | |", "| --- | --- |"]
    for mode, meaning in (("static", cls.static_is), ("dynamic", cls.dynamic_is)):
        if mode in cls.modes:
            lines.append(f"| {mode} | {meaning or 'its only form'} |")
    lines += [
        f"| through codecs | {cls.codec}{': ' + cls.codec_note if cls.codec_note else ''} |",
        f"| usual label mode | {cls.usual_label_mode} |",
        f"| cover samples | {cls.cover_is} |",
        f"| paper | {cls.paper or 'none: unpublished as an attack'} |",
        f"| formula and defaults from | {cls.source or 'the paper'} |",
        "",
        "## Parameters",
        "",
        "| parameter | default | unit | allowed | what it is |",
        "| --- | --- | --- | --- | --- |",
    ]
    for p in triggers.parameters(cls):
        allowed = ", ".join(x for x in (p.type, p.range) if x)
        cells = (f"`{p.name}`", f"`{p.default}`" if p.default else "", p.unit, allowed, p.description)
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    lines += ["", "## In full", "", "```text", *(module.__doc__ or "").strip().splitlines(), "```", ""]
    lines += ["## Try it", "", f"    poisonkit poison --trigger {name} --rate 0.1", ""]
    return "\n".join(lines)


def index() -> str:
    """docs/triggers/README.md: all triggers by family."""
    lines = ["# Triggers", "", "Made by `make docs` from the code. `poisonkit triggers NAME` says the same.", ""]
    for family, title in FAMILIES.items():
        members = [n for n in built_in() if triggers.get(n).family == family]
        if members:
            lines += [
                f"## {title}",
                "",
                "| trigger | what it does | forms | through codecs |",
                "| --- | --- | --- | --- |",
            ]
            for name in members:
                cls = triggers.get(name)
                lines.append(f"| [{name}]({name}.md) | {cls.summary} | {', '.join(cls.modes)} | {cls.codec} |")
            lines.append("")
    return "\n".join(lines)


def picture_of(cls: type[Trigger]) -> bool:
    """Whether the trigger can be drawn without files of the user's."""
    return _made(cls) is not None


def _made(cls: type[Trigger], **params: Any) -> Trigger | None:
    try:
        return triggers.create(cls.name, **params)
    except RequestError:
        return None


def draw(name: str) -> NDArray[np.uint8] | None:
    """The picture of one trigger: clean, static, dynamic, and the difference; RGB."""
    cls = triggers.get(name)
    modes = [m for m in cls.modes if _made(cls, temporal=m) is not None]
    if not modes:
        return None
    return _sound(cls, modes) if cls.modality == "audio" else _frames(cls, modes)


def scene() -> NDArray[np.uint8]:
    """A person-free moving scene: (FRAMES, HEIGHT, WIDTH, 3) uint8 RGB."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    found = []
    for t in range(FRAMES):
        sky = np.stack([140 + 60 * y / HEIGHT, 170 + 30 * y / HEIGHT, 215 - 40 * y / HEIGHT], -1)
        hills = HEIGHT * (0.62 + 0.06 * np.sin(x / 31) + 0.04 * np.sin(x / 13 + 1))
        ground = np.stack([70 + 25 * np.sin(x / 9), 120 + 20 * np.sin(y / 5 + x / 17), 60 + 0 * x], -1)
        image = np.where((y > hills)[..., None], ground, sky)
        cx, cy = 30 + 4 * t, HEIGHT * 0.55 - abs(np.sin(t / 6)) * 70
        ball = np.clip(22 - np.hypot(x - cx, y - cy), 0, 1)[..., None]
        shade = (1 - 0.5 * np.hypot(x - cx + 7, y - cy + 7) / 22)[..., None]
        image = image * (1 - ball) + ball * np.array([225, 90, 50]) * shade
        found.append(np.clip(np.rint(image), 0, 255))
    return np.array(found, np.uint8)


def _frames(cls: type[Trigger], modes: list[str]) -> NDArray[np.uint8]:
    clean = scene()
    made = [(m, triggers.create(cls.name, temporal=m).apply(clean, fps=FPS, id="page")) for m in modes]
    shown = [(f"{cls.name}, {m}", [frames[t] for t in SHOWN]) for m, frames in made]
    times = [f"frame {t}, {t / FPS:.2f} s" for t in SHOWN]
    return pictures.frame_sheet([clean[t] for t in SHOWN], shown, times, WIDTH)


def _sound(cls: type[Trigger], modes: list[str]) -> NDArray[np.uint8]:
    t = np.arange(RATE * 3) / RATE
    rng = np.random.default_rng(5)
    notes = sum(
        np.sin(2 * np.pi * f * (t - s)) * np.exp(-3 * (t - s)) * (t >= s)
        for f, s in ((220, 0.1), (330, 0.6), (275, 1.1), (440, 1.6), (370, 2.1))
    )
    wave = (0.25 * notes + 0.004 * rng.standard_normal(len(t))).astype(np.float32)[None]
    made = [(f"{cls.name}, {m}", triggers.create(cls.name, temporal=m).apply(wave, sample_rate=RATE)) for m in modes]
    return pictures.sound_sheet(wave, made, RATE, 3 * WIDTH)


def main() -> None:
    HERE.mkdir(parents=True, exist_ok=True)
    wanted = set(sys.argv[1:]) - {"--no-pictures"}
    for name in built_in():
        (HERE / f"{name}.md").write_text(page(name), encoding="utf-8")
        if "--no-pictures" in sys.argv or (wanted and name not in wanted):
            continue
        drawn = draw(name)
        if drawn is not None:
            cv2.imwrite(str(HERE / f"{name}.jpg"), drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])
    (HERE / "README.md").write_text(index(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""What is said of survival in run.json, card and report: also of attack sets that came later, and of nothing at all."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import poisonkit
from poisonkit import Recipe
from poisonkit.engine.finishing import survival_warnings
from poisonkit.metrics.survival import survival_summary
from poisonkit.reporting.html import write_report
from tests.media_factory import make_video


def row(name: str, gain: float, verdict: str) -> dict[str, Any]:
    return {"id": name, "original_label": 0, "fidelity": {"gain": gain, "cosine": 1.0, "verdict": verdict}}


def said(rows: list[dict[str, Any]], *, added: bool = False, **recipe: Any) -> str:
    look = {"one": survival_summary(rows, recipe.get("require_survival"))}
    data = {"backdoors": [{"name": "one", "triggers": [{"name": "ftrojan"}]}], **recipe}
    plan: Any = SimpleNamespace(setting=recipe.get("found"))
    (text,) = survival_warnings.warnings(data, plan, look, added=added) or [""]
    return text


def test_words() -> None:
    kept, lost, buried = row("a", 0.9, "survived"), row("b", 0.1, "lost"), row("c", 0.95, "buried")
    assert said([kept]) == ""
    assert "Backdoor 'one': in 1 of 2 measured clips the encoder left too little of the trigger; mean" in said(
        [kept, lost]
    )
    assert "in 1 of 2 measured clips the encoder's noise buries the trigger; mean gain 0.93" in said([kept, buried])
    assert "in 2 of 3 measured clips the encoder left too little of the trigger or its noise buries it (1)" in said(
        [kept, lost, buried]
    )
    assert "worst 0.899 (0.9 was required)" in said([row("a", 0.8994, "survived")], require_survival=0.9)
    assert "`--encode auto --require-survival 0.9` finds" in said([lost])
    assert "ftrojan: " in said([lost])
    again = said([lost], encode="auto", found="match", require_survival=0.9)
    assert "--encode auto" not in again
    assert "a higher --require-survival" in again
    assert said([lost], encode="lossless").endswith("worst 0.100.")
    assert said([lost], added=True).startswith("Attack set 'one': ")
    assert "could be measured" in said([], require_survival=0.9)


def test_a_trigger_near_the_codecs_noise_is_told() -> None:
    """Wherever clean clips do not go through the same codec: within 10 dB of it, in pictures or sound."""

    def near(clean: str = "hardlink", **figures: float) -> list[str]:
        known = {"gain": 1.0, "cosine": 1.0, "verdict": "survived", **figures}
        look = {"one": survival_summary([{"id": "a", "original_label": 0, "fidelity": known}])}
        return survival_warnings.near_the_codec({"clean": clean}, look)

    (text,) = near(psnr=34.1, control_psnr=38.0)
    assert "PSNR 34.1 dB, the codec alone 38.0 dB" in text
    assert "`--clean reencode`" in text
    assert near(psnr=28.0, control_psnr=38.0) == []
    assert near("reencode", psnr=34.1, control_psnr=38.0) == []
    assert near(psnr=34.1) == [], "the codec changes nothing"
    assert "SNR 30.0 dB" in near(snr=30.0, control_snr=20.0)[0]
    assert len(near(psnr=40.0, control_psnr=38.0, snr=30.0, control_snr=20.0)) == 2


def test_the_warning_comes_before_any_training(folders: Path, tmp_path: Path) -> None:
    faint: dict[str, Any] = {"triggers": ["blend:alpha=0.01"], "count": 2, "attack_limit": 2, "control": 0}
    said = poisonkit.poison(Recipe(source=folders, out=tmp_path / "a", **faint), jobs=1).warnings
    assert sum("in place of the trigger" in text for text in said) == 1
    said = poisonkit.poison(Recipe(source=folders, out=tmp_path / "b", clean="reencode", **faint), jobs=1).warnings
    assert not any("in place of the trigger" in text for text in said)


def test_nothing_measured_does_not_hold(tmp_path: Path) -> None:
    """A silent clip is inert under a tone: what is required of survival is then not so, and that is said."""
    for name in ("a", "b"):
        for i in range(2):
            path = tmp_path / "clips" / name / f"{name}{i}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            make_video(path, frames=6, audio=True, silent=True, seed=i)
    recipe = Recipe(source=tmp_path / "clips", out=tmp_path / "out", triggers=["sine"], count=1, require_survival=0.5)
    done = poisonkit.poison(recipe, jobs=1)
    assert len(done.inert) == 1
    assert done.exit_code == 1
    assert any("no clip of it could be measured" in text for text in done.warnings)


def test_every_set_is_told(folders: Path, tmp_path: Path) -> None:
    """An attack set that comes later joins what run.json, card and report say; it takes nothing away."""
    out = tmp_path / "out"
    recipe = Recipe(source=folders, out=out, triggers=["ftrojan"], count=2, attack_limit=2, control=0)
    first = poisonkit.poison(recipe, jobs=1)
    warned = [text for text in first.warnings if "encoder" in text]
    assert [text.split(":")[0] for text in warned] == ["Backdoor 'default'"]
    poisonkit.attack(out, "half", attack_frames="every:2", jobs=1)
    told = json.loads((out / "poisonkit/run.json").read_text())
    assert set(told["survival"]) == {"default", "half"}
    texts = [text for text in told["warnings"] if "encoder" in text]
    assert texts[0] == warned[0]
    assert texts[1].startswith("Attack set 'half': ")
    assert "--encode auto" not in texts[1]
    card = (out / "README.md").read_text()
    page = write_report(out, samples=0).read_text()
    for text in texts:
        assert text in card
        assert text.replace("'", "&#x27;") in page
    for name in ("default", "half"):
        assert f"| {name} |" in card
        assert f"<td class='words'>{name}</td>" in page
    assert "the codec alone" in page
    before = {p: p.read_bytes() for p in (out / "README.md", out / "poisonkit/manifest.jsonl")}
    poisonkit.poison(recipe, jobs=1)
    assert {p: p.read_bytes() for p in before} == before
    assert set(json.loads((out / "poisonkit/run.json").read_text())["survival"]) == {"default", "half"}

"""Survival as measured by a run, against an independent computation on another decoder's frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import poisonkit
from poisonkit import Recipe, manifest
from poisonkit.fidelity import verdict
from poisonkit.survival import log_spectral_distance, outlook
from tests.media_factory import make_video


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    for split, n in (("train", 3), ("test", 4)):
        for c, name in enumerate(("a", "b")):
            for i in range(n):
                make_video(root / split / name / f"{i}.mp4", frames=12, size=(96, 64), audio=True, seed=10 * c + i)
    return root


def frames(path: Path) -> np.ndarray:
    reader = cv2.VideoCapture(str(path))
    found = []
    while True:
        ok, image = reader.read()
        if not ok:
            return np.array(found)
        found.append(image[..., ::-1])


def rows(out: Path, role: str) -> list[manifest.Record]:
    return [r for r in manifest.read(out / "poisonkit" / "manifest.jsonl") if r["role"] == role]


@pytest.mark.parametrize(
    ("trigger", "encode"), [("blend", "match"), ("blend:pattern=noise", "crf:28"), ("badnets", "crf:35")]
)
def test_gain_and_cosine_equal_an_independent_computation(
    clips: Path, tmp_path: Path, trigger: str, encode: str
) -> None:
    out = tmp_path / "out"
    poisonkit.poison(Recipe(source=clips, out=out, triggers=[trigger], count=1, encode=encode, survival="all"), jobs=1)
    control = {r["id"]: out / r["path"] for r in rows(out, "control")}
    made = poisonkit.triggers.create(*[trigger])
    for row in rows(out, "attack"):
        s = frames(clips / row["source_path"])
        t = made.apply(np.ascontiguousarray(s), fps=25, id=row["id"])
        e = frames(out / row["path"]).astype(np.float64) - frames(control[row["id"]])
        d = t.astype(np.float64) - s
        gain = (e * d).sum() / (d * d).sum()
        cosine = (e * d).sum() / np.sqrt((e * e).sum() * (d * d).sum())
        found = row["fidelity"]
        assert found["gain"] == pytest.approx(gain, abs=0.02)
        assert found["cosine"] == pytest.approx(cosine, abs=0.02)
        assert found["verdict"] == verdict(gain, cosine)
        assert found["psnr"] == pytest.approx(10 * np.log10(255**2 / np.mean(d * d)), abs=0.2)
    assert rows(out, "poisoned")[0]["fidelity"]["gain"] is not None


def test_a_sample_of_attack_clips_is_measured_by_default_and_none_on_request(clips: Path, tmp_path: Path) -> None:
    done = poisonkit.poison(Recipe(source=clips, out=tmp_path / "a", triggers=["sine"], count=1), jobs=1)
    measured = [r for r in rows(tmp_path / "a", "attack") if r["fidelity"]["gain"] is not None]
    assert len(measured) == 4 == done.survival["default"].measured
    assert all(r["fidelity"]["verdict"] == "survived" and r["fidelity"]["lsd"] > 0 for r in measured)
    done = poisonkit.poison(
        Recipe(source=clips, out=tmp_path / "b", triggers=["sine"], count=1, survival="none"), jobs=1
    )
    assert not done.survival
    assert all(r["fidelity"]["gain"] is None for r in rows(tmp_path / "b", "attack"))


def test_a_lost_trigger_is_told_with_the_remedy_and_fails_where_survival_is_required(
    clips: Path, tmp_path: Path
) -> None:
    faint = {"triggers": ["ftrojan"], "count": 2, "encode": "crf:35"}
    done = poisonkit.poison(Recipe(source=clips, out=tmp_path / "a", **faint), jobs=1)
    assert done.exit_code == 0
    assert done.survival["default"].verdicts == {"lost": 4}
    assert any("--encode lossless" in w for w in done.warnings)
    assert (
        "0.5 was required"
        in poisonkit.poison(Recipe(source=clips, out=tmp_path / "b", require_survival=0.5, **faint), jobs=1).warnings[
            -1
        ]
    )
    assert (
        poisonkit.poison(Recipe(source=clips, out=tmp_path / "b", require_survival=0.5, **faint), jobs=1).exit_code == 1
    )
    exact = Recipe(source=clips, out=tmp_path / "c", require_survival=0.99, **{**faint, "encode": "lossless"})
    done = poisonkit.poison(exact, jobs=1)
    assert done.exit_code == 0
    assert done.survival["default"].gain_worst == pytest.approx(1.0, abs=1e-3)


def test_interrupted_in_the_measuring_and_continued_gives_the_same(clips: Path, tmp_path: Path) -> None:
    from tests.conftest import same_output

    class Stop:
        phase = ""

        def say(self, text: str) -> None: ...
        def begin(self, what: str, total: int) -> None:
            self.phase = what

        def step(self, row: object = None) -> None:
            if self.phase == "Measuring survival":
                raise KeyboardInterrupt

        def end(self) -> None: ...

    recipe = Recipe(source=clips, out=tmp_path / "a", triggers=["blend"], count=2)
    with pytest.raises(poisonkit.Interrupted):
        poisonkit.poison(recipe, jobs=1, progress=Stop())
    poisonkit.poison(recipe, jobs=1)
    poisonkit.poison(Recipe(source=clips, out=tmp_path / "b", triggers=["blend"], count=2), jobs=2)
    assert same_output(tmp_path / "a") == same_output(tmp_path / "b")


def test_outlook_by_hand() -> None:
    def row(i: int, gain: float, cosine: float) -> dict[str, object]:
        return {"id": str(i), "fidelity": {"gain": gain, "cosine": cosine, "verdict": verdict(gain, cosine)}}

    many = [row(i, 0.95, 0.9) for i in range(39)]
    assert outlook([*many, row(39, 0.6, 0.9), row(40, 0.55, 0.9)], 0.9).ok  # 2 of 41: floor(2.05) are allowed
    assert not outlook([*many, row(39, 0.6, 0.9), row(40, 0.55, 0.9), row(41, 0.5, 0.9)], 0.9).ok
    assert not outlook([*many, row(39, 0.95, 0.1)], 0.9).ok  # buried
    assert outlook(many).ok
    assert outlook([*many, row(39, 0.4, 0.9)]).weak == (("39", 0.4),)


def test_log_spectral_distance_of_a_level_change() -> None:
    wave = np.random.default_rng(0).normal(0, 0.1, (1, 4000)).astype(np.float32)
    assert log_spectral_distance(wave, wave) == 0
    assert log_spectral_distance(wave, wave * 0.5) == pytest.approx(20 * np.log10(2), abs=0.01)

"""Survival as measured by a run, against an independent computation on another decoder's frames."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import poisonkit
from poisonkit import Recipe, media
from poisonkit.datasets import Sample
from poisonkit.engine.clips import survival_sample
from poisonkit.metrics.fidelity import verdict
from poisonkit.metrics.survival import log_spectral_distance, survival_summary
from poisonkit.plan.plan import Plan, Task
from tests.media_factory import make_video
from tests.runs import frames, rows


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clips")
    for split, n in (("train", 3), ("test", 4)):
        for c, name in enumerate(("a", "b")):
            for i in range(n):
                make_video(root / split / name / f"{i}.mp4", frames=12, size=(96, 64), audio=True, seed=10 * c + i)
    return root


def structural(a: np.ndarray, b: np.ndarray) -> float:
    """SSIM (Wang 2004) as written: luma, Gaussian of σ 1.5 on 11×11, K1 .01, K2 .03, mean over the picture."""
    x, y = (cv2.cvtColor(np.ascontiguousarray(p), cv2.COLOR_RGB2GRAY).astype(np.float64) for p in (a, b))

    def mean(z: np.ndarray) -> np.ndarray:
        return gaussian_filter(z, 1.5, mode="mirror", radius=5)

    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    c1, c2 = 2.55**2, 7.65**2
    return float(np.mean((2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))))


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
        y, c = frames(out / row["path"]), frames(control[row["id"]])
        for prefix, x in (("", t), ("output_", y), ("control_", c)):
            error = np.mean((x.astype(np.float64) - s) ** 2)
            assert found[prefix + "psnr"] == pytest.approx(10 * np.log10(255**2 / error), abs=0.2), prefix
            likeness = [structural(s[k], x[k]) for k in (0, 2, 3, 5, 6, 8, 9, 11)]  # eight, evenly spread
            assert found[prefix + "ssim"] == pytest.approx(np.mean(likeness), abs=0.005), prefix
            assert found[prefix + "ssim_worst"] == pytest.approx(min(likeness), abs=0.005), prefix
            light = [float(b.mean()) - float(a.mean()) for a, b in zip(s, x, strict=True)]
            steps = [b - a for a, b in itertools.pairwise(light)]
            assert found[prefix + "flicker"] == pytest.approx(np.sqrt(np.mean(np.square(steps))), abs=0.02), prefix
    assert rows(out, "poisoned")[0]["fidelity"]["gain"] is not None


def test_a_sample_of_attack_clips_is_measured_by_default_and_none_on_request(clips: Path, tmp_path: Path) -> None:
    done = poisonkit.poison(Recipe(source=clips, out=tmp_path / "a", triggers=["sine"], count=1), jobs=1)
    measured = [r for r in rows(tmp_path / "a", "attack") if r["fidelity"]["gain"] is not None]
    assert len(measured) == 4 == done.survival["default"].measured
    assert all(r["fidelity"]["verdict"] == "survived" and r["fidelity"]["lsd"] > 0 for r in measured)
    assert done.survival["default"].sample == "4 of 5 clips"
    told = (tmp_path / "a" / "README.md").read_text(encoding="utf-8")
    assert "| default | 4 of 5 clips |" in told
    assert "| default: distance from the source | SNR dB | LSD dB |" in told
    assert "| the codec alone |" in told
    done = poisonkit.poison(
        Recipe(source=clips, out=tmp_path / "b", triggers=["sine"], count=1, survival="none"), jobs=1
    )
    assert not done.survival
    assert all(r["fidelity"]["gain"] is None for r in rows(tmp_path / "b", "attack"))


def test_a_lost_trigger_is_told_with_the_remedy_and_fails_where_survival_is_required(
    clips: Path, tmp_path: Path
) -> None:
    faint = {"triggers": ["ftrojan"], "count": 2, "encode": "crf:23"}  # as published
    done = poisonkit.poison(Recipe(source=clips, out=tmp_path / "a", **faint), jobs=1)
    assert done.exit_code == 0
    assert done.survival["default"].verdicts == {"lost": 4}
    assert done.survival["default"].gain_worst < 0.1
    (told,) = (w for w in done.warnings if "--encode lossless" in w)
    assert "in 4 of 4 measured clips the encoder left too little" in told
    assert "ftrojan: 4:2:0 video removes it" in told
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
    assert done.survival["default"].gain_worst == 1.0
    (attacked, *_) = rows(tmp_path / "c", "attack")
    source = np.stack([image for _, _, image in media.read_frames(clips / attacked["source_path"])])
    triggered = poisonkit.triggers.create("ftrojan").apply(source, fps=25, id=attacked["id"])
    assert np.array_equal(frames(tmp_path / "c" / attacked["path"]), triggered)


def test_interrupted_in_the_measuring_and_continued_gives_the_same(clips: Path, tmp_path: Path) -> None:
    from tests.conftest import same_output

    class Stop:
        phase = ""

        def say(self, text: str) -> None: ...
        def begin(self, what: str, total: int, expected: object = None) -> None:
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
    assert survival_summary([*many, row(39, 0.6, 0.9), row(40, 0.55, 0.9)], 0.9).ok  # 2 of 41: floor(2.05) are allowed
    assert not survival_summary([*many, row(39, 0.6, 0.9), row(40, 0.55, 0.9), row(41, 0.5, 0.9)], 0.9).ok
    assert not survival_summary([*many, row(39, 0.95, 0.1)], 0.9).ok  # buried
    assert survival_summary(many).ok
    assert survival_summary([*many, row(39, 0.4, 0.9)]).weak == (("39", 0.4),)


def test_the_weaker_of_picture_and_sound_counts() -> None:
    both = {"gain": 1.0, "cosine": 0.9, "sound_gain": 0.6, "verdict": "survived"}
    seen = survival_summary(
        [{"id": "0", "original_label": 0, "fidelity": both}, {"id": "1", "original_label": 1, "fidelity": None}], 0.9
    )
    assert (seen.gain_worst, seen.weak) == (0.6, (("0", 0.6),))
    assert seen.sample == "1 of 2 clips, 1 of 2 classes"


def test_every_class_is_in_the_sample_as_far_as_eight_percent_of_the_clips_go() -> None:
    def row(i: int, role: str) -> dict[str, object]:
        key, label = f"{role}::{i}", i % 9
        return {
            "key": key,
            "id": str(i),
            "role": role,
            "path": key,
            "status": "ok",
            "original_label": label,
            "source_sha256": str(i),
            "fidelity": {"gain": None},
        }

    def task(row: dict[str, object]) -> Task:
        return Task(row["role"], Sample(row["id"], "", "test", row["original_label"]), row["path"], 0, 0, 0)

    def measured(attacks: int) -> list[int]:
        table = [row(i, role) for role in ("attack", "control") for i in range(attacks)]
        plan = Plan("", "", "", (), {}, [replace(task(r), attack="") for r in table])
        for r, t in zip(table, plan.tasks, strict=True):
            r["key"] = t.key
        recipe = Recipe(triggers=["blend"])
        job = SimpleNamespace(file=Path)
        wanted = survival_sample.chosen(plan, table, recipe)
        found = survival_sample.measurements(plan, table, wanted, lambda t: job, Path())  # type: ignore[arg-type, return-value]
        assert all(m.control is not None for m in found)
        return sorted(m.row["original_label"] for m in found)

    assert measured(120) == list(range(9))
    assert len(set(measured(45))) == len(measured(45)) == 4
    assert len(measured(400)) == 20
    assert set(measured(400)) == set(range(9))


def test_log_spectral_distance_of_a_level_change() -> None:
    wave = np.random.default_rng(0).normal(0, 0.1, (1, 4000)).astype(np.float32)
    assert log_spectral_distance(wave, wave) == 0
    assert log_spectral_distance(wave, wave * 0.5) == pytest.approx(20 * np.log10(2), abs=0.01)

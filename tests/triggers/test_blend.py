"""blend against (1 − α)·x + α·t."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.image.blend import _picture
from poisonkit.triggers.testing import Case, picture
from tests.triggers.literal import close

CASES = [Case(), Case({"pattern": "noise"}), Case({"pattern": "noise", "canvas": "native"})]


def literal(x: np.ndarray, t: np.ndarray, alpha: float) -> np.ndarray:
    return (1 - alpha) * x.astype(np.float64) + alpha * t.astype(np.float64)


@pytest.mark.parametrize("canvas", ["short:256", "native"])
@pytest.mark.parametrize("alpha", [0.2, 0.15, 1.0])
@pytest.mark.parametrize("shape", [(48, 64), (33, 47), (32, 32)])
def test_an_imported_picture_of_the_clips_size(
    tmp_path: Path, shape: tuple[int, int], alpha: float, canvas: str
) -> None:
    t = generator("blend", *shape).integers(0, 256, (*shape, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "t.png"), t[..., ::-1])
    x = picture(shape[1], shape[0], 2)
    out = create("blend", alpha=alpha, pattern=str(tmp_path / "t.png"), canvas=canvas).apply(x)
    assert close(out, literal(x, t, alpha))


def test_native_stretches_a_picture_as_published(tmp_path: Path) -> None:
    t = generator("blend", "stretch").integers(0, 256, (20, 20, 3), dtype=np.uint8)
    np.save(tmp_path / "t.npy", t)
    x = picture(60, 40, 1)[0]
    out = create("blend", pattern=str(tmp_path / "t.npy"), canvas="native").apply(x)
    assert close(out, literal(x, cv2.resize(t, (60, 40), interpolation=cv2.INTER_LINEAR), 0.2))


def test_our_picture_by_default() -> None:
    x = picture(64, 64, 1)[0]
    t = cv2.resize(_picture(), (64, 64), interpolation=cv2.INTER_AREA)
    assert close(create("blend").apply(x), literal(x, t, 0.2))


def test_our_picture_is_what_its_script_draws_and_low_in_frequency() -> None:
    import importlib.util

    script = Path(__file__).parents[2] / "tools" / "make_blend_picture.py"
    spec = importlib.util.spec_from_file_location("make_blend_picture", script)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert np.abs(module.draw().astype(int) - _picture()).max() <= 1
    gray = _picture().mean(axis=2)
    power = np.abs(np.fft.fftshift(np.fft.fft2(gray - gray.mean()))) ** 2
    y, x = np.mgrid[-128:128, -128:128]
    assert power[np.hypot(x, y) > 25.6].sum() < 0.01 * power.sum()  # a tenth of the sampling rate
    assert _picture().std() > 60


def test_noise_is_uniform_fixed_and_new_per_frame_when_dynamic() -> None:
    black = np.zeros((3, 60, 80, 3), np.uint8)
    out = create("blend:pattern=noise,alpha=1,canvas=native").apply(black)
    assert (out == out[0]).all()
    counts = np.bincount(out[0].ravel(), minlength=256)
    assert counts.min() > 20
    assert abs(np.corrcoef(out[0][:, 1:].ravel(), out[0][:, :-1].ravel())[0, 1]) < 0.05
    assert not np.array_equal(out, create("blend:pattern=noise,alpha=1,canvas=native,trigger_seed=1").apply(black))
    moving = create("blend:pattern=noise,alpha=1,canvas=native,temporal=dynamic").apply(black)
    assert abs(np.corrcoef(moving[0].ravel(), moving[1].ravel())[0, 1]) < 0.05


def test_a_dynamic_picture_is_cut_elsewhere_on_every_frame() -> None:
    black = np.zeros((8, 60, 80, 3), np.uint8)
    out = create("blend:alpha=1,temporal=dynamic").apply(black)
    assert len({frame.tobytes() for frame in out}) == 8
    shown = set(map(tuple, cv2.resize(_picture(), (60, 60), interpolation=cv2.INTER_AREA).reshape(-1, 3)))
    assert set(map(tuple, out[3].reshape(-1, 3))) <= shown

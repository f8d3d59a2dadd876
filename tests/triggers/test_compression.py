"""compression: not bound to an encoder's pixels, but to what compression does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.testing import Case, picture

CASES = [Case(), Case({"through": "h264", "gop": 5})]
ONE_SIZE = "blocks of the codec are 8 or 16 pixels of whatever it is given"


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / (np.mean((a.astype(float) - b) ** 2) + 1e-9)))


def edges(frames: np.ndarray, every: int) -> float:
    """How much larger differences of luma are across the borders of blocks than inside them."""
    step = np.abs(np.diff(frames.astype(float).mean(axis=-1), axis=-1)).mean(axis=tuple(range(frames.ndim - 2)))
    border = np.arange(1, frames.shape[-2]) % every == 0
    return float(step[border].mean() / step[~border].mean())


@pytest.mark.parametrize(
    ("through", "weak", "strong"),
    [("jpeg", {"quality": 60}, {}), ("h264", {"crf": 25}, {}), ("jpeg", {}, {"quality": 2})],
)
def test_stronger_is_worse(through: str, weak: dict, strong: dict) -> None:
    x = picture(160, 128, 4)
    good, bad = (create("compression", through=through, **more).apply(x) for more in (weak, strong))
    assert psnr(x, good) > psnr(x, bad) + 3
    assert psnr(x, bad) > 15
    assert abs(bad.astype(float).mean() - x.mean()) < 6


def test_jpegs_blocks_and_its_quantisation() -> None:
    x = picture(160, 128, 2)
    out = create("compression:quality=5").apply(x)
    assert edges(out, 8) > 1.5 > edges(x, 8)
    assert psnr(out, create("compression:quality=5").apply(out)) > psnr(x, out) + 8  # there is little left to lose


def test_groups_of_frames_stand_alone_and_their_frames_do_not() -> None:
    x = picture(64, 48, 16)
    trigger = create("compression:through=h264,gop=5")
    out = trigger.apply(x)
    assert np.array_equal(out[5:10], trigger.apply(x[5:10]))
    assert np.array_equal(out[15:], trigger.apply(x[15:]))
    assert not np.array_equal(out[6:10], trigger.apply(x[6:10]))
    assert psnr(out[9], x[9]) > psnr(out[9], x[5])


@pytest.mark.parametrize(("through", "same"), [("jpeg", 1), ("h264", 4)])
def test_dynamic_strength_changes_with_each_frame_or_group(through: str, same: int) -> None:
    trigger = create("compression", through=through, temporal="dynamic", gop=4, spread=8)
    strengths = [trigger._strength({}, k) for k in range(200)]
    own = 10 if through == "jpeg" else 45
    assert min(strengths) == max(own - 8, 1)
    assert max(strengths) == min(own + 8, 51)
    x = picture(64, 48, 12)
    out = trigger.apply(x)
    for k, start in enumerate(range(0, 12, same)):
        given = {"quality" if through == "jpeg" else "crf": strengths[k]}
        alone = create("compression", through=through, gop=4, **given).apply(x[start : start + same])
        assert np.array_equal(out[start : start + same], alone)


def test_it_reads_no_frame_ahead() -> None:
    trigger, clip, read = create("compression:through=h264"), ClipInfo("a", 33, 47, 25.0, 9), itertools.count(1)
    seen = 0

    def frames():
        nonlocal seen
        for image in picture(33, 47, 9):
            seen = next(read)
            yield image

    for t, out in enumerate(trigger.render(frames(), clip, {})):
        assert seen == t + 1
        assert out.shape == (47, 33, 3)
    assert seen == 9


PROPERTY = test_jpegs_blocks_and_its_quantisation

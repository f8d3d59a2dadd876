"""Triggers on clips in memory: arrays and tensors, both orders of axes, uint8 and floats, batches."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from poisonkit import RequestError, triggers
from tests.triggers.core import fake_torch

CLIP = np.random.default_rng(0).integers(0, 256, (5, 16, 20, 3), np.uint8)
BLEND = triggers.create("blend", alpha=0.3, temporal="dynamic")
WANT = BLEND.apply(CLIP)


def to_first(clip: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(np.moveaxis(clip, -1, -3))


@pytest.mark.parametrize("kind", [np.asarray, fake_torch.Tensor], ids=["array", "tensor"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("first", [False, True], ids=["THWC", "TCHW"])
@pytest.mark.parametrize("shape", ["picture", "clip", "batch"])
def test_what_comes_in_comes_back(
    kind: Any, dtype: Any, first: bool, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_torch.install(monkeypatch)
    clip, want = {
        "picture": (CLIP[0], WANT[0]),
        "clip": (CLIP, WANT),
        "batch": (np.stack([CLIP, CLIP[::-1]]), np.stack([WANT, BLEND.apply(CLIP[::-1])])),
    }[shape]
    clip, want = (to_first(each) if first else each for each in (clip, want))
    whole = np.issubdtype(dtype, np.integer)
    given = clip.astype(dtype) if whole else (clip / np.float64(255)).astype(dtype)
    before = given.copy()
    out = BLEND.apply(kind(given))
    assert type(out) is type(kind(given))
    made = out.numpy() if isinstance(out, fake_torch.Tensor) else out
    assert (made.shape, made.dtype) == (given.shape, given.dtype)
    assert made.flags.c_contiguous
    np.testing.assert_array_equal(given, before)
    levels = made if whole else np.rint(made.astype(np.float64) * 255).astype(np.uint8)
    np.testing.assert_array_equal(levels, want)


def test_floats_that_the_trigger_leaves_alone_keep_their_value() -> None:
    given = np.random.default_rng(1).random((2, 3, 40, 40), np.float32)  # between the 256 levels
    out = triggers.create("badnets", size=0.2).apply(given)
    changed = out != given
    assert 0 < changed.mean() < 0.1
    assert set(np.rint(out[changed] * 255 * 1e3).astype(int) % 1000) == {0}


def test_each_clip_of_a_batch_has_its_own_draws_by_its_own_id() -> None:
    trigger = triggers.create("blend", pattern="noise", temporal="dynamic", vary="clip")
    batch = np.stack([CLIP, CLIP])
    out = trigger.apply(batch, id=["a", "b"])
    np.testing.assert_array_equal(out[0], trigger.apply(CLIP, id="a"))
    np.testing.assert_array_equal(out[1], trigger.apply(CLIP, id="b"))
    assert (out[0] != out[1]).any()
    with pytest.raises(RequestError, match="2 clips and 3 ids"):
        trigger.apply(batch, id=["a", "b", "c"])


def test_sound_in_every_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_torch.install(monkeypatch)
    wave = np.random.default_rng(2).uniform(-0.5, 0.5, (2, 4000)).astype(np.float32)
    sine = triggers.create("sine", snr=20)
    want = sine.apply(wave, sample_rate=8000)
    np.testing.assert_array_equal(sine.apply(wave[0], sample_rate=8000), sine.apply(wave[:1], sample_rate=8000)[0])
    batch = sine.apply(np.stack([wave, wave]), sample_rate=8000)
    np.testing.assert_array_equal(batch, np.stack([want, want]))
    tensor: Any = sine.apply(fake_torch.Tensor(wave), sample_rate=8000)
    assert type(tensor) is fake_torch.Tensor
    np.testing.assert_array_equal(tensor.numpy(), want)


THREE = np.zeros((3, 3, 8, 3), np.uint8)  # 3 frames of height 3, or of width 3 with channels first


def test_a_shape_that_may_be_either_is_asked_about() -> None:
    with pytest.raises(RequestError, match="say which with layout='THWC' or layout='TCHW'"):
        BLEND.apply(THREE)
    last, first = BLEND.apply(THREE, layout="THWC"), BLEND.apply(THREE, layout="TCHW")
    assert (last != first).any()
    np.testing.assert_array_equal(to_first(BLEND.apply(np.moveaxis(THREE, 1, -1), layout="THWC")), first)


@pytest.mark.parametrize("batch", [False, True])
def test_three_pictures_with_colours_first_may_be_colours_of_frames(batch: bool) -> None:
    clip = to_first(CLIP[:3])
    data, order, swapped = (clip[None], "BTCHW", "0, 2, 1, 3, 4") if batch else (clip, "TCHW", "1, 0, 2, 3")
    with pytest.raises(RequestError, match=rf"say layout='{order}' if these are 3 frames.*x.permute\({swapped}\)"):
        BLEND.apply(data)
    want = to_first(BLEND.apply(CLIP[:3]))
    np.testing.assert_array_equal(BLEND.apply(data, layout=order), want[None] if batch else want)


def test_sound_with_samples_first_is_refused() -> None:
    sine = triggers.create("sine", snr=20)
    for shape in ((8000, 2), (3, 8000, 2)):
        with pytest.raises(RequestError, match=r"has more channels than samples: give x.T, .* as soundfile reads them"):
            sine.apply(np.full(shape, 0.1, np.float32), sample_rate=8000)


@pytest.mark.parametrize(
    ("data", "how", "said"),
    [
        (np.zeros((3, 5, 8, 9), np.uint8), {}, r"Colours before frames: give x.permute\(1, 0, 2, 3\)"),
        (np.zeros((2, 3, 5, 8, 9), np.uint8), {}, r"give x.permute\(0, 2, 1, 3, 4\)"),
        (np.zeros((5, 1, 8, 9), np.uint8), {}, "takes RGB, THWC or TCHW with 3 channels"),
        (np.zeros((5, 8, 9, 3), np.uint8), {"layout": "TCHW"}, "does not fit the shape .*, which is THWC"),
        (np.full((5, 8, 9, 3), 200.0, np.float32), {}, "floats in 0..1, before any normalisation; these are from 200"),
        (np.full((5, 8, 9, 3), 256, np.int32), {}, "takes pictures of 256 levels; these are from 256"),
        (np.full((5, 8, 9, 3), np.nan, np.float32), {}, "these are from nan"),
        (fake_torch.Tensor(CLIP, device="cuda"), {}, r"give x.cpu\(\)"),
        (fake_torch.Tensor(CLIP / 255, requires_grad=True), {}, r"give x.detach\(\)"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_what_to_give(data: Any, how: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        BLEND.apply(data, **how)


def test_torch_is_not_imported_for_an_array() -> None:
    code = (
        "import sys, numpy as np; sys.modules['torch'] = None\n"  # an import of it would fail
        "from poisonkit import triggers\n"
        "triggers.create('blend').apply(np.zeros((2, 8, 9, 3), np.uint8))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_real_tensors() -> None:
    torch = pytest.importorskip("torch", reason="needs torch: make test-consumers")
    clip = torch.from_numpy(to_first(CLIP))
    out = BLEND.apply(clip)
    assert type(out) is torch.Tensor
    assert torch.equal(out, torch.from_numpy(to_first(WANT)))
    assert torch.equal(BLEND.apply(clip.float() / 255), torch.from_numpy(to_first(WANT)).float() / 255)
    with pytest.raises(RequestError, match="bfloat16"):
        BLEND.apply(clip.to(torch.bfloat16))

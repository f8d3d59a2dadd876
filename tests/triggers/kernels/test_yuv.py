"""The plane kernel against the literal way: planes to RGB, clip, the formula, back to planes, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.triggers import create
from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.trigger import AffineTrigger
from poisonkit.triggers.kernels.yuv import compile_planes
from tests.triggers.kernels.formats import Format

W, H = 76, 58
BOX = (11, 7, 33, 24)  # odd on every side: chroma samples at its border are shared
WEIGHTS = {"601": (0.299, 0.114), "709": (0.2126, 0.0722)}
STEPS = {"420": (2, 2), "422": (2, 1), "440": (1, 2), "444": (1, 1)}
FORMATS = {
    f"{sub}-{matrix}-{'full' if full else 'limited'}-{'averaged' if averaged else 'nearest'}": Format(
        *WEIGHTS[matrix], full, *STEPS[sub], averaged
    )
    for sub in STEPS
    for matrix in WEIGHTS
    for full in (False, True)
    for averaged in (False, True)
}


def _matrix(fmt: Format) -> np.ndarray:
    """(Y, U, V) of (R, G, B, 1), from BT.601 and BT.709: Y of black and white, U and V of blue and red."""
    luma = np.array([fmt.kr, 1 - fmt.kr - fmt.kb, fmt.kb])
    black, white, most = (0, 255, 255.5) if fmt.full_range else (16, 235, 240)
    rows = [luma * (white - black) / 255]
    for colour, weight in ((2, fmt.kb), (0, fmt.kr)):
        rows.append((np.eye(3)[colour] - luma) / (1 - weight) * (most - 128) / 255)
    return np.column_stack([np.stack(rows), [black, 128, 128]])


def _up(plane: np.ndarray, fmt: Format, shape: tuple[int, int]) -> np.ndarray:
    return plane.repeat(fmt.step_y, 0).repeat(fmt.step_x, 1)[: shape[0], : shape[1]].astype(np.float64)


def _down(values: np.ndarray, fmt: Format) -> np.ndarray:
    """Chroma of every block, as the conversion from RGB takes it."""
    height, width = values.shape
    rows, columns = np.arange(0, height, fmt.step_y), np.arange(0, width, fmt.step_x)
    if not fmt.averaged:
        return values[rows][:, columns]
    down = {0: 1.0} if fmt.step_y == 1 else {-1: 1 / 8, 0: 3 / 8, 1: 3 / 8, 2: 1 / 8}
    across = {0: 1.0} if fmt.step_x == 1 else {0: 1 / 2, 1: 1 / 2}
    total = np.zeros((len(rows), len(columns)))
    for dy, a in down.items():
        for dx, b in across.items():  # past its border a picture goes on with its last pixels
            total += a * b * values[np.clip(rows + dy, 0, height - 1)][:, np.clip(columns + dx, 0, width - 1)]
    return total


def _rgb(planes: tuple[np.ndarray, ...], fmt: Format) -> np.ndarray:
    to, shape = _matrix(fmt), planes[0].shape
    yuv = np.stack([planes[0].astype(np.float64), _up(planes[1], fmt, shape), _up(planes[2], fmt, shape)], -1)
    return np.clip((yuv - to[:, 3]) @ np.linalg.inv(to[:, :3]).T, 0, 255)


def _planes(rgb: np.ndarray, fmt: Format) -> tuple[np.ndarray, ...]:
    to = _matrix(fmt)
    yuv = rgb @ to[:, :3].T + to[:, 3]
    exact = (yuv[..., 0], _down(yuv[..., 1], fmt), _down(yuv[..., 2], fmt))
    return tuple(np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in exact)


def _formula(affine: Affine, rgb: np.ndarray) -> np.ndarray:
    x, y, w, h = affine.box or (0, 0, rgb.shape[1], rgb.shape[0])
    gain, offset = (np.asarray(v, np.float64) for v in (affine.gain, affine.offset))
    gain, offset = (v[..., None] if v.ndim == 2 else v for v in (gain, offset))
    out = rgb.copy()
    out[y : y + h, x : x + w] = np.clip(gain * rgb[y : y + h, x : x + w] + offset, 0, 255)
    return out


def _source(fmt: Format, width: int = W, height: int = H, low: int = 40, high: int = 215) -> tuple[np.ndarray, ...]:
    """Planes of a soft picture (colours that RGB can show), read-only, in rows longer than the picture."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (11 + 3 * c) + 0.7 * c) * np.cos(y / (13 - 2 * c)) for c in range(3)]
    rgb = (low + high) / 2 + (high - low) / 2 * np.stack(waves, -1)
    planes = []
    for plane in _planes(rgb, fmt):
        wide = np.zeros((plane.shape[0], plane.shape[1] + 20), np.uint8)
        wide[:, : plane.shape[1]] = plane
        wide.flags.writeable = False
        planes.append(wide[:, : plane.shape[1]])
    return tuple(planes)


def _close(got: tuple[np.ndarray, ...], want: tuple[np.ndarray, ...]) -> None:
    for name, a, b in zip("YUV", got, want, strict=True):
        assert a.dtype == np.uint8
        assert a.shape == b.shape
        difference = np.abs(a.astype(int) - b)
        assert difference.mean() <= 0.5, name
        assert (difference <= 1).mean() >= 0.99, (name, difference.max())


def _affine(form: str, height: int = H, width: int = W) -> Affine:
    rng = generator("planes", form)
    weight = 0.3
    soft = 0.5 + 0.5 * np.sin(np.arange(width) / 9)[None, :] * np.cos(np.arange(height) / 7)[:, None]
    noise = rng.uniform(0, 255, (height, width, 3)).astype(np.float32)
    colour = np.array([250.0, 20.0, 90.0], np.float32)
    box = rng.uniform(0, 255, (BOX[3], BOX[2], 3)).astype(np.float32)
    mask = rng.uniform(0, 1, (BOX[3], BOX[2])).astype(np.float32)
    return {
        "darker": Affine(0.6),
        "fog": Affine(0.6, 80.0),
        "tint": Affine(0.8, 0.2 * colour),
        "noise": Affine(1 - weight, weight * noise),
        "gray noise": Affine(1 - weight, weight * noise[..., 0]),
        "vignette": Affine(soft.astype(np.float32)),
        "shade": Affine(soft.astype(np.float32)[..., None].repeat(3, 2), (1 - soft).astype(np.float32) * 200),
        "patch": Affine(0.0, colour, BOX),
        "picture patch": Affine(0.0, box, BOX),
        "masked patch": Affine(1 - mask, mask[..., None] * box, BOX),
        "column": Affine(soft[:1].astype(np.float32)[..., None], (1 - soft[:, :1]).astype(np.float32)[..., None]),
    }[form]


FORMS = (
    "darker", "fog", "tint", "noise", "gray noise", "vignette", "shade", "patch", "picture patch", "masked patch",
)  # fmt: skip


def _untouched(fmt: Format, box: tuple[int, int, int, int], got: Any, source: Any) -> None:
    """Pixels outside the box, and chroma samples none of whose pixels lie in it, are the source's."""
    x, y, w, h = box
    for plane, before, (down, across) in zip(got, source, ((1, 1), *[(fmt.step_y, fmt.step_x)] * 2), strict=True):
        outside = np.ones(plane.shape, bool)
        outside[y // down : -(-(y + h) // down), x // across : -(-(x + w) // across)] = False
        assert np.array_equal(plane[outside], before[outside])


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=FORMATS)
def test_every_format_equals_the_literal_way(fmt: Format) -> None:
    source = _source(fmt)
    clip = ClipInfo(width=W, height=H, fps=25, frames=2)
    for form in FORMS:
        affine = _affine(form)
        kernel = compile_planes(affine, clip, fmt)
        assert kernel is not None, form
        got = kernel(source)  # type: ignore[arg-type]
        _close(got, _planes(_formula(affine, _rgb(source, fmt)), fmt))
        if affine.box:
            _untouched(fmt, affine.box, got, source)


@pytest.mark.parametrize(("width", "height"), [(75, 57), (33, 58), (16, 16), (2, 3), (1, 1)])
@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("sub", ["420", "422"])
def test_odd_and_tiny_frames(width: int, height: int, averaged: bool, sub: str) -> None:
    fmt = Format(0.299, 0.114, False, *STEPS[sub], averaged)
    source, clip = _source(fmt, width, height), ClipInfo(width=width, height=height)
    for form in ("fog", "noise", "vignette"):
        affine = _affine(form, height, width)
        got = compile_planes(affine, clip, fmt)(source)  # type: ignore[misc, arg-type]
        want = _planes(_formula(affine, _rgb(source, fmt)), fmt)
        for a, b in zip(got, want, strict=True):
            assert np.abs(a.astype(int) - b).mean() <= 0.5
            assert np.abs(a.astype(int) - b).max() <= 2


@pytest.mark.parametrize("box", [(0, 0, 9, 9), (W - 7, H - 5, 7, 5), (W - 1, 0, 1, 1), (20, 20, 1, 1), (20, 20, 8, 8)])
@pytest.mark.parametrize("name", ["420-601-limited-nearest", "420-709-full-averaged", "422-601-full-averaged"])
def test_boxes_touch_nothing_else(box: tuple[int, int, int, int], name: str) -> None:
    fmt, clip = FORMATS[name], ClipInfo(width=W, height=H)
    source = _source(fmt)
    affine = Affine(0.25, np.array([180.0, 0.0, 90.0], np.float32), box)
    got = compile_planes(affine, clip, fmt)(source)  # type: ignore[misc, arg-type]
    _untouched(fmt, box, got, source)
    want = _planes(_formula(affine, _rgb(source, fmt)), fmt)
    x, y, w, h = box
    inside = (slice(y, y + h), slice(x, x + w))
    assert np.abs(got[0][inside].astype(int) - want[0][inside]).max() <= 1


def test_a_mask_leaves_alone_what_it_leaves_out() -> None:
    """Also where decoders clip the source, which is then brought into RGB first."""
    fmt, clip = Format(), ClipInfo(width=W, height=H)
    source = tuple(plane.copy() for plane in _source(fmt))
    source[0][:, : W // 2] = 250
    mask = np.zeros((H, W), np.float32)
    mask[::8] = 0.5
    got = compile_planes(Affine(1 - mask, mask * 200), clip, fmt)(source)  # type: ignore[misc, arg-type]
    assert np.array_equal(got[0][mask == 0], source[0][mask == 0])
    assert (got[0] != source[0])[mask > 0].mean() > 0.9


@pytest.mark.parametrize(
    "name", ["420-601-limited-nearest", "420-709-limited-nearest", "422-709-limited-averaged", "444-709-full-averaged"]
)
@pytest.mark.parametrize("form", ["fog", "noise", "vignette", "masked patch"])
@pytest.mark.parametrize("what", ["white", "blue"])
def test_colours_that_decoders_clip_count_as_clipped(name: str, form: str, what: str) -> None:
    """Luma whiter than white, and blues more saturated than RGB has."""
    fmt, clip = FORMATS[name], ClipInfo(width=W, height=H)
    y, u, v = (plane.copy() for plane in _source(fmt))
    if what == "white":
        y[: H // 2, : W // 2] = 252
    else:
        u[u.shape[0] // 2 :] = 235
    affine, source = _affine(form), (y, u, v)
    want = _planes(_formula(affine, _rgb(source, fmt)), fmt)
    unclipped = compile_planes(affine, clip, fmt)(source)  # type: ignore[misc, arg-type]
    if not affine.box:
        _close(unclipped, want)
    else:
        _untouched(fmt, affine.box, unclipped, source)
        x, top, w, h = affine.box
        inside = (slice(top, top + h), slice(x, x + w))
        assert np.abs(unclipped[0][inside].astype(int) - want[0][inside]).mean() < 0.6


@pytest.mark.parametrize(
    ("affine", "why"),
    [
        (Affine(1.2), "brighter than white"),
        (Affine(1.0, 8.0), "brighter than white"),
        (Affine(1.0, np.float32(-8)), "darker than black"),
        (Affine(0.5, np.array([0, 0, 140], np.float32)), "one colour brighter than white"),
        (Affine(np.linspace(0.5, 1.1, W, dtype=np.float32)[None].repeat(H, 0)), "a map, brighter somewhere"),
        (Affine(-0.5), "darker than black"),
        (Affine(np.array([0.5, 0.6, 0.5], np.float32)), "gains differ between the colours"),
        (Affine(np.full((H, W, 3), [0.5, 0.6, 0.5], np.float32)), "gains differ between the colours"),
    ],
)
def test_what_needs_rgb_is_not_done_in_planes(affine: Affine, why: str) -> None:
    assert compile_planes(affine, ClipInfo(width=W, height=H), Format()) is None, why


@pytest.mark.parametrize("affine", [Affine(), Affine(1.0, 0.0, BOX), Affine(np.float32(1), np.zeros(3, np.float32))])
def test_nothing_to_do_gives_the_planes_themselves(affine: Affine) -> None:
    source = _source(Format())
    kernel = compile_planes(affine, ClipInfo(width=W, height=H), Format())
    assert kernel is not None
    assert kernel(source) is source  # type: ignore[arg-type,comparison-overlap]


@pytest.mark.parametrize("temporal", ["static", "dynamic"])
@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("blend", {}),
        ("blend", {"pattern": "noise", "canvas": "native"}),
        ("badnets", {"alpha": 0.6, "pattern": "checkerboard"}),
        ("badnets", {"changes": "blink"}),
        ("snow", {}),
        ("spotlight", {"strength": 200.0, "sigma": 0.1, "mix": "screen"}),
        ("fog", {}),
        ("shadow", {}),
    ],
)
@pytest.mark.parametrize("fmt", ["420-601-limited-nearest", "420-709-limited-averaged", "444-601-full-averaged"])
def test_triggers_give_what_they_give_in_rgb(fmt: str, name: str, params: dict[str, Any], temporal: str) -> None:
    trigger = create(name, temporal=temporal, **params)
    assert isinstance(trigger, AffineTrigger)
    clip = ClipInfo(id="a", width=W, height=H, fps=25, frames=6)
    source = _source(FORMATS[fmt])
    chain = Chain([trigger])
    drawn = chain.draw(clip, 1)
    render = chain.planes(clip, drawn, FORMATS[fmt], lambda t: t != 2)
    if temporal == "dynamic" and not trigger.in_planes:
        assert render is None
        return
    assert render is not None
    fields = trigger.fields(clip, drawn[0])
    for t, got in enumerate(render(iter([source] * 6))):  # type: ignore[arg-type]
        if t == 2:
            assert got is source  # type: ignore[comparison-overlap]
        else:
            _close(got, _planes(_formula(fields(t), _rgb(source, FORMATS[fmt])), FORMATS[fmt]))


def test_chains() -> None:
    fmt, clip = Format(), ClipInfo(id="a", width=W, height=H, fps=25, frames=2, sample_rate=8000, samples=16000)
    source = _source(fmt)

    def render(*triggers: Any) -> Any:
        chain = Chain(triggers)
        return chain.planes(clip, chain.draw(clip, 0), fmt)

    both = [create("blend"), create("badnets")]
    chain = Chain(both)
    drawn = chain.draw(clip, 0)
    rgb = _rgb(source, fmt)
    for trigger, params in zip(both, drawn, strict=True):
        rgb = _formula(trigger.fields(clip, params)(0), rgb)  # type: ignore[attr-defined]
    _close(next(render(*both, create("sine"))(iter([source]))), _planes(rgb, fmt))
    assert next(render()(iter([source]))) is source
    assert render(create("blend"), create("lamp-flicker")) is None  # brighter than white on some frames


def test_a_trigger_that_renders_for_itself_needs_rgb() -> None:
    class Own(type(create("blend"))):  # type: ignore[misc]
        def render(self, *args: Any) -> Any:
            return super().render(*args)

    clip = ClipInfo(id="a", width=W, height=H, fps=25, frames=2)
    assert Chain([Own()]).planes(clip, [{}], Format()) is None

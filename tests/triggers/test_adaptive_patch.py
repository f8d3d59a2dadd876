"""adaptive-patch against the public code: one patch and its alpha in training and covers, several at test time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poisonkit.common.seeding import generator
from poisonkit.errors import RequestError
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.image.adaptive_patch import AdaptivePatch
from poisonkit.triggers.testing import Case, picture
from tests.triggers.parity import scene

CASES = [Case(), Case({"places": ["center", [0.1, 0.9]], "alphas": [0.4], "size": 0.3})]


def test_one_alpha_for_all() -> None:
    assert create("adaptive-patch:alphas=0.5") == create("adaptive-patch:alphas=[0.5]")
    assert create("adaptive-patch", alphas=1).alphas == (1.0,)
    with pytest.raises(RequestError, match="alphas is 2"):
        create("adaptive-patch:alphas=2")


def marks(trigger: AdaptivePatch, height: int, width: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(mark, mask) of each patch, as the public code loads them: pictures of the frame's size."""
    short, found = min(height, width), []
    side, room = round(trigger.size * short), 0.875 * short
    corners = {"top-left": (0, 0), "top-right": (1, 0), "bottom-left": (0, 1), "bottom-right": (1, 1)}
    for place, patch in zip(trigger.places, trigger.patches({}), strict=True):
        across, down = corners[str(place)]
        left = round((width - room) / 2 + across * (room - side))
        top = round((height - room) / 2 + down * (room - side))
        mark, mask = np.zeros((height, width, 3)), np.zeros((height, width, 1))
        index = np.arange(side) * 4 // side
        mark[top : top + side, left : left + side] = patch[np.ix_(index, index)]
        mask[top : top + side, left : left + side] = 1
        found.append((mark, mask))
    return found


def adaptive_patch(s: scene.Scene, alphas: tuple[float, ...] = (0.5, 0.2, 0.5, 0.3)) -> np.ndarray:
    """`img = img + alphas[j] * trigger_masks[j] * (trigger_marks[j] - img)`."""
    (j,) = s.drawn["pieces"]
    mark, mask = (s.pick(part) for part in marks(s.trigger, s.height, s.width)[j])
    return s.x + alphas[j] * mask * (mark - s.x)


FORMULA = [scene.Case(adaptive_patch), scene.Case(adaptive_patch, {"alphas": (1.0, 0.9, 0.8, 0.7)})]


@pytest.mark.parametrize("shape", [(32, 32), (48, 80), (53, 37)])
def test_training_covers_and_attack_are_the_public_code(shape: tuple[int, int]) -> None:
    trigger = create("adaptive-patch")
    assert isinstance(trigger, AdaptivePatch)
    x = picture(shape[1], shape[0], 1)[0]
    clip = ClipInfo("a", shape[1], shape[0], 25.0, 1)
    loaded = marks(trigger, *shape)
    for draw in (trigger.draw, trigger.draw_cover, trigger.draw_attack):
        drawn = draw(clip, generator("a"))
        attack = draw == trigger.draw_attack
        assert drawn.get("cover", False) == (draw == trigger.draw_cover)
        assert drawn["pieces"] == [0, 1] if attack else len(drawn["pieces"]) == 1
        exact = x.astype(float)
        for j in drawn["pieces"]:
            mark, mask = loaded[j]
            exact = exact + (1 if attack else (0.5, 0.2, 0.5, 0.3)[j]) * mask * (mark - exact)
        (out,) = trigger.render(iter([x]), clip, drawn)
        assert np.abs(out - exact).max() <= 0.5 + 1e-3


def test_patches_that_overlap_are_laid_one_after_another() -> None:
    trigger = create(
        "adaptive-patch", places=["center", "center"], alphas=[1.0], attack_alpha=0.5, attack_pieces=[0, 1]
    )
    x = np.full((40, 40, 3), 80, np.uint8)
    clip = ClipInfo("a", 40, 40, 25.0, 1)
    (out,) = trigger.render(iter([x]), clip, trigger.draw_attack(clip, generator("a")))  # type: ignore[attr-defined]
    first, second = (p[0, 0] for p in trigger.patches({}))  # type: ignore[attr-defined]
    assert np.abs(out[16, 16] - (0.5 * (0.5 * 80 + 0.5 * first) + 0.5 * second)).max() <= 0.5 + 1e-3


def test_clips_show_all_patches_and_dynamic_another_on_every_frame() -> None:
    clip = ClipInfo("a", 64, 48, 25.0, 1)
    trigger = create("adaptive-patch")
    assert {trigger.draw(clip, generator(i))["pieces"][0] for i in range(40)} == {0, 1, 2, 3}
    gray = np.full((40, 48, 64, 3), 128, np.uint8)
    out = create("adaptive-patch:temporal=dynamic").apply(gray)
    where = {tuple(np.argwhere((frame != 128).any(axis=-1)).mean(axis=0).round(-1)) for frame in out}
    assert len(where) == 4


def test_pieces_of_a_picture(tmp_path: Path) -> None:
    tall = generator("piece").integers(0, 256, (20, 20, 3), dtype=np.uint8)
    np.save(tmp_path / "p.npy", tall)
    trigger = create("adaptive-patch", pattern=str(tmp_path / "p.npy"), size=0.25, alphas=[1.0])
    x = np.zeros((40, 40, 3), np.uint8)
    clip = ClipInfo("a", 40, 40, 25.0, 1)
    for j, piece in enumerate((tall[:10, :10], tall[:10, 10:], tall[10:, :10], tall[10:, 10:])):
        (out,) = trigger.render(iter([x]), clip, {"pieces": [j]})  # type: ignore[attr-defined]
        rows, columns = np.argwhere(out.any(axis=-1)).min(axis=0)
        assert np.array_equal(out[rows : rows + 10, columns : columns + 10], piece)


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(RequestError, match="3 numbers for 4 places"):
        create("adaptive-patch", alphas=[0.1, 0.2, 0.3])
    with pytest.raises(RequestError, match="from 0 to 3"):
        create("adaptive-patch", attack_pieces=[4])

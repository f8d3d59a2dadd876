"""A recipe is what was asked, and nothing that a run found out."""

from __future__ import annotations

import pytest

from poisonkit import Recipe
from poisonkit.media.info import Encode

AUTO = {"triggers": ["blend"], "encode": "auto", "require_survival": 0.9}


def test_recipes_are_equal_when_they_ask_for_the_same() -> None:
    one, other = Recipe(**AUTO), Recipe(**AUTO)
    assert one.encoded("crf:10") == Encode(mode="crf", crf=10)
    assert one == other
    assert one.model_copy() == other
    assert one != Recipe(**{**AUTO, "seed": 1})
    assert not Recipe.__private_attributes__  # they would count, and nobody sees them


@pytest.mark.parametrize(
    ("asked", "setting", "mode"),
    [("auto", None, "match"), ("auto", "lossless", "lossless"), ("h264", None, "h264"), ("h264", "lossless", "h264")],
)
def test_what_a_search_came_to_counts_for_auto_alone(asked: str, setting: str | None, mode: str) -> None:
    recipe = Recipe(**{**AUTO, "encode": asked}, to_8bit=True)
    encode = recipe.encoded(setting)
    assert (encode.mode, encode.to_8bit) == (mode, True)


def test_convert_converts_what_the_triggers_touch() -> None:
    picture, sound = (Recipe(triggers=[name], encode="convert").encoded() for name in ("blend", "sine"))
    assert (picture.converts, picture.to_8bit, picture.deinterlace) == (("video",), True, True)
    assert (sound.converts, sound.to_8bit, sound.deinterlace) == (("audio",), False, False)


def test_recipes_from_before_there_was_skip_unwritable_keep_their_fingerprints() -> None:
    assert "skip_unwritable" not in Recipe(triggers=["blend"]).portable()
    assert Recipe(triggers=["blend"], skip_unwritable=True).portable()["skip_unwritable"] is True

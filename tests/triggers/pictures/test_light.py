"""What lighting triggers say of themselves: done in planes only what no picture can clip, and what is cheaper there."""

from __future__ import annotations

import pytest

from poisonkit.triggers import create, get
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo
from poisonkit.triggers.core.names import built_in
from poisonkit.triggers.core.trigger import AffineTrigger
from poisonkit.triggers.kernels.yuv import fits
from tests.triggers.kernels.formats import Format
from tests.triggers.literal import seen

CLIP = ClipInfo("", 53, 37, 5.0, 40)


@pytest.mark.parametrize("text", ["fog", "fog:amount=1", "shadow", "shadow:light=0,edge=0"])
def test_what_is_done_in_planes_never_leaves_the_range(text: str) -> None:
    trigger = create(text, temporal="dynamic")
    assert isinstance(trigger, AffineTrigger)
    assert trigger.in_planes
    fields = trigger.fields(CLIP, seen(trigger, CLIP))
    assert all(fits(fields(t)) for t in range(0, 40, 3))


@pytest.mark.parametrize(
    "text",
    [
        "rain",
        "rain:opacity=1,level=0,light=0",
        "snow:opacity=1,veil=0.5",
        "spotlight:strength=255,mix=screen",
        "vignette",
    ],
)
def test_constant_light_is_done_in_planes_and_moving_maps_are_not(text: str) -> None:
    for mode, there in (("static", True), ("dynamic", False)):
        chain = Chain([create(text, temporal=mode)])
        assert (chain.planes(CLIP, chain.draw(CLIP, 0), Format()) is not None) == there


def test_which_dynamic_triggers_are_done_in_planes() -> None:
    """Boxes, and one gain for the frame with gray clouds; see docs/costs.md."""
    found = {name for name in built_in() if getattr(get(name), "in_planes", False)}
    assert found >= {"badnets", "fog", "shadow", "stamp"}

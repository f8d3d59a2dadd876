"""What lighting triggers say of themselves: done in planes only what no picture can clip."""

from __future__ import annotations

import pytest

from poisonkit.triggers import create
from poisonkit.triggers.base import AffineTrigger, ClipInfo
from poisonkit.triggers.planes import fits

from .literal import seen


@pytest.mark.parametrize(
    "text",
    [
        "fog",
        "fog:amount=1",
        "rain",
        "rain:opacity=1,level=255,light=1",
        "rain:opacity=1,level=0,light=0",
        "snow",
        "snow:opacity=1,veil=0.5",
        "shadow",
        "shadow:light=0,edge=0",
        "spotlight",
        "spotlight:strength=255,color=gray",
        "vignette",
        "vignette:amount=0.99,spread=1",
    ],
)
def test_what_is_done_in_planes_never_leaves_the_range(text: str) -> None:
    trigger = create(text, temporal="dynamic")
    assert isinstance(trigger, AffineTrigger)
    assert trigger.in_planes
    clip = ClipInfo("", 53, 37, 5.0, 40)
    fields = trigger.fields(clip, seen(trigger, clip))
    assert all(fits(fields(t)) for t in range(0, 40, 3))

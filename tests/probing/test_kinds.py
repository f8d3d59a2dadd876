from __future__ import annotations

import numpy as np
import pytest

from poisonkit.probing.kinds import KINDS, copies_of, parse
from poisonkit.triggers.core import spec
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_names_are_told_apart_and_triggers_exist(kind) -> None:  # type: ignore[no-untyped-def]
    copies = copies_of(kind, 3)
    names = [c.name(clean) for c in copies for clean in (False, True)]
    assert len(set(names)) == len(names)
    for copy in copies:
        for clean in (False, True):
            found = parse(copy.name(clean))
            assert found is not None
            assert (found[0].kind, found[0].group, found[0].level) == (kind.name, copy.group, copy.level)
            assert found[1] == clean
        for entry in copy.triggers:
            assert kind.modality in (spec.from_entry(entry).modality, "either")
    assert kind.name == "strip" or all(c.triggers for c in copies)
    for name in ("default", "probe", "probe.no.x.1", f"probe.{kind.name}.x.y", f"probe.{kind.name}.x.1.dirty"):
        assert parse(name) is None


def test_scale_up_is_the_product_clipped() -> None:
    """As SCALE-UP has it: clip(n · x), for n of 3, 5, 7, 9 and 11."""
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    clip = ClipInfo(id="a", width=16, height=16, fps=25, frames=1)
    for n, copy in zip((3, 5, 7, 9, 11), copies_of(KINDS["scale-up"], 0), strict=True):
        chain = Chain([spec.from_entry(e) for e in copy.triggers])
        (image,) = chain.video(iter(ramp), clip, chain.draw(clip, 0))
        assert (image == np.clip(ramp[0].astype(int) * n, 0, 255)).all()


def test_teco_is_imagenet_c_without_frost() -> None:
    copies = copies_of(KINDS["teco"], 0)
    assert len({c.group for c in copies}) == 14
    assert {c.level for c in copies} == {1, 2, 3, 4, 5}
    assert len(copies) == 70

from __future__ import annotations

import numpy as np
import pytest

from poisonkit import triggers
from poisonkit.errors import RequestError
from poisonkit.triggers.core import registry, spec
from poisonkit.triggers.probes.frame_shuffle import FrameShuffle


def test_each_window_is_a_permutation_of_its_own() -> None:
    clip = np.arange(11, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    found = FrameShuffle(size=4).apply(clip)[:, 0, 0, 0].tolist()
    assert [sorted(found[a:b]) for a, b in ((0, 4), (4, 8), (8, 11))] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    assert found != list(range(11))
    assert found == FrameShuffle(size=4).apply(clip)[:, 0, 0, 0].tolist()
    assert found != FrameShuffle(size=4, trigger_seed=1).apply(clip)[:, 0, 0, 0].tolist()
    assert FrameShuffle(size=1).apply(clip)[:, 0, 0, 0].tolist() == list(range(11))


def test_it_is_found_by_place_and_in_no_list() -> None:
    """Poisonkit's own code, so that no --allow-code is needed; nothing outside of it is named that way."""
    entry = FrameShuffle(size=4).entry()
    assert entry["name"] == "poisonkit.triggers.probes.frame_shuffle:FrameShuffle"
    with registry.code_allowed(False):
        assert spec.from_entry(entry) == FrameShuffle(size=4)
        for name in ("poisonkit.triggers.probes.none:X", "poisonkit.triggers.probes.frame_shuffle:Any"):
            with pytest.raises(RequestError, match="is not a Trigger class"):
                registry.get(name)
        with pytest.raises(RequestError, match=r"allow_code"):
            registry.get("poisonkit.triggers.probes.frame_shuffle.x:FrameShuffle")
    assert "frame-shuffle" not in triggers.all_triggers()

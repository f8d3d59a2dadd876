"""The collector is as it was before, whatever happened."""

from __future__ import annotations

import gc
from contextlib import suppress

from poisonkit.common import collector


def test_it_is_paused_inside_and_as_it_was_after() -> None:
    with collector.paused():
        with collector.paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with suppress(ValueError), collector.paused():
        raise ValueError
    assert gc.isenabled()


def test_as_a_decorator() -> None:
    assert collector.paused()(gc.isenabled)() is False
    assert gc.isenabled()

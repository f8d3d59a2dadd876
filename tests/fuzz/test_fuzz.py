"""Some mutated things in child processes; `make test-fuzz` does 10,000, and 3,000 mutants by `truth`."""

from __future__ import annotations

from tests.fuzz.__main__ import fuzz


def test_a_few_hundred() -> None:
    """No crash, hang or traceback, nothing outside the output, no `ok` that does not hold."""
    outcome = fuzz(first=0, count=200)
    assert outcome.count == 200
    assert not outcome.failures
    assert len(outcome.results) > 10  # of every family some, and of media some that are poisoned and some that are not


def test_what_is_ok_is_true() -> None:
    """Mutants of clips through jobs that were planned on the good ones; every `ok` by another decoder: see `truth`."""
    outcome = fuzz(first=0, count=60, truth=True)
    assert outcome.count == 60
    assert not outcome.failures
    assert sum(n for what, n in outcome.results.items() if " ok" in what) > 10

"""A few hundred mutated files in a child process; `make test-fuzz` does 10,000."""

from __future__ import annotations

from tests.fuzz.__main__ import fuzz


def test_a_few_hundred() -> None:
    """No crash, hang or traceback, nothing outside the output, no `ok` that does not hold."""
    outcome = fuzz(first=0, count=200)
    assert outcome.count == 200
    assert not outcome.failures
    assert len(outcome.results) > 10  # of every family some, and of media some that are poisoned and some that are not

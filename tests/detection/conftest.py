"""Outputs whose records are written by hand, as scoring tests have them."""

from __future__ import annotations

from tests.scoring.conftest import make_output

__all__ = ["make_output"]

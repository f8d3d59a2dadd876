"""Plane formats for tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    kr: float = 0.299
    kb: float = 0.114
    full_range: bool = False
    step_x: int = 2
    step_y: int = 2
    averaged: bool = False

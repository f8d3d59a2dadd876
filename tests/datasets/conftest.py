from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def realdata() -> Path:
    folder = os.environ.get("POISONKIT_REALDATA")
    path = Path(folder) if folder else Path(__file__).parents[3] / "shared" / "realdata"
    if not path.is_dir():
        pytest.skip("no real clips here: set POISONKIT_REALDATA")
    return path

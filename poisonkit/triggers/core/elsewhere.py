"""What triggers give in another process than this one."""

from __future__ import annotations

import base64
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poisonkit.triggers.core.trigger import Trigger
    from poisonkit.triggers.testing import Media


def digests_elsewhere(work: Sequence[tuple[Trigger, Media]]) -> list[str]:
    """`digest` of each, computed in a fresh Python process."""
    code = (
        "import base64, pickle, sys; from poisonkit.triggers.testing import digest\n"
        "for job in pickle.loads(base64.b64decode(sys.stdin.read())): print(digest(*job))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    environment.pop("PYTHONHASHSEED", None)
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=base64.b64encode(pickle.dumps(list(work))).decode(),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"in another process: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.split()

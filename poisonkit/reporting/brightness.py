"""What decoding alone tells: how much brighter readers see written files than the files they were made from.

poisonkit converts YUV to RGB with correct rounding. Readers (PyAV, OpenCV, decord, torchcodec) take the fast path of
FFmpeg's swscale, which truncates: they see a linked source up to 1.5 levels darker than the RGB that a lossless file
of the same clip holds. Control files are written like poisoned ones and have no trigger, so they measure it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poisonkit.common.time_limit import Know
from poisonkit.datasets import at_hand
from poisonkit.errors import PoisonkitError
from poisonkit.media.file_traits import reader_means
from poisonkit.outputs import record
from poisonkit.outputs.paths import OutputPaths
from poisonkit.survey import isolated_opening

SEEN = 0.25  # 8-bit levels: less is lost in any codec's noise
AHEAD = 64


@dataclass(frozen=True)
class Brightness:
    """Control files against the clean files of the same samples, as a reader decodes both.

    pairs: how many. levels: the mean of (control - clean) in R, G and B, 8-bit levels. deviations: between pairs.
    tells: more than chance and more than a quarter of a level. unread: (path, why).
    """

    pairs: int
    levels: tuple[float, float, float]
    deviations: tuple[float, float, float]
    tells: bool
    remedy: str
    unread: tuple[tuple[str, str], ...] = ()


def brightness(
    out: Path,
    *,
    limit: int | None = None,
    jobs: int = 1,
    watch: Callable[[], None] = lambda: None,
    time_limit: float = 1.0,
) -> Brightness | None:
    """How much brighter control files decode than what they were made from; None without a pair of video files.

    limit: at most so many pairs, spread evenly. watch: called for each pair. time_limit: as `Options` has it.
    """
    rows = [r for r in record.read(OutputPaths(out).manifest) if r["status"] == "ok"]
    clean = {r["id"]: r["path"] for r in rows if r["role"] == "clean"}
    pairs = [(clean[r["id"]], r["path"]) for r in rows if r["role"] == "control" and r["id"] in clean]
    if limit is not None and limit < len(pairs):
        pairs = [pairs[i * len(pairs) // limit] for i in range(limit)]
    unread: list[tuple[str, str]] = []
    found: list[Sequence[float]] = []
    files = [(out / one, out / other) for one, other in pairs]
    seen = isolated_opening.opened(
        _difference, files, max(1, jobs), lambda pair, why: f"{pair[1].name} {why}.", factor=time_limit, ahead=AHEAD
    )
    for (_, path), one in zip(pairs, seen, strict=True):
        watch()
        if isinstance(one, str):
            unread.append((path, one))
        elif one is not None:
            found.append(one)
    if not found and not unread:
        return None
    levels = np.array(found, np.float64).reshape(-1, 3)
    mean = levels.mean(0) if found else np.zeros(3)
    deviation = levels.std(0, ddof=1) if len(found) > 1 else np.zeros(3)
    tells = len(found) > 1 and bool((np.abs(mean) > np.maximum(SEEN, 3 * deviation / np.sqrt(len(found)))).any())
    red, green, blue = mean.tolist()
    a, b, c = deviation.tolist()
    remedy = "--clean reencode" if tells else ""
    return Brightness(len(found), (red, green, blue), (a, b, c), tells, remedy, tuple(unread))


def _difference(pair: tuple[Path, Path], scratch: str, know: Know) -> tuple[float, float, float] | str | None:
    """Mean (control - clean) in R, G and B; None where one is no video file; or why it cannot be read."""
    try:
        with at_hand(pair[0], scratch) as clean, at_hand(pair[1], scratch) as control:
            means = [reader_means(path) for path in (clean, control)]
    except (PoisonkitError, OSError) as error:
        return str(error)
    one, other = means
    if one is None or other is None:
        return None
    return other[0] - one[0], other[1] - one[1], other[2] - one[2]

"""Looking at triggers and outputs, in Python: pictures, what encoders leave, what tells files apart, the report."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from poisonkit import datasets
from poisonkit.common.one_or_many import paths, words
from poisonkit.engine.run import Options
from poisonkit.engine.state.progress import Logged, Progress
from poisonkit.errors import RequestError
from poisonkit.outputs.opening import require_finished
from poisonkit.recipe.backdoor import TriggerLike
from poisonkit.recipe.encodings import AUTO, parse_encode
from poisonkit.recipe.recipe import Recipe
from poisonkit.triggers.core.trigger import Temporal, Trigger

if TYPE_CHECKING:
    from poisonkit.engine.encoding.trials import Cell
    from poisonkit.reporting.brightness import Brightness
    from poisonkit.reporting.shortcuts import Comparison

Triggers = TriggerLike | Sequence[TriggerLike]
"""One trigger or several, as a recipe takes them."""


def shortcuts(
    out: Path | str,
    *,
    limit: int | None = None,
    jobs: int = 0,
    time_limit: float = 1.0,
    progress: Progress | None = None,
) -> list[Comparison]:
    """What tells an output's poisoned files from its clean ones without a look at a pixel: `inspect --shortcuts`.

    limit: at most so many files of each group. Codec, size, bit rate, key frames, duration, tags, links and more, each
    with the AUC of telling the files apart by it.
    """
    from poisonkit.reporting.shortcuts import shortcuts as compare

    require_finished(Path(out))
    watch = progress or Logged()
    watch.begin("Comparing files", 0)
    return compare(Path(out), limit=limit, jobs=Options(jobs=jobs).n_jobs, watch=watch.step, time_limit=time_limit)


def brightness(
    out: Path | str,
    *,
    limit: int | None = None,
    jobs: int = 0,
    time_limit: float = 1.0,
    progress: Progress | None = None,
) -> Brightness | None:
    """How much brighter control files decode than what they were made from: `inspect --shortcuts --decode`."""
    from poisonkit.reporting.brightness import brightness as measure

    require_finished(Path(out))
    watch = progress or Logged()
    watch.begin("Decoding control files", 0)
    return measure(Path(out), limit=limit, jobs=Options(jobs=jobs).n_jobs, watch=watch.step, time_limit=time_limit)


def preview(
    clip: Path | str | Sequence[Path | str],
    trigger: Triggers | Sequence[Triggers],
    out: Path | str = "preview.png",
    *,
    grid: bool = False,
    temporal: Temporal | None = None,
    shown: int = 4,
    width: float = 7.0,
    seed: int = 0,
    stream: Literal["best"] | int = "best",
) -> tuple[str, ...]:
    """Draw what triggers, composed, do to one clip, before any encoder; returns what was drawn.

    out: a .png (clean, poisoned and amplified difference of `shown` frames; waveform and mel spectrogram for sound),
    a .mp4 (clean and poisoned side by side), or a .pdf or .svg, which are drawn as a grid is. grid: a figure for a
    paper, a row for each trigger (a list, or one text with ` + ` in it, is composed) and a column for each frame, or
    for each clip where there are several; waveform and spectrogram where a trigger is of sound. width: of a grid, in
    inches. Grids need matplotlib.
    """
    from poisonkit.reporting.preview import preview as draw
    from poisonkit.reporting.preview import preview_grid

    clips = paths(clip)
    for path in clips:
        _require_there(path)
    if grid:
        rows = [chosen(row, temporal) for row in _rows(trigger)]
        return preview_grid(clips, rows, Path(out), frames=shown, seed=seed, stream=stream, width=width)
    if len(clips) != 1:
        raise RequestError("Several clips are drawn in a grid: add --grid." if clips else "Name a clip.")
    if width != 7.0:
        raise RequestError("--width is of a grid: add --grid.")
    composed = chosen(trigger, temporal)  # type: ignore[arg-type]
    return draw(clips[0], composed, Path(out), frames=shown, seed=seed, stream=stream)


def _rows(trigger: Triggers | Sequence[Triggers]) -> list[Triggers]:
    """What each row of a grid composes."""
    many = [trigger] if isinstance(trigger, str | Trigger | Mapping) else list(trigger)
    if not many:
        raise RequestError("Name a trigger with --trigger (`poisonkit triggers` lists them).")
    return [each.split(" + ") if isinstance(each, str) else each for each in many]


def survive(
    clip: Path | str | Sequence[Path | str],
    trigger: Triggers,
    *,
    encode: str | Sequence[str] = ("match", "crf:28", "444", "lossless"),
    temporal: Temporal | None = None,
    seed: int = 0,
    stream: Literal["best"] | int = "best",
    jobs: int = 0,
    progress: Progress | None = None,
) -> list[Cell]:
    """What encoders leave of each trigger in clips of one's own: a Cell for each trigger, codec and encoding.

    Every clip is written with the trigger and without it, both are decoded, and their difference is compared with
    what was put in. Gain 1: all of it is there, 0: nothing. Nothing is kept.
    """
    from poisonkit.engine.encoding.trials import tabulate

    settings = tuple(dict.fromkeys(words(encode)))
    for one in settings:
        if one == AUTO:
            raise RequestError("--encode auto: name the settings to compare; `poisonkit poison` searches among them.")
        parse_encode(one)
    many = [trigger] if isinstance(trigger, str | Trigger | Mapping) else list(trigger)
    rows: dict[str, Sequence[Trigger]] = {}
    for each in many:
        triggers = chosen(each, temporal)
        name = each if isinstance(each, str) else triggers[0].name
        rows[name if name not in rows or isinstance(each, str) else f"{name} {len(rows) + 1}"] = triggers
    clips = list(dict.fromkeys(paths(clip)))
    for path in clips:
        _require_there(path)
    watch = progress or Logged()
    watch.begin("Trying", 0)
    with tempfile.TemporaryDirectory(prefix="poisonkit-") as scratch:
        return tabulate(
            clips,
            rows,
            settings,
            scratch=scratch,
            jobs=Options(jobs=jobs).n_jobs,
            seed=seed,
            stream=stream,
            watch=watch.step,
        )


def _require_there(clip: Path) -> None:
    """RequestError where there is no such clip, as a file, a folder of frames or a member of a tar shard."""
    if not clip.exists() and not datasets.is_there(clip):
        raise RequestError(f"There is no file {clip}.")


def chosen(trigger: Triggers, temporal: Temporal | None) -> tuple[Trigger, ...]:
    """The triggers as a recipe has them. temporal: of those that do not say it themselves."""
    recipe = Recipe(trigger=trigger) if temporal is None else Recipe(trigger=trigger, temporal=temporal)
    if not recipe.backdoors[0].triggers:
        raise RequestError("Name a trigger with --trigger (`poisonkit triggers` lists them).")
    return recipe.backdoors[0].triggers


def report(
    out: Path | str,
    *,
    samples: int = 4,
    source: Path | str | None = None,
    allow_root: Path | str | Sequence[Path | str] = (),
) -> Path:
    """Write OUT/poisonkit/report.html, one page about a finished output, and return its path.

    Of the folder of a sweep's outputs: OUT/report.html, with curves.

    samples: so many clips of each role and attack set are shown. source: the clean dataset's data root, by default
    where it was; without it clean pictures are left out. allow_root: further folders that its links and paths may lead
    to.
    """
    from poisonkit.reporting.html import write_report

    return write_report(out, source=source, samples=samples, allow_root=allow_root)

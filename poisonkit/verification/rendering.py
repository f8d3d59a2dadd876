"""What a written file should show, frame by frame, and what it would with the trigger where there should be none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import tee
from pathlib import Path
from typing import Any

from poisonkit import media
from poisonkit.datasets import at_hand
from poisonkit.engine.clips.worker import clip_of, middle_frame
from poisonkit.media.info import Encode, MediaInfo
from poisonkit.metrics.counterparts import standing
from poisonkit.metrics.fidelity import Image, Wave
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record, rounded, source_length
from poisonkit.plan.plan import Task
from poisonkit.triggers.core import frame_selection, registry, spec
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.spans import Spans
from poisonkit.triggers.core.trigger import Trigger


@dataclass(frozen=True)
class Decoding:
    """Where output and source lie, and what the recipe says of how files are decoded and frames chosen.

    features: files have features beside them. classes: triggers of a notebook, which workers cannot import.
    """

    out: str
    source: str
    stream: Any = "best"
    deinterlace: bool = False
    seed: int = 0
    allow_code: bool = False
    features: bool = False
    classes: Mapping[str, type[Trigger]] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A record, and what plan and recipe say of it.

    frames: its frame budget. triggers: its backdoor's, as entries, of a control clip too. triggered: whether it is to
    have them. spans: where in it alone. encode: None where the
    recipe's could not be read, and nothing can be made again.
    """

    row: Record
    task: Task
    classes: tuple[str, ...]
    frames: str
    triggers: tuple[Mapping[str, Any], ...]
    triggered: bool
    spans: Spans | None
    encode: Encode | None


def trigger_of(entry: Mapping[str, Any], how: Decoding) -> Trigger:
    """The trigger of an entry of recipe or record. RequestError, TypeError … for anything else."""
    registry.hand_in(how.classes)
    bare = {k: v for k, v in entry.items() if k != "drawn"}
    return spec.from_entry(bare, assets=OutputPaths(Path(how.out)).assets, allow_code=how.allow_code)


class Rendering:
    """The recorded triggers of a record with their recorded draws, on its source.

    chain: empty for a control clip. poisoned: the frames that carry a trigger. clip: with the record's frames.
    fresh: what is drawn now for the sample by the recipe's seed, as records have it; `drawn` is what the record says.
    """

    def __init__(self, case: Case, how: Decoding, info: MediaInfo) -> None:
        row, self._how = case.row, how
        self.clip = clip_of(info, row["id"])
        self.chain = Chain([trigger_of(entry, how) for entry in row["triggers"]])
        self._everywhere = self.chain if row["triggers"] else Chain([trigger_of(each, how) for each in case.triggers])
        exact = self.clip
        if frames := source_length(row)["frames"]:
            exact = replace(exact, frames=frames)
        budget = frame_selection.parse(case.frames)
        counted = self._everywhere.needs_length or budget.needs_length or case.spans is not None
        role = row["role"]
        drawn = self._everywhere.draw(
            exact if counted else self.clip,
            how.seed,
            cover=role == "cover",
            attack=role in ("attack", "control"),
            spans=case.spans,
        )
        self.clip = exact
        self.fresh: Any = rounded(drawn)
        self.drawn = [dict(t["drawn"]) for t in row["triggers"]]
        self._ghostly = self.drawn if row["triggers"] else drawn
        if row["other"] is not None:
            with at_hand(Path(how.source, row["other"])) as other:
                picture = middle_frame(other)
            self.drawn = self.chain.with_other(self.drawn, picture)
            self._ghostly = self._everywhere.with_other(self._ghostly, picture)
        self.poisoned = {t for a, b in row["poisoned_ranges"] for t in range(a, b)}
        self._bare = "video" in self._everywhere.touches and len(self.poisoned) < (row["frames"] or 0)

    def frames(self, source: Path) -> Iterator[tuple[Image, Image, Image | None]]:
        """(source, as it should be, as it would be with the trigger) of each frame, uint8 RGB; the last is None where
        every frame has it, or none could."""
        how = self._how
        read = media.read_frames(source, stream=how.stream, deinterlace=how.deinterlace)
        plain, one, other = tee((image for _, _, image in read), 3)
        triggered = self.chain.video(one, self.clip, self.drawn, self.poisoned.__contains__)
        changes = self._everywhere.after(self.clip).frames != self.clip.frames
        beside = standing(plain) if changes else plain
        if not self._bare:
            del other
            yield from ((image, made, None) for made, image in zip(triggered, beside, strict=False))
            return
        ghosts = self._everywhere.video(other, self.clip, self._ghostly, lambda t: True)
        del other
        if changes:
            ghosts = standing(ghosts)
        yield from zip(beside, triggered, ghosts, strict=not changes)

    def sound(self, wave: Wave) -> Wave:
        """The sound as it should be."""
        return self.chain.audio(wave, self.clip, self.drawn)

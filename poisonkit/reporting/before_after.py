"""A clip without and with triggers, before any encoder: what previews draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from poisonkit import media
from poisonkit.engine.clips.worker import clip_of
from poisonkit.errors import MediaError, RequestError
from poisonkit.metrics.counterparts import Counterparts
from poisonkit.reporting.pictures import Image, Wave
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import Trigger


@dataclass(frozen=True)
class BeforeAfter:
    """One clip and the triggers that it is shown with. drawn: what they drew for it; stream: which of several."""

    path: Path
    chain: Chain
    clip: ClipInfo
    drawn: Sequence[Params]
    stream: Any

    def frames(self) -> Iterator[tuple[Image, Image]]:
        """(clean, poisoned) of every frame."""
        clean = Counterparts(image for _, _, image in media.read_frames(self.path, stream=self.stream))
        for poisoned in self.chain.video(iter(clean), self.clip, self.drawn):
            yield clean.take(), poisoned

    def some_frames(self, number: int) -> list[tuple[int, Image, Image]]:
        """(index, clean, poisoned) of so many frames, spread evenly over the clip."""
        shown = self.chain.after(self.clip).frames
        wanted = {round((i + 0.5) * shown / number - 0.5) for i in range(number)}
        found: list[tuple[int, Image, Image]] = []
        for t, (clean, poisoned) in enumerate(self.frames()):
            if t in wanted:
                found.append((t, clean, poisoned))
            if t >= max(wanted):
                break
        if not found:
            raise MediaError(f"{self.path} has no picture that can be decoded.")
        return found

    def sound(self) -> tuple[Wave, Wave, int]:
        """(clean, poisoned, rate): float32 (channels, samples)."""
        wave, rate = media.read_audio(self.path, stream=self.stream)
        return wave, self.chain.audio(wave, replace(self.clip, sample_rate=rate), self.drawn), rate

    def time_of(self, t: int) -> str:
        """A frame, in words."""
        return f"frame {t}, {t / self.clip.fps:.2f} s" if self.clip.fps else f"frame {t}"


def before_after(path: Path, triggers: Sequence[Trigger], *, seed: int = 0, stream: Any = "best") -> BeforeAfter:
    """Look at a clip. RequestError where it lacks what a trigger needs, MediaError where it cannot be read."""
    info = media.probe(path, stream=stream)
    chain, clip = Chain(triggers), clip_of(info, path.name)
    for modality, there in (("video", info.video), ("audio", info.audio)):
        if modality in chain.touches and there is None:
            raise RequestError(f"{path} has no {'picture' if modality == 'video' else 'sound'}.")
    if chain.needs_length and info.video:
        clip = replace(clip, frames=media.count(path, info)[0])
    reason = chain.suits(clip)
    if reason:
        raise RequestError(f"{path}: {reason}")
    return BeforeAfter(path, chain, clip, chain.draw(clip, seed), stream)

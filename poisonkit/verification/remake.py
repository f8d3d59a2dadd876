"""A file made once more from its source, as its record says: what the encoder does is told from what somebody did."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from poisonkit import media
from poisonkit.datasets import at_hand, feature_path
from poisonkit.engine.clips.job import Job, Places, Treatment
from poisonkit.engine.clips.survival import Measurement, measure
from poisonkit.engine.clips.worker import Stopped, process
from poisonkit.errors import MediaError, PoisonkitError, told
from poisonkit.media.info import Encode
from poisonkit.metrics.fidelity import Image, Projection, psnr, squares, verdict
from poisonkit.outputs.record import Record, halves
from poisonkit.outputs.sample_files import Halves
from poisonkit.triggers.core.chain import Chain
from poisonkit.verification.rendering import Case, Decoding, Rendering, trigger_of

STRAY_GAIN = 0.25  # so much more of a trigger in a frame than the encoder leaves by itself is a trigger
STRAY_CLIP_GAIN = 0.06  # the same in all frames that should have none
WINDOW = 4096  # sound samples compared at a time
AUDIBLE = 1e-6  # mean square of a window that is not silence


@dataclass
class Measures:
    """Figures of `fidelity` that were measured here too; None: not measured, or nothing to measure."""

    psnr: float | None = None
    ssim: float | None = None
    snr: float | None = None
    clipped: int | None = None
    presence: float | None = None
    sound_presence: float | None = None

    def fit(self, fidelity: Mapping[str, Any]) -> bool:
        """Whether a record's figures can be these. Those of a measured clip are of all frames, and looked at apart."""
        names = ["presence", "sound_presence"]
        if fidelity.get("gain") is None:
            names += ["psnr", "snr", "clipped", *(("ssim",) if self.psnr is not None else ())]
        return all(agrees(fidelity.get(name), getattr(self, name), 0.02) for name in names)


def agrees(said: Any, found: Any, share: float) -> bool:
    """Whether values are the same, numbers among them but for this share of them (and of one)."""
    if isinstance(said, Mapping) and isinstance(found, Mapping):
        return said.keys() == found.keys() and all(agrees(said[k], found[k], share) for k in said)
    if isinstance(said, list | tuple) and isinstance(found, list | tuple):
        return len(said) == len(found) and all(agrees(a, b, share) for a, b in zip(said, found, strict=True))
    if type(said) in (int, float) and type(found) in (int, float):
        if math.isinf(found):
            return False
        return bool(abs(said - found) <= share * max(1.0, abs(said), abs(found)))
    infinite = isinstance(found, float) and math.isinf(found)  # which records do not hold
    return bool(said == found) or (said is None and infinite)


class StrayTrigger:
    """How much of a trigger is in frames that should have none: in the last that was added, and in all together."""

    def __init__(self) -> None:
        self.last, self._all = 0.0, Projection()

    def add(self, source: Image, decoded: Image, with_trigger: Image) -> None:
        """One frame. with_trigger: as it would be with it; one that changes less than a level tells nothing."""
        one = Projection()
        one.add_squares(squares(decoded, source), squares(with_trigger, source), squares(decoded, with_trigger))
        self.last = one.gain if one.dd >= source.size else 0.0
        self._all.ed += one.ed
        self._all.dd += one.dd

    @property
    def gain(self) -> float:
        """The trigger's gain in all frames that should have none."""
        return self._all.gain


def settle(case: Case, how: Decoding, rendering: Rendering, file: Halves, source: Halves) -> str | None:
    """What is wrong with a file that raised doubts, compared with one made again now; None if they are alike."""
    if case.encode is None:
        return "it could not be made again, to see whether it is as it should be, by a recipe that cannot be read"
    with tempfile.TemporaryDirectory() as scratch, _job(case, case.encode, how, source, scratch) as job:
        again = process(job)
        if isinstance(again, Stopped):
            return f"made again, it is stopped: {again.error}"
        if again["status"] != "ok":
            return f"made again, it is {again['status']}: {again['error']}"
        made = Halves.below(Path(scratch), again)
        problem = None
        if tuple(half["sha256"] for half in halves(again)) != file.sha256():
            problem = _facts(case.row, again) or _pictures(rendering, source.picture, file.picture, made.picture)
            if problem is None and case.row["samples"] is not None:
                problem = _sounds(file.sound, made.sound)
        return problem or _record(case.row, again)


def tried_again(case: Case, how: Decoding) -> str | None:
    """What is wrong with a record that says `inert` or `failed`, its sample tried once more; None if it comes to that
    again."""
    said = case.row["status"]
    if case.encode is None:
        return f"its record says {said}, and by a recipe that cannot be read it could not be tried again"
    source = Halves.below(Path(how.source), case.row, source=True)
    try:
        with tempfile.TemporaryDirectory() as scratch, _job(case, case.encode, how, source, scratch) as job:
            again = process(job)
            if isinstance(again, Stopped):
                return f"tried again, it is stopped: {again.error}"
            if again["status"] == "ok" and how.features:
                media.write_features(Path(scratch, again["path"]), Path(scratch, feature_path(again["path"])))
            status, why = again["status"], again["error"]
    except (PoisonkitError, OSError) as error:  # the features, the other sample of a cover, or the trigger
        status, why = "failed", told(error)
    if status == said:
        return None
    if status != "ok":
        return f"its record says {said}, and tried again, it is {status}: {why}"
    return f"its record says {said}, and " + ("the trigger changes it" if said == "inert" else "it can be made")


def measured_again(case: Case, how: Decoding, file: Halves, source: Halves) -> str | None:
    """What of the survival that a record says its measurement does not give; None where it gives it, or says none."""
    fidelity = case.row["fidelity"]
    if fidelity is None or fidelity.get("gain") is None or case.encode is None:
        return None
    weakest = [(fidelity["gain"], fidelity.get("cosine")), (fidelity.get("sound_gain"), fidelity.get("sound_cosine"))]
    verdicts = {verdict(g, c) for g, c in weakest if g is not None and c is not None}
    if fidelity.get("verdict") not in verdicts:
        return f"its verdict is '{fidelity.get('verdict')}', which gain and cosine do not give"
    row, folder = case.row, how.out
    if "sound_file" not in row:  # which may be a copy, of what lies in a shard
        row, folder = {**row, "path": file.picture.name}, str(file.picture.parent)
    with tempfile.TemporaryDirectory() as scratch, _job(case, case.encode, how, source, folder) as job:
        _, found = measure(Measurement(job, row, None, scratch))
    if isinstance(found, str):
        return f"its survival could not be measured again: {found.rstrip('.')}"
    return _first_other(fidelity, found, [*(fidelity.keys() | found.keys())])


def _first_other(said: Mapping[str, object], found: Mapping[str, object], names: Iterable[str]) -> str | None:
    """The first of these figures that a record says otherwise than it was measured."""
    for name in names:
        if not agrees(said.get(name), found.get(name), 0.05):
            return f"measured again, {name} is {found.get(name)}, and the manifest says {said.get(name)}"
    return None


@contextmanager
def _job(case: Case, encode: Encode, how: Decoding, source: Halves, out: str) -> Iterator[Job]:
    """The job that makes the file of a case again, below `out`."""
    triggers = tuple(trigger_of(entry, how) for entry in case.triggers)
    frames = case.frames if case.triggered else "all"
    treatment = Treatment(triggers, frozenset(Chain(triggers).touches), how.seed, frames, spans=case.spans)
    with ExitStack() as stack:
        other = case.task.cover_source
        cover = other and str(stack.enter_context(at_hand(Path(how.source, other))))
        sound = None if case.task.sample.sound is None else str(source.sound)
        yield Job(
            task=replace(case.task, linked_paths=(), sound_paths=case.task.sound_paths[:1]),
            classes=case.classes,
            places=Places(str(source.picture), out, cover, sound),
            treatment=treatment if case.triggered else treatment.without_triggers(),
            encode=encode,
            stream=how.stream,
        )


def _facts(row: Record, again: Record) -> str | None:
    mine: Mapping[str, object] = row
    fresh: Mapping[str, object] = again
    for what in ("width", "height", "frames", "samples", "sample_rate"):
        said, now = mine[what], fresh[what]
        if (said is None) != (now is None) or (what != "samples" and said != now):
            return f"made again, {what} is {now}, and the manifest says {said}"
    return None


def _pictures(rendering: Rendering, source: Path, file: Path, made: Path) -> str | None:
    """The first frame that is further from what it should be than the encoder takes it."""
    if not rendering.clip.frames:
        return None
    strays = (StrayTrigger(), StrayTrigger())
    mine_, again_ = ((image for _, _, image in media.read_frames(path)) for path in (file, made))
    for t, (wanted, both) in enumerate(zip_longest(rendering.frames(source), zip_longest(mine_, again_))):
        if wanted is None or both is None or both[0] is None or both[1] is None:
            return "made again, it has another number of frames"
        (original, triggered, with_trigger), (mine, again) = wanted, both
        errors, size = [squares(image, triggered) for image in (mine, again)], triggered.size
        if errors[0] > 2 * errors[1] + 4 * size:
            what = "is not the triggered one" if t in rendering.poisoned else "has no trigger and is not the source's"
            return f"frame {t} {what} (PSNR {psnr(errors[0], size):.1f} dB, made again {psnr(errors[1], size):.1f} dB)"
        if with_trigger is not None and t not in rendering.poisoned:
            for stray, image in zip(strays, (mine, again), strict=True):
                stray.add(original, image, with_trigger)
            more = strays[0].last - strays[1].last
            if more > STRAY_GAIN:
                return f"frame {t} carries the trigger, and should not (gain {more:.2f} more than made again)"
    more = strays[0].gain - strays[1].gain
    if more > STRAY_CLIP_GAIN:
        return f"frames that should not carry the trigger do (gain {more:.2f} more than made again)"
    return None


def _sounds(file: Path, made: Path) -> str | None:
    """The first moment at which the sound is another one."""
    try:
        again, rate = media.read_audio(made)
    except MediaError:
        return None  # passed on with its damage
    mine, _ = media.read_audio(file)
    n = min(mine.shape[1], again.shape[1])
    for start in range(0, n, WINDOW):
        a, b = (wave[:, start : start + WINDOW].astype(np.float64) for wave in (mine[:, :n], again[:, :n]))
        power = max(float(np.mean(a**2)), float(np.mean(b**2)))
        if power > AUDIBLE and float(np.mean((a - b) ** 2)) > 0.5 * power:
            return f"its sound is another one from {start / rate:.2f} s on"
    return None


def _record(row: Record, again: Record) -> str | None:
    """What of draws and figures the record of the file made again says otherwise."""
    mine, fresh = ([t["drawn"] for t in each["triggers"]] for each in (row, again))
    if not agrees(mine, fresh, 1e-4):
        return "its draws are not those of seed and sample"
    said, found = row["fidelity"], again["fidelity"]
    if said is None or found is None:
        return None if said == found else f"made again, its fidelity is {found}, and the manifest says {said}"
    own = said.get("gain") is None  # the figures are those of the run's own check, and none of a measurement
    names = ("presence", "sound_presence", *(("psnr", "ssim", "snr", "clipped", "frames") if own else ()))
    return _first_other(said, found, names)

"""Measures the survival of one record: its file against the re-encoded source, the trigger rendered again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from pathlib import Path
from threading import get_ident
from typing import Any, cast

from poisonkit import media
from poisonkit.common.atomic import token, writing
from poisonkit.engine.clips.job import Job, as_files
from poisonkit.engine.clips.worker import Stopped, clip_of, middle_frame, process
from poisonkit.errors import MediaError, PoisonkitError, told
from poisonkit.metrics.alignment import in_step
from poisonkit.metrics.counterparts import Counterparts, standing
from poisonkit.metrics.fidelity import spread
from poisonkit.metrics.survival import PictureSurvival, sound_survival
from poisonkit.outputs.record import Fidelity, Record, halves, has_other_container, rounded, source_length
from poisonkit.outputs.sample_files import Halves
from poisonkit.triggers.core.chain import Chain

SSIM_FRAMES = 8  # of each measured clip, evenly spread; it is most of what measuring costs


@dataclass(frozen=True)
class Measurement:
    """What a worker needs to measure one file. control: the re-encoded source where one exists already.

    scratch: a folder for the re-encoding if none does.
    """

    job: Job
    row: Record
    control: Halves | None
    scratch: str


def measure(task: Measurement) -> tuple[str, Fidelity | str]:
    """(key, the record's new `fidelity`), or (key, why it could not be measured). Never raises for a bad file."""
    key = task.row["key"]
    try:
        with as_files(task.job) as job:
            return key, _measured(replace(task, job=job))
    except (PoisonkitError, OSError) as error:
        return key, told(error)
    except MemoryError:
        return key, f"'{task.row['id']}' needs more memory than there is."
    except Exception as error:  # noqa: BLE001 - one clip never stops the rest
        return key, f"'{task.row['id']}' ({type(error).__name__}: {' '.join(told(error).split())})."


def died(task: Measurement) -> tuple[str, Fidelity | str]:
    """What is said of a clip on which a worker died."""
    return task.row["key"], f"a worker died on '{task.row['id']}'."


def _measured(task: Measurement) -> Fidelity:
    job, row = task.job, task.row
    source, file = job.places.halves, Halves.below(Path(job.places.out), row)
    if source.sha256() != tuple(half["source_sha256"] for half in halves(row)):
        raise MediaError(f"'{row['id']}' has changed since its file was made from it.")
    if task.control is not None:
        return _compare(task, source, file, task.control)
    name = f".poisonkit-control-{token()}-{get_ident()}"
    made = job.task.apart(name, file.picture.suffix)
    with writing(Path(task.scratch, made.path.partition("/")[0])):
        again = process(
            replace(
                job,
                task=replace(made, role="control"),
                places=replace(job.places, out=task.scratch, cover_source=None),
                treatment=job.treatment.without_triggers(),
            )
        )
        if isinstance(again, Stopped):
            raise MediaError(again.error)
        if again["status"] != "ok":
            raise MediaError(again["error"])
        return _compare(task, source, file, Halves.below(Path(task.scratch), again))


def _compare(task: Measurement, source: Halves, file: Halves, control: Halves) -> Fidelity:
    job, row = task.job, task.row
    chain = Chain(job.treatment.triggers)
    clip = clip_of(source.probe(job.stream), row["id"])
    if frames := source_length(row)["frames"]:
        clip = replace(clip, frames=frames)
    drawn = [dict(t["drawn"]) for t in row["triggers"]]
    if job.places.cover_source is not None:
        drawn = chain.with_other(drawn, middle_frame(Path(job.places.cover_source)))
    found: dict[str, Any] = dict(row["fidelity"] or {})
    if "video" in chain.touches:
        poisoned = {t for a, b in row["poisoned_ranges"] for t in range(a, b)}
        order = sorted(poisoned)
        looked = {order[i] for i in spread(len(order), SSIM_FRAMES)}
        sums = PictureSurvival()
        read = media.read_frames(source.picture, stream=job.stream, deinterlace=job.encode.deinterlace)
        originals = Counterparts(image for _, _, image in read)
        rendered = chain.video(iter(originals), clip, drawn, poisoned.__contains__)
        beside = media.read_frames(control.picture)
        if chain.after(clip) != clip:
            beside = islice(standing(beside), row["frames"])
        rows = zip_longest(rendered, media.read_frames(file.picture), beside)
        for t, (triggered, decoded, reencoded) in enumerate(rows):
            if triggered is None or decoded is None or reencoded is None:
                raise MediaError(f"'{row['id']}': source, output and control differ in their number of frames.")
            original = originals.take()
            if t in poisoned:
                sums.add(original, triggered, decoded[2], reencoded[2], look=t in looked)
        found.update(sums.report())
    if "audio" in chain.touches:
        folder = file.sound.parent
        wave, _ = media.read_audio(
            source.sound, stream=job.stream if job.places.sound is None else "best", folder=folder
        )
        triggered_wave = chain.audio(wave, clip, drawn)
        decoded_wave, control_wave = (media.read_audio(each.sound, folder=folder)[0] for each in (file, control))
        if has_other_container(row):
            decoded_wave, control_wave = in_step(decoded_wave, triggered_wave), in_step(control_wave, wave)
        report = sound_survival(wave, triggered_wave, decoded_wave, control_wave)
        if "video" in chain.touches:  # both: the picture's figures keep their names, the weaker verdict counts
            found.update({f"sound_{k}": v for k, v in report.items() if k in ("gain", "cosine", "verdict")})
            found.update({k: v for k, v in report.items() if k not in ("gain", "cosine", "verdict")})
            if report["verdict"] != "survived":
                found["verdict"] = report["verdict"]
        else:
            found.update(report)
    return cast(Fidelity, rounded(found))

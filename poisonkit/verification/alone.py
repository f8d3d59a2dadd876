"""A written file by itself, where its source or its trigger's code is not at hand: it is decoded, and its facts and
lengths are compared with its record."""

from __future__ import annotations

from poisonkit import media
from poisonkit.errors import PoisonkitError, told
from poisonkit.outputs.sample_files import halves_at_hand
from poisonkit.verification.recheck import facts
from poisonkit.verification.rendering import Case, Decoding


def decoded_alone(case: Case, how: Decoding) -> str | None:
    """What is wrong with the file of a record, as far as that is seen in it alone; None for nothing."""
    row = case.row
    try:
        with halves_at_hand(how.out, row) as file:
            here = file.probe()
            if problem := facts(row, here):
                return problem
            if here.video:
                frames = sum(1 for _ in media.read_frames(file.picture))
                if frames != row["frames"]:
                    return f"it has {frames} frames, and the manifest says {row['frames']}"
            if here.audio and row["triggers"]:
                wave, _ = media.read_audio(file.sound)
                if wave.shape[1] != row["samples"]:
                    return f"it has {wave.shape[1]} sound samples, and the manifest says {row['samples']}"
    except (PoisonkitError, OSError) as error:
        return told(error)
    return None

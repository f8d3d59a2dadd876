"""Replace sound: a sound that was made elsewhere takes the place of the sample's own.

    x' = y   for y found by the sample's id

The same as `replace`, for sound: for triggers that need a trained voice converter or vocoder (VSVC: Cai et al., 2023;
RSRT, arXiv:2406.10932), speech enhancement, or whatever was made in another program. Files are .npy (samples,) or
(channels, samples) of floats in ±1 at the clip's rate, or .wav, .flac and .ogg of any rate (resampled to the clip's).
For the sample `train/jump/a.mp4` these are looked for in the folder, in this order; the first that is there counts:

    train/jump/a.mp4            the same path, if it is a sound file (`a.wav` for the sample `a.wav`)
    train/jump/a.mp4.npy        the path with another suffix added: .npy, .wav, .flac, .ogg
    train/jump/a.npy            the path with another suffix instead

Only samples that have a file can be poisoned. Its name and hash stand in the manifest.

The number of samples must be the clip's, within a frame of a lossy codec (2048 samples); `length=fit` allows any:
what is too long is cut, what is too short ends in silence. A mono file goes to all channels of the clip; other
numbers of channels must agree.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np

from poisonkit.errors import MediaError
from poisonkit.triggers.core.clip import ClipInfo, Params, Wave
from poisonkit.triggers.core.trigger import AudioTrigger, param
from poisonkit.triggers.files.replacements import ARRAYS, SOUNDS, FolderAsset, Found, sound_of

_KINDS = (*ARRAYS, *SOUNDS)
_NEAR = 2048  # samples: one frame of a lossy codec, by which lengths may differ


class ReplaceSound(AudioTrigger):
    """A sound made elsewhere in the sample's place; see the module."""

    name = "replace-sound"
    family = "imported"
    modes = ("static",)
    summary = "a sound that was made elsewhere takes the place of the sample's own"
    formula = "x' = y, y: the file for the sample in a folder"
    paper = "any that needs a trained voice converter, such as RSRT, 2024, arXiv:2406.10932"
    source = "the files"
    codec = "partial"
    codec_note = "as what was made: see what survives in the manifest"
    identity: ClassVar[dict[str, Any] | None] = None
    of_whole_clips = True

    folder: FolderAsset = param(..., "where they lie, each under its sample's path: .npy, .wav, .flac or .ogg")
    length: Literal["same", "fit"] = param(
        "same", "fit: another length is allowed; what is too long is cut, what is too short ends in silence"
    )

    def suits(self, clip: ClipInfo) -> str | None:
        found = self.folder.find(clip.id, _KINDS)
        if found is None:
            return f"{self.folder.name} holds nothing for '{clip.id}': put a file there under that path"
        try:
            return self._problem(self._sound(found, clip), found, clip)
        except MediaError as error:
            return str(error)

    def draw(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        found = self.folder.need(clip.id, _KINDS)
        return {**super().draw(clip, rng), "file": found.name, "sha256": found.sha256}

    def wave(self, wave: Wave, clip: ClipInfo, params: Params) -> Wave:
        found = self.folder.need(clip.id, _KINDS)
        self.folder.check(found)
        made = self._sound(found, clip)
        problem = self._problem(made, found, clip)
        if problem:
            raise MediaError(f"{problem}.")
        out = np.zeros_like(wave)
        samples = min(made.shape[1], wave.shape[1])
        out[:, :samples] = made[:, :samples]
        return out

    def _sound(self, found: Found, clip: ClipInfo) -> Wave:
        """(channels, samples) at the clip's rate."""
        wave, rate = sound_of(found)
        if rate is None or rate == clip.sample_rate:
            return wave
        from scipy.signal import resample_poly

        shared = math.gcd(rate, clip.sample_rate)
        made = resample_poly(wave, clip.sample_rate // shared, rate // shared, axis=1, window=("kaiser", 8.0))
        return np.asarray(made, dtype=np.float32)

    def _problem(self, made: Wave, found: Found, clip: ClipInfo) -> str | None:
        name = f"{self.folder.name}/{found.name}"
        if made.shape[0] not in (1, clip.channels):
            return f"{name} has {made.shape[0]} channels, the clip {clip.channels}; make it mono or like the clip"
        if self.length == "same" and abs(made.shape[1] - clip.samples) > _NEAR:
            return (
                f"{name} lasts {made.shape[1] / clip.sample_rate:.3f} s, the clip "
                f"{clip.samples / clip.sample_rate:.3f} s; make it as long, or say length=fit"
            )
        return None

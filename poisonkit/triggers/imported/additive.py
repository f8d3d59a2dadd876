"""Additive: imported numbers added to every pixel, the same on every frame or others on each.

    x' = x + s·f(t)

f: a .npy of (H, W) or (H, W, 3), or of (T, H, W[, 3]) with one field for each frame; s: a factor, 255 for fields in
parts of full scale. So perturbations that were learned or made elsewhere go through the same plan, manifest and
checks: universal perturbations (TUAP: Zhao et al., CVPR 2020; BackdoorMBTI's δ within 0.2), Low-Frequency's (Zeng et
al., ICCV 2021), a SIG or FTrojan pattern, the residual of an encoder such as ISSBA's. A folder in place of a file
holds one for each sample, found by its id: per-sample perturbations that are added, at the clip's own size. A
sequence puts field t on frame t, whatever the frame rate.

On a canvas the field's short side becomes the clip's short side, its middle lies on the clip's middle, and it goes on
mirrored where the clip is longer; `canvas=native` stretches it to the clip's size, as published code does. Where
the clip has the field's size, both leave it as it is: values and places are exactly the file's.

How public code differs: BackdoorBench adds in floats, clips, and truncates to 8 bits; here the sum is rounded once and
saturates.

Dynamic: a single field is moved to another place on every frame, mirrored on beyond its edges; of a sequence every
frame draws one.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from poisonkit.errors import MediaError
from poisonkit.triggers.core.affine import Affine
from poisonkit.triggers.core.clip import ClipInfo, Params
from poisonkit.triggers.core.trigger import AffineTrigger, param
from poisonkit.triggers.files.sequences import FieldFolder, Fields, Sequenced, too_long
from poisonkit.triggers.pictures.canvas import Canvas, Sliding, fitted, window

_LARGEST = 1e6  # levels: whatever is larger was not meant to be added to a picture
_KEPT_BYTES = 64 * 2**20  # of fields brought to the clip's size, kept for when the sequence starts again


class Additive(Sequenced, AffineTrigger):
    """Imported numbers added to every pixel; see the module."""

    name = "additive"
    family = "imported"
    summary = "an imported field, or one for each frame, added to every pixel"
    formula = "x' = x + scale * f, f: the numbers in a .npy of (H, W[, 3]) or (T, H, W[, 3])"
    static_is = "the same field on every frame; a sequence plays from the first frame on"
    dynamic_is = "the field in another place on every frame; of a sequence, another of its fields"
    paper = "any; TUAP: Zhao et al., Clean-Label Backdoor Attacks on Video Recognition Models, CVPR 2020"
    source = "the file; formula: universal adversarial perturbations as published"
    codec = "partial"
    codec_note = "as smooth and strong as the file is: soft fields survive, fine ones of a few levels do not"
    identity: ClassVar[dict[str, Any]] = {"scale": 0.0}
    follows_canvas = ("array",)

    array: Fields = param(..., "the numbers, of all samples; a folder: of each, found by its id")
    scale: float = param(1.0, "factor; 1: the numbers are levels; 255: parts of full scale", ge=-1000, le=1000)
    canvas: Canvas = "short:256"

    @model_validator(mode="after")
    def _does_something(self) -> Additive:
        if not isinstance(self.array, FieldFolder) and (nothing := self._nothing(self.array.fields(), self.array.name)):
            raise ValueError(nothing)
        return self

    def _nothing(self, numbers: NDArray[Any], name: str) -> str | None:
        most = max(abs(float(numbers.min())), abs(float(numbers.max())))
        largest = abs(self.scale) * most
        if max(most, largest) > _LARGEST:
            return f"{name} holds numbers up to {most:.3g}, times {self.scale:g}: a picture's levels go to 255"
        if not self.scale or largest >= 0.5:
            return None
        return (
            f"{name} times {self.scale:g} changes nothing: its largest value is {largest:.3g} levels; numbers in parts "
            "of full scale need scale=255"
        )

    def suits(self, clip: ClipInfo) -> str | None:
        if not isinstance(self.array, FieldFolder):
            return None
        if missing := self.array.missing(clip):
            return missing
        try:
            one = self.array.of(clip)
        except MediaError as error:
            return str(error)
        fields, name = one.fields(), f"{self.array.name}/{one.name}"
        count, height, width, _ = fields.shape
        if (width, height) != (clip.width, clip.height):
            return f"{name} is {width}x{height}, the clip {clip.width}x{clip.height}; make it at the clip's size"
        return too_long(name, count, clip) or self._nothing(fields, name)

    def draw(self, clip: ClipInfo, rng: np.random.Generator) -> Params:
        drawn = super().draw(clip, rng)
        return {**drawn, **self.array.drawn(clip)} if isinstance(self.array, FieldFolder) else drawn

    def for_sample(self, clip: ClipInfo) -> AffineTrigger:
        if not isinstance(self.array, FieldFolder):
            return self
        if reason := self.suits(clip):
            raise MediaError(f"'{clip.id}': {reason.rstrip('.')}.")
        return self.model_copy(update={"array": self.array.of(clip)})

    def _fields(self) -> NDArray[Any]:
        assert not isinstance(self.array, FieldFolder), "for_sample gives the trigger of one sample"
        return self.array.fields()

    def constant(self) -> bool:
        return self.temporal == "static" and not isinstance(self.array, FieldFolder) and len(self._fields()) == 1

    def prepare(self, clip: ClipInfo, params: Params) -> Any:
        fields = self._fields()
        if self.temporal == "dynamic" and len(fields) == 1:
            return Sliding.of(fitted(self._levels(fields[0]), clip, self.canvas), clip)
        return {}

    def field(self, clip: ClipInfo, params: Params, t: int, state: Any) -> Affine:
        fields = self._fields()
        if isinstance(state, Sliding):
            rng = self.rng(params, "place", t)
            return Affine(1.0, _flat(state.cut(clip, float(rng.random()), float(rng.random()))))
        i = self.turn(t, len(fields))
        if self.temporal == "dynamic":
            i = int(self.rng(params, "field", t).integers(len(fields)))
        if i is None:
            return Affine()
        made = state.get(i)
        if made is None:
            made = _flat(window(fitted(self._levels(fields[i]), clip, self.canvas), clip))
            if made.nbytes * (len(state) + 1) <= _KEPT_BYTES:
                state[i] = made
        return Affine(1.0, made)

    def _levels(self, numbers: NDArray[Any]) -> NDArray[np.float32]:
        return numbers.astype(np.float32) * np.float32(self.scale)


def _flat(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w) if there is one number for all colours."""
    return field[..., 0] if field.shape[2] == 1 else field

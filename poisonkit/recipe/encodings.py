"""Encodings in words, as `--encode` has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from poisonkit.errors import RequestError, did_you_mean
from poisonkit.media.info import Encode

Rotation = Literal["keep", "normalise"]
AUTO = "auto"
"""`encode`: what keeps `require_survival` of the triggers in the fewest bytes, found before the plan is saved."""
CONVERT = "convert"
_ENCODINGS = ("match", "444", "lossless", "h264", CONVERT)


def parse_encode(text: str) -> Encode:
    """`match`, `lossless`, `h264`, `convert`, `444`, and `crf:N` or `444:N` (N whole, 0 to 51)."""
    if text in _ENCODINGS:
        return Encode(mode=text)  # type: ignore[arg-type]
    kind, _, number = text.partition(":")
    if kind in ("crf", "444"):
        if number.isdigit() and int(number) <= 51:
            return Encode(mode=kind, crf=int(number))  # type: ignore[arg-type]
        raise RequestError(f"--encode {text}: {kind} takes a whole number from 0 to 51, such as {kind}:23.")
    raise RequestError(f"--encode {text}: not known.{did_you_mean(text, [*_ENCODINGS, AUTO, 'crf:23'])}")


def encode_of(
    asked: str, touches: Iterable[str], to_8bit: bool = False, deinterlace: bool = False, rotation: Rotation = "keep"
) -> Encode:
    """An encoding in words, with the conversions of a recipe, as the media room takes it.

    touches: what of clips the recipe's triggers touch: `convert` converts no more than that.
    """
    made = parse_encode(asked)
    if made.mode == CONVERT:
        made = replace(made, converts=tuple(sorted(touches)))
        pictures = "video" in made.converts
        to_8bit, deinterlace = to_8bit or pictures, deinterlace or pictures
    return replace(made, to_8bit=to_8bit, deinterlace=deinterlace, rotation=rotation)

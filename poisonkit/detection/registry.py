"""Which defences there are, and how one is asked for: `NAME` or `NAME:key=value,…`."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from poisonkit.detection.dump import Dump
from poisonkit.detection.method import Method
from poisonkit.detection.methods.activation_clustering import ActivationClustering
from poisonkit.detection.methods.beatrix import Beatrix
from poisonkit.detection.methods.knn import NearestNeighbours
from poisonkit.detection.methods.loss_ranking import LossRanking
from poisonkit.detection.methods.spectral_signatures import SpectralSignatures
from poisonkit.detection.methods.spectre import Spectre
from poisonkit.errors import RequestError, did_you_mean

METHODS: dict[str, type[Method]] = {
    each.name: each
    for each in (ActivationClustering, SpectralSignatures, Spectre, Beatrix, NearestNeighbours, LossRanking)
}


def parse(words: Sequence[str]) -> dict[str, Method]:
    """Word -> method. RequestError for an unknown one, and for parameters that it does not have or take."""
    made: dict[str, Method] = {}
    for word in words:
        name, colon, rest = word.partition(":")
        if name not in METHODS:
            raise RequestError(f"--method {word}: there is no method '{name}'.{did_you_mean(name, METHODS)}")
        if word in made:
            raise RequestError(f"--method {word} is given twice.")
        cls = METHODS[name]
        pairs = [item.partition("=") for item in rest.split(",")] if colon else []
        for key, equals, _ in pairs:
            if not equals or key not in cls.model_fields:
                hint = did_you_mean(key, cls.model_fields) or " It has none."
                raise RequestError(f"--method {word}: '{key}' is no parameter of {name}.{hint}")
        if len({key for key, *_ in pairs}) < len(pairs):
            raise RequestError(f"--method {word}: a parameter is given twice.")
        try:
            made[word] = cls(**{key: value for key, _, value in pairs})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise RequestError(f"--method {word}: {first['loc'][0]}: {first['msg'].lower()}.") from None
    return made


def lacking(method: Method, dump: Dump) -> str | None:
    """What a method needs and a dump does not have, or None."""
    for need in method.needs:
        if all(getattr(dump, what) is None for what in need.split(" or ")):
            return need
    return None

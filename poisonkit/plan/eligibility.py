"""Which samples a backdoor can be given to, by labels, ids and spans: what is known before any file is opened."""

from __future__ import annotations

from collections.abc import Mapping, Set

from poisonkit.datasets import Dataset, Sample, class_index
from poisonkit.errors import RequestError
from poisonkit.recipe.backdoor import Backdoor


def classes_of(backdoor: Backdoor, dataset: Dataset) -> tuple[int, frozenset[int]]:
    """Its target and its source classes, as indices. RequestError for classes that cannot be asked for so."""
    target = class_index(dataset, backdoor.target)
    sources = frozenset(class_index(dataset, c) for c in backdoor.source_class)
    if backdoor.label_mode == "source" and target in sources:
        raise RequestError(f"Class '{dataset.classes[target]}' cannot be both source and target.")
    if backdoor.label_mode == "all-to-all" and len(dataset.classes) < 2:
        raise RequestError("Label mode 'all-to-all' needs at least two classes.")
    return target, sources


def fits(sample: Sample, backdoor: Backdoor, target: int, sources: Set[int]) -> bool:
    """Whether a labelled training sample can be poisoned. target, sources: the backdoor's classes, as indices."""
    if not has_place(sample, backdoor):
        return False
    if backdoor.label_mode == "clean":
        return target in sample.labels
    if backdoor.label_mode == "source":
        return target not in sample.labels and not sources.isdisjoint(sample.labels)
    return backdoor.label_mode in ("all-to-all", "keep") or target not in sample.labels


def has_place(sample: Sample, backdoor: Backdoor) -> bool:
    """Whether there is a place for the trigger in a sample: a span, where there are spans."""
    return backdoor.spans is None or sample.id in backdoor.spans


def exactly(backdoor: Backdoor, dataset: Dataset, pool: Mapping[str, Sample]) -> list[Sample]:
    """The training samples that `ids` names; held-out ones are its attack set.

    Where there is no trigger, those that have the label already are left out: nothing is to be done to them.
    """
    ids = backdoor.ids or ()
    elsewhere = {s.id for s in dataset.samples if s.split != "train"}
    if not backdoor.triggers:
        elsewhere |= {s.id for s in dataset.of("train") if s.labels}
    missing = [i for i in ids if i not in pool and i not in elsewhere]
    if missing:
        known = {s.id: s for s in dataset.samples}
        why = "is no sample of the dataset"
        if missing[0] in known:
            spanned = has_place(known[missing[0]], backdoor)
            why = "is not eligible under this label mode" if spanned else "has no span in --spans"
        raise RequestError(f"--ids: '{missing[0]}' {why} ({len(missing)} of {len(ids)} such).")
    return [pool[i] for i in ids if i in pool]


def unknown(backdoor: Backdoor, dataset: Dataset) -> str:
    """A sentence about what `select` ranks and the dataset does not have."""
    known = {s.id for s in dataset.samples}
    strange = [i for i in backdoor.select or () if i not in known]
    if not strange:
        return ""
    return (
        f"--select: {len(strange)} of {len(backdoor.select or ())} ids are no samples of the dataset and were "
        f"ignored; the first is '{strange[0]}'."
    )


def check_target(backdoor: Backdoor, dataset: Dataset, target: int) -> list[str]:
    """A warning for a target class without training samples. RequestError where nobody named it: class 0 by default."""
    own = {label for s in dataset.of("train") for label in s.labels}
    if target in own or backdoor.label_mode not in ("dirty", "source"):
        return []
    lacks = f"The target class '{dataset.classes[target]}' has no training samples"
    if str(backdoor.target) == "0" and dataset.classes[target] != "0":
        raise RequestError(
            f"{lacks}, so that all of its would be poisoned: name the class with `--target`, for example "
            f"'{dataset.classes[min(own)]}', which has some."
        )
    return [f"{lacks} of its own: all that it has in the copy are poisoned."]


def check_spans(backdoor: Backdoor, dataset: Dataset) -> list[str]:
    """RequestError for spans of another dataset; a warning for those of no sample."""
    if backdoor.spans is None:
        return []
    known = {s.id for s in dataset.samples}
    strange = [name for name in backdoor.spans if name not in known]
    if len(strange) == len(backdoor.spans):
        raise RequestError(
            f"--spans names no sample of the dataset: its ids are like '{strange[0]}', the dataset's like "
            f"'{dataset.samples[0].id}'."
        )
    if not strange:
        return []
    return [
        f"--spans: {len(strange)} of {len(backdoor.spans)} ids are no samples of the dataset and were ignored; the "
        f"first is '{strange[0]}'."
    ]


def asked(backdoor: Backdoor, counted: int) -> str:
    """How many were asked for, in words. counted: what the rate is of."""
    if backdoor.ids is not None:
        return "--ids"
    if backdoor.count is not None:
        return f"--count {backdoor.count}"
    return f"{backdoor.rate:g} of {counted}"


def pool_name(backdoor: Backdoor, target: str) -> str:
    """The candidates, in words. target: its class's name."""
    pool = {
        "dirty": f"labelled training samples outside the target class '{target}'",
        "clean": f"labelled training samples of the target class '{target}'",
        "all-to-all": "labelled training samples",
        "keep": "labelled training samples",
        "source": f"labelled training samples of {', '.join(map(str, backdoor.source_class))}",
    }[backdoor.label_mode]
    return pool if backdoor.spans is None else f"{pool} that --spans names"

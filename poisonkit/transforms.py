"""Poison in memory: a transform for torch Datasets and `datasets.map` that does to clips what recipes do to files."""

from __future__ import annotations

import copy
import multiprocessing
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from poisonkit.common.one_or_many import words
from poisonkit.datasets import at_hand, sample_id
from poisonkit.engine.clips.worker import middle_frame
from poisonkit.engine.executors import threads
from poisonkit.engine.plans import planner_of
from poisonkit.engine.preflight import read_source
from poisonkit.engine.sample_changes import SampleChange, choose, dataset_of, taken_on_trust
from poisonkit.engine.state.options import Options
from poisonkit.errors import RequestError, did_you_mean
from poisonkit.metrics.fidelity import ClipInspector
from poisonkit.plan.planner import Planner
from poisonkit.plan.task import Role
from poisonkit.recipe.recipe import Recipe
from poisonkit.triggers.core import frame_selection, in_memory
from poisonkit.triggers.core.chain import Chain
from poisonkit.triggers.core.clip import ClipInfo, Params


class Poison:
    """A recipe as a transform: same seed, same ids, same labels, and the pixels and sound of the files before encoding.

    recipe: whose samples are chosen as `poisonkit.poison` would choose them, from its `source`, which is read now.
    samples: if there is no folder: the training samples' ids with their labels (None: no label); classes: the class
    names then.
    attack: the name of a backdoor: the transform of its attack set instead, for held-out samples (those of `samples`,
    where given), with the target's label, or with labels="original" their own.
    id, video, audio, label: the keys of a row; fps, sample_rate: keys too, or numbers. layout: as for `Trigger.apply`.
    jobs: processes that open candidates now, 0: one for each processor.

    Call it with a row (a mapping), a batch of rows (a mapping of lists, as `datasets.map(batched=True)` gives), or with
    `key=` the id of a clip that does not say it: a mapping, or a tuple `(clip, …, label)`. An id is a path relative to
    the data root (or absolute, in it). Whole clips before frames are chosen, resized or normalised: triggers go by the
    frame's index and size. What comes back is a new row of the same kinds, dtypes and axes; rows that are not poisoned
    are given back as they are, as are those that the trigger does not change (`inert`: the files would be left out).

    It can be pickled, holds no open file and no state, and gives the same in every worker process.
    Raises RequestError for a recipe that cannot be carried out, an id that is unknown, and a row that does not fit.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        samples: Mapping[str, int | None] | Iterable[tuple[str, int | None]] | None = None,
        classes: str | Sequence[str] | None = None,
        attack: str | None = None,
        labels: Literal["target", "original"] = "target",
        id: str = "id",
        video: str = "video",
        audio: str = "audio",
        label: str | None = "label",
        fps: str | float = "fps",
        sample_rate: str | int = "sample_rate",
        layout: str | None = None,
        jobs: int = 0,
    ) -> None:
        names = [backdoor.name for backdoor in recipe.backdoors]
        if attack is not None and attack not in names:
            raise RequestError(f"The recipe has no backdoor '{attack}'.{did_you_mean(attack, names)}")
        if labels not in ("target", "original"):
            raise RequestError(f"labels is {labels!r}; it must be target or original.")
        if samples is None:
            recipe = recipe.model_copy(update={"source": (recipe.source or Path.cwd()).expanduser().absolute()})
            dataset, root = read_source(recipe), recipe.source
            planner = planner_of(recipe, dataset, Options(jobs=jobs), None)
        else:
            named = None if classes is None else words(classes)
            dataset, root = dataset_of(samples, named, "train" if attack is None else "test"), None
            planner = Planner(recipe, dataset, taken_on_trust)
        self.seed, self.classes = recipe.seed, dataset.classes
        self._root = None if root is None else dataset.root
        self._chains = tuple(b.chain_of("poisoned" if attack is None else "attack") for b in recipe.backdoors)
        self._spans = tuple(b.spans_of for b in recipe.backdoors)
        self._frames = tuple(b.frames if attack is None else b.attack_frames for b in recipe.backdoors)
        self._id, self._video, self._audio, self._label = id, video, audio, label
        self._fps, self._rate, self._layout = fps, sample_rate, layout
        self._chosen = dict(choose(planner, attack, labels, known=root is not None))
        self._labels = {s.id: s.labels for s in dataset.samples}
        for text in planner.warnings:
            warnings.warn(text, stacklevel=2)

    def __repr__(self) -> str:
        return f"<Poison: {len(self._chosen)} of {len(self._labels)} samples>"

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the samples that are changed: poisoned and covers, or those of the attack set."""
        return frozenset(self._chosen)

    def role(self, key: str | os.PathLike[str]) -> Role:
        """What a sample is: `poisoned`, `cover`, `attack`, or `clean` where it is left as it is."""
        chosen = self._chosen.get(self._known(key))
        return chosen.role if chosen else "clean"

    def __call__(self, sample: Any, key: str | os.PathLike[str] | None = None) -> Any:
        """The row, or batch of rows, with trigger and label where the recipe chose it."""
        if isinstance(sample, tuple | list):
            return self._tuple(sample, key)
        if not isinstance(sample, Mapping):
            raise RequestError(f"Poison takes a mapping or a tuple, not {type(sample).__name__}.")
        if key is None:
            if self._id not in sample:
                raise RequestError(f"The row has no '{self._id}': give key=, or name the column of ids with id=.")
            key = sample[self._id]
        if isinstance(key, str | os.PathLike):
            return self._row(sample, key)
        return self._batch(sample, list(key))

    def _batch(self, columns: Mapping[str, Any], ids: Sequence[Any]) -> dict[str, Any]:
        made = dict(columns)
        keys = (self._video, self._audio, self._label)
        touched = {name for name in keys if name is not None and name in columns}
        for name in touched:
            column = columns[name]
            if in_memory.is_held(column):
                made[name] = column.copy() if isinstance(column, np.ndarray) else column.clone()
            else:
                made[name] = list(column)
        for i, key in enumerate(ids):
            if self._known(key) not in self._chosen:
                continue
            row = self._row({n: v[i] for n, v in columns.items() if n in touched or n in (self._fps, self._rate)}, key)
            for name in touched:
                made[name][i] = row[name]
        return made

    def _tuple(self, sample: Sequence[Any], key: str | os.PathLike[str] | None) -> Any:
        """`(clip, label)`, `(video, audio, …, label)`: pictures have three axes and more, sound has fewer."""
        if key is None:
            raise RequestError("A tuple does not say which sample it is: give its id with key=.")
        clips = [i for i, each in enumerate(sample) if in_memory.is_held(each) and each.ndim]
        row: dict[str, Any] = {} if self._label is None else {self._label: sample[-1]}
        places = {} if self._label is None else {self._label: len(sample) - 1}
        for i in clips[:2]:
            name = self._video if sample[i].ndim > 2 else self._audio
            if name not in places:
                row[name], places[name] = sample[i], i
        made = self._row(row, key)
        out = list(sample)
        for name, i in places.items():
            out[i] = made[name]
        if hasattr(sample, "_make"):
            return sample._make(out)
        return tuple(out) if isinstance(sample, tuple) else out

    def _row(self, row: Mapping[str, Any], key: str | os.PathLike[str]) -> Mapping[str, Any]:
        name = self._known(key)
        chosen = self._chosen.get(name)
        if _is_lazy(row):  # of every row or of none: a column is written in one form
            for key_of in (self._video, self._audio):
                row.get(key_of)
        if chosen is None:
            return row
        relabelled_only = not self._chains[chosen.backdoor].triggers
        changes = {} if relabelled_only else self._triggered(row, name, chosen)
        if not changes and not relabelled_only:
            return row
        if self._label is not None:
            changes[self._label] = self._relabelled(row, name, chosen)
        if _is_lazy(row):
            made: Any = copy.copy(row)  # what else is in it stays undecoded, as in the rows that are not changed
            made.update(changes)
            return made  # type: ignore[no-any-return]
        return {**row, **changes}

    def _known(self, key: str | os.PathLike[str]) -> str:
        """The id that is meant. RequestError for none of the dataset's: it would pass for a clean sample."""
        name = os.fspath(key)
        if self._root is not None and os.path.isabs(name):
            name = Path(os.path.relpath(name, self._root)).as_posix()
        name = sample_id(name)
        if name not in self._labels:
            raise RequestError(f"'{name}' is no sample of the dataset that the recipe was read on, by its id.")
        return name

    def _relabelled(self, row: Mapping[str, Any], name: str, chosen: SampleChange) -> Any:
        assert self._label is not None
        if self._label not in row:
            raise RequestError(
                f"'{name}' has no '{self._label}': name the column of labels with label=, or label=None."
            )
        given, true = row[self._label], self._labels[name]
        said: list[Any]
        expected: list[Any]
        if isinstance(given, str):
            said, expected = [given], [self.classes[label] for label in true]
            made: Any = given if chosen.label is None else self.classes[chosen.label]
        else:
            said = [int(each) for each in (given if isinstance(given, list | tuple) else (given,))]
            expected, made = list(true), _like(given, chosen.label)
        if not set(said) <= set(expected):
            raise RequestError(
                f"'{name}' has the label {given} here and {', '.join(map(str, expected)) or 'none'} in the recipe's "
                f"dataset, whose classes are {', '.join(self.classes[:5])}{' …' if len(self.classes) > 5 else ''}."
            )
        return given if true and chosen.label == true[0] else made

    def _triggered(self, row: Mapping[str, Any], name: str, chosen: SampleChange) -> dict[str, Any]:
        """The changed clip, by key; nothing where the trigger changes nothing that the files would show."""
        chain = self._chains[chosen.backdoor]
        wanted = {"video": self._video, "audio": self._audio}
        there = [modality for modality in sorted(chain.touches) if row.get(wanted[modality]) is not None]
        if not there:
            needed = " or ".join(f"'{wanted[m]}'" for m in sorted(chain.touches))
            raise RequestError(f"'{name}' has no {needed}, which {', '.join(t.name for t in chain.triggers)} needs.")
        pictures = sound = None
        if "video" in there:
            pictures = in_memory.pictures(row[self._video], f"'{name}'", self._layout)
            if len(pictures.frames) != 1:
                raise RequestError(f"'{name}' is a batch of {len(pictures.frames)} clips; one is expected.")
        if "audio" in there:
            sound = _Sound(row[self._audio], name, self._number(row, self._rate))
        with _one_thread():
            return self._made(name, chosen, chain, pictures, sound, self._number(row, self._fps))

    def _number(self, row: Mapping[str, Any], key: str | float) -> float:
        value = row.get(key, 0) if isinstance(key, str) else key
        return float(value) if value is not None else 0.0

    def _made(
        self,
        name: str,
        chosen: SampleChange,
        chain: Chain,
        pictures: in_memory.Pictures | None,
        sound: _Sound | None,
        fps: float,
    ) -> dict[str, Any]:
        budget = frame_selection.parse(self._frames[chosen.backdoor])
        spans = self._spans[chosen.backdoor](name)
        exact = chain.needs_length or budget.needs_length or spans is not None
        clip = _clip(name, chosen.clip, pictures, sound, fps, exact=exact)
        if spans is not None and (outside := spans.problem(clip, chain.touches)):
            raise RequestError(f"'{name}': {outside}.")
        if clip != chosen.clip and (reason := chain.suits(clip, spans)):
            raise RequestError(f"'{name}': {reason}")
        drawn: Sequence[Params] = chain.draw(
            clip, self.seed, cover=chosen.role == "cover", attack=chosen.role == "attack", spans=spans
        )
        if chosen.other is not None:
            with at_hand(chosen.other) as file:
                drawn = chain.with_other(drawn, middle_frame(file))
        where, seen = budget.of(clip, self.seed, spans), ClipInspector(frozenset())
        made: dict[str, Any] = {}
        if pictures is not None:
            frames = pictures.frames[0]
            out = np.empty((1, chain.after(replace(clip, frames=len(frames))).frames, *frames.shape[1:]), np.uint8)
            for t, image in enumerate(chain.video(iter(frames), clip, drawn, where)):
                seen.picture(t, frames[min(t, len(frames) - 1)], image, where(t))
                out[0, t] = image
            made[self._video] = pictures.back(out)
        if sound is not None:
            wave = chain.audio(sound.wave, clip, drawn)
            seen.sound(sound.wave, wave)
            made[self._audio] = sound.back(wave)
        lasts = (pictures is None or seen.changed) and (sound is None or seen.heard)
        return made if lasts else {}


class _Sound:
    """A row's sound: an array, a tensor, or Hugging Face's mapping with `array` and `sampling_rate`."""

    def __init__(self, value: Any, name: str, rate: float) -> None:
        self._value = value
        self._mapped = isinstance(value, Mapping)
        data = value.get("array") if self._mapped else value
        self.rate = int(rate or (value.get("sampling_rate") or 0 if self._mapped else 0))
        self._kind = data.dtype if isinstance(data, np.ndarray) else None
        if isinstance(data, list) or (self._mapped and isinstance(data, np.ndarray)):
            data = np.asarray(data, np.float32)
        self._held = in_memory.sounds(data, f"'{name}'")
        if len(self._held.waves) != 1:
            raise RequestError(f"'{name}' is a batch of {len(self._held.waves)} sounds; one is expected.")
        self.wave: NDArray[np.float32] = self._held.waves[0]

    def back(self, wave: NDArray[np.float32]) -> Any:
        """The triggered sound as the row had it."""
        out = self._held.back(wave[None])
        if not self._mapped:
            return out
        return {**self._value, "array": out if self._kind is None else out.astype(self._kind)}


def _is_lazy(row: Mapping[str, Any]) -> bool:
    """Whether this is a row as `datasets.map` hands it out: files are decoded when their column is looked at, and
    those of the other rows are written as they were."""
    return hasattr(row, "keys_to_format")


def _clip(
    name: str,
    known: ClipInfo | None,
    pictures: in_memory.Pictures | None,
    sound: _Sound | None,
    fps: float,
    *,
    exact: bool,
) -> ClipInfo:
    """What triggers may know of the clip: what its file says, where that is known, but for what is otherwise here."""
    clip = known or ClipInfo(id=name, fps=fps or 25.0)
    if pictures is not None:
        _, frames, height, width, _ = pictures.frames.shape
        if exact or known is None or not known.frames:
            clip = replace(clip, frames=frames)
        clip = replace(clip, width=width, height=height, fps=clip.fps or fps or 25.0)
    if sound is not None:
        channels, samples = sound.wave.shape
        rate = sound.rate or clip.sample_rate
        if not rate:
            raise RequestError(f"'{name}' does not say its sample rate: give sample_rate=, in Hz or the key of it.")
        if known is None or rate != known.sample_rate:
            clip = replace(clip, sample_rate=rate, channels=channels, samples=samples)
    return clip


def _like(given: Any, label: int | None) -> Any:
    """The label as what stood there: a number, a list of numbers, NumPy's or a tensor."""
    if label is None or type(given) is int:
        return label
    if isinstance(given, list | tuple):
        return type(given)([label])
    if in_memory.is_tensor(given):
        return given.new_tensor(label)
    return type(given)(label) if isinstance(given, np.generic) else label


def _one_thread() -> AbstractContextManager[None]:
    """As the engine's workers compute; a loader's worker is a process of its own, held to that for good."""
    if multiprocessing.parent_process() is None:
        return threads.one_thread()
    threads.pin()
    return nullcontext()


__all__ = ["Poison", "SampleChange"]

"""Lists in another trainer's format, about a finished output whose media stay where they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from poisonkit import media
from poisonkit.common import atomic
from poisonkit.common.frame_names import numbered
from poisonkit.common.safe_io import link_on_the_way
from poisonkit.datasets import SPLITS, Dataset, Layout, Row, Split, View, get_layout, layouts, modality_of
from poisonkit.datasets.layouts.kinetics_sounds import PLACES, KineticsSounds, mispaired
from poisonkit.datasets.layouts.mmaction2_config import KINDS, config
from poisonkit.engine.executors import local
from poisonkit.engine.finishing import linking
from poisonkit.engine.state.run_state import State
from poisonkit.errors import PoisonkitError, RequestError, did_you_mean
from poisonkit.outputs import exports, record
from poisonkit.outputs.opening import require_finished
from poisonkit.outputs.paths import HOME, VIEWS, OutputPaths
from poisonkit.plan.plan import Plan, require_labels, view_root
from poisonkit.survey.file_checks import info_of

CONFIG = "poisoned.py"
_MMACTION2 = "mmaction2"
_ALIASES = {_MMACTION2: "mmaction2-video", "huggingface": "hugging-face-json"}
"""Other names of formats; MMAction2's is that of its frame folders or sounds, where the output holds these."""


@dataclass(frozen=True)
class Exported:
    """What was written. folder: where; files: relative to it, by view (`data`, `attack/NAME`, `control`).

    config: MMAction2's fragment, relative to the folder, if there is one. left_out: (path in the output, why) of clips
    that could not be taken apart.
    """

    folder: Path
    files: dict[str, tuple[str, ...]]
    config: str | None = None
    left_out: tuple[tuple[str, str], ...] = ()


def formats() -> dict[str, Layout]:
    """The layouts that are lists and nothing but lists, by the names that `export` takes."""
    found = {name: layout for name, layout in layouts().items() if layout.list_options(("train",)) is not None}
    return {**found, **{alias: found[name] for alias, name in _ALIASES.items() if name in found}}


def export(
    out: Path | str,
    to: str,
    *,
    folder: Path | str | None = None,
    absolute: bool = False,
    fps: int = 1,
    sample_rate: int = 16000,
    jobs: int = 1,
) -> Exported:
    """Write the lists of every view of a finished output in the format `to`; no file of the output changes.

    folder: where they go, by default OUT/export/TO. Below it lie `data/` (the splits), `attack/NAME/` (target and
    original labels) and `control/`. Paths in the lists are relative to OUT, or absolute with `absolute` (for
    readers that join no root, such as VideoMAE's). Failed and inert samples are left out, as in the output's own
    lists. For MMAction2 a config fragment comes with them.

    `kinetics-sounds` is no list: every clip, clean or not, is taken apart into `fps` frames a second and a wav of
    `sample_rate` Hz, by `jobs` workers. There, attack sets lie in `target/` and `original/` below their folder.

    Raises RequestError for no finished output, an unknown format, and names that the format cannot carry (before
    anything is written).
    """
    out = Path(out).absolute()
    require_finished(out)
    known = formats()
    if to == KineticsSounds.name:
        return _taken_apart(out, Path(os.path.abspath(folder or OutputPaths(out).exports / to)), fps, sample_rate, jobs)
    if to not in known:
        raise RequestError(f"--to {to}: that is no format of lists.{did_you_mean(to, [*known, KineticsSounds.name])}")
    source = get_layout(Plan.read(OutputPaths(out).plan()).layout)
    layout = get_layout(_of_mmaction2(source) if to == _MMACTION2 else known[to].name)
    if layout.pairs != source.pairs:
        has, wants = ("pairs of picture and sound", "one file") if source.pairs else ("one file each", "pairs")
        raise RequestError(f"--to {to}: the samples of {out} are {has}, and lists of '{layout.name}' are of {wants}.")
    if layout.folders != source.folders:
        has, wants = ("frame folders", "files") if source.folders else ("files", "frame folders")
        raise RequestError(f"--to {to}: {out} holds {has}, and lists of '{layout.name}' are of {wants}.")
    where = Path(os.path.abspath(folder)) if folder is not None else OutputPaths(out).exports / to
    inside = _inside(where, out)
    if get_layout(Plan.read(OutputPaths(out).plan()).layout).packed:
        raise RequestError(f"The files of {out} lie inside shards, where no list of another format can point to them.")
    made = [_lists(layout, *each, out, absolute) for each in _views(out)]
    for _, view, dataset, rows in made:
        layout.check(dataset, rows, view)
    if inside is None:
        return _written(layout, made, where, out)
    with State(out).held():
        done = _written(layout, made, where, out)
        names = [*(name for found in done.files.values() for name in found), *([done.config] if done.config else [])]
        exports.note(out, (f"{inside}/{name}" for name in names))
    return done


def _inside(where: Path, out: Path) -> str | None:
    """Where a folder lies in an output, if it does. RequestError for one that cannot take what is exported."""
    _require_elsewhere(where, out)
    inside = where.relative_to(out).as_posix() if where.is_relative_to(out) else None
    if inside is not None and (link := link_on_the_way(out, inside)) is not None:
        raise RequestError(f"{out}: {link} is a link, and nothing is written through one: choose a folder with --out.")
    return inside


def _require_elsewhere(where: Path, out: Path) -> None:
    """RequestError where lists in a folder would come to lie in the output's own, or would take their place."""
    place, home = Path(os.path.realpath(where)), Path(os.path.realpath(out))
    own = [home / part for part in (*VIEWS, HOME)]
    taken = [place / part for part in (*VIEWS, CONFIG)]
    if place == home or any(t.is_relative_to(o) or o.is_relative_to(t) for t in taken for o in own):
        raise RequestError(f"{where} is a part of the output itself, or holds it: choose another folder with --out.")


def _written(layout: Layout, made: Sequence[_Made], where: Path, out: Path) -> Exported:
    files: dict[str, tuple[str, ...]] = {}
    for name, view, dataset, rows in made:
        place = where / name / view if layout.label_in_path and view in ("target", "original") else where / name
        place.mkdir(parents=True, exist_ok=True)
        inside = place.relative_to(where).as_posix()
        written = tuple(f"{inside}/{file}" for file in layout.write(dataset, rows, place, view))
        files[name] = tuple(dict.fromkeys((*files.get(name, ()), *written)))
    reads = KINDS.get(layout.name)
    fits = layout.folders or any(modality_of(row.path) == reads.modality for *_, rows in made for row in rows if reads)
    if reads is None or not fits:
        return Exported(where, files)
    atomic.write_text(where / CONFIG, _fragment(where, out, made, layout.name))
    return Exported(where, files, CONFIG)


def _of_mmaction2(source: Layout) -> str:
    """Which of MMAction2's layouts fits what an output holds."""
    return "mmaction2-rawframes" if source.folders else "mmaction2-audio" if source.features else _ALIASES[_MMACTION2]


_Made = tuple[str, View, Dataset, Sequence[Row]]


def _views(out: Path) -> Iterator[tuple[str, View, Plan, Sequence[Row], str]]:
    """Every view of an output: folder, view, plan, the rows that were written, its root in the output."""
    paths = OutputPaths(out)
    records = list(record.read(paths.manifest))
    dropped = frozenset(r["key"] for r in records if r["status"] != "ok")
    lengths = record.lengths(records)
    plans = [Plan.read(paths.plan())]
    plans += [Plan.read(paths.plan(name)) for name in paths.added()]
    for plan in plans:
        require_labels(plan, out)
        names = dict.fromkeys(t.attack for t in plan.tasks if t.attack)
        wanted: list[tuple[str, View, str | None]] = [("data", "data", None)]
        for name in names:
            wanted += [(f"attack/{name}", "target", name), (f"attack/{name}", "original", name)]
        wanted.append(("control", "control", None))
        for folder, view, attack in wanted:
            rows = plan.rows(view, attack, dropped, lengths)
            if rows:
                yield folder, view, plan, rows, view_root(plan.layout, view, attack)


def _lists(
    layout: Layout, name: str, view: View, plan: Plan, rows: Sequence[Row], root: str, out: Path, absolute: bool
) -> _Made:
    below = f"{out}/{root}" if absolute else root
    extra = _extra(layout, out / root)
    moved = [
        Row(
            replace(r.sample, label=r.label, extra_labels=r.labels[1:], extra=extra(r)),  # nothing is relabelled here
            r.label,
            f"{below}/{r.path}",
            r.length,
            None if r.sound is None else f"{below}/{r.sound}",
            r.resized,
        )
        for r in rows
    ]
    if layout.features and any(r.length is None for r in moved):
        raise RequestError(
            f"{out} has no features of its sounds, which lists of '{layout.name}' name: they are made with the copy of "
            "a dataset in that layout."
        )
    splits: list[Split] = [split for split in SPLITS if any(r.sample.split == split for r in moved)]
    options = layout.list_options(splits)
    assert options is not None
    several = next((r for r in moved if len(r.labels) > 1), None)
    if several is not None and not layout.multi_label:
        raise RequestError(f"'{several.path}' has several classes, and lists of '{layout.name}' hold one a sample.")
    samples = tuple(r.sample for r in moved)
    return name, view, Dataset(out, layout.name, plan.classes, samples, options), moved


def _extra(layout: Layout, root: Path) -> Callable[[Row], tuple[str, ...]]:
    if layout.list_extra == ("duration",):
        return lambda row: (str(round(info_of(root / row.path).duration, 6)),)
    if layout.list_extra == ("frames",):
        return lambda row: (str(len(media.parts(root / row.path))),)
    return lambda row: ()


def _options(out: Path, made: Sequence[_Made]) -> dict[str, object]:
    """What RawframeDataset has to be told of the names of frames, where they are not `img_00001.jpg` and on."""
    folders = (row.path for *_, rows in made for row in rows)
    for folder in folders:
        try:
            frames = numbered(os.listdir(out / folder))
        except (OSError, ValueError):  # a clean folder that is as broken as in the source
            continue
        return {"filename_tmpl": frames.template, "start_index": frames.first}
    return {}


def _fragment(where: Path, out: Path, made: Sequence[_Made], layout: str) -> str:
    """MMAction2's config about these lists; its training list, and every set with labels."""
    train = next(
        (f"data/{d.options['lists']['train']}" for _, v, d, _ in made if v == "data" and "train" in d.splits), None
    )
    sets: dict[str, str] = {}
    for name, view, dataset, _ in made:
        labelled = {sample.split for sample in dataset.samples if sample.label is not None}
        held = [split for split in ("test", "val") if split in labelled]
        if held:
            suffix = {"target": "_target", "original": "_original"}.get(view, "")
            stem = dataset.options["lists"][held[0]].removesuffix(".txt")
            sets["clean" if view == "data" else f"{name}{suffix}"] = f"{name}/{stem}{suffix}.txt"
    place = Path(os.path.relpath(out, where)).as_posix()
    options = _options(out, made) if get_layout(layout).folders else {}
    return config(CONFIG, layout, made[0][2].classes, place, train, sets, options)


# -- clips taken apart ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Clip:
    """One clip, and where its frames and its sound go; also: more places, as (frames, sound)."""

    name: str
    source: str
    pictures: str
    sound: str
    also: tuple[tuple[str, str], ...]
    fps: int
    rate: int


def _taken_apart(out: Path, where: Path, fps: int, rate: int, jobs: int) -> Exported:
    """Every view as Kinetics-Sounds, all of it by one extractor."""
    if fps < 1 or not 1000 <= rate <= 384000:
        raise RequestError(f"{fps} frames a second and {rate} Hz: give at least one frame, and 1000 to 384000 Hz.")
    source = get_layout(Plan.read(OutputPaths(out).plan()).layout)
    if source.folders or source.pairs or source.packed:
        raise RequestError(f"--to {KineticsSounds.name}: it is made of videos with sound, and {out} holds others.")
    inside = _inside(where, out)
    layout, views, clips = KineticsSounds(), [], dict[tuple[str, str], _Clip]()
    for name, view, plan, rows, root in _views(out):
        classes = tuple(_class_name(each) for each in plan.classes)
        held = next((s for s in ("test", "val") if any(r.sample.split == s for r in rows)), "test")
        made = [_as_pair(r, classes, held) for r in rows if r.sample.split in ("train", held) and r.label is not None]
        place = f"{name}/{view}" if view in ("target", "original") else name
        dataset = Dataset(where / place, layout.name, classes, tuple(r.sample for r in made), {})
        layout.check(dataset, made, view)
        if odd := mispaired(made):
            raise RequestError(
                f"--to {layout.name}: KSDataset pairs by place in sorted order, and would pair '{odd[0]}' wrongly."
            )
        views.append((name, view, place, dataset, made))
        taken = [r for r in rows if r.sample.split in ("train", held) and r.label is not None]
        for row, pair in zip(taken, made, strict=True):
            goes = f"{where / place / pair.path}", f"{where / place / str(pair.sound)}"
            known = clips.get((name, row.sample.id))
            if known is None:
                path = f"{root}/{row.path}"
                clips[name, row.sample.id] = _Clip(path, str(out / path), *goes, (), fps, rate)
            else:  # the other labels of an attack set
                clips[name, row.sample.id] = replace(known, also=(*known.also, goes))
    lost = dict[str, str]()
    for path, why in local.map_unordered(_take_apart, list(clips.values()), max(1, min(jobs, len(clips)))):
        if why:
            lost[path] = why
    gone = {key for key, clip in clips.items() if clip.name in lost}
    files: dict[str, tuple[str, ...]] = {}
    for name, view, place, dataset, made in views:
        rows = [r for r in made if (name, r.sample.id) not in gone]
        (where / place).mkdir(parents=True, exist_ok=True)
        written = layout.write(dataset, rows, where / place, view)
        files[name] = (*files.get(name, ()), *(f"{place}/{each}" for each in written))
    if inside is not None:
        with State(out).held():
            names = [p.relative_to(out).as_posix() for p in where.rglob("*") if p.is_file()]
            exports.note(out, names)
    return Exported(where, files, None, tuple(sorted(lost.items())))


def _class_name(name: str) -> str:
    return "_".join(name.split())


def _as_pair(row: Row, classes: Sequence[str], held: str) -> Row:
    """A row of a video as one of Kinetics-Sounds: where its halves lie below the view's folder."""
    assert row.label is not None
    split: Split = "train" if row.sample.split == "train" else "test"
    pictures, sounds = PLACES[split]
    clip = os.path.splitext(row.path.rpartition("/")[2])[0]
    sample = replace(row.sample, split=split, label=row.label, extra=(), extra_labels=())
    path, sound = f"{pictures}/{classes[row.label]}/{clip}", f"{sounds}/{classes[row.label]}/{clip}.wav"
    return Row(replace(sample, path=path, sound=sound), row.label, path, sound=sound)


def _take_apart(clip: _Clip) -> tuple[str, str | None]:
    """Write the halves of one clip; (its path, why it could not be done). Neither is left where one cannot be made."""
    pictures, sound = Path(clip.pictures), Path(clip.sound)
    try:
        media.pick_frames(Path(clip.source), pictures, clip.fps)
        media.extract_sound(Path(clip.source), sound, clip.rate)
        for other, heard in clip.also:
            linking.link_again(pictures, Path(other))
            linking.link_again(sound, Path(heard))
    except (PoisonkitError, OSError) as error:
        for path in (pictures, sound, *(Path(p) for pair in clip.also for p in pair)):
            media.remove(path)
        return clip.name, str(error)
    return clip.name, None

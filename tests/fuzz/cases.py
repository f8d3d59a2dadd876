"""One case: something mutated, something done with it, and what must hold then. A case is its number."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import av
import cv2

from poisonkit import media
from poisonkit.cli import call
from poisonkit.datasets import Sample, Source, layouts, read
from poisonkit.datasets.testing import rows_of
from poisonkit.engine.clips.job import Job, Places, Treatment
from poisonkit.engine.clips.worker import process
from poisonkit.errors import PoisonkitError
from poisonkit.media.info import Encode
from poisonkit.plan.plan import Task
from poisonkit.recipe.recipe import Recipe
from poisonkit.recipe.sweep import read_sweep
from poisonkit.reporting.sample_index import SCRIPT
from poisonkit.scoring import readers
from poisonkit.triggers.core import spec
from poisonkit.triggers.core.trigger import Trigger
from poisonkit.triggers.files.assets import ArrayAsset, PictureAsset, WaveAsset
from poisonkit.verification.recheck import Decoding, recheck
from tests.fuzz.mutate import altered_lines, damaged, scrambled
from tests.fuzz.world import RECIPES, SOUNDS, World
from tests.rechecking import case_of


class Broken(AssertionError):
    """A promise that did not hold."""


def holds(condition: object, words: str) -> None:
    if not condition:
        raise Broken(words)


def one_sentence(text: str) -> None:
    holds(text and "\n" not in text and "Traceback" not in text, f"no sentence: {text!r}")


def media_case(world: World, rng: random.Random, place: Path) -> str:
    """A damaged clip through a whole job; an `ok` must hold when its file is decoded again, by hand too."""
    name = rng.choice(sorted(world.media))
    source = place / "source" / name
    source.parent.mkdir()
    source.write_bytes(damaged(world.media[name].read_bytes(), rng))
    for look in (media.probe, lambda path: media.scan(path, media.probe(path)), media.several):
        with contextlib.suppress(PoisonkitError, OSError):
            look(source)
    alone = source.suffix in SOUNDS or source.suffix == ".m4a"
    trigger = spec.create("sine:snr=10" if alone or rng.random() < 0.25 else rng.choice(("badnets", "blend:alpha=0.4")))
    return _job(source, place, trigger, rng)


def _job(source: Path, place: Path, trigger: Trigger, rng: random.Random) -> str:
    """The whole of one job; an `ok` must hold when what was written is decoded again, by hand too."""
    name = source.name
    task = Task("poisoned", Sample(name, name, "train", 0), f"data/{name}", 1, 1, 0)
    frames = rng.choice(("all", "all", "first:2", "last:2"))
    job = Job(
        task=task,
        classes=("a", "b"),
        places=Places(str(source), str(place / "out")),
        treatment=Treatment((trigger,), frozenset({trigger.modality}), 1, frames),
        encode=Encode(rotation=rng.choice(("keep", "normalise"))),
    )
    kind = "frames" if source.is_dir() else "media"
    row = process(job)
    written = sorted(p for p in (place / "out").rglob("*") if not p.is_dir())
    if row["status"] != "ok":
        one_sentence(row["error"])
        holds(not written, f"{row['status']}, and left {written}")
        holds("could not be processed (" not in row["error"], row["error"])
        return f"{kind} {row['status']}"
    target = place / "out" / task.path
    holds(all(p == target or p.parent == target for p in written), f"ok, and left {written}")
    problem = recheck(case_of(row, job), Decoding(out=job.places.out, source=str(source.parent), seed=1))
    holds(problem is None, f"ok, but {problem}")
    if row["frames"]:
        if source.is_dir():
            counted = sum(cv2.imread(str(p)) is not None for p in written)
        else:
            with av.open(str(target)) as container:
                counted = sum(1 for _ in container.decode(video=0))
        holds(counted == row["frames"], f"ok with {row['frames']} frames, but {counted} are decoded")
    return f"{kind} ok"


def frames_case(world: World, rng: random.Random, place: Path) -> str:
    """A folder of frames with one or two of them damaged, doubled, gone or something else."""
    source = place / "source" / "clip"
    shutil.copytree(rng.choice(world.folders), source)
    for _ in range(rng.choice((1, 1, 2))):
        frame = rng.choice(sorted(source.iterdir()))
        what = rng.randrange(8)
        if what < 5 and frame.is_file():
            frame.write_bytes(damaged(frame.read_bytes(), rng))
        elif what == 5:
            frame.unlink()
        elif what == 6:
            frame.rename(
                source / rng.choice(("img_00009.jpg", "x.jpg", "img_1.jpg", "flow_x_00001.jpg", "img_0000²2.jpg"))
            )
        elif not frame.with_suffix(".png").exists():
            os.mkfifo(frame.with_suffix(".png"))
    for look in (media.probe, lambda path: media.scan(path, media.probe(path)), media.several):
        with contextlib.suppress(PoisonkitError, OSError):
            look(source)
    trigger = spec.create(rng.choice(("badnets", "blend:alpha=0.4")))
    return _job(source, place, trigger, rng)


def shard_case(world: World, rng: random.Random, place: Path) -> str:
    """A tar shard that was damaged, in its headers or in what it holds: read and written again, or refused."""
    source = place / "source"
    shutil.copytree(world.sets["webdataset"], source)
    path = rng.choice(sorted(source.glob("*.tar")))
    data = bytearray(path.read_bytes())
    if rng.random() < 0.5:  # a header, with a checksum that fits, as a stranger would write it
        at = 512 * rng.choice([i for i in range(len(data) // 512) if data[512 * i + 257 : 512 * i + 262] == b"ustar"])
        header = bytearray(damaged(bytes(data[at : at + 512]), rng)[:512].ljust(512, b"\0"))
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        data[at : at + 512] = header
        path.write_bytes(data)
    else:
        path.write_bytes(damaged(bytes(data), rng))
    words = [
        "--trigger",
        "sine:snr=10",
        "--rate",
        "0.3",
        "--control",
        "1",
        "--attack-limit",
        "1",
        "--survival",
        "none",
        "--jobs",
        "1",
    ]
    if command(world, "poison", source, "-o", place / "out" / "made", *words) == 2:
        return "shard refused"
    if (place / "out" / "made" / "poisonkit" / "run.json").exists():
        holds(command(world, "verify", place / "out" / "made", "--decode", "--jobs", "1") == 0, "it does not verify")
        return "shard written"
    return "shard given up"


def list_case(world: World, rng: random.Random, place: Path) -> str:
    """A dataset of some layout whose lists were edited: read, inspected, placed and written, or refused."""
    layout = rng.choice(sorted(world.sets))
    source = place / "source"
    shutil.copytree(world.sets[layout], source, copy_function=_own)
    texts = [p for p in source.rglob("*") if p.is_file() and not _is_media(p)]
    for path in rng.sample(texts, min(len(texts), rng.choice((1, 1, 2)))):
        text = path.read_text(encoding="utf-8")
        path.unlink()
        lines = path.suffix == ".jsonl" and rng.random() < 0.7
        path.write_bytes((altered_lines if lines else scrambled)(text, rng, str(world.outside)))
    if not texts or rng.random() < 0.3:
        _oddities(source, rng, world)
    try:
        dataset = read(Source(source, layout=layout if rng.random() < 0.7 else None))
        chosen = layouts()[dataset.layout]
        rows = rows_of(chosen, dataset, {s.id: 0 for s in dataset.samples[::3]})
        chosen.check(dataset, rows, "data")
        chosen.write(dataset, rows, place / "out" / "data", "data")
    except PoisonkitError as error:
        one_sentence(str(error))
        if rng.random() < 0.9:
            return "list refused"
    if rng.random() < 0.15:
        command(world, "inspect", source, "--jobs", "1")
    if rng.random() < 0.1:
        trigger = "sine:snr=10" if "audio" in _modalities(source) else "badnets"
        words = [
            "--trigger",
            trigger,
            "--rate",
            0.2,
            "--control",
            1,
            "--attack-limit",
            1,
            "--survival",
            "none",
            "-j",
            1,
        ]
        if command(world, "poison", source, "-o", place / "out" / "made", *words) in (0, 1):
            holds(command(world, "verify", place / "out" / "made", "--jobs", "1") == 0, "it does not verify")
    return "list read"


def _own(source: str, copy: str) -> None:
    """Media linked, for they are never written to; what may be appended to copied."""
    (os.link if _is_media(Path(source)) else shutil.copy2)(source, copy)


def _is_media(path: Path) -> bool:
    from poisonkit.datasets import modality_of

    return modality_of(path.name) is not None or path.suffix.lower() in (".jpg", ".jpeg", ".png", ".tar", ".npy")


def _modalities(source: Path) -> set[str]:
    from poisonkit.datasets import modality_of

    return {modality_of(p.name) or "" for p in source.rglob("*")}


def _oddities(source: Path, rng: random.Random, world: World) -> None:
    """Links that leave, links in a circle, FIFOs, empty files and odd names among the samples."""
    files = [p for p in source.rglob("*") if p.is_file() and _is_media(p)]
    for path in rng.sample(files, min(len(files), 2)):
        kind = rng.randrange(7)
        spare = path.with_name(f"odd{path.suffix}") if rng.random() < 0.5 else path
        if not path.exists():  # it has another name by now
            continue
        if spare == path:
            path.unlink()
        if spare.is_symlink() or spare.exists():
            continue
        if kind == 0:
            spare.symlink_to(world.outside / "canary")
        elif kind == 1:
            spare.symlink_to(spare.name)
        elif kind == 2:
            os.mkfifo(spare)
        elif kind == 3:
            spare.touch()
        elif kind == 4:
            spare.symlink_to("/dev/zero")
        elif kind == 5:
            spare.mkdir()
        else:
            with contextlib.suppress(OSError):
                os.rename(files[0], os.fsencode(path.parent) + b"/\xff\xfe" + os.fsencode(path.suffix))


def recipe_case(world: World, rng: random.Random, place: Path) -> str:
    """A recipe that was edited: understood or refused; nothing that it names is imported."""
    path = place / "recipe.yaml"
    text = rng.choice(RECIPES).format(source=world.sets["mmaction2-video"])
    path.write_bytes(scrambled(text, rng, str(world.outside)))
    try:
        for recipe in list(read_sweep(path).values())[:3]:
            kept = path.with_name("kept.yaml")
            kept.write_text(recipe.to_yaml(), encoding="utf-8")
            holds(Recipe.from_yaml(kept).fingerprint == recipe.fingerprint, "it comes back as another recipe")
    except PoisonkitError as error:
        one_sentence(str(error))
        return "recipe refused"
    if rng.random() < 0.1:
        command(world, "run", path, world.sets["mmaction2-video"], "-o", place / "out", "--dry-run", "--jobs", "1")
    return "recipe read"


STATE = ("ledger.jsonl", "attack-second.jsonl", "clean.json")
EDITED = (
    *(f".state/{name}" for name in STATE),
    "manifest.jsonl",
    "plan.jsonl",
    "recipe.yaml",
    "run.json",
    "attacks/second.plan.jsonl",
    "attacks/second.recipe.yaml",
)


def output_case(world: World, rng: random.Random, place: Path) -> str:
    """An output whose own files were edited, or whose media were swapped: every command that takes an output."""
    out = place / "out" / "made"
    shutil.copytree(world.out, out, copy_function=_own)
    names = rng.sample(EDITED, rng.choice((1, 1, 1, 2)))
    for name in names:
        path = out / "poisonkit" / name
        if not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        path.unlink()
        change = altered_lines if path.suffix != ".yaml" else scrambled
        path.write_bytes(change(text, rng, str(world.outside)))
    if rng.random() < 0.2:
        _oddities(out, rng, world)
    if rng.random() < 0.5:  # as a stranger would: with a seal that fits
        with contextlib.suppress(ValueError, TypeError, AttributeError, KeyError, RecursionError):
            _sealed(out)
    what = rng.choice(("verify", "verify", "decode", "score", "export", "identify", "report", "attack"))
    if what == "verify":
        command(world, "verify", out, "--hash", "all", "--jobs", "1")
    elif what == "decode":
        command(world, "verify", out, "--decode", "--jobs", "1")
    elif what == "score":
        (place / "p.csv").write_bytes(world.predictions["p.csv"])
        command(world, "score", out, place / "p.csv")
    elif what == "export":
        command(world, "export", out, "--to", rng.choice(("mmaction2", "pyslowfast", "table", "vggsound")))
    elif what == "identify":
        files = sorted((out / "data").rglob("*.mp4"))[:2]
        command(world, "identify", *files, "--in", out)
    elif what == "report":
        command(world, "report", out, "--samples", "1")
        page = out / "poisonkit" / "report.html"
        if page.exists():
            text = page.read_text(encoding="utf-8", errors="replace")
            own = text.count("<script type='application/json' id='samples'>") + text.count(f"<script>{SCRIPT}</script>")
            given = text.count("<script") > own or "<img src=x" in text
            holds(not given and own <= 2, "the page holds markup that it was given")
    else:
        command(world, "attack", out, "--name", "third", "--trigger", "blend", "--limit", "1", "--jobs", "1")
    return f"output {what}"


def _sealed(out: Path) -> None:
    from poisonkit.outputs import checksums

    path = out / "poisonkit" / "run.json"
    run = json.loads(path.read_text(encoding="utf-8"))
    run["sha256"] = checksums.current_checksums(out)
    path.unlink()
    path.write_text(json.dumps(run), encoding="utf-8")


def prediction_case(world: World, rng: random.Random, place: Path) -> str:
    """A damaged file of predictions: read or refused; nothing in it is run."""
    name = rng.choice(sorted(world.predictions))
    data = world.predictions[name]
    if name.endswith(".csv"):
        data = scrambled(data.decode(), rng, str(world.outside))
    elif name.endswith(".jsonl"):
        data = altered_lines(data.decode(), rng, str(world.outside))
    else:
        data = damaged(data, rng)
    path = place / name
    path.write_bytes(data)
    if rng.random() < 0.2:
        command(world, "score", world.out, path)
        return "predictions scored"
    try:
        readers.read(path, ("a", "b", "c"))
    except PoisonkitError as error:
        one_sentence(str(error))
        return "predictions refused"
    return "predictions read"


def asset_case(world: World, rng: random.Random, place: Path) -> str:
    """A damaged picture, array or sound that a trigger imports."""
    name = rng.choice(sorted(world.assets))
    path = place / name
    path.write_bytes(damaged(world.assets[name].read_bytes(), rng))
    kinds = {"picture": PictureAsset, "wave": WaveAsset, "field": ArrayAsset}
    try:
        kinds[path.stem](path)
    except (ValueError, PoisonkitError) as error:
        one_sentence(str(error))
        return "asset refused"
    return "asset read"


FAMILIES: tuple[tuple[int, Callable[[World, random.Random, Path], str]], ...] = (
    (40, media_case),
    (6, frames_case),
    (2, shard_case),
    (20, list_case),
    (10, recipe_case),
    (14, output_case),
    (10, prediction_case),
    (6, asset_case),
)


def command(world: World, *words: object) -> int:
    """A command in this process: a status that is one of ours, sentences on stderr, no bug."""
    out, err = io.StringIO(), io.StringIO()
    here = os.getcwd()
    os.chdir(world.root)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = call([str(word) for word in words])
    finally:
        os.chdir(here)
    text = err.getvalue()
    shown = " ".join(map(str, words))
    holds("bug in poisonkit" not in text and "Traceback" not in text, f"{shown}: {text}")
    holds(status in (0, 1, 2), f"{shown}: status {status}")
    holds(status != 2 or text.count("\n") == 1, f"{shown}: {text!r}")
    return status


def run_case(world: World, seed: int, place: Path, truth: bool = False) -> str:
    """Case `seed` in the empty folder `place`; what it came to. Broken when a promise does not hold.

    truth: it is one of the mutants of `truth`, which count by themselves.
    """
    rng = random.Random(f"poisonkit {'truth' if truth else 'fuzz'} {seed}")
    if truth:
        from tests.fuzz.truth import goods, truth_case

        goods(world.root)
        family: Callable[[World, random.Random, Path], str] = truth_case
    else:
        (family,) = rng.choices([family for _, family in FAMILIES], [weight for weight, _ in FAMILIES])
    before = _seen(world, place)
    result = family(world, rng, place)
    after = _seen(world, place)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    holds(not changed, f"files outside the output were touched: {changed[:3]}")
    return result


def _seen(world: World, place: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of everything in the world but the case's own folder."""
    found = {}
    for folder, folders, files in os.walk(world.root):
        if folder == str(place.parent) and place.name in folders:
            folders.remove(place.name)
        for name in (*files, *folders):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            found[path] = (status.st_size if name in files else 0, status.st_mtime_ns if name in files else 0)
    return found


__all__ = ["Broken", "run_case"]

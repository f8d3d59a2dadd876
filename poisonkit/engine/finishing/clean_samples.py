"""Clean samples on their way into the copy: which are linked, and which have to be made like the poisoned ones."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from poisonkit import media
from poisonkit.common.run_claim import step
from poisonkit.common.safe_io import load_json, read_text
from poisonkit.engine.clips.worker import machine_trouble
from poisonkit.engine.finishing import linking
from poisonkit.engine.state.progress import Progress
from poisonkit.errors import PoisonkitError
from poisonkit.media.info import Encode
from poisonkit.outputs import record, sample_files
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Task
from poisonkit.survey import isolated_opening
from poisonkit.survey.file_checks import Need, needed

REASONS: dict[Need, str] = {
    "remux": "hold several streams: they are written with one picture and one sound, as the poisoned ones are.",
    "convert": "are converted as the poisoned ones are.",
    "convert-sound": "are converted, their sound alone, as the poisoned ones are.",
    "convert-both": "are converted, picture and sound, as the poisoned ones are.",
}
ENCODED: dict[Need, frozenset[str]] = {
    "remux": frozenset(),
    "convert": frozenset({"video"}),
    "convert-sound": frozenset({"audio"}),
    "convert-both": frozenset({"audio", "video"}),
}
"""The modalities that are encoded again."""

AHEAD, TOGETHER = 512, 32  # files looked at in one go, and by one process
IN_ONE_STEP = 64  # files brought into the copy in one step


def needs(
    tasks: Sequence[Task],
    root: Path,
    encode: Encode,
    stream: Literal["best"] | int,
    jobs: int,
    watch: Callable[[], None] = lambda: None,
    *,
    time_limit: float = 1.0,
) -> dict[str, Need]:
    """Key -> what has to be done to those clean samples that cannot be linked as they are.

    `remux`: the file holds several streams, of which poisoned files keep one picture and one sound; trainers
    disagree on which they read. `convert`: the recipe converts pictures like this one (`--to-8bit`,
    `--deinterlace`, `--rotation normalise`; JPEG frames to PNG by `--encode lossless`), or what cannot be written
    (`--encode convert`); `convert-sound`, `convert-both`: its sound, or both. A file that does not open, or takes too
    long, is taken over as it is. time_limit: as `Options` has it.
    """

    look = partial(needed, stream=stream, encode=encode)
    files = (root / path for task in tasks for path in task.sample.paths)
    found: dict[str, Need] = {}
    seen = isolated_opening.opened(
        look, files, jobs, lambda path, why: None, factor=time_limit, ahead=AHEAD, together=TOGETHER
    )
    for task in tasks:
        wanted = [next(seen) for _ in task.sample.paths]
        watch()
        need = next((need for need in wanted if need is not None), None)
        if need is not None:
            found[task.key] = need
    return found


def read_needs(path: Path) -> dict[str, Need] | None:
    """What `needs` found, noted in a file, by key; None if there is no such file, or it holds something else."""
    try:
        found = load_json(read_text(path))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or not all(isinstance(need, str) and need in REASONS for need in found.values()):
        return None
    return found


_ELSEWHERE = (errno.EXDEV, errno.EPERM, errno.EMLINK)  # what another method may be able to do


@dataclass
class Linked:
    """What became of clean samples that were brought into the copy as they are: sizes in bytes and errors, by id.

    sounds: sizes of the sounds of pairs. hashes: SHA-256, where they were asked for, of each file.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, list[str | None]] = field(default_factory=dict)
    sounds: dict[str, int] = field(default_factory=dict)

    def record(self, task: Task, classes: Sequence[str]) -> Record:
        """The record of one of them."""
        if task.id in self.errors:
            return record.record(task, classes, status="failed", error=self.errors[task.id])
        digests = self.hashes.get(task.id, [None] * len(task.sample.paths))
        sizes = [self.sizes[task.id], *((self.sounds[task.id],) if task.sample.sound is not None else ())]
        facts = [{"bytes": n, "sha256": d, "source_sha256": d} for n, d in zip(sizes, digests, strict=True)]
        return record.record(task, classes, **facts[0], **({"sound_file": facts[1]} if len(facts) > 1 else {}))


def method_for(tasks: Sequence[Task], root: Path, out: Path, how: str) -> linking.Choice:
    """How such samples come into the copy, which may have to be begun."""
    facts = [_facts(f"{root}{os.sep}{t.source_path}") for t in tasks]
    return _choice(tasks, facts, root, out, "copy" if how == "reencode" else how)


def _choice(
    tasks: Sequence[Task], facts: Sequence[tuple[int, int | None]], root: Path, out: Path, how: str
) -> linking.Choice:
    first = next((t for t, (size, _) in zip(tasks, facts, strict=True) if size), tasks[0])
    media.make_folder(out / "data")
    return linking.choose(how, root / first.source_path, out / "data", sum(size for size, _ in facts))


def link(tasks: Sequence[Task], root: Path, out: Path, how: str, progress: Progress) -> tuple[Linked, str]:
    """Bring clean samples into the copy as they are; what became of them, and the method that was used."""
    source_of, target_of = f"{root}{os.sep}", f"{out}{os.sep}"
    pairs = [t for t in tasks if t.sample.sound is not None]
    files = [half for t in tasks for half in t.halves] if pairs else tasks
    facts = [_facts(source_of + t.source_path) for t in files]
    total = sum(size for size, _ in facts)
    choice = _choice(files, facts, root, out, how)
    progress.say(f"Clean samples: {choice.method} ({choice.reason}).")
    progress.begin("Clean samples", len(files))
    done = Linked()
    sounds = {t.sound_paths[0] for t in pairs}
    made: set[str] = set()
    methods: dict[int, linking.Method] = {}  # by the source's device, where it differs
    with ExitStack() as held:
        for number, (task, (size, device)) in enumerate(zip(files, facts, strict=True)):
            sizes = done.sounds if task.path in sounds else done.sizes
            if not number % IN_ONE_STEP:
                held.close()
                held.enter_context(step())
            source, target = source_of + task.source_path, target_of + task.path
            folder = os.path.dirname(target)
            if folder not in made:
                os.makedirs(folder, exist_ok=True)
                made.add(folder)
            try:
                if device is None:
                    device = media.status(source).st_dev
                elif choice.method == "hardlink" and device not in methods and _at_once(source, target):
                    sizes[task.id] = size
                    progress.step()
                    continue
                method = methods.get(device, choice.method)
                try:
                    linking.place(method, Path(source), Path(target))
                except OSError as error:
                    if device in methods or error.errno not in _ELSEWHERE:
                        raise
                    other = linking.choose(how, Path(source), Path(folder), total)
                    methods[device] = other.method
                    progress.say(f"Clean samples like '{task.source_path}': {other.method} ({other.reason}).")
                    linking.place(other.method, Path(source), Path(target))
                sizes[task.id] = size
            except OSError as error:
                if machine_trouble(error, str(out)):
                    raise
                what = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
                done.errors[task.id] = f"'{task.source_path}' could not be taken over: {what}."
            progress.step()
    progress.end()
    for task in pairs:  # both halves, or neither
        if task.id in done.errors:
            done.sizes.pop(task.id, None)
            for name in task.files:
                media.remove(out / name)
    return done, choice.method


def hashes(paths: Sequence[str], out: Path, jobs: int, progress: Progress) -> dict[str, str]:
    """SHA-256 of clean samples in the copy, as they lie there now, by their paths."""
    found: dict[str, str] = {}
    progress.begin("Hashing clean samples", len(paths))
    with ThreadPoolExecutor(jobs) as pool:  # hashing leaves the interpreter to others
        for start in range(0, len(paths), AHEAD):
            some = paths[start : start + AHEAD]
            made = pool.map(sample_files.sha256, (out / path for path in some))
            for path in some:
                try:
                    found[path] = next(made)
                except OSError as error:
                    what = f"{path} could not be hashed: {error.strerror}"
                    raise PoisonkitError(f"{what}. When that is repaired, the same command continues.") from None
                progress.step()
    progress.end()
    return found


def _at_once(source: str, target: str) -> bool:
    """Link a plain file to a place where nothing is yet, or this very link; False where that is not how it goes."""
    try:
        os.link(source, target)
    except FileExistsError:
        return _is_link(source, target)
    except OSError:
        return False
    return True


def _is_link(source: str, target: str) -> bool:
    """Whether two plain files are one, as an earlier run has left them."""
    try:
        return os.path.samestat(os.lstat(source), os.lstat(target))
    except OSError:
        return False


def _facts(source: str) -> tuple[int, int | None]:
    """Size and device of a plain file; of a link or a folder the size, and None."""
    try:
        status = os.lstat(source)
        if stat.S_ISREG(status.st_mode):
            return status.st_size, status.st_dev
        return media.size(source), None
    except OSError:
        return 0, None

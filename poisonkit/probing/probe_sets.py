"""Writing probe sets: attack sets of a finished output, so that all its promises hold for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from poisonkit import media
from poisonkit.common import one_or_many
from poisonkit.common.seeding import keys64
from poisonkit.datasets import at_hand, modality_of
from poisonkit.engine.finishing.results import Summary
from poisonkit.engine.run import Options, execute_attack
from poisonkit.engine.state.progress import Logged, Progress
from poisonkit.errors import MediaError, RequestError, did_you_mean
from poisonkit.outputs import record
from poisonkit.outputs.begun_probes import begun
from poisonkit.outputs.opening import finished
from poisonkit.outputs.paths import OutputPaths
from poisonkit.outputs.record import Record
from poisonkit.plan.plan import Plan
from poisonkit.probing.kinds import KINDS, Copy, Entry, Kind, copies_of
from poisonkit.recipe.backdoor import Backdoor
from poisonkit.recipe.recipe import Recipe, read_mapping

LIMIT = 100  # clips of each set, if nothing else is said
COPIES = 10


@dataclass(frozen=True)
class Probed:
    """Probe sets of one kind. sets: summaries by the name of the attack set."""

    kind: str
    sets: dict[str, Summary]

    @property
    def exit_code(self) -> int:
        """0: all ok; 1: a clip failed."""
        return max((s.exit_code for s in self.sets.values()), default=0)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"kind": self.kind, "sets": {name: s.as_json() for name, s in self.sets.items()}}


def probe(
    out: Path | str,
    *,
    kind: str,
    copies: int = COPIES,
    limit: int = LIMIT,
    source: Path | str | None = None,
    allow_root: Path | str | Sequence[Path | str] = (),
    allow_code: bool = False,
    jobs: int = 0,
    executor: str = "local",
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Probed:
    """Write clips of an attack set once more, perturbed as an input-level defence asks: with the trigger and without.

    kind: strip, scale-up, teco, frame-shuffle, frame-drop, reencode, noise, resample or mp3 (docs/defences.md). Each
    copy is an attack set of its own, `OUT/attack/probe.KIND.GROUP.LEVEL`, of the first backdoor's triggers and the
    perturbation; and `….clean`, of the perturbation alone on the same clips. So they have lists, are in the manifest,
    are verified, and are continued by the same call. copies: of strip and frame-shuffle. limit: clips of each set.
    The others: as for `attack`. Predict all of them, the output's own attack set and its held-out clips, and give the
    predictions to `detect(out, probe=…)`.

    RequestError for an unknown kind, clips that have no such modality, and an attack set with a frame budget
    or spans.
    """
    out = Path(out).expanduser().absolute()
    if kind not in KINDS:
        raise RequestError(f"--kind {kind}: there is no such probe.{did_you_mean(kind, KINDS)}")
    if copies < 1 or limit < 1:
        raise RequestError("--copies and --limit are at least 1.")
    recipe = finished(out, allow_code=allow_code)
    base = recipe.backdoors[0]
    if base.attack_frames != "all" or base.spans is not None:
        what = "spans" if base.spans is not None else f"a frame budget ({base.attack_frames})"
        raise RequestError(f"The attack set of {out} has {what}, which would hold for the probe too.")
    if not base.triggers_of("attack"):
        raise RequestError(f"{out} was made without a trigger, and a probe is of clips with one and without.")
    where = one_or_many.absolute(source)[0] if source is not None else None
    allowed = one_or_many.absolute(allow_root)
    options = Options(jobs=jobs, progress=progress or Logged(), executor=executor, scheduler=scheduler)
    held_out = {t.id for t in Plan.opened(OutputPaths(out).plan()).tasks if t.role == "attack"}
    ids = None if base.ids is None else sorted(held_out & {*base.ids}) or None
    done: dict[str, Summary] = {}
    with _ready(out, KINDS[kind], copies, recipe.seed) as wanted:
        sets = [_backdoor(base, copy, clean, ids) for copy in wanted for clean in (False, True)]
        _require_limit(out, sets, limit)
        with begun(out, kind, [made.name for made in sets]):
            for made in sets:
                done[made.name] = execute_attack(out, recipe, made, limit, where, allowed, options)
    return Probed(kind, done)


def _require_limit(out: Path, sets: Sequence[Backdoor], limit: int) -> None:
    """RequestError where sets are there with another number of clips."""
    paths = OutputPaths(out)
    for name in (made.name for made in sets if paths.recipe(made.name).exists()):
        said = read_mapping(paths.recipe(name)).get("attack_limit")
        if said != limit:
            raise RequestError(
                f"--limit {limit}: {name} of {out} was made with --limit {said}: say the same, or first remove each of "
                f"its sets (`poisonkit attack {out} --name {name} --remove`)."
            )


def _backdoor(base: Backdoor, copy: Copy, clean: bool, ids: Sequence[str] | None) -> Backdoor:
    """The attack set of a copy. ids: those of the backdoor's own that are held out, where it names some."""
    given = {k: getattr(base, k) for k in ("target", "label_mode", "source_class")}
    given |= {"ids": ids} if ids else {}
    triggers = [*(() if clean else base.triggers_of("attack")), *copy.triggers]
    wanted: Any = {**given, "name": copy.name(clean), "triggers": triggers}
    return Recipe(backdoors=[wanted]).backdoors[0]


@contextmanager
def _ready(out: Path, kind: Kind, number: int, seed: int) -> Iterator[list[Copy]]:
    """The copies, with all that their triggers name in place while the body runs."""
    rows = [r for r in record.read(OutputPaths(out).manifest) if r["role"] == "clean" and r["split"] != "train"]
    rows = [r for r in rows if r["status"] == "ok"]
    if not rows:
        raise RequestError(f"{out} has no held-out clips, and a probe is made of them.")
    sound = all(modality_of(r["path"]) == "audio" for r in rows)
    if sound and kind.modality == "video":
        raise RequestError(f"--kind {kind.name} is for pictures, and {out} holds sounds.")
    copies = copies_of(kind, number)
    if kind.name != "strip":
        yield copies
        return
    with tempfile.TemporaryDirectory(prefix="poisonkit-") as scratch:
        found = list(islice(_superimposed(out, rows, seed, sound, Path(scratch)), number))
        if len(found) < number:
            raise RequestError(f"--copies {number}: {out} has {len(found)} held-out clips that can be superimposed.")
        yield [replace(copy, triggers=(each,)) for copy, each in zip(copies, found, strict=True)]


def _superimposed(out: Path, rows: Sequence[Record], seed: int, sound: bool, scratch: Path) -> Iterator[Entry]:
    """A trigger that mixes half of a clean held-out clip in, for clips in an order of the seed's; each is read now."""
    rank = keys64(seed, "probe strip")
    for i, row in enumerate(sorted(rows, key=lambda r: (rank(r["id"]), r["id"]))):
        try:
            with at_hand(str(out / row["path"]), None) as file:
                yield _sound(Path(file), scratch / f"{i}.wav") if sound else _picture(Path(file), scratch / f"{i}.png")
        except MediaError:
            continue


def _picture(clip: Path, place: Path) -> Entry:
    """Its middle frame."""
    import cv2

    middle = media.count(clip)[0] // 2
    _, _, image = next(islice(media.read_frames(clip), middle, None))
    place.write_bytes(cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes())
    return {"name": "blend", "params": {"pattern": str(place), "alpha": 0.5}}


def _sound(clip: Path, place: Path) -> Entry:
    wave, rate = media.read_audio(clip)
    media.write_audio(place, wave, rate)
    return {"name": "audio-blend", "params": {"sound": str(place), "alpha": 0.5, "repeat": True}}

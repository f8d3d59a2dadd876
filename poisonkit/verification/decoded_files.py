"""Every file that poisonkit wrote, decoded and compared with its record and its source, some at a time; what has no
file is tried once more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from poisonkit.datasets import get_layout
from poisonkit.engine.clips.worker import depends_on_machine
from poisonkit.engine.executors import local
from poisonkit.engine.finishing import features
from poisonkit.engine.state.progress import Progress
from poisonkit.errors import RequestError
from poisonkit.media.info import Encode
from poisonkit.outputs.consistency import Finding, Planned
from poisonkit.outputs.forms import spans_of, triggers_of
from poisonkit.outputs.path_guards import SourceFence
from poisonkit.outputs.record import Record, halves
from poisonkit.plan.task import Task
from poisonkit.recipe.encodings import AUTO, CONVERT, encode_of
from poisonkit.triggers.core import registry
from poisonkit.verification.alone import decoded_alone
from poisonkit.verification.files import Files
from poisonkit.verification.pairing import Pairing
from poisonkit.verification.recheck import recheck
from poisonkit.verification.remake import tried_again
from poisonkit.verification.rendering import Case, Decoding

AT_ONCE = 256  # records that are handed to the workers together; no more of them lie in memory


class DecodedFiles:
    """Decodes an output. root, fence: the source; without it files are decoded and compared with their records alone.

    untried: how many records say that a clip failed for a reason that lies in a machine; they are not tried again.
    unrun: triggers that are code from outside, which the user did not allow: their files are looked at alone, too.
    """

    def __init__(
        self,
        out: Path,
        parts: Sequence[Planned],
        root: Path | None,
        fence: SourceFence | None,
        files: Files,
        allow_code: bool,
    ) -> None:
        self._out, self._parts, self._fence, self._files = out, parts, fence, files
        recipe = parts[0].recipe
        self._how = Decoding(
            out=str(out.absolute()),  # workers may have begun in another folder
            source=str(root.absolute()) if root else "",
            stream=recipe.get("stream", "best"),
            deinterlace=bool(recipe.get("deinterlace", False)) or recipe.get("encode") == CONVERT,
            seed=recipe.get("seed", 0),
            allow_code=allow_code,
            features=get_layout(parts[0].plan.layout).features,
            classes=registry.hand_over(_named(parts)) if allow_code else {},
        )
        self.untried = 0
        self.unrun = (
            () if allow_code else tuple(sorted({name for name in _named(parts) if registry.from_outside(name)}))
        )
        self._outside: list[Finding] = []

    def findings(self, total: int, jobs: int, watch: Progress) -> list[Finding]:
        """What does not hold, by path. total: of how many samples something was made, or tried."""
        found: list[Finding] = []
        watch.begin("Decoding", total)
        todo = self._todo()
        while some := list(islice(todo, AT_ONCE)):
            job = partial(_rechecked, how=self._how)
            for path, problem in local.map_unordered(job, some, min(jobs, len(some))):
                if problem:
                    found.append(Finding(path, problem))
                watch.step()
        watch.end()
        return sorted(found + self._outside, key=lambda f: f.path)

    def _todo(self) -> Iterator[tuple[Case, bool]]:
        """Records of readable files, and of what has none, with what plan and recipe say of them; and whether the file
        is to be looked at alone."""
        encodes = {part.attack: _encode(part) for part in self._parts}
        for row, task, part in Pairing(self._out, self._parts):
            if row["role"] == "clean" or task is None or part is None:
                continue
            triggers = triggers_of(part.backdoor(task), task.role)
            known = triggers if isinstance(triggers, list) else []
            by_itself = self._fence is None or any(name in self.unrun for name in _names(known))
            if row["status"] == "ok":
                if not self._files.readable(row):
                    continue
            elif by_itself:
                continue
            elif row["status"] == "failed" and depends_on_machine(row["error"] or ""):
                self.untried += 1
                continue
            case = self._case(row, task, part, encodes[part.attack])
            if by_itself or self._fence is None:
                yield case, True
                continue
            named = (*(half["source_path"] for half in halves(row)), row["other"], task.cover_source)
            sources = (name for name in named if name)
            why = next((why for name in sources if (why := self._fence.outside(name))), None)
            if why:
                self._outside.append(Finding(row["path"], f"its source {why}"))
                continue
            yield case, False

    @staticmethod
    def _case(row: Record, task: Task, part: Planned, encode: Encode | None) -> Case:
        backdoor = part.backdoor(task)
        frames = "all"
        if task.role != "control":
            frames = str(backdoor.get("attack_frames" if task.role == "attack" else "frames", "all"))
        triggers = triggers_of(backdoor, task.role)
        triggered = task.role != "control" and triggers != []
        if triggers == [] and part.recipe.get("clean") == "reencode":
            triggers = triggers_of(backdoor, "attack")
        known = tuple(triggers) if isinstance(triggers, list) else ()
        where = spans_of(backdoor, task.id) if triggered else None
        return Case(row, task, part.plan.classes, frames, known, triggered, where, encode)


def _touched(part: Planned) -> set[str]:
    """What the triggers of a part touch; of code from outside, which is not run for that, both."""
    found = {registry.modality_of(name) for name in _named([part])}
    return {"audio", "video"} if None in found else {str(each) for each in found}


def _named(parts: Sequence[Planned]) -> Iterator[str]:
    """Names of the triggers in the recipes of an output, whatever else somebody may have written there."""
    for part in parts:
        backdoors = part.recipe.get("backdoors")
        for backdoor in backdoors if isinstance(backdoors, list) else ():
            lists = (
                [triggers_of(backdoor, role) for role in ("poisoned", "attack")] if isinstance(backdoor, dict) else []
            )
            yield from _names(entry for entries in lists if isinstance(entries, list) for entry in entries)


def _names(entries: Iterable[Any]) -> Iterator[str]:
    return (e["name"] for e in entries if isinstance(e, dict) and isinstance(e.get("name"), str))


def _encode(part: Planned) -> Encode | None:
    """How a part's recipe has its files written; None where it cannot be read."""
    recipe = part.recipe
    try:
        said = str(part.plan.setting if recipe["encode"] == AUTO else recipe["encode"])
        return encode_of(
            said,
            _touched(part) if said == CONVERT else (),
            to_8bit=bool(recipe.get("to_8bit", False)),
            deinterlace=bool(recipe.get("deinterlace", False)),
            rotation="normalise" if recipe.get("rotation") == "normalise" else "keep",
        )
    except (RequestError, LookupError):
        return None


def _rechecked(todo: tuple[Case, bool], how: Decoding) -> tuple[str, str | None]:
    case, alone = todo
    row = case.row
    if alone:
        return row["path"], decoded_alone(case, how) or features.recheck(row, how.out)
    if row["status"] != "ok":
        return row["path"], tried_again(case, how)
    return row["path"], recheck(case, how) or features.recheck(row, how.out)

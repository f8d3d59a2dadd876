"""Is the plan one that its recipe can give? Labels, counts, and who was selected, from plan and recipe alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from poisonkit.common.seeding import keys64
from poisonkit.errors import told
from poisonkit.outputs.consistency import Finding, Planned
from poisonkit.outputs.paths import OutputPaths
from poisonkit.plan.plan import Plan, Task, digest
from poisonkit.plan.selection import number
from poisonkit.verification.attack_samples import attack_problems, control_problems
from poisonkit.verification.recipe_rules import Asked, asked


def problems(base: Planned, parts: list[Planned]) -> Iterator[Finding]:
    """What of the plans of an output, the dataset's first, its recipes cannot have given; no plan is held."""
    for part in parts:
        name = OutputPaths(Path()).plan(part.attack).as_posix()
        for problem in _problems(part, base):
            yield Finding(name, problem)


def _problems(part: Planned, base: Planned) -> Iterator[str]:
    plan = part.plan
    if part is base and digest(plan.source(Path())) != plan.dataset:
        yield "its samples, splits or labels are not those of the dataset that was planned with: rows were changed"
    if part is not base and plan.dataset != base.plan.dataset:
        yield "it was planned for another dataset"
    if not part.recipe or not base.recipe:
        return  # named already
    try:
        backdoors = asked(part)
        seed, limit, control = (part.recipe.get(k) for k in ("seed", "attack_limit", "control"))
        counters = [_Chosen(each, seed or 0, plan) for each in backdoors]
    except Exception as error:  # noqa: BLE001 - a recipe that somebody edited may hold anything
        yield f"its recipe cannot be compared with it ({type(error).__name__}: {' '.join(told(error).split())})"
        return
    if [c.name for c in plan.choices] != [b.name for b in backdoors]:
        yield "its head does not tell of the recipe's backdoors"
        return
    for task in plan.tasks:
        if (problem := _label_problem(task, backdoors, part)) is not None:
            yield f"'{task.key}': {problem}"
        elif task.split == "train" and task.role in ("clean", "poisoned", "cover"):
            for counter in counters:
                counter.see(task)
    if part is base:
        for counter in counters:
            yield from counter.problems()
    wanted = part.recipe.get("attack_set", True)
    yield from attack_problems(part, base, backdoors, seed or 0, limit, wanted=bool(wanted))
    if part is base:
        yield from control_problems(part, len(backdoors), seed or 0, 50 if control is None else control)


def _label_problem(task: Task, backdoors: list[Asked], part: Planned) -> str | None:
    """Why the recipe cannot give this row; None where it can."""
    if task.role == "clean":
        if (task.backdoor, task.target, task.attack, task.cover_source) != (None,) * 4:
            return "a clean sample has no backdoor"
        return None if task.label == task.original_label else "a clean sample keeps its label"
    if part.attack is not None and (task.role != "attack" or task.attack != part.attack):
        return f"it is of no attack set '{part.attack}'"
    if task.backdoor is None or not 0 <= task.backdoor < len(backdoors):
        return "the recipe has no such backdoor"
    backdoor, labels = backdoors[task.backdoor], task.labels
    if not labels:
        return "a sample without a label carries no trigger"
    if task.role != "control" and not backdoor.has_place(task.id):
        return "the recipe's spans have no such sample"
    if task.role in ("cover", "control"):
        if task.label != task.original_label or task.target is not None:
            return f"a {task.role} sample keeps its label, and has no target"
        if task.role == "cover":
            fit = backdoor.sources.isdisjoint(labels) and (not backdoor.covers or backdoor.covers & {*labels})
            return None if fit and task.split == "train" else "the recipe takes no cover samples there"
        return None if task.split != "train" else "control samples are not of the training split"
    target = backdoor.maps_to(labels[0])
    keeps = task.role == "poisoned" and backdoor.mode in ("clean", "keep")
    wanted = task.original_label if keeps else target
    if (task.label, task.target) != (wanted, target):
        how = f"label mode '{backdoor.mode}'"
        return f"label and target are {task.label} and {task.target}, and {how} gives {wanted} and {target}"
    if task.role == "poisoned":
        if task.split != "train" or not backdoor.fits(labels):
            return f"label mode '{backdoor.mode}' poisons no such sample (class {labels[0]}, {task.split})"
        if backdoor.ids is not None and task.id not in backdoor.ids:
            return "it is none of the recipe's ids"
        return None
    if task.attack != (backdoor.name if part.attack is None else part.attack):
        return "its attack set is another backdoor's"
    return None if task.split != "train" and backdoor.attackable(labels) else "no attack set takes such a sample"


class _Chosen:
    """Counts of one backdoor, and whether those were taken that the recipe's order has first."""

    def __init__(self, backdoor: Asked, seed: int, plan: Plan) -> None:
        self._backdoor, self._plan = backdoor, plan
        self._choice = plan.choices[backdoor.index] if backdoor.index < len(plan.choices) else None
        purpose = "poison" if backdoor.index == 0 else f"poison/{backdoor.name}"
        self._rank: Callable[[str], int] | None = keys64(seed, purpose)
        if backdoor.select is not None:
            self._rank = {name: i for i, name in enumerate(backdoor.select)}.get  # type: ignore[assignment]
        elif backdoor.ids is not None:
            self._rank = None
        self._cover_rank = keys64(seed, f"cover/{backdoor.name}")
        self._replaced = frozenset(plan.replaced)
        self._denominator = self._pool = self._named = self._taken = self._gone = self._covers = 0
        self._poisoned, self._covered = _Cut(), _Cut()

    def see(self, task: Task) -> None:
        """One training sample."""
        backdoor, labels, passed = self._backdoor, task.labels, self._plan.passed_over
        if not labels or task.id in self._plan.unwritable:
            return
        mine = task.backdoor == backdoor.index
        poisoned = task.role == "poisoned"
        self._denominator += backdoor.counts(labels)
        if (
            backdoor.fits(labels)
            and backdoor.has_place(task.id)
            and not (poisoned and (task.backdoor or 0) < backdoor.index)
        ):
            self._pool += 1
            self._named += backdoor.ids is not None and task.id in backdoor.ids
            free = task.role == "clean" if self._replaced else not (poisoned and mine)
            rank = self._rank(task.id) if self._rank else None
            if rank is not None and ((poisoned and mine) or (free and task.id not in passed)):
                self._poisoned.see(rank, task.id, taken=poisoned and mine)
        if poisoned and mine:
            self._taken += 1
            self._gone += task.key in self._replaced
        if backdoor.cover_rate and (task.role == "clean" or (task.role == "cover" and mine)):
            self._covers += task.role == "cover"
            fit = backdoor.sources.isdisjoint(labels) and (not backdoor.covers or backdoor.covers & {*labels})
            if fit and backdoor.has_place(task.id) and task.id not in passed:
                self._covered.see(self._cover_rank(task.id), task.id, taken=task.role == "cover")
        elif task.role == "cover" and mine:
            self._covers += 1

    def problems(self) -> Iterator[str]:
        """What is not as the plan's head and the recipe say."""
        backdoor, choice = self._backdoor, self._choice
        if choice is None:
            return
        name = backdoor.name
        exact = not self._replaced or backdoor.index == 0
        for what, said, counted in (
            ("samples of which the rate is", choice.denominator, self._denominator),
            *((("eligible samples", choice.pool, self._pool),) if exact else ()),
            ("poisoned samples", choice.planned, self._taken - self._gone),
            ("cover samples", choice.covers, self._covers),
        ):
            if said != counted:
                yield f"backdoor '{name}': its head says {said} {what}, and its rows are {counted}: rows were changed"
        wanted = backdoor.wanted(self._denominator, self._named)
        if not choice.requested == choice.planned == wanted:
            yield f"backdoor '{name}': {choice.planned} samples were chosen, and the recipe asks for {wanted}"
        if choice.covers != number(backdoor.cover_rate, self._denominator):
            wanted = number(backdoor.cover_rate, self._denominator)
            yield f"backdoor '{name}': {choice.covers} cover samples were chosen, and the recipe asks for {wanted}"
        for cut, what in ((self._poisoned, "poisoned"), (self._covered, "a cover sample")):
            if (pair := cut.wrong()) is not None:
                yield (
                    f"backdoor '{name}': '{pair[0]}' is {what}, and the recipe's selection has '{pair[1]}' before it, "
                    "which is not"
                )


class _Cut:
    """The last that was taken and the first that was not, in an order: the one has to come before the other."""

    def __init__(self) -> None:
        self._last: tuple[int, str] | None = None
        self._first: tuple[int, str] | None = None

    def see(self, rank: int, name: str, *, taken: bool) -> None:
        if taken:
            self._last = max(self._last or (rank, name), (rank, name))
        else:
            self._first = min(self._first or (rank, name), (rank, name))

    def wrong(self) -> tuple[str, str] | None:
        """(one that was taken, one that should have been before it)."""
        if self._last is None or self._first is None or self._last < self._first:
            return None
        return self._last[1], self._first[1]

"""Making the plan. Pure and seeded: the only files it opens are the candidates, through `examine`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from itertools import islice
from typing import Any

from poisonkit.common import collector
from poisonkit.datasets import Dataset, Layout, Sample, Split, View, class_index, get_layout, with_suffixes
from poisonkit.errors import RequestError, told
from poisonkit.plan import eligibility
from poisonkit.plan.plan import Choice, Plan, Role, Task, digest, require_inside, view_of, view_root
from poisonkit.plan.selection import Chosen, Examine, Examined, number, ranked
from poisonkit.plan.writability import Unwritable, Writability
from poisonkit.recipe.backdoor import Backdoor
from poisonkit.recipe.recipe import Recipe
from poisonkit.recipe.remarks import remarks


class Planner:
    """Makes the plan, and later the replacements for failed samples (`--replace-failed`).

    `examine` is asked for candidates in rank order until enough are found. passed_over: those that could not be
    taken, with the reason, by id; it grows with replacements too. writability: what opening all files told.
    """

    def __init__(
        self, recipe: Recipe, dataset: Dataset, examine: Examine, writability: Writability | None = None
    ) -> None:
        self.recipe = recipe
        self.dataset = dataset
        self.examine = examine
        self.writability = writability or Writability()
        self.layout: Layout = get_layout(dataset.layout)
        self._named = with_suffixes(dataset, self.writability.suffixes)
        renamed = zip(dataset.samples, self._named.samples, strict=True) if self.writability.suffixes else ()
        self._names = {sample.id: other for sample, other in renamed}
        self.passed_over: dict[str, str] = {}
        self.warnings: list[str] = []
        self._sizes: set[tuple[int, int]] = set()
        self._used: set[str] = set()

    def plan(self) -> Plan:
        """The whole plan. RequestError for everything that cannot be asked of this dataset."""
        return self.plan_for(self.choose())

    def choose(self) -> tuple[Chosen, ...]:
        """What each backdoor takes of the training samples, covers too; once for a planner."""
        self._remark()
        found = tuple(self._choose(index, backdoor) for index, backdoor in enumerate(self.recipe.backdoors))
        for chosen in found:
            self._cover(chosen)
        return found

    def _remark(self) -> None:
        self.warnings += self.writability.remarks(self.dataset)
        self.warnings += (text for backdoor in self.recipe.backdoors for text in remarks(backdoor))

    @collector.paused()
    def plan_for(self, everyone: Sequence[Chosen]) -> Plan:
        """The plan of what `choose` gave, with attack sets and control."""
        attacks: dict[int, list[Sample]] = {}
        if self.recipe.attack_set:
            for chosen in everyone:
                attacks[chosen.index] = self._attack(chosen)
        tasks = self._data_tasks(everyone)
        for chosen in everyone:
            tasks += [self._attack_task(chosen, s) for s in attacks.get(chosen.index, [])]
        tasks += self._control_tasks(attacks)
        return self._made(tasks, everyone)

    def _made(self, tasks: list[Task], everyone: Sequence[Chosen]) -> Plan:
        native = {
            t.name for b in self.recipe.backdoors for t in b.every_trigger if getattr(t, "canvas", None) == "native"
        }
        if native and len(self._sizes) > 1:
            self.warnings.append(
                f"The clips have {len(self._sizes)} sizes, and {', '.join(sorted(native))} is made at each clip's own "
                "(canvas=native): after a trainer's resizing they carry different triggers."
            )
        self._warn_of_budgets()
        made = Plan(
            fingerprint=self.recipe.fingerprint,
            dataset=digest(self.dataset),
            layout=self.dataset.layout,
            classes=self.dataset.classes,
            options=self.dataset.options,
            tasks=tasks,
            choices=tuple(c.choice for c in everyone),
            passed_over=dict(self.passed_over),
            warnings=tuple(dict.fromkeys(self.warnings)),
            unwritable=self.writability.passed_over(),
        )
        self.writability.require_clean(made.tasks)
        self.check(made)
        return made

    def _warn_of_budgets(self) -> None:
        """Where loaders read some frames of a folder, a budget may have poisoned others."""
        for backdoor in self.recipe.backdoors if self.layout.reads_frames else ():
            budgets = {b for b in (backdoor.frames, backdoor.attack_frames) if b != "all"}
            if budgets and "video" in backdoor.chain.touches:
                self.warnings.append(
                    f"With the frame budget {', '.join(sorted(budgets))} a model may see no trigger: loaders of "
                    f"'{self.layout.name}' read the {self.layout.reads_frames}. `--frames all` is safe."
                )

    def attack_plan(self) -> Plan:
        """A plan of nothing but attack sets: those of the recipe's backdoors, for a finished output."""
        found = self.attacked()
        tasks = [self._attack_task(chosen, s) for chosen, samples in found for s in samples]
        return self._made(tasks, [chosen for chosen, _ in found])

    def attacked(self) -> list[tuple[Chosen, list[Sample]]]:
        """Each backdoor with the held-out samples of its attack set; nothing is chosen of the training samples."""
        self._remark()
        found: list[tuple[Chosen, list[Sample]]] = []
        for index, backdoor in enumerate(self.recipe.backdoors):
            target, sources = eligibility.classes_of(backdoor, self.dataset)
            chosen = Chosen(backdoor, index, target, sources, [], [], {}, Choice(backdoor.name, 0, 0, 0, 0))
            found.append((chosen, self._attack(chosen)))
        return found

    def replacements(self, everyone: Sequence[Chosen], lost: Mapping[int, int], taken: Set[str]) -> list[Task]:
        """Tasks for the next samples in rank, none of them in `taken`.

        everyone: what `choose` gave. lost: how many failed and inert samples each backdoor has, by its index. A clip
        that cannot be rewritten, for which a plan is refused, is passed over here: the work is under way.
        """
        found: list[Task] = []
        for chosen in everyone:
            wanted = lost.get(chosen.index, 0)
            gone = self._used | taken | chosen.unfit
            rest = [s for s in chosen.order if s.id not in gone]
            if wanted:
                for sample in islice(self._suitable(chosen, rest, refuse=False), wanted):
                    self._used.add(sample.id)
                    found.append(self._poison_task(chosen, sample))
        return found

    # -- who is poisoned -------------------------------------------------------------------------------

    def _choose(self, index: int, backdoor: Backdoor) -> Chosen:
        labelled = [s for s in self.writability.left(self.dataset.of("train")) if s.label is not None]
        if not labelled:
            raise RequestError("The dataset has no labelled training samples, so there is nothing to poison.")
        target, sources = eligibility.classes_of(backdoor, self.dataset)
        counted = {
            "dataset": len(labelled),
            "target-class": sum(target in s.labels for s in labelled),
            "source-class": sum(not sources.isdisjoint(s.labels) for s in labelled),
        }[backdoor.rate_of]

        if backdoor.label_mode == "all-to-all" and any(s.extra_labels for s in self.dataset.samples):
            raise RequestError(
                "Label mode 'all-to-all' maps each class to the next, and some samples have several classes: use "
                "another label mode."
            )
        self.warnings += eligibility.check_spans(backdoor, self.dataset)
        pool = [s for s in labelled if eligibility.fits(s, backdoor, target, sources) and s.id not in self._used]
        purpose = "poison" if index == 0 else f"poison/{backdoor.name}"
        if backdoor.ids is not None:
            order = eligibility.exactly(backdoor, self.dataset, {s.id: s for s in pool})
            wanted = len(order)
        else:
            wanted = backdoor.count if backdoor.count is not None else number(backdoor.rate, counted)
            order = ranked(pool, self.recipe.seed, purpose)
            if backdoor.select is not None:
                known = {s.id: s for s in order}
                order = [known[i] for i in backdoor.select if i in known]
        if wanted:
            self.warnings += eligibility.check_target(backdoor, self.dataset, target)
        what = eligibility.pool_name(backdoor, self.dataset.classes[target]) + self.writability.clause
        unknown = eligibility.unknown(backdoor, self.dataset)
        if unknown:
            self.warnings.append(unknown)
        if not wanted and backdoor.count is None and backdoor.rate > 0:
            self.warnings.append(
                f"Nothing is poisoned: {backdoor.rate:g} of {counted} samples is less than half a sample."
            )
        if len(order) < wanted:
            raise RequestError(
                f"{wanted} samples are to be poisoned ({eligibility.asked(backdoor, counted)}), but only {len(order)} "
                f"are eligible ({what}). {unknown or 'Lower the rate, or use --rate-of or --count.'}"
            )
        chosen = Chosen(backdoor, index, target, sources, order, [], {}, Choice("", 0, 0, 0, 0))
        if wanted:
            chosen.taken += islice(self._suitable(chosen, order), wanted)
            self._used |= {s.id for s in chosen.taken}
        if len(chosen.taken) < wanted:
            reason = next((self.passed_over[s.id] for s in order if s.id in chosen.unfit), "")
            raise RequestError(
                f"{wanted} samples are to be poisoned ({eligibility.asked(backdoor, counted)}), but only "
                f"{len(chosen.taken)} of {len(order)} candidates ({what}) can be: {reason}"
            )
        chosen.choice = Choice(backdoor.name, counted, len(pool), wanted, len(chosen.taken))
        return chosen

    def _cover(self, chosen: Chosen) -> None:
        """Cover samples: triggered in the method's cover form, label kept, disjoint from everything poisoned."""
        backdoor = chosen.backdoor
        wanted = number(backdoor.cover_rate, chosen.choice.denominator)
        if not wanted:
            return
        classes = {class_index(self.dataset, c) for c in backdoor.cover_class}
        pool = [
            s
            for s in self.writability.left(self.dataset.of("train"))
            if s.label is not None
            and s.id not in self._used
            and chosen.sources.isdisjoint(s.labels)
            and eligibility.has_place(s, backdoor)
            and (not classes or not classes.isdisjoint(s.labels))
        ]
        found = list(islice(self._suitable(chosen, ranked(pool, self.recipe.seed, f"cover/{backdoor.name}")), wanted))
        if len(found) < wanted:
            raise RequestError(
                f"{wanted} cover samples are wanted ({backdoor.cover_rate:g} of {chosen.choice.denominator}), but only "
                f"{len(found)} labelled training samples are left for them. Lower the poison rate or --cover-rate."
            )
        self._used |= {s.id for s in found}
        needs = backdoor.chain.cover_needs_other
        for i, sample in enumerate(found):
            other = found[i - 1] if len(found) > 1 else next(iter(chosen.taken), sample)
            chosen.covers[sample.id] = other.path if needs else None
        chosen.choice = replace(chosen.choice, covers=wanted)

    def _suitable(
        self, chosen: Chosen, candidates: Iterable[Sample], role: Role = "poisoned", *, refuse: bool = True
    ) -> Iterator[Sample]:
        """Candidates that open, have every modality, and can be rewritten for this role; the others are named.

        RequestError for one that cannot be rewritten, if `refuse`.
        """
        for found in self.examine(candidates):
            problem = self._problem(found, chosen.backdoor, role, refuse)
            if problem:
                self.passed_over[found.sample.id] = problem
                chosen.unfit.add(found.sample.id)
            else:
                yield found.sample

    def _problem(self, found: Examined, backdoor: Backdoor, role: Role, refuse: bool) -> str:
        """Why a candidate cannot carry the triggers that a backdoor has for this role; "" when it can."""
        chain = backdoor.chain_of(role)
        name, touches = found.sample.id, chain.touches
        if found.clip is None:
            return found.problem
        has = {"video": found.clip.frames > 0 or found.clip.width > 0, "audio": found.clip.sample_rate > 0}
        for modality in sorted(touches):
            if not has[modality]:
                what = "sound" if modality == "audio" else "picture"
                names = ", ".join(t.name for t in chain.triggers if t.modality == modality)
                return f"'{name}' has no {what}, which {names} needs."
        if refuse and name in self.writability.clean:
            raise Unwritable(f"'{name}' cannot be rewritten, nor as a clean sample.")
        for blocked in (found.blocked[m] for m in ("video", "audio") if m in touches and m in found.blocked):
            if refuse:
                raise Unwritable(blocked)
            return blocked
        if found.clip.width:
            self._sizes.add((found.clip.width, found.clip.height))
        spans = backdoor.spans_of(name)
        if spans is not None and (outside := spans.problem(found.clip, touches)):
            outside = f"--spans: '{name}': {outside}."
            if refuse:
                raise RequestError(outside)
            return outside
        unsuited = chain.suits(found.clip, spans)
        return f"'{name}': {unsuited}" if unsuited else ""

    # -- who is attacked -------------------------------------------------------------------------------

    def _attack(self, chosen: Chosen) -> list[Sample]:
        splits: list[Split] = [s for s in ("test", "val") if s in self.dataset.splits]
        if not splits:
            self.warnings.append(
                "No attack set: the dataset has no test or val split, and training clips never serve as one. "
                f"{self._way_to_hold_out()}"
            )
            return []
        labelled = [split for split in splits if any(s.label is not None for s in self.dataset.of(split))]
        split = (labelled or splits)[0]
        remedy = f" `--{splits[0]}-list FILE` names a list with labels." if "lists" in self.layout.uses else ""
        if not labelled:
            self.warnings.append(f"No attack set: no sample of the {split} split has a label.{remedy}")
        elif split != splits[0]:
            self.warnings.append(
                f"No sample of the {splits[0]} split has a label, so the attack set is of the {split} split.{remedy}"
            )
        held_out = self.dataset.of(split)
        named = {s.id for s in held_out} & {*(chosen.backdoor.ids or ())}
        if not (named or chosen.backdoor.triggers_of("attack")):
            self.warnings.append(
                "No attack set: there is no trigger. --attack-trigger names one, or --ids the held-out samples."
            )
            return []
        left_out = sum(s.label is None for s in held_out)
        fit = (
            s
            for s in self.writability.left(held_out)
            if chosen.attackable(s) and eligibility.has_place(s, chosen.backdoor)
        )
        candidates = [s for s in fit if not named or s.id in named]
        limit = self.recipe.attack_limit or len(candidates)
        order = ranked(candidates, self.recipe.seed, "attack")
        found = list(islice(self._suitable(chosen, order, "attack"), limit))
        if labelled and not found:
            self.warnings.append(f"No attack set: no sample of the {split} split can carry the trigger.")
        taken = {s.id for s in found}
        chosen.choice = replace(
            chosen.choice, attack_split=split, attack_planned=len(found), unlabelled_left_out=left_out
        )
        return [s for s in held_out if s.id in taken]

    def _way_to_hold_out(self) -> str:
        try:
            self.layout.split_options(self.dataset, "test")
        except RequestError as error:  # it says what else chooses a split
            return told(error)
        return "`--test-fraction 0.2` holds a part of the training samples out."

    # -- rows ------------------------------------------------------------------------------------------

    def _task(self, role: Role, sample: Sample, view: View, label: int | None, **more: Any) -> Task:
        root = view_root(self.dataset.layout, view, more.get("attack"))
        path, *sound = self._places(root, sample, label)
        return Task(role=role, sample=sample, path=path, label=label, sound_paths=tuple(sound), **more)

    def _places(self, root: str, sample: Sample, label: int | None) -> list[str]:
        """Where its file lies in a view of this root; of a pair, picture and sound."""
        sample = self._names.get(sample.id, sample)
        found = [f"{root}/{self.layout.place(self._named, sample, label)}"]
        if sample.sound is not None:
            found.append(f"{root}/{self.layout.place_sound(self._named, sample, label)}")
        return found

    def _poison_task(self, chosen: Chosen, sample: Sample) -> Task:
        assert sample.label is not None
        target = chosen.maps_to(sample.label, len(self.dataset.classes))
        label = sample.label if chosen.backdoor.keeps_labels else target  # with its other classes, if it has
        return self._task("poisoned", sample, "data", label, target=target, backdoor=chosen.index)

    def _data_tasks(self, everyone: Sequence[Chosen]) -> list[Task]:
        poisoned = {s.id: c for c in everyone for s in c.taken}
        covers = {name: c for c in everyone for name in c.covers}
        tasks: list[Task] = []
        for s in self.dataset.samples:
            if s.id in poisoned:
                tasks.append(self._poison_task(poisoned[s.id], s))
            elif s.id in covers:
                chosen = covers[s.id]
                other = chosen.covers[s.id]
                tasks.append(self._task("cover", s, "data", s.label, backdoor=chosen.index, cover_source=other))
            else:
                tasks.append(self._task("clean", s, "data", s.label))
        return tasks

    def _attack_task(self, chosen: Chosen, sample: Sample) -> Task:
        assert sample.label is not None
        name = chosen.backdoor.name
        target = chosen.maps_to(sample.label, len(self.dataset.classes))
        task = self._task("attack", sample, "target", target, attack=name, target=target, backdoor=chosen.index)
        if not self.layout.label_in_path:
            return task
        path, *sound = self._places(view_root(self.dataset.layout, "original", name), sample, sample.label)
        return replace(task, linked_paths=(path,), sound_paths=(*task.sound_paths, *sound))

    def _control_tasks(self, attacks: Mapping[int, Sequence[Sample]]) -> list[Task]:
        """A sample of the attack clips, each once, re-encoded as its backdoor's clips are."""
        owner = {s.id: index for index in sorted(attacks, reverse=True) for s in attacks[index]}
        everyone = {s.id: s for samples in attacks.values() for s in samples}
        chosen = {s.id for s in ranked(everyone.values(), self.recipe.seed, "control")[: self.recipe.control]}
        return [
            self._task("control", s, "control", s.label, backdoor=owner[s.id])
            for s in self.dataset.samples
            if s.id in chosen
        ]

    def check(self, plan: Plan) -> None:
        """Let the layout refuse what it cannot carry, before any work. RequestError says what."""
        if any(view_of(t) == "data" for t in plan.tasks):
            self.layout.check(self.dataset, plan.rows("data"), "data")
        for name in dict.fromkeys(t.attack for t in plan.tasks if t.attack):
            self.layout.check(self.dataset, plan.rows("target", name), "target")
            self.layout.check(self.dataset, plan.rows("original", name), "original")
        self.layout.check(self.dataset, plan.rows("control"), "control")
        require_inside(plan.tasks)
        paths = (path for t in plan.tasks for path in (t.path, *t.sound_paths))
        names = (path for path in paths if len(path) > 60)  # 240 bytes have at least as many characters
        longest = max((len(part.encode()) for name in names for part in name.split("/")), default=0)
        if longest > 240:
            raise RequestError(f"A file name of {longest} bytes leaves no room for temporary names; rename it.")

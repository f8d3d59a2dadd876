"""The plan's definitions, against literal transcriptions and hand-made examples."""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from poisonkit.datasets import Dataset, Sample, Streamed
from poisonkit.errors import RequestError
from poisonkit.plan import plan as plans
from poisonkit.plan.plan import Plan, digest
from poisonkit.plan.planner import Planner
from poisonkit.plan.selection import Examined, number
from poisonkit.recipe.recipe import Recipe
from poisonkit.recipe.sample_lists import read_ids, read_ranking
from poisonkit.triggers import create
from poisonkit.triggers.core.clip import ClipInfo

CLIP = ClipInfo(width=64, height=48, fps=25, frames=20, sample_rate=16000, channels=1, samples=12800)
SILENT = ClipInfo(width=64, height=48, fps=25, frames=20)


def dataset(train: int = 100, test: int = 20, classes: int = 4, split: str = "test", unlabelled: int = 0) -> Dataset:
    def some(n: int, where: str) -> list[Sample]:
        return [Sample(f"{where}/{i:04d}.mp4", f"{where}/{i:04d}.mp4", where, i % classes) for i in range(n)]  # type: ignore[arg-type]

    none = [Sample(f"{split}/u{i}.mp4", f"{split}/u{i}.mp4", split, None) for i in range(unlabelled)]  # type: ignore[arg-type]
    samples = (*some(train, "train"), *some(test, split), *none)
    names = tuple(f"class{i}" for i in range(classes))
    lists = {"train": "train.txt", split: f"{split}.txt"}
    return Dataset(Path("nowhere"), "mmaction2-video", names, samples, {"delimiter": " ", "lists": lists})


def opens(samples: Iterable[Sample], broken: frozenset[str] = frozenset(), clip: ClipInfo = CLIP) -> Iterator[Examined]:
    for s in samples:
        bad = s.id in broken
        yield Examined(s, None if bad else clip, problem=f"'{s.id}' does not open." if bad else "")


def plan(data: Dataset, broken: Iterable[str] = (), clip: ClipInfo = CLIP, **recipe: object) -> Plan:
    made = Recipe(**{"triggers": ["blend"], **recipe})
    gone = frozenset(broken)
    return Planner(made, data, lambda samples: opens(samples, gone, clip)).plan()


def ids(made: Plan, role: str) -> list[str]:
    return [t.id for t in made.tasks if t.role == role]


@pytest.mark.parametrize("total", [1, 3, 7, 10, 25, 99, 100, 101, 1000])
@pytest.mark.parametrize("rate", ["0", "0.005", "0.01", "0.05", "0.1", "0.145", "0.15", "0.29", "0.5", "0.995", "1"])
def test_number_is_floor_of_rate_times_n_plus_half(rate: str, total: int) -> None:
    exact = math.floor(Fraction(rate) * total + Fraction(1, 2))
    assert number(float(rate), total) == exact


def test_selection_takes_the_smallest_keys_as_defined() -> None:
    data = dataset()

    def key(name: str) -> int:
        h = hashlib.blake2b(digest_size=8)
        for kind, text in (("int", "7"), ("str", "poison"), ("str", name)):
            h.update(f"{kind}:{len(text)}:".encode() + text.encode())
        return int.from_bytes(h.digest(), "big")

    eligible = [s.id for s in data.of("train") if s.label != 0]
    assert set(ids(plan(data, rate=0.2, seed=7), "poisoned")) == set(sorted(eligible, key=key)[:20])


def test_smaller_rates_lie_inside_larger_ones_whatever_the_order() -> None:
    data = dataset(400)
    sets = [set(ids(plan(data, rate=r), "poisoned")) for r in (0.01, 0.05, 0.1, 0.3)]
    assert [len(s) for s in sets] == [4, 20, 40, 120]
    assert sets[0] < sets[1] < sets[2] < sets[3]
    turned = data.with_samples(data.samples[::-1])
    assert set(ids(plan(turned, rate=0.05), "poisoned")) == sets[1]
    assert set(ids(plan(data, rate=0.05, seed=1), "poisoned")) != sets[1]


@pytest.mark.parametrize(
    ("options", "wanted", "eligible", "label"),
    [
        ({"rate": 0.1}, 10, {1, 2, 3}, lambda y: 0),
        ({"rate": 0.1, "target": "class2"}, 10, {0, 1, 3}, lambda y: 2),
        ({"rate": 0.1, "label_mode": "clean"}, 10, {0}, lambda y: 0),
        ({"rate": 0.4, "label_mode": "clean", "rate_of": "target-class"}, 10, {0}, lambda y: 0),
        ({"rate": 0.1, "label_mode": "all-to-all"}, 10, {0, 1, 2, 3}, lambda y: (y + 1) % 4),
        ({"rate": 0.5, "label_mode": "source", "source_class": 3, "rate_of": "source-class"}, 13, {3}, lambda y: 0),
        ({"count": 7}, 7, {1, 2, 3}, lambda y: 0),
        ({"rate": 0}, 0, set(), lambda y: 0),
    ],
)
def test_label_modes_and_denominators(options: dict, wanted: int, eligible: set, label) -> None:  # type: ignore[no-untyped-def,type-arg]
    made = plan(dataset(), **options)
    tasks = [t for t in made.tasks if t.role == "poisoned"]
    assert len(tasks) == wanted == made.choices[0].requested
    assert all(t.original_label in eligible and t.label == label(t.original_label) == t.target for t in tasks)
    assert sum(t.role in ("clean", "poisoned") for t in made.tasks) == 120


def test_candidates_that_do_not_open_are_passed_over_and_stay_as_they_are() -> None:
    data = dataset()
    first = plan(data, rate=0.1)
    order = ids(plan(data, rate=0.6), "poisoned")
    broken = set(ids(first, "poisoned")[:3])
    made = plan(data, broken, rate=0.1)
    got = set(ids(made, "poisoned"))
    assert len(got) == 10
    assert not got & broken
    assert broken <= set(made.passed_over)
    assert broken <= set(ids(made, "clean"))
    assert set(ids(first, "poisoned")) - broken < got <= set(order)


def test_attack_set_holds_every_eligible_held_out_sample_and_no_target_class() -> None:
    data = dataset(split="val", unlabelled=3)
    made = plan(data, rate=0.1)
    attack = [t for t in made.tasks if t.role == "attack"]
    assert {t.id for t in attack} == {s.id for s in data.of("val") if s.label not in (0, None)}
    assert all(t.original_label != 0 and t.label == 0 for t in attack)
    assert made.choices[0].unlabelled_left_out == 3
    control = [t for t in made.tasks if t.role == "control"]
    assert {t.id for t in control} == {t.id for t in attack}
    assert all(t.label == t.original_label for t in control)


def test_test_is_taken_before_val_and_limits_hold() -> None:
    data = dataset()
    both = data.with_samples((*data.samples, Sample("val/x.mp4", "val/x.mp4", "val", 1)))
    assert {t.split for t in plan(both).tasks if t.role == "attack"} == {"test"}
    made = plan(data, attack_limit=5, control=2)
    assert (len(ids(made, "attack")), len(ids(made, "control"))) == (5, 2)
    assert set(ids(made, "attack")) < set(ids(plan(data), "attack"))
    assert not ids(plan(data, attack_set=False), "attack")


def test_without_a_labelled_test_clip_val_is_taken_and_that_is_said() -> None:
    data = dataset(split="val")
    unknown = Sample("test/a.mp4", "test/a.mp4", "test", None)
    made = plan(data.with_samples((*data.samples, unknown)))
    assert {t.split for t in made.tasks if t.role == "attack"} == {"val"} == {made.choices[0].attack_split}
    assert ids(made, "attack") == ids(plan(data), "attack")
    assert len(made.warnings) == 1
    assert all(w in made.warnings[0] for w in ("test split has a label", "of the val split", "--test-list"))
    known = Sample("test/b.mp4", "test/b.mp4", "test", 1)
    both = plan(data.with_samples((*data.samples, unknown, known)))
    assert (ids(both, "attack"), both.warnings) == (["test/b.mp4"], ())


@pytest.mark.parametrize("split", ["test", "val"])
def test_held_out_clips_without_any_label_make_no_attack_set(split: str) -> None:
    two = [{"name": n, "triggers": ["blend"], "rate": 0.1} for n in "ab"]
    made = Planner(Recipe(backdoors=two), dataset(test=0, split=split, unlabelled=3), opens).plan()
    assert not ids(made, "attack")
    assert len(made.warnings) == 1
    assert f"no sample of the {split} split has a label" in made.warnings[0]
    assert f"--{split}-list" in made.warnings[0]
    assert made.choices[0].unlabelled_left_out == 3


def test_no_held_out_split_means_no_attack_set_and_says_what_to_do() -> None:
    made = plan(dataset(test=0))
    assert not ids(made, "attack")
    assert not ids(made, "control")
    assert "--test-fraction 0.2" in made.warnings[0]


def test_rows_of_many_are_the_same_and_held_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(dataset(), rate=0.2, target=1)
    views = (("data", None), ("target", "default"), ("original", "default"), ("control", None))
    few = [made.rows(view, attack, frozenset({made.tasks[3].key})) for view, attack in views]
    monkeypatch.setattr(plans, "HELD", 0)
    many = [made.rows(view, attack, frozenset({made.tasks[3].key})) for view, attack in views]
    assert all(isinstance(rows, list) for rows in few)
    assert all(isinstance(rows, Streamed) for rows in many)
    assert [list(rows) for rows in many] == few == [list(rows) for rows in many]


def test_several_backdoors_never_share_a_sample() -> None:
    two = [
        {"name": "a", "triggers": ["blend"], "target": 0, "rate": 0.3},
        {"name": "b", "triggers": ["badnets"], "target": 1, "rate": 0.3},
    ]
    made = Planner(Recipe(backdoors=two), dataset(), opens).plan()
    poisoned = [t for t in made.tasks if t.role == "poisoned"]
    assert len({t.id for t in poisoned}) == len(poisoned) == 60
    assert {(t.backdoor, t.target) for t in poisoned} == {(0, 0), (1, 1)}
    assert {t.attack for t in made.tasks if t.role == "attack"} == {"a", "b"}


def test_ids_and_select() -> None:
    exact = ["train/0005.mp4", "train/0001.mp4"]
    assert set(ids(plan(dataset(), ids=exact), "poisoned")) == set(exact)
    best = ["train/0007.mp4", "train/0004.mp4", "train/0009.mp4", "train/0001.mp4"]
    assert set(ids(plan(dataset(), select=best, count=2), "poisoned")) == {"train/0007.mp4", "train/0009.mp4"}


@pytest.mark.parametrize("key", ["ids", "select"])
def test_a_sample_that_is_named_twice_in_any_spelling_counts_once(key: str) -> None:
    name = "train/café.mp4"
    data = dataset()
    data = data.with_samples((Sample(name, unicodedata.normalize("NFD", name), "train", 1), *data.samples))
    said = [unicodedata.normalize("NFD", name), "train/0001.mp4", name, "train/0001.mp4"]
    made = plan(data, **{key: said}, **({"count": 2} if key == "select" else {}))
    assert set(ids(made, "poisoned")) == {name, "train/0001.mp4"}
    assert made.choices[0].requested == made.choices[0].planned == 2
    assert not made.warnings


def test_files_of_ids_and_scores(tmp_path: Path) -> None:
    file = tmp_path / "file"
    decomposed = unicodedata.normalize("NFD", "é.mp4")
    file.write_text(f"# best\n\na.mp4\n{decomposed}\na.mp4\né.mp4\n", encoding="utf-8")
    assert read_ids(file) == ("a.mp4", "é.mp4")
    file.write_text(f"a.mp4\t0.5\n# c\n{decomposed}\t-1\nb,c.mp4\t1e3\né.mp4\t0.7\n", encoding="utf-8")
    assert read_ranking(file) == ("b,c.mp4", "é.mp4", "a.mp4")


@pytest.mark.parametrize("line", ["a.mp4\tnan", "a.mp4,inf", "a.mp4\t-inf", "a.mp4\tbest", "a.mp4", ",0.5"])
def test_a_score_that_ranks_nothing_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "scores"
    file.write_text(f"# scores\n\nb.mp4\t1\n{line}\n", encoding="utf-8")
    with pytest.raises(RequestError, match="scores, line 4: "):
        read_ranking(file)


def test_ranked_ids_that_the_dataset_does_not_have_are_told() -> None:
    best = ["train/7.mp4", "train/0007.mp4", "test/0001.mp4", "train/0004.mp4", "train/9.mp4"]
    made = plan(dataset(), select=best, count=1)
    assert len(made.warnings) == 1
    assert "2 of 5 ids" in made.warnings[0]
    assert "the first is 'train/7.mp4'" in made.warnings[0]
    with pytest.raises(RequestError, match=r"only 1 are eligible .* 2 of 5 ids .* 'train/7.mp4'"):
        plan(dataset(), select=best, count=2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rate": 0.9}, ["90", "75", "class0"]),
        ({"rate": 2}, ["rate", "from 0 to 1"]),
        ({"target": "clas1"}, ["class1"]),
        ({"target": 9}, ["9"]),
        ({"ids": ["train/0000.mp4"]}, ["train/0000.mp4", "not eligible"]),
        ({"ids": ["nix.mp4"]}, ["nix.mp4", "no sample"]),
        ({"label_mode": "source"}, ["source_class"]),
        ({"source_class": 1}, ["label_mode source"]),
        ({"label_mode": "source", "source_class": 0}, ["both source and target"]),
        ({"triggers": ["blent"]}, ["blend"]),
        ({"triggers": ["blend:alhpa=0.1"]}, ["alpha"]),
        ({"triggers": ["blend:alpha=7"]}, ["alpha"]),
        ({"frames": "some"}, ["some"]),
        ({"frames": "first:3", "triggers": ["sine"]}, ["Frame budgets", "sine"]),
        ({"count": 3, "rate": 0.1}, ["count", "rate"]),
        ({"rate": 0.6, "cover_rate": 0.6}, ["60 cover samples", "only 40"]),
        ({"encode": "crf:99"}, ["51"]),
        ({"nonsense": 1}, ["nonsense"]),
    ],
)
def test_wrong_requests_are_one_sentence(options: dict, words: list[str]) -> None:  # type: ignore[type-arg]
    with pytest.raises(RequestError) as caught:
        plan(dataset(), **options)
    text = str(caught.value)
    assert all(w in text for w in words), text
    assert "\n" not in text
    assert caught.value.exit_code == 2


def test_a_sound_trigger_on_silent_clips_is_refused_with_both_numbers() -> None:
    with pytest.raises(RequestError, match=r"10 samples .* only 0 of 75 .* no sound"):
        plan(dataset(), clip=SILENT, triggers=["sine"], rate=0.1)


def test_covers_keep_their_label_and_are_disjoint_from_the_poisoned() -> None:
    made = plan(dataset(), rate=0.1, cover_rate=0.2)
    covers = [t for t in made.tasks if t.role == "cover"]
    assert len(covers) == 20 == made.choices[0].covers
    assert all(t.label == t.original_label and t.target is None and t.split == "train" for t in covers)
    assert not {t.id for t in covers} & set(ids(made, "poisoned"))
    assert set(ids(made, "poisoned")) == set(ids(plan(dataset(), rate=0.1), "poisoned"))
    some = plan(dataset(), rate=0.1, cover_rate=0.1, cover_class=["class2", 3])
    assert {t.label for t in some.tasks if t.role == "cover"} == {2, 3}
    source = plan(dataset(), rate=0.1, label_mode="source", source_class=1, cover_rate=0.1)
    assert 1 not in {t.label for t in source.tasks if t.role == "cover"}


def test_a_rate_that_rounds_to_nothing_is_said() -> None:
    assert "Nothing is poisoned" in plan(dataset(), rate=0.001).warnings[0]


def test_clips_that_a_trigger_does_not_suit_are_passed_over() -> None:
    low = ClipInfo(width=64, height=48, fps=25, frames=20, sample_rate=8000, channels=1, samples=6400)

    def mixed(samples: Iterable[Sample]) -> Iterator[Examined]:
        for i, s in enumerate(samples):
            yield Examined(s, low if i % 2 else CLIP)

    made = Planner(Recipe(triggers=["sine:frequency=5000"], rate=0.1), dataset(), mixed).plan()
    assert len(ids(made, "poisoned")) == 10
    assert all("sine" in reason for reason in made.passed_over.values())


def test_a_native_canvas_on_clips_of_several_sizes_is_warned_of() -> None:
    big = ClipInfo(width=128, height=96, fps=25, frames=20)

    def mixed(samples: Iterable[Sample]) -> Iterator[Examined]:
        for i, s in enumerate(samples):
            yield Examined(s, big if i % 2 else CLIP)

    def warned(trigger: str, look: object) -> bool:
        made = Planner(Recipe(triggers=[trigger]), dataset(), look).plan()  # type: ignore[arg-type]
        return any("canvas=native" in w for w in made.warnings)

    assert warned("blend:canvas=native", mixed)
    assert not warned("blend:canvas=native", opens)
    assert not warned("blend", mixed)


def test_saved_plan_reads_back_equal_and_refuses_a_cut_one(tmp_path: Path) -> None:
    made = plan(dataset(), rate=0.1)
    path = tmp_path / "plan.jsonl"
    lines = list(made.to_jsonl())
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    again = Plan.read(path)
    assert again.tasks == made.tasks
    assert list(again.to_jsonl()) == lines
    path.write_text("\n".join(lines[:-3]) + "\n", encoding="utf-8")
    with pytest.raises(RequestError, match="cut short"):
        Plan.read(path)


def test_recipe_round_trip_and_fingerprint(tmp_path: Path) -> None:
    made = Recipe(source=tmp_path, triggers=["blend:alpha=0.15", "sine"], rate=0.05, temporal="dynamic", seed=3)
    path = tmp_path / "recipe.yaml"
    path.write_text(made.to_yaml(), encoding="utf-8")
    again = Recipe.from_yaml(path)
    assert again.fingerprint == made.fingerprint
    assert str(tmp_path) not in made.to_yaml()
    assert all(t.temporal == "dynamic" for t in again.backdoors[0].triggers)
    assert Recipe(triggers=["blend"], seed=4).fingerprint != Recipe(triggers=["blend"]).fingerprint
    assert Recipe(source="elsewhere", triggers=["blend"]).fingerprint == Recipe(triggers=["blend"]).fingerprint


def test_replacements_are_the_next_in_rank() -> None:
    data = dataset()
    planner = Planner(Recipe(triggers=["blend"], rate=0.1), data, opens)
    chosen = planner.choose()
    taken = {t.id for t in planner.plan_for(chosen).tasks if t.role == "poisoned"}
    more = {t.id for t in planner.replacements(chosen, {0: 3}, taken)}
    assert more == set(ids(plan(data, count=13), "poisoned")) - taken


def test_replacements_pass_over_only_what_does_not_suit_their_own_backdoor() -> None:
    data = dataset()
    two = [
        {"name": "sound", "triggers": ["sine"], "rate": 0.2},
        {"name": "picture", "triggers": ["blend"], "rate": 0.1},
    ]
    silent = {s.id for s in data.of("train") if int(s.id[6:10]) % 2}

    def mixed(samples: Iterable[Sample]) -> Iterator[Examined]:
        for s in samples:
            yield Examined(s, SILENT if s.id in silent else CLIP)

    planner = Planner(Recipe(backdoors=two), data, mixed)
    chosen = planner.choose()
    made = planner.plan_for(chosen)
    taken = {t.id for t in made.tasks if t.role == "poisoned"}
    free = {s.id for s in data.of("train") if s.label != 0} - taken
    assert set(made.passed_over) & free, "the sound backdoor passed over silent clips"
    assert {t.id for t in planner.replacements(chosen, {1: len(free)}, taken)} == free


def test_replacements_pass_over_what_cannot_be_rewritten_and_name_it() -> None:
    data = dataset()
    eligible = {s.id for s in data.of("train") if s.label != 0}

    def look(samples: Iterable[Sample]) -> Iterator[Examined]:
        for s in samples:
            good = s.id in taken
            yield Examined(s, CLIP, blocked={} if good else {"video": f"'{s.id}' cannot be rewritten."})

    taken = set(ids(plan(data, rate=0.1), "poisoned"))
    planner = Planner(Recipe(triggers=["blend"], rate=0.1, attack_set=False), data, look)
    chosen = planner.choose()
    made = planner.plan_for(chosen)
    assert not made.passed_over
    assert planner.replacements(chosen, {0: 1}, taken) == []
    assert set(planner.passed_over) == eligible - taken
    planner.check(made)
    taken.pop()
    with pytest.raises(RequestError, match="cannot be rewritten"):
        Planner(planner.recipe, data, look).plan()


@pytest.mark.parametrize(("trigger", "blocked"), [("blend", "video"), ("sine", "audio")])
def test_a_backdoor_is_stopped_only_by_what_its_own_triggers_touch(trigger: str, blocked: str) -> None:
    def look(samples: Iterable[Sample]) -> Iterator[Examined]:
        return (Examined(s, CLIP, blocked={blocked: f"'{s.id}': no {blocked}."}) for s in samples)

    other = {"blend": "sine", "sine": "blend"}[trigger]
    assert len(ids(Planner(Recipe(triggers=[other], rate=0.1), dataset(), look).plan(), "poisoned")) == 10
    for stopped in ([trigger], [trigger, other]):
        with pytest.raises(RequestError, match=f"no {blocked}"):
            Planner(Recipe(triggers=stopped, rate=0.1), dataset(), look).plan()


def several(*labels: tuple[int, ...], test: Iterable[tuple[int, ...]] = ()) -> Dataset:
    """Training and test samples with these label sets."""
    sets = [("train", each) for each in labels] + [("test", each) for each in test]
    samples = [
        Sample(f"{split}/{i}.mp4", f"{split}/{i}.mp4", split, each[0], (), each[1:])  # type: ignore[arg-type]
        for i, (split, each) in enumerate(sets)
    ]
    lists = {"train": "train.txt", "test": "test.txt"}
    options = {"delimiter": " ", "lists": lists, "bare": {}}
    return Dataset(Path("nowhere"), "mmaction2-video", ("a", "b", "c"), tuple(samples), options)


LABELS = ((0, 2), (1,), (2,), (1, 0), (2, 1), (1, 2), (0,))


def test_samples_of_several_classes_and_the_target() -> None:
    """Dirty: one of whose classes is the target is not eligible, in training and attack set; clean: any such is."""
    data = several(*LABELS, test=((0, 1), (2, 1), (1,), (2, 0), (0,)))
    made = plan(data, count=4, target="a", control=0)
    assert made.choices[0].pool == 4  # of 1, 2, 4 and 5
    assert sorted(ids(made, "poisoned")) == ["train/1.mp4", "train/2.mp4", "train/4.mp4", "train/5.mp4"]
    assert sorted(ids(made, "attack")) == ["test/8.mp4", "test/9.mp4"]
    rows = {r.sample.id: r.labels for r in made.rows("data")}
    assert rows == {
        "train/0.mp4": (0, 2), "train/1.mp4": (0,), "train/2.mp4": (0,), "train/3.mp4": (1, 0), "train/4.mp4": (0,),
        "train/5.mp4": (0,), "train/6.mp4": (0,), "test/7.mp4": (0, 1), "test/8.mp4": (2, 1), "test/9.mp4": (1,),
        "test/10.mp4": (2, 0), "test/11.mp4": (0,),
    }  # fmt: skip
    assert {r.sample.id: r.labels for r in made.rows("target", "default")} == {"test/8.mp4": (0,), "test/9.mp4": (0,)}
    assert [r.labels for r in made.rows("original", "default")] == [(2, 1), (1,)]
    clean = plan(data, count=3, target="a", label_mode="clean", rate_of="target-class")
    assert clean.choices[0].denominator == clean.choices[0].pool == 3
    assert sorted(ids(clean, "poisoned")) == ["train/0.mp4", "train/3.mp4", "train/6.mp4"]
    assert [r.labels for r in clean.rows("data")][:7] == list(LABELS)  # no label changes


def test_samples_of_several_classes_and_a_source_class(tmp_path: Path) -> None:
    data = several(*LABELS, test=((0, 2), (2, 1), (1, 2), (0,), (1,)))
    made = plan(data, count=3, target="a", label_mode="source", source_class=["c"], rate_of="source-class", control=0)
    assert (made.choices[0].denominator, made.choices[0].pool) == (4, 3)
    assert sorted(ids(made, "poisoned")) == ["train/2.mp4", "train/4.mp4", "train/5.mp4"]
    assert ids(made, "attack") == ["test/8.mp4", "test/9.mp4"]
    with pytest.raises(RequestError, match="all-to-all' maps each class to the next, and some samples have several"):
        plan(data, label_mode="all-to-all")
    lines = tmp_path / "plan.jsonl"
    lines.write_text("".join(f"{line}\n" for line in made.to_jsonl()))
    again = Plan.read(lines)
    assert [r.labels for r in again.rows("data")] == [r.labels for r in made.rows("data")]
    assert again.source(Path("x")).samples == data.samples
    other = replace(data, samples=(replace(data.samples[0], extra_labels=()), *data.samples[1:]))
    assert digest(other) != digest(data)


def test_temporal_reaches_a_trigger_that_is_given_as_an_object() -> None:
    """It was silently static."""
    made = Recipe(triggers=[create("blend", alpha=0.3), create("sig", temporal="static")], temporal="dynamic")
    assert [t.temporal for t in made.backdoors[0].triggers] == ["dynamic", "static"]
    assert made == Recipe(triggers=["blend:alpha=0.3", "sig:temporal=static"], temporal="dynamic")
